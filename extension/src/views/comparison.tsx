import * as React from 'react';
import type { Comparison, Difference } from '../client';
import type { Progress } from '../progress';
import { shown } from '../said';

const PARTS: readonly [keyof Comparison & ('parameters' | 'metrics' | 'verdicts' | 'values' | 'data' | 'states'), string][] = [
  ['parameters', 'Parameters'],
  ['metrics', 'Metrics'],
  ['verdicts', 'Verdicts'],
  ['values', 'Values'],
  ['data', 'Data that was read'],
  ['states', 'States']
];

/** Two runs side by side: only what differs. */
export function ComparisonView({ found, runs }: { found: Comparison; runs: Progress[] }): JSX.Element {
  const began = (id: string) => {
    const run = runs.find(one => one.record_id === id || one.id === id);
    return run ? new Date(run.started).toLocaleTimeString() : id;
  };
  const parts = PARTS.filter(([part]) => found[part].length > 0);
  return (
    <div className="jp-nbprod-scroll" tabIndex={0} role="region" aria-label="Two runs compared" data-test="comparison">
      <table className="jp-nbprod-table jp-nbprod-compared">
        <caption>What differs between two runs</caption>
        <thead>
          <tr>
            <th scope="col">What</th>
            <th scope="col">{began(found.before)}</th>
            <th scope="col">{began(found.after)}</th>
          </tr>
        </thead>
        {parts.map(([part, title]) => (
          <tbody key={part}>
            <tr>
              <th colSpan={3} scope="rowgroup">
                {title}
              </th>
            </tr>
            {found[part].map((one: Difference) => (
              <tr key={one.name}>
                <th scope="row">{breakable(one.name)}</th>
                <td>{shown(one.before)}</td>
                <td>{shown(one.after)}</td>
              </tr>
            ))}
          </tbody>
        ))}
      </table>
      {found.cells.map(({ stage, cell, diff }) => (
        <pre key={`${stage} ${cell}`} className="jp-nbprod-diff" tabIndex={0} aria-label={`Code of ${stage} that differs`}>
          {[`${stage}, cell ${cell}`, ...diff.split('\n')].map((line, place) => (
            <span key={place} data-sign={place ? line[0] : undefined}>
              {line}
              {'\n'}
            </span>
          ))}
        </pre>
      ))}
      {parts.length === 0 && found.cells.length === 0 && <p className="jp-nbprod-hint">Nothing differs.</p>}
      {found.unknown.map(one => (
        <p key={one} className="jp-nbprod-hint">
          {one}
        </p>
      ))}
    </div>
  );
}

/** A dotted name that may go on in the next line behind each dot. */
function breakable(name: string): React.ReactNode {
  return name.split('.').map((part, place) => (
    <React.Fragment key={place}>
      {place > 0 && (
        <>
          .<wbr />
        </>
      )}
      {part}
    </React.Fragment>
  ));
}
