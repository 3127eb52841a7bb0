import * as React from 'react';
import type { Progress } from '../client';
import type { PipelineModel } from '../model';
import type { Json, Parameter, Record, StageRun } from '../wire';

const SIGNS: { [state: string]: string } = {
  waiting: '○', running: '▶', done: '✓', cached: '↺', failed: '✗', broken: '⚠', skipped: '»', cancelled: '⊘'
};
const GOOD = ['done', 'cached'];

/** Parameters, the button, the run that goes on, and the history with a comparison of two runs. */
export function RunsView({ model }: { model: PipelineModel }): JSX.Element {
  const [given, setGiven] = React.useState<{ [name: string]: string }>({});
  const [problem, setProblem] = React.useState('');
  const [picked, setPicked] = React.useState<string[]>([]);
  const parameters = model.study?.flow.parameters ?? [];
  const start = () => {
    setProblem('');
    model.run(chosen(parameters, given)).catch(error => setProblem(String(error.message ?? error)));
  };
  const pair = picked.map(id => model.runs.find(run => run.id === id)?.record).filter(Boolean) as Record[];
  return (
    <>
      <ParametersForm parameters={parameters} given={given} onChange={setGiven} />
      <button
        className="jp-mod-styled jp-mod-accept"
        data-test="run"
        disabled={!model.stageNames.length || model.isRunning}
        onClick={start}
      >
        Run as pipeline
      </button>
      {problem && <p role="alert" className="jp-nbprod-problem">{problem}</p>}
      {!model.runs.length && <p className="jp-nbprod-hint">This notebook's pipeline has not run yet.</p>}
      <ul className="jp-nbprod-list" aria-live="polite" data-test="runs">
        {model.runs.map((run, index) => (
          <RunItem
            key={run.id}
            run={run}
            model={model}
            isOpen={index === 0}
            isPicked={picked.includes(run.id)}
            onPick={() => setPicked(toggled(picked, run.id))}
          />
        ))}
      </ul>
      {pair.length === 2 && <Comparison left={pair[0]} right={pair[1]} />}
    </>
  );
}

function ParametersForm(props: {
  parameters: Parameter[];
  given: { [name: string]: string };
  onChange: (given: { [name: string]: string }) => void;
}): JSX.Element {
  const { parameters, given, onChange } = props;
  return (
    <form className="jp-nbprod-form" aria-label="Parameters" onSubmit={event => event.preventDefault()}>
      {parameters.map(parameter => (
        <label key={parameter.name} title={parameter.description}>
          {parameter.name} <small>{parameter.type}</small>
          <input
            type={parameter.secret ? 'password' : 'text'}
            value={given[parameter.name] ?? ''}
            data-test={`parameter-${parameter.name}`}
            placeholder={parameter.secret ? '' : JSON.stringify(parameter.default)}
            onChange={event => onChange({ ...given, [parameter.name]: event.target.value })}
          />
        </label>
      ))}
    </form>
  );
}

function RunItem(props: {
  run: Progress;
  model: PipelineModel;
  isOpen: boolean;
  isPicked: boolean;
  onPick: () => void;
}): JSX.Element {
  const { run, model, isOpen, isPicked, onPick } = props;
  const goes = run.state === 'running' || run.state === 'waiting';
  const ended = run.stages.filter(stage => stage.state !== 'waiting' && stage.state !== 'running').length;
  return (
    <li data-state={run.state} data-run={run.id}>
      <div className="jp-nbprod-row">
        <span className="jp-nbprod-sign">{SIGNS[run.state] ?? '·'}</span>
        <span className="jp-nbprod-grow">
          {new Date(run.started).toLocaleString()} · {run.state}
        </span>
        {goes ? (
          <button className="jp-mod-styled" data-test="cancel" onClick={() => void model.cancel(run.id)}>
            Cancel
          </button>
        ) : (
          <label>
            <input type="checkbox" data-test="compare" checked={isPicked} onChange={onPick} /> compare
          </label>
        )}
      </div>
      {goes && <progress max={run.stages.length || 1} value={ended} aria-label="Stages that have ended" />}
      {run.error && <p className="jp-nbprod-problem">{run.error}</p>}
      <details open={isOpen}>
        <summary>Stages</summary>
        <ul className="jp-nbprod-list">
          {run.stages.map(stage => (
            <StageItem
              key={stage.stage}
              name={stage.stage}
              state={stage.state}
              cells={stage.state === 'running' && stage.cells ? ` · cell ${stage.cell} of ${stage.cells}` : ''}
              ran={run.record?.stages.find(one => one.stage === stage.stage) ?? null}
              model={model}
              id={run.id}
            />
          ))}
        </ul>
      </details>
    </li>
  );
}

function StageItem(props: {
  name: string;
  state: string;
  cells: string;
  ran: StageRun | null;
  model: PipelineModel;
  id: string;
}): JSX.Element {
  const { name, state, cells, ran, model, id } = props;
  const broken = ran?.verdicts.filter(verdict => !verdict.success).length ?? 0;
  return (
    <li data-stage-run={name} data-state={state}>
      <div className="jp-nbprod-row">
        <span className="jp-nbprod-sign">{SIGNS[state] ?? '·'}</span>
        <span className="jp-nbprod-grow">
          {name} · {state}
          {cells}
          {ran?.seconds != null && ` · ${ran.seconds.toFixed(1)} s`}
          {broken > 0 && ` · ${broken} broken`}
        </span>
        {ran?.notebook && (
          <a className="jp-nbprod-anchor" href={model.client.fileUrl(id, ran.notebook)} target="_blank" rel="noreferrer">
            notebook
          </a>
        )}
      </div>
      {ran && !GOOD.includes(state) && ran.reason && <p className="jp-nbprod-hint">{ran.reason}</p>}
      {ran?.failure && (
        <details data-test="failure">
          <summary>
            {ran.failure.error}: {ran.failure.message}
          </summary>
          {ran.failure.cell !== null && (
            <button className="jp-nbprod-link" onClick={() => model.goTo(ran.failure!.cell!)}>
              Go to cell {ran.failure.cell + 1}
            </button>
          )}
          <pre className="jp-nbprod-log" tabIndex={0}>
            {ran.failure.traceback.replace(/\u001b\[[0-9;]*m/g, '')}
          </pre>
        </details>
      )}
    </li>
  );
}

/** Two runs side by side: only what differs. */
function Comparison({ left, right }: { left: Record; right: Record }): JSX.Element {
  const rows = [
    ...differing('parameter', left.parameters, right.parameters),
    ...differing('value', digests(left), digests(right)),
    ...differing('expectation', verdicts(left), verdicts(right)),
    ...differing('seconds', seconds(left), seconds(right))
  ];
  return (
    <div className="jp-nbprod-scroll" tabIndex={0} data-test="comparison">
      <table className="jp-nbprod-table">
        <caption>What differs between two runs</caption>
        <thead>
          <tr>
            <th scope="col">What</th>
            <th scope="col">{new Date(left.started).toLocaleTimeString()}</th>
            <th scope="col">{new Date(right.started).toLocaleTimeString()}</th>
          </tr>
        </thead>
        <tbody>
          {rows.length === 0 && (
            <tr>
              <td colSpan={3}>Nothing differs.</td>
            </tr>
          )}
          {rows.map(([what, one, other]) => (
            <tr key={what}>
              <th scope="row">{what}</th>
              <td>{one}</td>
              <td>{other}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

type Row = [string, string, string];

function differing(kind: string, left: { [key: string]: Json }, right: { [key: string]: Json }): Row[] {
  const keys = [...new Set([...Object.keys(left), ...Object.keys(right)])];
  return keys
    .map(key => [`${kind} ${key}`, shown(left[key]), shown(right[key])] as Row)
    .filter(([, one, other]) => one !== other);
}

function digests(record: Record): { [key: string]: Json } {
  return Object.fromEntries(
    record.stages.flatMap(stage => stage.artifacts.map(one => [`${stage.stage}.${one.name}`, one.digest.slice(0, 10)]))
  );
}

function verdicts(record: Record): { [key: string]: Json } {
  return Object.fromEntries(
    record.stages.flatMap(stage =>
      stage.verdicts.map(one => [
        `${one.value}.${String(one.expectation.arguments.column ?? '')} ${one.expectation.type}`,
        `${one.success ? 'holds' : 'broken'}${one.observed === null ? '' : ` (${JSON.stringify(one.observed)})`}`
      ])
    )
  );
}

function seconds(record: Record): { [key: string]: Json } {
  return Object.fromEntries(record.stages.map(stage => [stage.stage, stage.seconds?.toFixed(1) ?? '']));
}

function shown(value: Json | undefined): string {
  return value === undefined ? '—' : typeof value === 'string' ? value : JSON.stringify(value);
}

function toggled(picked: string[], id: string): string[] {
  return picked.includes(id) ? picked.filter(one => one !== id) : [...picked, id].slice(-2);
}

/** What the form holds, as JSON where it is JSON, else as text; the server checks the types. */
function chosen(parameters: Parameter[], given: { [name: string]: string }): { [name: string]: Json } {
  const filled = parameters.filter(({ name }) => given[name] !== undefined && given[name] !== '');
  return Object.fromEntries(filled.map(({ name, type }) => [name, type === 'str' ? given[name] : parsed(given[name])]));
}

function parsed(text: string): Json {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
