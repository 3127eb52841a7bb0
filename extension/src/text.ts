import type { Edit } from './wire';

/** Columns on the wire count Unicode code points; JavaScript's strings count UTF-16 units. */
export function utf16Column(line: string, column: number): number {
  let units = 0;
  for (const character of line) {
    if (column-- <= 0) {
      break;
    }
    units += character.length;
  }
  return units;
}

/** Where a line (from 1) and column stand in a text, in UTF-16 units; held inside the text. */
export function offsetOf(source: string, line: number, column: number): number {
  const lines = source.split('\n');
  const index = Math.min(Math.max(line, 1), lines.length) - 1;
  const before = lines.slice(0, index).reduce((sum, one) => sum + one.length + 1, 0);
  return before + utf16Column(lines[index], column);
}

/** The source with the edits made; they don't overlap. */
export function spliced(source: string, edits: readonly Edit[]): string {
  return edits
    .map(({ span, replacement }) => ({
      from: offsetOf(source, span.line, span.column),
      to: offsetOf(source, span.end_line, span.end_column),
      replacement
    }))
    .sort((one, other) => other.from - one.from)
    .reduce((text, { from, to, replacement }) => text.slice(0, from) + replacement + text.slice(to), source);
}

/** A line of a diff: kept, taken out or put in. */
export interface DiffLine {
  sign: ' ' | '-' | '+';
  text: string;
}

/** What edits do to a source, as the lines they touch; equal lines at both ends are left out. */
export function changedLines(source: string, edits: readonly Edit[]): DiffLine[] {
  const before = source.split('\n');
  const after = spliced(source, edits).split('\n');
  let head = 0;
  while (head < Math.min(before.length, after.length) && before[head] === after[head]) {
    head++;
  }
  let tail = 0;
  while (
    tail < Math.min(before.length, after.length) - head &&
    before[before.length - 1 - tail] === after[after.length - 1 - tail]
  ) {
    tail++;
  }
  const between = (lines: string[], sign: '-' | '+') =>
    lines.slice(head, lines.length - tail).map(text => ({ sign, text }) as DiffLine);
  return [...between(before, '-'), ...between(after, '+')];
}
