import { equal } from 'node:assert/strict';
import { test } from 'node:test';
import { cellsSaid, nextFinding } from '../src/order';
import type { Finding } from '../src/wire';

function finding(cell: number, line: number): Finding {
  return { rule: `${cell}:${line}`, span: { cell, line, column: 0, end_line: line, end_column: 1 } } as Finding;
}

test('findings are gone through in the order of the cells, round and round', () => {
  const findings = [finding(4, 1), finding(2, 3), finding(2, 1), { rule: 'nowhere', span: null } as Finding];
  const visited = (cell: number, line: number, step: 1 | -1) => nextFinding(findings, { cell, line }, step)?.rule;
  equal(visited(0, 1, 1), '2:1');
  equal(visited(2, 1, 1), '2:3');
  equal(visited(4, 1, 1), '2:1');
  equal(visited(2, 1, -1), '4:1');
  equal(nextFinding([], { cell: 0, line: 1 }, 1), null);
});

test('cells are said as people count them', () => {
  equal(cellsSaid([2]), 'cell 3');
  equal(cellsSaid([4, 2, 3, 7]), 'cells 3–5, 8');
});
