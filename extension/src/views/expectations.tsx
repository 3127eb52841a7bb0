import * as React from 'react';
import type { PipelineModel } from '../model';
import { broke, expectationLine, isSameExpectation, isWhole, OFFERED, said, shown, withLine } from '../said';
import { offsetOf } from '../text';
import type { Artifact, Expectation, Suite, Verdict } from '../wire';

/** The expectations on each value that passes, with their last verdicts. */
export function ExpectationsView({ model }: { model: PipelineModel }): JSX.Element {
  const suites = model.study?.suites ?? [];
  const values = [...new Set(model.study?.flow.stages.flatMap(stage => stage.gives) ?? [])];
  const artifacts = model.lastRecord?.stages.flatMap(stage => stage.artifacts) ?? [];
  return (
    <>
      {suites.map((suite, index) => (
        <SuiteView key={index} suite={suite} model={model} />
      ))}
      {!suites.length && <p className="jp-nbprod-hint">Nothing is expected of any value yet.</p>}
      {values.length > 0 ? (
        <ExpectationForm model={model} values={values} artifacts={artifacts} />
      ) : (
        <p className="jp-nbprod-hint">Once a stage gives a value, you can say here what must hold of it.</p>
      )}
    </>
  );
}

function SuiteView({ suite, model }: { suite: Suite; model: PipelineModel }): JSX.Element {
  const [isJudging, setIsJudging] = React.useState(false);
  const live = model.live.get(suite.value);
  const verdicts = model.verdictsOn(suite.value);
  const judge = () => {
    setIsJudging(true);
    void model.judgeLive([suite], true).finally(() => setIsJudging(false));
  };
  return (
    <div className="jp-nbprod-group">
      <h4>
        {suite.value} <small>{live ? 'as the kernel holds it' : verdicts.length ? 'in the last run' : ''}</small>
      </h4>
      {live === null && (
        <p className="jp-nbprod-hint">
          Its cell has run since it was judged.{' '}
          <button className="jp-mod-styled" data-test="judge" disabled={isJudging} onClick={judge}>
            {isJudging ? 'Judging…' : 'Judge now'}
          </button>
        </p>
      )}
      <ul className="jp-nbprod-list" data-test="expectations">
        {suite.expectations.map((expectation, index) => (
          <ExpectationItem
            key={index}
            expectation={expectation}
            verdict={verdicts.find(one => isSameExpectation(one.expectation, expectation))}
            model={model}
          />
        ))}
      </ul>
    </div>
  );
}

function ExpectationItem(props: {
  expectation: Expectation;
  verdict: Verdict | undefined;
  model: PipelineModel;
}): JSX.Element {
  const { expectation, verdict, model } = props;
  const [edited, setEdited] = React.useState<string | null>(null);
  const { span } = expectation;
  const rewrite = (replacement: string) => {
    setEdited(null);
    if (span) {
      model.rewrite({ span, replacement });
    }
  };
  return (
    <li data-success={verdict?.success}>
      <div className="jp-nbprod-row">
        <button className="jp-nbprod-link jp-nbprod-grow" onClick={() => span && model.goTo(span.cell, span.line)}>
          <span
            className="jp-nbprod-sign"
            role="img"
            aria-label={verdict ? (verdict.success ? 'holds' : 'broken') : 'not judged yet'}
          >
            {verdict ? (verdict.success ? '✓' : '✗') : '○'}
          </span>
          {said(expectation)}
        </button>
        {span && edited === null && (
          <button
            className="jp-mod-styled"
            data-test="edit"
            aria-label={`Edit: ${said(expectation)}`}
            onClick={() => setEdited(sourceOf(expectation, model))}
          >
            Edit
          </button>
        )}
      </div>
      {edited !== null && (
        <form
          className="jp-nbprod-edit"
          onSubmit={event => {
            event.preventDefault();
            rewrite(edited.trim());
          }}
        >
          <textarea
            aria-label="The expectation as its cell has it"
            data-test="source"
            rows={2}
            value={edited}
            autoFocus
            onChange={event => setEdited(event.target.value)}
            onKeyDown={event => event.key === 'Escape' && setEdited(null)}
          />
          <div className="jp-nbprod-buttons">
            <button className="jp-mod-styled jp-mod-accept" type="submit" data-test="save" disabled={!edited.trim()}>
              Save
            </button>
            <button className="jp-mod-styled" type="button" data-test="remove" onClick={() => rewrite('')}>
              Remove
            </button>
            <button className="jp-mod-styled" type="button" onClick={() => setEdited(null)}>
              Cancel
            </button>
          </div>
        </form>
      )}
      {verdict && !verdict.success && <Broken verdict={verdict} />}
    </li>
  );
}

function sourceOf({ span }: Expectation, model: PipelineModel): string {
  const source = span ? (model.cellAt(span.cell)?.model.sharedModel.getSource() ?? '') : '';
  return span ? source.slice(offsetOf(source, span.line, span.column), offsetOf(source, span.end_line, span.end_column)) : '';
}

function Broken({ verdict }: { verdict: Verdict }): JSX.Element {
  const columns = Object.keys(verdict.rows[0] ?? {});
  return (
    <details data-test="broken">
      <summary>{broke(verdict)}</summary>
      {columns.length > 0 && (
        <div className="jp-nbprod-scroll" tabIndex={0} role="region" aria-label="Rows that break it">
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
                    <td key={column}>{row[column] === null ? '∅' : shown(row[column])}</td>
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
  const [type, setType] = React.useState(OFFERED[0].type);
  const [severity, setSeverity] = React.useState('critical');
  const [wanted, setWanted] = React.useState<{ [name: string]: string }>({});
  const [problem, setProblem] = React.useState('');
  const [isInferring, setIsInferring] = React.useState(false);
  const picked = values.includes(value) ? value : values[0];
  const artifact = artifacts.find(one => one.name === picked);
  const wants = OFFERED.find(one => one.type === type)?.wants ?? [];
  const add = () => {
    addLine(model, picked, expectationLine(type, column, wanted, severity));
    setWanted({});
  };
  const infer = () => {
    setProblem('');
    setIsInferring(true);
    model.client
      .infer(model.path, picked)
      .then(
        ({ cell }) => model.insert(cell),
        error => setProblem(String(error.message ?? error))
      )
      .finally(() => setIsInferring(false));
  };
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
        <select value={picked} data-test="value" onChange={event => setValue(event.target.value)}>
          {values.map(one => (
            <option key={one}>{one}</option>
          ))}
        </select>
      </label>
      <label>
        Column
        <input list="jp-nbprod-columns" value={column} data-test="column" onChange={event => setColumn(event.target.value)} />
        <datalist id="jp-nbprod-columns">
          {artifact?.columns.map(one => (
            <option key={one} value={one} />
          ))}
        </datalist>
      </label>
      {!artifact && <p className="jp-nbprod-hint">After a run, the columns of {picked} are offered here.</p>}
      <label>
        Expectation
        <select value={type} data-test="offered" onChange={event => setType(event.target.value)}>
          {OFFERED.map(one => (
            <option key={one.type} value={one.type}>
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
      <label>
        If broken
        <select value={severity} data-test="severity" onChange={event => setSeverity(event.target.value)}>
          <option value="critical" title="What depends on the value doesn't run">
            stop there
          </option>
          <option value="warning">warn</option>
          <option value="info">only say so</option>
        </select>
      </label>
      <div className="jp-nbprod-buttons">
        <button className="jp-mod-styled jp-mod-accept" type="submit" data-test="add" disabled={!isWhole(type, column, wanted)}>
          Add
        </button>
        <button
          className="jp-mod-styled"
          type="button"
          data-test="infer"
          title="Propose expectations from the value that the last run gave"
          disabled={isInferring}
          onClick={infer}
        >
          {isInferring ? 'Inferring…' : 'Infer'}
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

/** Append to the value's `%%expect` cell, or make one below the stage that gives the value. */
function addLine(model: PipelineModel, value: string, line: string): void {
  const suite = model.study?.suites.find(one => one.value === value);
  const cell = suite?.span ? model.cellAt(suite.span.cell) : null;
  if (!cell) {
    const givers = model.study?.flow.stages.filter(stage => stage.gives.includes(value)) ?? [];
    model.insert(`%%expect ${value}\n${line}`, givers[givers.length - 1]?.cells.slice(-1)[0]);
    return;
  }
  const shared = cell.model.sharedModel;
  shared.setSource(withLine(shared.getSource(), line));
  void model.refresh();
}
