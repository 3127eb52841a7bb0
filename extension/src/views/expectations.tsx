import * as React from 'react';
import type { PipelineModel } from '../model';
import type { Artifact, Expectation, Suite, Verdict } from '../wire';

/** The expectations a form can write: what most tables need; the rest is written in the cell. */
const OFFERED: { label: string; type: string; wants: string[] }[] = [
  { label: 'is never null', type: 'ColumnValuesToNotBeNull', wants: [] },
  { label: 'is unique', type: 'ColumnValuesToBeUnique', wants: [] },
  { label: 'lies between', type: 'ColumnValuesToBeBetween', wants: ['min_value', 'max_value'] },
  { label: 'is one of', type: 'ColumnValuesToBeInSet', wants: ['value_set'] },
  { label: 'matches', type: 'ColumnValuesToMatchRegex', wants: ['regex'] }
];

/** The expectations on each value that passes, with their last verdicts. */
export function ExpectationsView({ model }: { model: PipelineModel }): JSX.Element {
  const suites = model.study?.suites ?? [];
  const values = [...new Set(model.study?.flow.stages.flatMap(stage => stage.gives) ?? [])];
  const stages = model.lastRun?.record?.stages ?? [];
  const verdicts = stages.flatMap(stage => stage.verdicts);
  const artifacts = stages.flatMap(stage => stage.artifacts);
  return (
    <>
      {suites.map((suite, index) => (
        <SuiteView key={index} suite={suite} verdicts={verdicts} model={model} />
      ))}
      {!suites.length && <p className="jp-nbprod-hint">Nothing is expected of any value yet.</p>}
      <ExpectationForm model={model} values={values} artifacts={artifacts} />
    </>
  );
}

function SuiteView(props: { suite: Suite; verdicts: Verdict[]; model: PipelineModel }): JSX.Element {
  const { suite, verdicts, model } = props;
  return (
    <div className="jp-nbprod-group">
      <h4>{suite.value}</h4>
      <ul className="jp-nbprod-list" data-test="expectations">
        {suite.expectations.map((expectation, index) => {
          const verdict = verdicts.find(one => one.value === suite.value && isSame(one.expectation, expectation));
          return (
            <li key={index} data-success={verdict?.success}>
              <button
                className="jp-nbprod-link"
                onClick={() => expectation.span && model.goTo(expectation.span.cell, expectation.span.line)}
              >
                <span className="jp-nbprod-sign">{verdict ? (verdict.success ? '✓' : '✗') : '○'}</span>
                {said(expectation)}
              </button>
              {verdict && !verdict.success && <Broken verdict={verdict} />}
            </li>
          );
        })}
      </ul>
    </div>
  );
}

function Broken({ verdict }: { verdict: Verdict }): JSX.Element {
  const columns = Object.keys(verdict.rows[0] ?? {});
  return (
    <details data-test="broken">
      <summary>
        {verdict.error ||
          (verdict.broken_count !== null
            ? `${verdict.broken_count.toLocaleString()} of ${verdict.element_count?.toLocaleString()} break it`
            : `observed ${JSON.stringify(verdict.observed)}`)}
      </summary>
      {columns.length > 0 && (
        <div className="jp-nbprod-scroll" tabIndex={0}>
          <table className="jp-nbprod-table">
            <thead>
              <tr>
                {columns.map(column => (
                  <th key={column} scope="col">
                    {column}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {verdict.rows.map((row, index) => (
                <tr key={index}>
                  {columns.map(column => (
                    <td key={column}>{row[column] === null ? '∅' : String(row[column])}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </details>
  );
}

function ExpectationForm(props: { model: PipelineModel; values: string[]; artifacts: Artifact[] }): JSX.Element {
  const { model, values, artifacts } = props;
  const [value, setValue] = React.useState('');
  const [column, setColumn] = React.useState('');
  const [offered, setOffered] = React.useState(0);
  const [wanted, setWanted] = React.useState<{ [name: string]: string }>({});
  const [problem, setProblem] = React.useState('');
  const chosen = values.includes(value) ? value : (values[0] ?? '');
  const columns = artifacts.find(one => one.name === chosen)?.columns ?? [];
  const { type, wants } = OFFERED[offered];
  const isWhole = chosen && column && wants.every(name => wanted[name]);
  const add = () => {
    const given = wants.map(name => `${name}=${literal(name, wanted[name])}`);
    const line = `${type}(${[`column=${JSON.stringify(column)}`, ...given].join(', ')})`;
    addLine(model, chosen, line);
    setWanted({});
  };
  const infer = () =>
    model.client.infer(model.path, chosen).then(
      ({ cell }) => model.insert(cell),
      error => setProblem(String(error.message ?? error))
    );
  return (
    <form
      className="jp-nbprod-form"
      aria-label="Add an expectation"
      onSubmit={event => {
        event.preventDefault();
        add();
      }}
    >
      <label>
        Value
        <select value={chosen} data-test="value" onChange={event => setValue(event.target.value)}>
          {values.map(one => (
            <option key={one}>{one}</option>
          ))}
        </select>
      </label>
      <label>
        Column
        <input list="jp-nbprod-columns" value={column} data-test="column" onChange={event => setColumn(event.target.value)} />
        <datalist id="jp-nbprod-columns">
          {columns.map(one => (
            <option key={one} value={one} />
          ))}
        </datalist>
      </label>
      <label>
        Expectation
        <select value={offered} data-test="offered" onChange={event => setOffered(Number(event.target.value))}>
          {OFFERED.map((one, index) => (
            <option key={one.type} value={index}>
              {one.label}
            </option>
          ))}
        </select>
      </label>
      {wants.map(name => (
        <label key={name}>
          {name.replace('_', ' ')}
          <input
            value={wanted[name] ?? ''}
            data-test={name}
            placeholder={name === 'value_set' ? 'a, b, c' : ''}
            onChange={event => setWanted({ ...wanted, [name]: event.target.value })}
          />
        </label>
      ))}
      <div className="jp-nbprod-buttons">
        <button className="jp-mod-styled jp-mod-accept" type="submit" data-test="add" disabled={!isWhole}>
          Add
        </button>
        <button className="jp-mod-styled" type="button" data-test="infer" title="Propose a suite from the last run" disabled={!chosen} onClick={() => void infer()}>
          Infer
        </button>
      </div>
      {problem && (
        <p role="alert" className="jp-nbprod-problem">
          {problem}
        </p>
      )}
    </form>
  );
}

/** Append to the value's `%%expect` cell, or make one at the end. */
function addLine(model: PipelineModel, value: string, line: string): void {
  const suite = model.study?.suites.find(one => one.value === value);
  const cell = suite?.span ? model.cellAt(suite.span.cell) : null;
  if (!cell) {
    model.insert(`%%expect ${value}\n${line}`);
    return;
  }
  const shared = cell.model.sharedModel;
  shared.setSource(`${shared.getSource().replace(/\s+$/, '')}\n${line}`);
  void model.refresh();
}

function literal(name: string, text: string): string {
  if (name === 'value_set') {
    return `[${text.split(',').map(one => atom(one.trim())).join(', ')}]`;
  }
  return name === 'regex' ? JSON.stringify(text) : atom(text.trim());
}

function atom(text: string): string {
  return text !== '' && Number.isFinite(Number(text)) ? text : JSON.stringify(text);
}

function said(expectation: Expectation): string {
  const words = expectation.type.replace(/^expect_/, '').replace(/_/g, ' ');
  const { column, ...rest } = expectation.arguments;
  const others = Object.entries(rest).map(([key, one]) => `${key}=${JSON.stringify(one)}`);
  return [column === undefined ? '' : String(column), words, others.join(', ')].filter(Boolean).join(' · ');
}

function isSame(one: Expectation, other: Expectation): boolean {
  const bare = ({ type, arguments: given }: Expectation) => JSON.stringify([type, Object.entries(given).sort()]);
  return bare(one) === bare(other);
}
