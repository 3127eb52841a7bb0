/** A figure at a time, in milliseconds since 1970. */
export interface Point {
  at: number;
  figure: number;
}

/** Where a small plot's lines lie in its frame; `limit` is the height of the line that should not be crossed. */
export interface Spark {
  line: string;
  dots: [number, number][];
  promised: string;
  limit: number | null;
}

export const WIDTH = 240;
export const HEIGHT = 56;
const EDGE = 4;

/** Figures over time from nought on, beside what was promised: a promise holds until the next. */
export function sparkOf(points: readonly Point[], promised: readonly Point[], limit: number | null): Spark {
  const figures = [...points, ...promised].map(one => one.figure).concat(limit ?? []);
  const times = points.map(one => one.at);
  const x = scaled(Math.min(...times), Math.max(...times), EDGE, WIDTH - EDGE);
  const y = scaled(Math.min(0, ...figures), Math.max(0, ...figures), HEIGHT - EDGE, EDGE);
  const place = ({ at, figure }: Point): [number, number] => [x(at), y(figure)];
  return {
    line: points.map(place).join(' '),
    dots: points.map(place),
    promised: stepped(promised).map(place).join(' '),
    limit: limit === null ? null : y(limit)
  };
}

function scaled(low: number, high: number, from: number, to: number): (value: number) => number {
  const share = (value: number) => (high > low ? (value - low) / (high - low) : 0.5);
  return value => Math.round((from + share(value) * (to - from)) * 10) / 10;
}

function stepped(points: readonly Point[]): Point[] {
  return points.flatMap((one, place) => {
    const before = points[place - 1];
    return before && before.figure !== one.figure ? [{ at: one.at, figure: before.figure }, one] : [one];
  });
}
