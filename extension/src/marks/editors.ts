import { setDiagnostics, type Diagnostic } from '@codemirror/lint';
import type { Extension } from '@codemirror/state';
import { ViewPlugin, type EditorView } from '@codemirror/view';
import type { PipelineModel } from '../model';
import { utf16Column } from '../text';
import type { Finding, Severity } from '../wire';

const SEVERITIES: { [severity in Severity]: Diagnostic['severity'] } = { error: 'error', warning: 'warning', note: 'info' };

/** Squiggles in one cell's editor, with the finding's words on hover and its fix as an action. */
export function findingMarks(model: PipelineModel, cellId: string): Extension {
  return ViewPlugin.define(view => {
    let shown = '[]';
    const show = () => {
      const findings = model.findingsOf(cellId);
      if (!findings.length && shown === '[]') {
        return;
      }
      const key = JSON.stringify(findings);
      if (key === shown) {
        return;
      }
      shown = key;
      // A view may not be changed while it updates
      queueMicrotask(() => view.dispatch(setDiagnostics(view.state, findings.map(one => mark(view, one, model)))));
    };
    model.studied.connect(show);
    show();
    return { destroy: () => void model.studied.disconnect(show) };
  });
}

function mark(view: EditorView, finding: Finding, model: PipelineModel): Diagnostic {
  const { span } = finding;
  const from = span ? offset(view, span.line, span.column) : 0;
  const to = span ? Math.max(from, offset(view, span.end_line, span.end_column)) : 0;
  const verdict = finding.verdict ? ` (${finding.verdict})` : '';
  return {
    from,
    to,
    severity: SEVERITIES[finding.severity],
    source: `nbprod ${finding.rule}${verdict}`,
    message: finding.remedy ? `${finding.message}\n${finding.remedy}` : finding.message,
    markClass: `jp-nbprod-mark jp-nbprod-mark-${finding.severity}`,
    actions: finding.edits.length ? [{ name: 'Fix', apply: () => model.fix(finding) }] : []
  };
}

function offset(view: EditorView, lineNumber: number, column: number): number {
  const { doc } = view.state;
  const line = doc.line(Math.min(Math.max(lineNumber, 1), doc.lines));
  return Math.min(line.from + utf16Column(line.text, column), line.to);
}
