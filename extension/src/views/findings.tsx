import * as React from 'react';
import type { PipelineModel } from '../model';
import type { Finding } from '../wire';

const SIGNS = { error: '✗', warning: '▲', note: 'i' } as const;

/** The findings in the order of the cells: where, what, by which path, and what to do about it. */
export function FindingsView({ model }: { model: PipelineModel }): JSX.Element {
  const findings = model.study?.findings ?? [];
  if (!findings.length) {
    return <p className="jp-nbprod-hint">Nothing found.</p>;
  }
  return (
    <ul className="jp-nbprod-list" data-test="findings">
      {findings.map((finding, index) => (
        <li key={index} data-severity={finding.severity} data-rule={finding.rule}>
          <button className="jp-nbprod-link" onClick={() => jump(model, finding)}>
            <span className="jp-nbprod-sign" aria-label={finding.severity}>
              {SIGNS[finding.severity]}
            </span>
            {finding.span && <b>Cell {finding.span.cell + 1}, line {finding.span.line}. </b>}
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
            {finding.remedy && <pre className="jp-nbprod-remedy">{finding.remedy}</pre>}
          </details>
          {finding.edits.length > 0 && (
            <button className="jp-mod-styled" data-test="fix" onClick={() => model.fix(finding)}>
              Fix
            </button>
          )}
        </li>
      ))}
    </ul>
  );
}

function jump(model: PipelineModel, finding: Finding): void {
  if (finding.span) {
    model.goTo(finding.span.cell, finding.span.line, finding.span.column);
  }
}
