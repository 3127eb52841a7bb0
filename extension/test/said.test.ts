import { deepEqual, equal } from 'node:assert/strict';
import { test } from 'node:test';
import { broke, chosen, defaultSaid, expectationLine, isSameExpectation, isWhole, problemWith, said, shown, withLine } from '../src/said';
import type { Expectation, Json, Parameter, Verdict } from '../src/wire';

function parameter(name: string, type: string, byDefault: Json = null, secret = false): Parameter {
  return { name, type, default: byDefault, description: '', span: null, secret };
}

const BETWEEN: Expectation = {
  type: 'expect_column_values_to_be_between',
  arguments: { column: 'sold', min_value: 0, max_value: 30 },
  importance: 'critical',
  notes: '',
  span: null,
  description: '',
  meta: {}
};

test('the form writes what a cell would hold', () => {
  const lines: [string, string, { [name: string]: string }, string, string][] = [
    ['ColumnValuesToNotBeNull', 'a', {}, 'critical', 'ColumnValuesToNotBeNull(column="a")'],
    ['ColumnValuesToBeBetween', 'a', { min_value: '0', max_value: '1e3' }, 'critical', 'ColumnValuesToBeBetween(column="a", min_value=0, max_value=1e3)'],
    ['ColumnValuesToBeBetween', 'a', { max_value: '5' }, 'warning', 'ColumnValuesToBeBetween(column="a", max_value=5, severity="warning")'],
    ['ColumnValuesToBeBetween', 'day', { min_value: '2024-01-01' }, 'critical', 'ColumnValuesToBeBetween(column="day", min_value="2024-01-01")'],
    ['ColumnValuesToBeInSet', 'say "x"', { value_set: 'a, 2,NaN' }, 'critical', 'ColumnValuesToBeInSet(column="say \\"x\\"", value_set=["a", 2, "NaN"])'],
    ['ColumnValuesToMatchRegex', 'a', { regex: '^\\d+$' }, 'info', 'ColumnValuesToMatchRegex(column="a", regex="^\\\\d+$", severity="info")']
  ];
  for (const [type, column, given, severity, line] of lines) {
    equal(expectationLine(type, column, given, severity), line);
  }
});

test('a form is whole once it says enough', () => {
  equal(isWhole('ColumnValuesToNotBeNull', '', {}), false);
  equal(isWhole('ColumnValuesToNotBeNull', 'a', {}), true);
  equal(isWhole('ColumnValuesToBeBetween', 'a', {}), false);
  equal(isWhole('ColumnValuesToBeBetween', 'a', { max_value: '1' }), true);
  equal(isWhole('ColumnValuesToBeInSet', 'a', { value_set: ' ' }), false);
});

test('a line goes below the last one of its cell', () => {
  equal(withLine('%%expect a\nOne()\n\n', 'Two()'), '%%expect a\nOne()\nTwo()');
});

test('an expectation reads as a line', () => {
  equal(said(BETWEEN), 'sold · be between · min_value=0, max_value=30');
  equal(said({ ...BETWEEN, importance: 'warning', arguments: {} }), 'be between · warning');
});

test('expectations are the same whatever the order of their arguments', () => {
  const turned = { ...BETWEEN, arguments: { max_value: 30, min_value: 0, column: 'sold' } };
  equal(isSameExpectation(BETWEEN, turned), true);
  equal(isSameExpectation(BETWEEN, { ...BETWEEN, arguments: { ...BETWEEN.arguments, max_value: 31 } }), false);
});

test('a broken verdict says how, whatever kind it is', () => {
  const verdict = { expectation: BETWEEN, error: '', broken_count: 1234, element_count: 5000, observed: null } as unknown as Verdict;
  equal(broke(verdict), '1,234 of 5,000 break it');
  equal(broke({ ...verdict, broken_count: null, observed: 7 }), 'observed 7');
  equal(broke({ ...verdict, error: 'There is no column.' }), 'There is no column.');
});

test('what is typed is judged by the type of the parameter', () => {
  const judged: [string, string, boolean][] = [
    ['int', '5', true], ['int', '5.5', false], ['int', 'five', false], ['int', '', true],
    ['float', '5', true], ['float', '1e-3', true], ['float', '"5"', false],
    ['bool', 'true', true], ['bool', '1', false], ['str', '[', true],
    ['list', '[1, 2]', true], ['list', '{}', false], ['dict', '{"a": 1}', true], ['dict', '[]', false], ['any', 'x', true]
  ];
  for (const [type, text, isGood] of judged) {
    equal(problemWith(parameter('p', type), text) === '', isGood, `${type} ${text}`);
  }
});

test('only what was typed is sent, in its type', () => {
  const parameters = [parameter('a', 'int'), parameter('b', 'str'), parameter('c', 'list'), parameter('d', 'int', 3)];
  deepEqual(chosen(parameters, { a: '5', b: '5', c: '[1]', d: ' ' }), { a: 5, b: '5', c: [1] });
});

test('the default stands in the field, a secret never', () => {
  equal(defaultSaid(parameter('a', 'str', 'x')), 'x');
  equal(defaultSaid(parameter('a', 'list', [1])), '[1]');
  equal(defaultSaid(parameter('a', 'str', 'x', true)), '');
});

test('numbers in tables can be compared by eye', () => {
  equal(shown(0.123456789), '0.123457');
  equal(shown(1234567), '1234567');
  equal(shown(null), '—');
  equal(shown('x'), 'x');
});
