import * as React from 'react';
import type { Comparison } from '../client';
import type { PipelineModel } from '../model';
import { goesOn, type Progress, type StageProgress } from '../progress';
import { chosen, defaultSaid, problemWith, shown, withoutColours } from '../said';
import type { Parameter, StageRun } from '../wire';
import { ComparisonView } from './comparison';

const SIGNS: { [state: string]: string } = {
  waiting: '○', running: '▶', done: '✓', cached: '↺', failed: '✗', broken: '⚠', skipped: '»', cancelled: '⊘'
};
const GOOD = ['done', 'cached'];
const WHEN = { month: 'short', day: 'numeric', hour: 'numeric', minute: '2-digit', second: '2-digit' } as const;

/** Parameters, the button, the run that goes on, and the history with a comparison of two runs. */
export function RunsView({ model }: { model: PipelineModel }): JSX.Element {
  return (
    <>
      <StartForm model={model} />
      {!model.hasKernel && (
        <p className="jp-nbprod-hint" data-test="no-kernel">
          No kernel is connected. A run doesn't need one: each stage gets its own.
        </p>
      )}
      {!model.runs.length && <p className="jp-nbprod-hint">This notebook's pipeline has not run yet.</p>}
      <History model={model} />
    </>
  );
}

function StartForm({ model }: { model: PipelineModel }): JSX.Element {
  const [given, setGiven] = React.useState<{ [name: string]: string }>({});
  const [from, setFrom] = React.useState('');
  const [isForced, setIsForced] = React.useState(false);
  const [problem, setProblem] = React.useState('');
  const parameters = model.study?.flow.parameters ?? [];
  const wrong = parameters.map(one => problemWith(one, given[one.name] ?? '')).find(Boolean);
  const start = () => {
    setProblem('');
    const stage = model.stageNames.includes(from) ? from : undefined;
    model.run(chosen(parameters, given), stage, isForced).catch(error => setProblem(String(error.message ?? error)));
  };
  return (
    <form
      className="jp-nbprod-form"
      aria-label="Parameters"
      onSubmit={event => {
        event.preventDefault();
        start();
      }}
    >
      {parameters.map(parameter => (
        <ParameterField
          key={parameter.name}
          parameter={parameter}
          text={given[parameter.name] ?? ''}
          onChange={text => setGiven({ ...given, [parameter.name]: text })}
        />
      ))}
      {model.stageNames.length > 1 && (
        <label>
          Start at
          <select value={from} data-test="from" onChange={event => setFrom(event.target.value)}>
            <option value="">the first stage</option>
            {model.stageNames.slice(1).map(name => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
      )}
      <label title="Otherwise a stage that nothing has changed for is taken from the cache">
        Run again
        <span>
          <input type="checkbox" checked={isForced} data-test="force" onChange={() => setIsForced(!isForced)} /> also
          what hasn't changed
        </span>
      </label>
      <div className="jp-nbprod-buttons">
        <button
          className="jp-mod-styled jp-mod-accept"
          type="submit"
          data-test="run"
          disabled={!model.stageNames.length || model.isRunning || Boolean(wrong)}
        >
          Run as pipeline
        </button>
      </div>
      {!model.stageNames.length && <p className="jp-nbprod-hint">Tag cells as stages first.</p>}
      {(wrong || problem) && (
        <p role="alert" className="jp-nbprod-problem">
          {wrong || problem}
        </p>
      )}
    </form>
  );
}

/** A field that fits the parameter's type; empty is its default. */
function ParameterField(props: {
  parameter: Parameter;
  text: string;
  onChange: (text: string) => void;
}): JSX.Element {
  const { parameter, text, onChange } = props;
  const { name, type, secret, description } = parameter;
  return (
    <label title={description}>
      <span>
        {name} <small>{type}</small>
      </span>
      {type === 'bool' ? (
        <select value={text} data-test={`parameter-${name}`} onChange={event => onChange(event.target.value)}>
          <option value="">{shown(parameter.default)} (default)</option>
          <option>true</option>
          <option>false</option>
        </select>
      ) : (
        <input
          type={secret ? 'password' : 'text'}
          autoComplete="off"
          inputMode={type === 'int' ? 'numeric' : type === 'float' ? 'decimal' : undefined}
          value={text}
          aria-invalid={problemWith(parameter, text) !== ''}
          data-test={`parameter-${name}`}
          placeholder={secret ? 'from the environment' : defaultSaid(parameter)}
          onChange={event => onChange(event.target.value)}
        />
      )}
    </label>
  );
}

function History({ model }: { model: PipelineModel }): JSX.Element {
  const [picked, setPicked] = React.useState<string[]>([]);
  const [compared, setCompared] = React.useState<Comparison | null>(null);
  const [problem, setProblem] = React.useState('');
  const there = picked.filter(id => model.runs.some(run => run.id === id));
  const pick = (id: string) => {
    const next = there.includes(id) ? there.filter(one => one !== id) : [...there, id].slice(-2);
    setPicked(next);
    setCompared(null);
    setProblem('');
    if (next.length === 2) {
      // The earlier run stands further down
      const [after, before] = model.runs.filter(run => next.includes(run.id)).map(run => run.record_id || run.id);
      model.client.compare(model.path, before, after).then(setCompared, error => setProblem(String(error.message)));
    }
  };
  const records = model.runs.filter(run => run.record).length;
  return (
    <>
      {records > 1 && <p className="jp-nbprod-hint">Mark two runs to compare them.</p>}
      <ul className="jp-nbprod-list" aria-live="polite" aria-label="Runs, the latest first" data-test="runs">
        {model.runs.map((run, index) => (
          <RunItem
            key={run.id}
            run={run}
            model={model}
            isOpen={index === 0}
            isPicked={there.includes(run.id)}
            onPick={() => pick(run.id)}
          />
        ))}
      </ul>
      {problem && (
        <p role="alert" className="jp-nbprod-problem">
          {problem}
        </p>
      )}
      {there.length === 2 && compared && <ComparisonView found={compared} runs={model.runs} />}
    </>
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
  const started = new Date(run.started).toLocaleString(undefined, WHEN);
  const wasJudged = run.record?.stages.some(stage => stage.verdicts.length > 0);
  const shown = run.record ? model.mlflow[run.record.id] : undefined;
  return (
    <li data-state={run.state} data-run={run.id}>
      <div className="jp-nbprod-row">
        <span className="jp-nbprod-sign" aria-hidden="true">
          {SIGNS[run.state] ?? '·'}
        </span>
        <span className="jp-nbprod-grow">
          {started} · {run.state}
          {run.record?.seconds != null && ` · ${run.record.seconds.toFixed(1)}\u00a0s`}
        </span>
        {goesOn(run) && (
          <button className="jp-mod-styled" data-test="cancel" onClick={() => void model.cancel(run.id)}>
            Cancel
          </button>
        )}
        {run.record && (
          <label className="jp-nbprod-pick">
            <input
              type="checkbox"
              data-test="compare"
              aria-label={`Compare the run of ${started}`}
              checked={isPicked}
              onChange={onPick}
            />{' '}
            compare
          </label>
        )}
      </div>
      {goesOn(run) && <StagesDone stages={run.stages} />}
      {run.error && <p className="jp-nbprod-problem">{run.error}</p>}
      {run.stages.length > 0 && (
        <details open={isOpen}>
          <summary>
            {run.stages.length} {run.stages.length === 1 ? 'stage' : 'stages'}
          </summary>
          <ul className="jp-nbprod-list">
            {run.stages.map(stage => (
              <StageItem key={stage.stage} stage={stage} run={run} model={model} />
            ))}
          </ul>
          {wasJudged && (
            <Anchor href={model.client.docsUrl(model.path, run.record!.id)} data-test="docs">
              Data Docs
            </Anchor>
          )}{' '}
          {shown && (
            <Anchor href={shown} data-test="mlflow">
              MLflow
            </Anchor>
          )}
        </details>
      )}
    </li>
  );
}

function StagesDone({ stages }: { stages: StageProgress[] }): JSX.Element {
  const ended = stages.filter(stage => stage.state !== 'waiting' && stage.state !== 'running').length;
  return <progress max={stages.length || 1} value={ended} aria-label="Stages that have ended" />;
}

function StageItem(props: { stage: StageProgress; run: Progress; model: PipelineModel }): JSX.Element {
  const { stage, run, model } = props;
  const { stage: name, state } = stage;
  const ran = run.record?.stages.find(one => one.stage === name) ?? null;
  const broken = ran?.verdicts.filter(verdict => !verdict.success).length ?? 0;
  return (
    <li data-stage-run={name} data-state={state}>
      <div className="jp-nbprod-row">
        <span className="jp-nbprod-sign" aria-hidden="true">
          {SIGNS[state] ?? '·'}
        </span>
        <span className="jp-nbprod-grow">
          {name} · {state}
          {state === 'running' && stage.cells > 0 && ` · cell ${Math.min(stage.cell + 1, stage.cells)} of ${stage.cells}`}
          {stage.seconds != null && ` · ${stage.seconds.toFixed(1)}\u00a0s`}
          {broken > 0 && ` · ${broken} broken`}
        </span>
        {ran?.notebook && (
          <Anchor href={model.client.fileUrl(model.path, run.record!.id, ran.notebook)} data-test="notebook">
            notebook
          </Anchor>
        )}
      </div>
      {state === 'running' && stage.cells > 0 && (
        <progress max={stage.cells} value={stage.cell} aria-label={`Cells of ${name} that have run`} />
      )}
      {ran && !ran.failure && !GOOD.includes(state) && ran.reason && <p className="jp-nbprod-hint">{ran.reason}</p>}
      {ran?.failure && <Failure ran={ran} model={model} />}
    </li>
  );
}

/** The failing cell, and what it said. */
function Failure({ ran, model }: { ran: StageRun; model: PipelineModel }): JSX.Element {
  const failure = ran.failure!;
  return (
    <details data-test="failure">
      <summary>
        {failure.error}: {failure.message}
      </summary>
      {failure.cell !== null && (
        <button className="jp-nbprod-link" onClick={() => model.goTo(failure.cell!)}>
          Go to cell {failure.cell + 1}
        </button>
      )}
      <pre className="jp-nbprod-log" tabIndex={0} aria-label="What the failing cell said">
        {withoutColours(failure.traceback)}
      </pre>
    </details>
  );
}

function Anchor(props: React.AnchorHTMLAttributes<HTMLAnchorElement>): JSX.Element {
  return <a className="jp-nbprod-anchor" target="_blank" rel="noreferrer" {...props} />;
}
