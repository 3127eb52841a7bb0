"""Verdicts, findings and runs as HTML for a notebook's output: in the theme's colours, everything escaped."""

from __future__ import annotations

from html import escape
from itertools import groupby
from types import MappingProxyType
from typing import TYPE_CHECKING

from nbprod.faces.picture import SIGNS
from nbprod.faces.record_text import detail_said, outcome, outcome_of, sample_rows
from nbprod.faces.words import count_said, expectation_said, horizon_said, seconds_said
from nbprod.model import State

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from nbprod.model import CellFailure, Finding, Record, StageRun, Verdict, Witness

STYLE = """
.nbprod{--nbp-ink:var(--jp-ui-font-color1,CanvasText);--nbp-soft:var(--jp-ui-font-color2,GrayText);
 --nbp-line:var(--jp-border-color2,rgba(128,128,128,.35));--nbp-good:var(--jp-success-color0,#1a7f37);
 --nbp-bad:var(--jp-error-color1,#c62828);--nbp-warn:var(--jp-warn-color0,#9a5b00);
 --nbp-busy:var(--jp-brand-color1,#0969da);
 color:var(--nbp-ink);font-family:var(--jp-ui-font-family,system-ui,sans-serif);font-size:13px;margin:4px 0}
@media (prefers-color-scheme:dark){.nbprod{--nbp-good:var(--jp-success-color0,#56d364);
 --nbp-bad:var(--jp-error-color1,#ff7b72);--nbp-warn:var(--jp-warn-color0,#e3b341);
 --nbp-busy:var(--jp-brand-color1,#6cb6ff)}}
.nbprod table{border-collapse:collapse;margin:4px 0 8px;font-size:13px;border:none}
.nbprod th,.nbprod td{text-align:left;padding:3px 12px 3px 0;vertical-align:top;border:none;
 border-bottom:1px solid var(--nbp-line);background:none;color:inherit;white-space:normal;max-width:60em}
.nbprod th{color:var(--nbp-soft);font-weight:500}
.nbprod caption{text-align:left;font-weight:600;padding:2px 0;color:var(--nbp-ink)}
.nbprod code,.nbprod pre{font-family:var(--jp-code-font-family,ui-monospace,monospace);font-size:12px;
 background:none;color:inherit}
.nbprod pre{margin:4px 0;padding:4px 8px;border-left:3px solid var(--nbp-line);white-space:pre-wrap}
.nbprod .good{color:var(--nbp-good)}.nbprod .bad,.nbprod .error{color:var(--nbp-bad)}
.nbprod .warning{color:var(--nbp-warn)}.nbprod .busy,.nbprod .note{color:var(--nbp-busy)}
.nbprod .soft{color:var(--nbp-soft)}.nbprod ol{margin:2px 0 2px 1.4em;padding:0}
.nbprod .finding{margin:6px 0;padding-left:8px;border-left:3px solid currentColor}
.nbprod .finding>div,.nbprod .finding>ol,.nbprod .finding>pre{color:var(--nbp-ink)}
""".strip()


def verdicts_html(verdicts: Sequence[Verdict]) -> str:
    """A table a value: what held, what broke, how much, and sample rows under each that broke."""
    tables = []
    for (value, stage), group in groupby(verdicts, key=lambda one: (one.value, one.stage)):
        judged = list(group)
        held = sum(one.success for one in judged)
        at = f" (stage {escape(stage)})" if stage else ""
        caption = f"<code>{escape(value)}</code>{at}: {held} of {count_said(len(judged), 'expectation')} held"
        rows = "".join(map(_verdict_row, judged))
        tables.append(
            f"<table><caption>{caption}</caption><thead><tr><th scope='col'>result</th>"
            f"<th scope='col'>expectation</th><th scope='col'>seen</th></tr></thead><tbody>{rows}</tbody></table>"
        )
    return _framed("".join(tables))


def _verdict_row(verdict: Verdict) -> str:
    word, role = outcome(verdict)
    seen = escape(detail_said(verdict))
    if verdict.expectation.notes and not verdict.success:
        seen += f"<div class='soft'>{escape(verdict.expectation.notes)}</div>"
    if verdict.rows and not verdict.success:
        head, rows = sample_rows(verdict)
        seen += _table(head, rows)
    said = f"<code>{escape(expectation_said(verdict.expectation))}</code>"
    return f"<tr><td class='{role}' style='white-space:nowrap'>{word}</td><td>{said}</td><td>{seen}</td></tr>"


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    top = "".join(f"<th scope='col'>{escape(cell)}</th>" for cell in head)
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"


def findings_html(
    findings: Sequence[Finding],
    *,
    title: str = "",
    pictures: Mapping[Witness, str] = MappingProxyType({}),
    foot: Sequence[str] = (),
) -> str:
    """The findings, each with its path, witness and remedy; `pictures` are SVG text, `foot` lines of plain text."""
    head = f"<strong>{escape(title)}</strong>" if title else ""
    blocks = [
        _finding_block(one, picture=pictures.get(one.witness, "") if one.witness else "") for one in findings
    ]
    return _framed("".join([head, *blocks, *(f"<div class='soft'>{escape(line)}</div>" for line in foot)]))


def _finding_block(finding: Finding, *, picture: str) -> str:
    where = f"{finding.span}: " if finding.span else ""
    verdict = f" [{finding.verdict}]" if finding.verdict else ""
    horizon = f" ({escape(horizon_said(finding.horizon))})" if finding.horizon else ""
    steps = "".join(f"<li>{step.span}: {escape(step.says)}</li>" for step in finding.path)
    return (
        f"<div class='finding {finding.severity}'>{finding.severity} <strong>{escape(finding.rule)}</strong>{verdict}"
        f"<span class='soft'>{horizon}</span><div>{where}{escape(finding.message)}</div>"
        + (f"<ol>{steps}</ol>" if steps else "")
        + (_witness_block(finding.witness, picture) if finding.witness else "")
        + (_remedy(finding.remedy) if finding.remedy else "")
        + "</div>"
    )


def _witness_block(seen: Witness, picture: str) -> str:
    return (
        f"<div><span class='soft'>Witness:</span> row <code>{escape(seen.row)}</code>: {escape(seen.column)} is "
        f"<code>{escape(seen.value_with_future)}</code> with the future and "
        f"<code>{escape(seen.value_without_future)}</code> without (cut at {escape(seen.cut)})</div>"
        + (f"<div style='max-width:480px'>{picture}</div>" if picture else "")
    )


def _remedy(text: str) -> str:
    if "\n" in text.strip():
        return f"<div class='soft'>Remedy:</div><pre>{escape(text.strip())}</pre>"
    return f"<div><span class='soft'>Remedy:</span> {escape(text)}</div>"


def runs_html(runs: Sequence[StageRun]) -> str:
    """The stages of a run, one row each."""
    rows = "".join(_run_row(run) for run in runs)
    return _framed(
        "<table><thead><tr><th scope='col'>state</th><th scope='col'>stage</th><th scope='col'>time</th>"
        f"<th scope='col'></th></tr></thead><tbody>{rows}</tbody></table>"
    )


def _run_row(run: StageRun) -> str:
    seconds = seconds_said(run.seconds) if run.seconds is not None else ""
    said = outcome_of(run)
    return (
        f"<tr><td class='{_role(run.state)}' style='white-space:nowrap'>{SIGNS[run.state]} {run.state}</td>"
        f"<td><code>{escape(run.stage)}</code></td><td>{seconds}</td><td>{escape(said)}</td></tr>"
    )


def _role(state: State) -> str:
    match state:
        case State.DONE | State.CACHED:
            return "good"
        case State.FAILED | State.BROKEN:
            return "bad"
        case State.RUNNING:
            return "busy"
        case State.WAITING | State.SKIPPED | State.CANCELLED:
            return "soft"


def record_html(record: Record) -> str:
    """What became of a run, with its broken expectations and its failed cell."""
    took = f" after {seconds_said(record.seconds)}" if record.seconds is not None else ""
    head = (
        f"<strong>{escape(record.pipeline)}</strong> {escape(record.id)}: "
        f"<span class='{_role(record.state)}'>{record.state}</span>{took}"
    )
    judged = [verdict for run in record.stages for verdict in run.verdicts]
    failures = "".join(_failure_block(run, run.failure) for run in record.stages if run.failure)
    kept = f"<div class='soft'>Kept in <code>{escape(record.folder)}</code></div>"
    return _framed(
        head + runs_html(record.stages) + failures + (verdicts_html(judged) if judged else "") + kept
    )


def _failure_block(run: StageRun, failure: CellFailure) -> str:
    where = f"cell {failure.cell + 1}" if failure.cell is not None else "a cell that nbprod added"
    return (
        f"<div class='finding error'>Failed in stage <strong>{escape(run.stage)}</strong>, {where}"
        f"<pre>{escape(failure.source)}</pre><div>{escape(failure.error)}: {escape(failure.message)}</div></div>"
    )


def note_html(text: str, *, role: str = "soft") -> str:
    """One line of plain text in the frame."""
    return _framed(f"<span class='{role}'>{escape(text)}</span>")


def _framed(body: str) -> str:
    return f"<div class='nbprod'><style>{STYLE}</style>{body}</div>"
