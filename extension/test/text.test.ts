import { deepEqual, equal } from 'node:assert/strict';
import { test } from 'node:test';
import { changedLines, offsetOf, spliced, utf16Column } from '../src/text';
import type { Edit } from '../src/wire';

function edit(line: number, column: number, end_line: number, end_column: number, replacement: string): Edit {
  return { span: { cell: 0, line, column, end_line, end_column }, replacement };
}

test('a column counts code points, a string of JavaScript UTF-16 units', () => {
  equal(utf16Column('a😀b', 0), 0);
  equal(utf16Column('a😀b', 1), 1);
  equal(utf16Column('a😀b', 2), 3);
  equal(utf16Column('a😀b', 9), 4);
});

test('a place outside of the text is held inside', () => {
  equal(offsetOf('one\ntwo', 2, 1), 5);
  equal(offsetOf('one\ntwo', 9, 0), 4);
  equal(offsetOf('one\ntwo', 0, 99), 3);
});

test('edits are made from the end, so that each finds its place', () => {
  const edits = [edit(1, 0, 1, 1, 'long '), edit(2, 4, 2, 6, '1'), edit(1, 2, 1, 2, '!')];
  equal(spliced('a\u00e9b\nx = -1', edits), 'long \u00e9!b\nx = 1');
});

test('an edit after letters beyond the basic plane hits its place', () => {
  equal(spliced('"😀".shift(-1)', [edit(1, 10, 1, 12, '1')]), '"😀".shift(1)');
});

test('a diff shows the lines that an edit touches and no others', () => {
  deepEqual(changedLines('a\nb = -1\nc', [edit(2, 4, 2, 6, '1')]), [
    { sign: '-', text: 'b = -1' },
    { sign: '+', text: 'b = 1' }
  ]);
});

test('a diff of a line put in takes none out', () => {
  deepEqual(changedLines('a\nc', [edit(2, 0, 2, 0, 'b\n')]), [{ sign: '+', text: 'b' }]);
});

test('a diff of a line doubled shows it once', () => {
  deepEqual(changedLines('a', [edit(1, 1, 1, 1, '\na')]), [{ sign: '+', text: 'a' }]);
});
