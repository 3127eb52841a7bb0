import * as React from 'react';
import type { Action, BatchSeen, ChampionNow, DecisionTold, Glance, Seen } from '../glance';
import type { PipelineModel } from '../model';
import { HEIGHT, type Point, sparkOf, WIDTH } from '../spark';
import type { Watch } from '../watch';

const SIGNS: { [action in Action]: string } = {
  'under way': '▶', nothing: '·', stopped: '⚠', failed: '✗', kept: '=', promoted: '▲', abandoned: '⊘'
};
const MOST_BATCHES = 5;
const MOST_DECISIONS = 4;
const DAY = { year: 'numeric', month: 'short', day: 'numeric' } as const;
const MOMENT = { ...DAY, hour: 'numeric', minute: '2-digit' } as const;

/** The notebook's model in production: who is champion, how its batches are, what was decided and why. */
export function MonitorView({ model }: { model: PipelineModel }): JSX.Element {
  const { watch } = model;
  const { known, problem } = watch;
  React.useEffect(() => {
    if (!watch.known) {
      void watch.load();
    }
  }, [model.path]);
  return (
    <>
      {problem && (
        <div role="alert" className="jp-nbprod-problem">
          <p>{problem}</p>
          <button className="jp-mod-styled" onClick={() => void watch.load()}>
            Try again
          </button>
        </div>
      )}
      {known && <Known watch={watch} glance={known.glance} />}
      {!known && !problem && (
        <p className="jp-nbprod-hint" role="status">
          Asking for the model in production…
        </p>
      )}
    </>
  );
}

function Known({ watch, glance }: { watch: Watch; glance: Glance }): JSX.Element {
  const { champion, challenger, decisions, seen } = glance;
  return (
    <>
      {champion ? <ChampionNamed glance={glance} champion={champion} /> : <NoChampion model={glance.model} />}
      {champion && challenger !== null && challenger > champion.version && (
        <p className="jp-nbprod-hint">Version {challenger} is the challenger.</p>
      )}
      {champion && <Attention glance={glance} />}
      {seen && seen.batches.length > 0 && <Course seen={seen} />}
      {champion && <LookForm watch={watch} glance={glance} />}
      {(champion || decisions.length > 0) && <Decisions decisions={decisions} />}
    </>
  );
}

function NoChampion({ model }: { model: string }): JSX.Element {
  return (
    <p className="jp-nbprod-hint" data-test="no-champion">
      {model} has no champion yet. In a terminal, <code>nbprod promote last</code> makes the model of the latest run one;{' '}
      <code>nbprod retrain</code> does so by itself.
    </p>
  );
}

function ChampionNamed({ glance, champion }: { glance: Glance; champion: ChampionNow }): JSX.Element {
  const { version, since, who, why, kind } = champion;
  return (
    <section className="jp-nbprod-group" data-test="champion" aria-label="Champion">
      <h4>
        {glance.model}, version {version}
      </h4>
      <p>
        {kind === 'rollback' ? `Champion again since ${day(since)}, brought back by ${who}.` : `Champion since ${day(since)}, promoted by ${who}.`}
      </p>
      <Worth glance={glance} champion={champion} />
      <details>
        <summary>Why, and what it learned from</summary>
        <p>{why || 'No reason was given.'}</p>
        {champion.trained_from && champion.trained_to && (
          <p>
            Trained on rows from {day(champion.trained_from)} to {day(champion.trained_to)}, in run {champion.run}.
          </p>
        )}
      </details>
    </section>
  );
}

/** What the champion promised and what it does; where no batch tells, what its run measured. */
function Worth({ glance, champion }: { glance: Glance; champion: ChampionNow }): JSX.Element {
  const own = glance.seen?.batches.filter(one => one.version === champion.version) ?? [];
  const promised = [...own].reverse().find(one => one.promised !== null);
  const live = [...own].reverse().find(one => one.live !== null);
  const told = promised ?? live;
  const figures: [string, string][] = told
    ? [
        [`${told.metric}, promised`, brief(promised?.promised)],
        [`${told.metric}, live`, live ? `${brief(live.live)} on ${count(live.labelled)} labelled rows` : 'no labels yet']
      ]
    : Object.entries(champion.metrics).map(([name, figure]) => [name, brief(figure)]);
  return (
    <dl className="jp-nbprod-figures">
      {figures.map(([name, figure]) => (
        <React.Fragment key={name}>
          <dt>{name}</dt>
          <dd>{figure}</dd>
        </React.Fragment>
      ))}
    </dl>
  );
}

/** What wants attention, and how old that is. */
function Attention({ glance }: { glance: Glance }): JSX.Element {
  const { seen, unseen } = glance;
  const since = unseen === 1 ? 'One batch has' : `${count(unseen)} batches have`;
  if (!seen) {
    return (
      <p className="jp-nbprod-hint">
        {unseen > 0 ? `${since} been scored, and nobody has looked at ${unseen === 1 ? 'it' : 'them'} yet.` : <NothingScored />}
      </p>
    );
  }
  return (
    <>
      <ul className="jp-nbprod-list" data-test="alarms" aria-label="What wants attention">
        {seen.alarms.map(one => (
          <Told key={one} sign="▲" severity="warning" says={one} />
        ))}
        {seen.batches.length > 0 && !seen.alarms.length && <Told sign="✓" severity="good" says="Nothing wants attention." />}
        {!seen.batches.length && !unseen && (
          <li className="jp-nbprod-hint">
            <NothingScored />
          </li>
        )}
      </ul>
      {seen.skew && !seen.has_skew && <p className="jp-nbprod-hint">{seen.skew}</p>}
      <p className="jp-nbprod-hint">
        As of {moment(seen.at)}.{unseen > 0 && ` ${since} been scored since.`}
      </p>
    </>
  );
}

function NothingScored(): JSX.Element {
  return (
    <>
      Nothing has been scored yet: <code>nbprod score FILE</code> scores a batch.
    </>
  );
}

function Told({ sign, severity, says }: { sign: string; severity: string; says: string }): JSX.Element {
  return (
    <li data-severity={severity}>
      <div className="jp-nbprod-row">
        <span className="jp-nbprod-sign" aria-hidden="true">
          {sign}
        </span>
        <span className="jp-nbprod-grow">{says}</span>
      </div>
    </li>
  );
}

/** Metric and drift over time, and the latest batches. */
function Course({ seen }: { seen: Seen }): JSX.Element {
  const { batches, large_psi: limit } = seen;
  const metric = batches[batches.length - 1].metric;
  const live = points(batches, one => one.live);
  const promised = points(batches, one => one.promised).filter(
    ({ at }) => live.length > 0 && at >= live[0].at && at <= live[live.length - 1].at
  );
  return (
    <>
      {live.length > 0 && <Plot title={`${metric}, live`} against="dashes: promised" line={live} promised={promised} />}
      <Plot
        title="Largest drift (PSI)"
        against={`dotted: ${limit}, a large change`}
        line={points(batches, one => one.worst_psi)}
        limit={limit}
      />
      <Batches batches={batches} />
    </>
  );
}

function points(batches: readonly BatchSeen[], figure: (one: BatchSeen) => number | null): Point[] {
  return batches.flatMap(one => {
    const found = figure(one);
    return found === null ? [] : [{ at: Date.parse(one.at), figure: found }];
  });
}

function Plot(props: { title: string; against: string; line: Point[]; promised?: Point[]; limit?: number }): JSX.Element {
  const { title, against, line, promised = [], limit = null } = props;
  if (!line.length) {
    return <></>;
  }
  const spark = sparkOf(line, promised, limit);
  const last = line[line.length - 1];
  const figures = line.map(one => brief(one.figure)).join(', ');
  return (
    <figure className="jp-nbprod-plot" data-test="plot">
      <figcaption>
        {title}: {brief(last.figure)} <small>{against}</small>
      </figcaption>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={`${title}, batch by batch: ${figures}; ${against}`}>
        {spark.limit !== null && <line className="jp-nbprod-limit" x1="0" x2={WIDTH} y1={spark.limit} y2={spark.limit} />}
        <polyline className="jp-nbprod-promised" points={spark.promised} />
        <polyline className="jp-nbprod-measured" points={spark.line} />
        {spark.dots.map(([x, y], place) => (
          <circle key={place} cx={x} cy={y} r="2.5">
            <title>{`${day(new Date(line[place].at).toISOString())}: ${brief(line[place].figure)}`}</title>
          </circle>
        ))}
      </svg>
    </figure>
  );
}

function Batches({ batches }: { batches: readonly BatchSeen[] }): JSX.Element {
  const latest = [...batches].reverse().slice(0, MOST_BATCHES);
  return (
    <table className="jp-nbprod-table jp-nbprod-compared jp-nbprod-batches" data-test="batches">
      <caption>Latest batches</caption>
      <thead>
        <tr>
          <th scope="col">Batch</th>
          <th scope="col">{latest[0].metric}</th>
          <th scope="col">Drifted</th>
        </tr>
      </thead>
      <tbody>
        {latest.map(one => (
          <tr key={one.batch}>
            <td>
              {one.said.split(' ').map((word, place) => (
                <React.Fragment key={place}>
                  <span className="jp-nbprod-whole">{word}</span>{' '}
                </React.Fragment>
              ))}
              <small>
                {count(one.rows)} rows, version {one.version}
              </small>
            </td>
            <td>{one.live === null ? 'no labels' : brief(one.live)}</td>
            <td data-alarm={one.drifted.length > 0}>{one.drifted.join(', ') || 'nothing'}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** Look again, with files of labels and served features where there are any. */
function LookForm({ watch, glance }: { watch: Watch; glance: Glance }): JSX.Element {
  const [labels, setLabels] = React.useState<string | null>(null);
  const [served, setServed] = React.useState<string | null>(null);
  const { is_looking: isLooking, problem } = watch.known!;
  const given = { labels: labels ?? glance.seen?.labels ?? '', served: served ?? glance.seen?.served ?? '' };
  return (
    <form
      className="jp-nbprod-form"
      aria-label="Look at the batches"
      onSubmit={event => {
        event.preventDefault();
        void watch.look(given.labels.trim(), given.served.trim());
      }}
    >
      <details open={Boolean(given.labels || given.served)}>
        <summary>Labels and served features</summary>
        <FileField name="labels" title="Labels that have arrived" file={given.labels} onChange={setLabels} />
        <FileField name="served" title="Features that were served" file={given.served} onChange={setServed} />
      </details>
      <div className="jp-nbprod-buttons">
        <button className="jp-mod-styled jp-mod-accept" type="submit" data-test="look" disabled={isLooking}>
          {isLooking ? 'Looking…' : glance.seen ? 'Look again' : 'Look at the batches'}
        </button>
        {glance.seen && (
          <button className="jp-mod-styled" type="button" data-test="report" onClick={() => watch.openReport()}>
            Open the report
          </button>
        )}
      </div>
      <p className="jp-nbprod-hint" role="status">
        {isLooking && 'The monitor holds the batches against what the model learned from.'}
      </p>
      {problem && (
        <p role="alert" className="jp-nbprod-problem">
          {problem}
        </p>
      )}
    </form>
  );
}

/** A parquet file beside the server's other files. */
function FileField(props: {
  name: string;
  title: string;
  file: string;
  onChange: (file: string) => void;
}): JSX.Element {
  const { name, title, file, onChange } = props;
  return (
    <label title={`${title}, with the rows' key, as parquet`}>
      {name}
      <input value={file} data-test={name} placeholder="file.parquet" onChange={event => onChange(event.target.value)} />
    </label>
  );
}

function Decisions({ decisions }: { decisions: readonly DecisionTold[] }): JSX.Element {
  if (!decisions.length) {
    return (
      <p className="jp-nbprod-hint">
        Nothing has been decided yet: <code>nbprod retrain</code> looks at its triggers and says what it did, and why.
      </p>
    );
  }
  const [latest, earlier] = [decisions.slice(0, MOST_DECISIONS), decisions.slice(MOST_DECISIONS)];
  return (
    <>
      <h4>Decisions</h4>
      <DecisionList decisions={latest} label="Decisions, the latest first" />
      {earlier.length > 0 && (
        <details>
          <summary>{earlier.length} earlier</summary>
          <DecisionList decisions={earlier} label="Earlier decisions" />
        </details>
      )}
    </>
  );
}

function DecisionList({ decisions, label }: { decisions: readonly DecisionTold[]; label: string }): JSX.Element {
  return (
    <ul className="jp-nbprod-list" aria-label={label} data-test="decisions">
      {decisions.map(one => (
        <li key={one.started} data-action={one.action}>
          <div className="jp-nbprod-row">
            <span className="jp-nbprod-sign" aria-hidden="true">
              {SIGNS[one.action]}
            </span>
            <div className="jp-nbprod-grow">
              <b>{one.action}</b>
              {one.challenger !== null && ` version ${one.challenger}`}
              {one.times > 1 && ` ${one.times} times`}
              <small className="jp-nbprod-hint">{moment(one.started)}</small>
              {one.triggers.length > 0 && <div className="jp-nbprod-hint">Trained as {one.triggers.join('; ')}.</div>}
              <div>{one.reason}</div>
            </div>
          </div>
        </li>
      ))}
    </ul>
  );
}

/** Days and moments are in the reader's own time. */
function day(text: string): string {
  return new Date(text).toLocaleDateString(undefined, DAY);
}

function moment(text: string): string {
  return new Date(text).toLocaleString(undefined, MOMENT);
}

/** What can be compared by eye. */
function brief(figure: number | null | undefined): string {
  return figure === null || figure === undefined ? '—' : String(Number(figure.toPrecision(4)));
}

function count(figure: number): string {
  return figure.toLocaleString('en');
}
