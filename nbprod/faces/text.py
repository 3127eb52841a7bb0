"""Flows, findings and plans as text for people at a terminal."""

from __future__ import annotations

from itertools import groupby
from textwrap import wrap
from typing import TYPE_CHECKING

from nbprod.faces.grid import grid
from nbprod.faces.paint import no_paint
from nbprod.faces.words import (
    cells_said,
    clipped,
    count_said,
    expectation_said,
    horizon_said,
    safe,
    value_said,
)
from nbprod.model import LinkReason

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nbprod.faces.paint import Paint
    from nbprod.model import Finding, Flow, Link, Notebook, Parameter, Plan, Stage, Study, Suite

WIDTH = 110


# A study


def study_text(study: Study, *, notebook: Notebook | None = None, paint: Paint = no_paint) -> str:
    """The flow, what is expected, and the findings; `notebook` lets findings quote their lines."""
    parts = [flow_text(study.flow, title=study.notebook, paint=paint)]
    if study.suites:
        parts.append(suites_text(study.suites, paint=paint))
    if study.findings:
        parts.append(findings_text(study, notebook=notebook, paint=paint))
    return "\n\n".join(parts)


def flow_text(flow: Flow, *, title: str, paint: Paint = no_paint) -> str:
    """The stages in running order, each with what it needs and gives."""
    head = paint("strong", safe(title))
    if not flow.stages:
        return f"{head}: no cell has a stage yet."
    lines = [f"{head}: {count_said(len(flow.stages), 'stage')}"]
    if flow.parameters:
        rows = [_parameter_row(one) for one in flow.parameters]
        lines += ["", paint("strong", "parameters"), *grid(rows, indent="  ")]
    lines += ["", paint("strong", "stages")]
    for number, stage in enumerate(flow.stages, start=1):
        lines += _stage_lines(number, stage, flow, paint)
    if flow.left_out:
        lines += ["", paint("strong", "left out")]
        lines += grid(
            ((f"cell {one.cell + 1}", clipped(one.reason, 100)) for one in flow.left_out), indent="  "
        )
    return "\n".join(lines)


def _parameter_row(parameter: Parameter) -> tuple[str, str, str]:
    default = "(secret)" if parameter.secret else value_said(parameter.default)
    return parameter.name, f"{parameter.type} = {default}", clipped(parameter.description, 80)


def _stage_lines(number: int, stage: Stage, flow: Flow, paint: Paint) -> Iterator[str]:
    kind = "" if stage.kind.value == stage.name else f"{stage.kind}, "
    yield f"  {number:>2} {paint('strong', stage.name)} {paint('soft', f'({kind}{cells_said(stage.cells)})')}"
    said = [
        ("reads", ", ".join(stage.reads)),
        ("needs", _needs_said(stage)),
        ("after", "; ".join(_after_said(link) for link in flow.links if _is_bare(link, stage))),
        ("gives", ", ".join(stage.gives)),
        ("time", _time_said(stage)),
    ]
    for word, text in said:
        if text:
            yield f"     {paint('soft', word)} {text}"


def _needs_said(stage: Stage) -> str:
    by_giver: dict[str, list[str]] = {}
    for need in stage.needs:
        by_giver.setdefault(need.giver, []).append(need.name)
    return "; ".join(f"{', '.join(names)} from {giver}" for giver, names in by_giver.items())


def _is_bare(link: Link, stage: Stage) -> bool:
    return link.taker == stage.name and link.reason is not LinkReason.VALUES


def _after_said(link: Link) -> str:
    what = "the file" if link.reason is LinkReason.FILE else "the state of"
    return f"{link.giver} ({what} {', '.join(link.carries)})" if link.carries else link.giver


def _time_said(stage: Stage) -> str:
    options = stage.options
    known = ", ".join(f"{column} known at {time}" for column, time in options.known)
    entity = f"per {options.entity}" if options.entity else ""
    return "; ".join(part for part in (options.time or "", entity, known) if part)


def suites_text(suites: Sequence[Suite], *, paint: Paint = no_paint) -> str:
    """What is expected of each value, as its cell says it."""
    lines = [paint("strong", "expectations")]
    for suite in suites:
        at = f" (as {suite.stage} gives it)" if suite.stage else ""
        lines.append(f"  {suite.value}{at}")
        lines += [f"    {expectation_said(one)}" for one in suite.expectations]
    return "\n".join(lines)


# Findings


def findings_text(study: Study, *, notebook: Notebook | None = None, paint: Paint = no_paint) -> str:
    """The findings grouped by cell: place, rule, message, the path line by line, the remedy."""
    lines = [paint("strong", safe(study.notebook))]
    for cell, group in groupby(study.findings, key=lambda one: one.span.cell if one.span else None):
        lines.append(f"  {paint('strong', _cell_said(cell, study.flow))}")
        for finding in group:
            lines += _finding_lines(finding, notebook, paint)
    return "\n".join(lines)


def findings_summary(studies: Sequence[Study]) -> str:
    """One line that counts the findings by severity."""
    found = [finding.severity for study in studies for finding in study.findings]
    where = count_said(len(studies), "notebook")
    if not found:
        return f"Nothing found in {where}."
    counts = [count_said(found.count(one), one.value) for one in dict.fromkeys(sorted(found, key=_weight))]
    is_on_leakage = any(finding.verdict for study in studies for finding in study.findings)
    more = " `nbprod explain RULE` says more about a rule." if is_on_leakage else ""
    return f"Found {', '.join(counts)} in {where}.{more}"


def finding_text(finding: Finding, *, notebook: Notebook | None = None, paint: Paint = no_paint) -> str:
    """One finding without its cell's heading."""
    return "\n".join(_finding_lines(finding, notebook, paint))


def _weight(severity: str) -> int:
    return ("error", "warning", "note").index(severity)


def _cell_said(cell: int | None, flow: Flow) -> str:
    if cell is None:
        return "the whole notebook"
    stages = [stage.name for stage in flow.stages if cell in stage.cells]
    return f"cell {cell + 1}" + (f" ({', '.join(stages)})" if stages else "")


def _finding_lines(finding: Finding, notebook: Notebook | None, paint: Paint) -> Iterator[str]:
    line = f"line {finding.span.line}: " if finding.span else ""
    verdict = f" [{finding.verdict}]" if finding.verdict else ""
    horizon = f" ({horizon_said(finding.horizon)})" if finding.horizon else ""
    severity = paint(finding.severity.value, finding.severity.value)
    yield f"    {line}{severity} {paint('strong', finding.rule)}{verdict}{paint('soft', horizon)}"
    yield from _indented(finding.message, "      ")
    quoted = _quoted(finding, notebook)
    if quoted:
        yield f"        {paint('code', quoted)}"
    here = finding.span.cell if finding.span else None
    for step in finding.path:
        place = f"line {step.span.line}" if step.span.cell == here else str(step.span)
        yield f"      {paint('soft', f'-> {place}:')} {clipped(step.says, 160)}"
    if finding.witness is not None:
        seen = finding.witness
        yield (
            f"      witness: row {clipped(seen.row, 40)}, {seen.column} is {clipped(seen.value_with_future, 40)}"
            f" with the future and {clipped(seen.value_without_future, 40)} without (cut at {seen.cut})"
        )
    if finding.remedy:
        first, *rest = _indented(finding.remedy, "      ")
        yield f"      {paint('good', 'remedy:')} {first.strip()}"
        yield from rest


def _quoted(finding: Finding, notebook: Notebook | None) -> str:
    if notebook is None or finding.span is None or finding.span.cell >= len(notebook.code):
        return ""
    lines = notebook.code[finding.span.cell].source.split("\n")
    return clipped(lines[finding.span.line - 1], 110) if finding.span.line <= len(lines) else ""


def _indented(text: str, indent: str) -> list[str]:
    """The text's lines, long sentences folded; lines that start with a space are code and stay."""
    folded = []
    for line in safe(text).strip("\n").split("\n"):
        folded += [line] if line.startswith(" ") else wrap(line, WIDTH, break_long_words=False) or [""]
    return [f"{indent}{line}" for line in folded]


# A plan


def plan_text(plan: Plan, *, folder: str, paint: Paint = no_paint) -> str:
    """What a plan holds and where it stands."""
    rows = [(stage.notebook, ", ".join(stage.after), ", ".join(stage.gives)) for stage in plan.stages]
    lines = [
        f"{paint('good', 'Extracted')} {plan.name}: {count_said(len(plan.stages), 'stage')} in {safe(folder)}",
        *grid(rows, head=("notebook", "after", "gives"), indent="  ", paint=paint),
    ]
    lines += [
        f"  suite on {suite.value}: {count_said(len(suite.expectations), 'expectation')}"
        for suite in plan.suites
    ]
    lines += [f"  allowed {rule}: {clipped(reason, 100)}" for rule, reason in plan.allowed.items()]
    return "\n".join(lines)
