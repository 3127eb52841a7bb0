import { deepEqual, equal } from 'node:assert/strict';
import { test } from 'node:test';
import { HEIGHT, sparkOf, WIDTH } from '../src/spark';

test('figures lie between nought at the foot and the highest at the head', () => {
  const { dots, limit } = sparkOf([{ at: 0, figure: 0 }, { at: 10, figure: 1 }], [], 0.5);
  deepEqual(dots, [[4, HEIGHT - 4], [WIDTH - 4, 4]]);
  equal(limit, HEIGHT / 2);
});

test('figures below nought have room', () => {
  const { dots } = sparkOf([{ at: 0, figure: -1 }, { at: 10, figure: 0 }], [], null);
  deepEqual(dots, [[4, HEIGHT - 4], [WIDTH - 4, 4]]);
});

test('one batch stands in the middle, and nought everywhere draws no line into the air', () => {
  deepEqual(sparkOf([{ at: 7, figure: 3 }], [], null).dots, [[WIDTH / 2, 4]]);
  deepEqual(sparkOf([{ at: 7, figure: 0 }], [], null).dots, [[WIDTH / 2, HEIGHT / 2]]);
});

test('a promise holds until the next', () => {
  const points = [{ at: 0, figure: 1 }, { at: 10, figure: 1 }];
  const { promised } = sparkOf(points, [{ at: 0, figure: 1 }, { at: 10, figure: 2 }], null);
  equal(promised, `4,${HEIGHT / 2} ${WIDTH - 4},${HEIGHT / 2} ${WIDTH - 4},4`);
});
