import type { Finding } from './wire';

/** Where something stands in a notebook. */
export interface Place {
  cell: number;
  line: number;
}

/** The finding after a place, or before it, going round at the ends; null where no finding has a place. */
export function nextFinding(findings: readonly Finding[], from: Place, step: 1 | -1): Finding | null {
  const placed = findings
    .filter(one => one.span)
    .sort((one, other) => order(one.span!, other.span!));
  const at = step === 1 ? placed : [...placed].reverse();
  return at.find(one => order(one.span!, from) * step > 0) ?? at[0] ?? null;
}

function order(one: Place, other: Place): number {
  return one.cell - other.cell || one.line - other.line;
}

/** Cells as people count them: `cell 3`, `cells 3–5, 8`. */
export function cellsSaid(cells: readonly number[]): string {
  const runs: [number, number][] = [];
  for (const cell of [...cells].sort((one, other) => one - other)) {
    const last = runs[runs.length - 1];
    if (last && cell === last[1] + 1) {
      last[1] = cell;
    } else {
      runs.push([cell, cell]);
    }
  }
  const words = runs.map(([first, last]) => (first === last ? `${first + 1}` : `${first + 1}–${last + 1}`));
  return `${cells.length === 1 ? 'cell' : 'cells'} ${words.join(', ')}`;
}
