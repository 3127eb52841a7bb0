import { equal } from 'node:assert/strict';
import { test } from 'node:test';
import { fitting, zoomed } from '../src/zoom';

test('a small picture is not blown up, a large one stays readable', () => {
  equal(fitting(200, 400), 1);
  equal(fitting(400, 320), 0.8);
  equal(fitting(4000, 320), 0.72);
  equal(fitting(400, 0), 1);
});

test('what is under the pointer stays there', () => {
  const look = { scale: 1, left: 100, top: 50 };
  const next = zoomed(look, 2, 30, 40);
  const at = (one: typeof look, x: number, y: number) => [(one.left + x) / one.scale, (one.top + y) / one.scale];
  equal(String(at(next, 30, 40)), String(at(look, 30, 40)));
});

test('zoom has ends', () => {
  equal(zoomed({ scale: 2.9, left: 0, top: 0 }, 2, 0, 0).scale, 3);
  equal(zoomed({ scale: 0.21, left: 0, top: 0 }, 0.5, 0, 0).scale, 0.2);
});
