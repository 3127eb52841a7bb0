import { deepEqual } from 'node:assert/strict';
import { test } from 'node:test';
import { EventReader } from '../src/stream';

const TEXT = ': still here\n\nid: 1\nevent: run\ndata: {"a":1}\n\nid: 2\ndata: one\ndata: two\n\n';
const EVENTS = [
  { id: '1', event: 'run', data: '{"a":1}' },
  { id: '2', event: 'message', data: 'one\ntwo' }
];

test('events are read from one piece', () => {
  deepEqual(new EventReader().read(TEXT), EVENTS);
});

test('wherever the text is cut, the same events come', () => {
  for (let cut = 0; cut <= TEXT.length; cut++) {
    const reader = new EventReader();
    deepEqual([...reader.read(TEXT.slice(0, cut)), ...reader.read(TEXT.slice(cut))], EVENTS);
  }
});

test('lines may end as on Windows', () => {
  deepEqual(new EventReader().read(TEXT.replace(/\n/g, '\r\n')), EVENTS);
});

test('an event that is not complete waits', () => {
  deepEqual(new EventReader().read('id: 1\ndata: x\n'), []);
});
