import type { Expectation, Json, Parameter, Verdict } from './wire';

/** The expectations that the form can write: what most tables need; the rest is written in the cell. */
export const OFFERED: readonly { label: string; type: string; wants: readonly string[] }[] = [
  { label: 'is never null', type: 'ColumnValuesToNotBeNull', wants: [] },
  { label: 'is unique', type: 'ColumnValuesToBeUnique', wants: [] },
  { label: 'lies between', type: 'ColumnValuesToBeBetween', wants: ['min_value', 'max_value'] },
  { label: 'is one of', type: 'ColumnValuesToBeInSet', wants: ['value_set'] },
  { label: 'matches', type: 'ColumnValuesToMatchRegex', wants: ['regex'] }
];

/** The line of an `%%expect` cell for what the form holds. */
export function expectationLine(
  type: string,
  column: string,
  given: { [name: string]: string },
  severity = 'critical'
): string {
  const wants = OFFERED.find(one => one.type === type)?.wants ?? [];
  const others = wants.filter(name => given[name]?.trim()).map(name => `${name}=${literal(name, given[name])}`);
  const weight = severity === 'critical' ? [] : [`severity="${severity}"`];
  return `${type}(${[`column=${JSON.stringify(column)}`, ...others, ...weight].join(', ')})`;
}

/** The form's fields filled enough: a range may be open on one side. */
export function isWhole(type: string, column: string, given: { [name: string]: string }): boolean {
  const wants = OFFERED.find(one => one.type === type)?.wants ?? [];
  return column !== '' && (wants.length === 0 || wants.some(name => given[name]?.trim()));
}

/** A value's `%%expect` cell with one more line. */
export function withLine(source: string, line: string): string {
  return `${source.replace(/\s+$/, '')}\n${line}`;
}

function literal(name: string, text: string): string {
  if (name === 'value_set') {
    return `[${text.split(',').map(one => atom(one.trim())).join(', ')}]`;
  }
  return name === 'regex' ? JSON.stringify(text) : atom(text.trim());
}

/** A number as it stands, anything else as text. */
function atom(text: string): string {
  return /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(text) ? text : JSON.stringify(text);
}

/** An expectation in a line: its column, what is expected, and the rest. */
export function said(expectation: Expectation): string {
  const words = expectation.type.replace(/^expect_/, '').replace(/^column_values_to_/, '').replace(/_/g, ' ');
  const { column, ...rest } = expectation.arguments;
  const others = Object.entries(rest).map(([key, one]) => `${key}=${JSON.stringify(one)}`);
  const weight = expectation.importance === 'critical' ? '' : expectation.importance;
  return [column === undefined ? '' : String(column), words, others.join(', '), weight].filter(Boolean).join(' · ');
}

/** How an expectation broke. */
export function broke(verdict: Verdict): string {
  if (verdict.error) {
    return verdict.error;
  }
  return verdict.broken_count !== null
    ? `${verdict.broken_count.toLocaleString('en')} of ${(verdict.element_count ?? 0).toLocaleString('en')} break it`
    : `observed ${JSON.stringify(verdict.observed)}`;
}

export function isSameExpectation(one: Expectation, other: Expectation): boolean {
  const bare = ({ type, arguments: given }: Expectation) => JSON.stringify([type, Object.entries(given).sort()]);
  return bare(one) === bare(other);
}

// Parameters

/** A parameter as its field shows it where nothing is typed. */
export function defaultSaid(parameter: Parameter): string {
  if (parameter.secret) {
    return '';
  }
  return typeof parameter.default === 'string' ? parameter.default : JSON.stringify(parameter.default);
}

/** What is wrong with the text of a parameter's field; nothing where it may be sent. */
export function problemWith(parameter: Parameter, text: string): string {
  if (text.trim() === '' || parameter.type === 'str' || parameter.type === 'any') {
    return '';
  }
  const value = parsed(text);
  const isOfType: { [type: string]: boolean } = {
    int: typeof value === 'number' && Number.isInteger(value),
    float: typeof value === 'number',
    bool: typeof value === 'boolean',
    list: Array.isArray(value),
    dict: typeof value === 'object' && value !== null && !Array.isArray(value)
  };
  const wanted: { [type: string]: string } = {
    int: 'a whole number',
    float: 'a number',
    bool: 'true or false',
    list: 'a list, as in [1, 2]',
    dict: 'a dictionary, as in {"a": 1}'
  };
  return isOfType[parameter.type] === false ? `${parameter.name} wants ${wanted[parameter.type]}.` : '';
}

/** What the fields hold, each in its parameter's type; those that are empty keep their default. */
export function chosen(parameters: readonly Parameter[], given: { [name: string]: string }): { [name: string]: Json } {
  const filled = parameters.filter(({ name }) => given[name] !== undefined && given[name].trim() !== '');
  return Object.fromEntries(filled.map(({ name, type }) => [name, type === 'str' ? given[name] : parsed(given[name])]));
}

function parsed(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return text;
  }
}

// Values in tables

/** A value in a cell of a table; long numbers are cut to what can be compared by eye. */
export function shown(value: Json | undefined): string {
  if (value === null || value === undefined) {
    return '—';
  }
  if (typeof value === 'number' && !Number.isInteger(value)) {
    return String(Number(value.toPrecision(6)));
  }
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** A traceback without the colours that a terminal would show. */
export function withoutColours(text: string): string {
  return text.replace(/\u001b\[[0-9;]*m/g, '');
}
