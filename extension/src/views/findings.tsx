import * as React from 'react';
import type { PipelineModel } from '../model';
import type { Finding } from '../wire';

const SIGNS = { error: '✗', warning: '▲', note: 'i' } as const;

/** The findings in the order of the cells: where, what, by which path, and what to do about it. */
export function FindingsView({ model }: { model: PipelineModel }): JSX.Element {
  const { findings } = model;
  if (!findings.length) {
    return <p className="jp-nbprod-hint">Nothing found: no leak, and no stage that could not run.</p>;
  }
  return (
    <ul className="jp-nbprod-list" data-test="findings">
      {findings.map((finding, index) => (
        <FindingItem key={index} finding={finding} model={model} />
      ))}
    </ul>
  );
}

function FindingItem({ finding, model }: { finding: Finding; model: PipelineModel }): JSX.Element {
  const { span } = finding;
  return (
    <li data-severity={finding.severity} data-rule={finding.rule}>
      <button className="jp-nbprod-link" onClick={() => span && model.goTo(span.cell, span.line, span.column)}>
        <span className="jp-nbprod-sign" role="img" aria-label={finding.severity}>
          {SIGNS[finding.severity]}
        </span>
        {span && (
          <b>
            Cell {span.cell + 1}, line {span.line}.{' '}
          </b>
        )}
        {finding.message}
      </button>
      <details>
        <summary>
          {finding.rule}
          {finding.verdict ? ` · ${finding.verdict}` : ''}
        </summary>
        <ol className="jp-nbprod-path">
          {finding.path.map((step, place) => (
            <li key={place}>
              <button
                className="jp-nbprod-link"
                onClick={() => model.goTo(step.span.cell, step.span.line, step.span.column)}
              >
                Cell {step.span.cell + 1}, line {step.span.line}: {step.says}
              </button>
            </li>
          ))}
        </ol>
        {finding.remedy && (
          <pre className="jp-nbprod-remedy" tabIndex={0} aria-label="What to do">
            {finding.remedy}
          </pre>
        )}
      </details>
      {finding.edits.length > 0 && <Fix finding={finding} model={model} />}
    </li>
  );
}

/** What a fix would change, line by line, and the button that makes it. */
function Fix({ finding, model }: { finding: Finding; model: PipelineModel }): JSX.Element {
  return (
    <div className="jp-nbprod-fix">
      {model.diffOf(finding).map(({ cell, lines }) => (
        <pre key={cell} className="jp-nbprod-diff" tabIndex={0} aria-label={`What the fix changes in cell ${cell + 1}`}>
          {lines.map(({ sign, text }, place) => (
            <span key={place} data-sign={sign}>
              {sign} {text}
              {'\n'}
            </span>
          ))}
        </pre>
      ))}
      <button className="jp-mod-styled" data-test="fix" onClick={() => model.fix(finding)}>
        Fix
      </button>
    </div>
  );
}
