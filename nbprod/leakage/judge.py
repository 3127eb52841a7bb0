"""From a notebook and its flow to findings: what leaks, from how far ahead, by which path, and what to do."""

from __future__ import annotations

import io
import tokenize
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from nbprod.flow import meaning_of
from nbprod.leakage.allows import Allow, allows_of
from nbprod.leakage.evidence import Evidence, telling
from nbprod.leakage.interpret import interpreted
from nbprod.leakage.leaks import Leak, leaks, one_a_cause
from nbprod.leakage.rules import RULES
from nbprod.leakage.splitting import split_leaks
from nbprod.model import CellKind, Edit, Finding, Flow, Kind, Proof, Severity, Step

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nbprod.leakage.interpret import Memory, Run
    from nbprod.model import Notebook, Span, StageOptions

_LONE_CELLS = 10
_Declared: TypeAlias = tuple[str | None, str | None, tuple[tuple[str, str], ...]]


def check(notebook: Notebook, flow: Flow, *, memory: Memory | None = None) -> tuple[Finding, ...]:
    """Every leak that the notebook's code shows, without running it, in the order of the cells.

    Stages of kind features say what is a feature, with `--time`, `--entity` and `--known`; without stages it is what
    reaches a model, or what the notebook leaves behind. Allow comments are taken into account. A memory keeps what is
    known of each cell for the next time.
    """
    if notebook.language not in ("python", "Python", "ipython", "python3", ""):
        return ()
    cause = _Cause(
        declared=_declared(_options(flow)),
        prose=telling(_prose(notebook)),
        stages=tuple((stage.kind, stage.cells) for stage in flow.stages),
        is_lone=len(notebook.code) <= _LONE_CELLS,
    )

    def work() -> tuple[Finding, ...]:
        return _found(notebook, cause, memory=memory)

    if memory is None:
        findings = work()
    else:
        findings = memory.found.of((cause, [meaning_of(cell) for cell in notebook.code]), work)
    return _sorted(_allowed(_staged(findings, flow), tuple(allows_of(notebook))))


def _staged(findings: Iterable[Finding], flow: Flow) -> list[Finding]:
    """The findings with the stages in which they stand."""
    stage_at = {cell: stage.name for stage in reversed(flow.stages) for cell in stage.cells}
    return [
        replace(one, stage=stage_at[one.span.cell]) if one.span and one.span.cell in stage_at else one
        for one in findings
    ]


class _Cause(Struct, frozen=True, kw_only=True):
    """What findings depend on beside what the cells do."""

    declared: _Declared
    prose: str
    stages: tuple[tuple[Kind, tuple[int, ...]], ...]
    is_lone: bool


def _found(notebook: Notebook, cause: _Cause, *, memory: Memory | None) -> tuple[Finding, ...]:
    """All findings, whether they are allowed or not, without their stages."""
    time, entity, known = cause.declared
    run, _trees = interpreted(notebook, time=time, entity=entity, known=dict(known), memory=memory)

    def work() -> tuple[Finding, ...]:
        return _judged(run, cause)

    if memory is None:
        return work()
    about = (cause, memory.course, run.libraries, run.frame_names, run.dated, len(run.sources))
    return memory.judged.of(about, work)


def _judged(run: Run, cause: _Cause) -> tuple[Finding, ...]:
    has_features = any(kind is Kind.FEATURES for kind, _ in cause.stages)
    evidence = Evidence(run, cause.prose, cause.is_lone, declared=has_features)
    every = [*leaks(run, evidence, features_stage=has_features), *split_leaks(run, evidence)]
    found = one_a_cause(every, features_stage=has_features)
    return (*_grouped(found, run=run), *_unproved(run, cause), *_unread(run))


def _options(flow: Flow) -> tuple[StageOptions, ...]:
    features = [stage.options for stage in flow.stages if stage.kind is Kind.FEATURES]
    others = [stage.options for stage in flow.stages if stage.kind is not Kind.FEATURES]
    return (*features, *others)


def _declared(options: Iterable[StageOptions]) -> _Declared:
    every = tuple(options)
    time = next((each.time for each in every if each.time), None)
    entity = next((each.entity for each in every if each.entity), None)
    known: dict[str, str] = {}
    for each in every:
        for column, at in each.known:
            known.setdefault(column, at)
    return time, entity, tuple(known.items())


def _prose(notebook: Notebook) -> str:
    """What people wrote about their data: text cells, comments, docstrings."""
    parts = [cell.source for cell in notebook.cells if cell.kind is CellKind.MARKDOWN]
    for cell in notebook.code:
        parts.extend(_spoken(cell.source))
    return "\n".join(parts)


@lru_cache(maxsize=1024)
def _spoken(source: str) -> tuple[str, ...]:
    if "#" not in source and '"""' not in source:
        return ()
    found: list[str] = []
    try:
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            if token.type == tokenize.COMMENT or (
                token.type == tokenize.STRING and token.string.startswith('"""')
            ):
                found.append(token.string)  # noqa: PERF401
    except (tokenize.TokenError, SyntaxError, IndentationError):
        # magics and half a cell: the comments up to there were read
        return tuple(found)
    return tuple(found)


# Findings


def _grouped(found: Iterable[Leak], *, run: Run) -> list[Finding]:
    """One finding a rule and place, with all columns that it concerns."""
    groups: dict[tuple[object, ...], list[Leak]] = {}
    for leak in found:
        groups.setdefault((leak.rule, leak.span), []).append(leak)
    return [_finding(group, run=run) for group in groups.values()]


def _finding(group: list[Leak], *, run: Run) -> Finding:
    leak = max(group, key=lambda each: len(each.steps))
    rule = RULES[leak.rule]
    columns = tuple(dict.fromkeys(each.column for each in group if each.column))
    words = {
        "column": _named(columns),
        "says": leak.says,
        "detail": leak.detail,
    }
    message = (
        f"{_capital(rule.what.format_map(words))}: {leak.says}."
        if "{says}" not in rule.what
        else f"{_capital(leak.says)}."
    )
    arrives = f" It reaches {leak.arrives}." if leak.arrives else ""
    severity = leak.severity or rule.severity
    return Finding(
        rule=leak.rule,
        severity=severity,
        message=f"{message}{arrives} {rule.why}{_inferred_time(run, leak.tables)}",
        span=leak.span,
        verdict=Proof.SUSPECTED,
        column_names=columns,
        horizon=leak.reach or None,
        path=leak.steps,
        remedy=rule.remedy.format_map(words),
        edits=tuple(edit for edit in leak.edits if isinstance(edit, Edit)),
    )


def _inferred_time(run: Run, tables: Iterable[str]) -> str:
    """Which column was taken for the rows' time, where nothing declares it."""
    if run.time is not None:
        return ""
    exact, likely = run.record.exact_times, run.record.times
    found = [
        column
        for times in (exact, likely)
        for table in sorted(tables)
        for column in sorted(times.get(table, ()))
    ]
    if not found:
        return ""
    said = "index" if found[0] == "index" else f"column {found[0]!r}"
    return f" The time, {said}, was inferred."


def _named(columns: tuple[str, ...]) -> str:
    shown = [f"'{column}'" for column in columns[:3]]
    if not shown:
        return "a feature"
    more = f" and {len(columns) - 3} more" if len(columns) > 3 else ""
    return ", ".join(shown) + more


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _unproved(run: Run, cause: _Cause) -> list[Finding]:
    """Calls in stages of kind features that no table knows: what they read is not shown, so it is said."""
    features = {cell for kind, cells in cause.stages if kind is Kind.FEATURES for cell in cells}
    return [
        _unsure(
            "opaque-call",
            f"`{path}` is given data, and nbprod doesn't know what it reads of other rows",
            span=span,
        )
        for span, path in dict.fromkeys(run.record.opaque)
        if span.cell in features
    ]


def _unread(run: Run) -> list[Finding]:
    """Cells that took too many steps to be read to their end."""
    return [
        _unsure(
            "not-read-to-the-end",
            "reading stopped here, as this takes too many steps",
            span=span,
        )
        for span in dict.fromkeys(run.record.unread)
    ]


def _unsure(name: str, says: str, *, span: Span) -> Finding:
    """A place of which nothing is proved, neither a leak nor its absence."""
    rule = RULES[name]
    return Finding(
        rule=rule.name,
        severity=rule.severity,
        message=f"{_capital(says)}. {rule.why}",
        span=span,
        verdict=Proof.UNPROVED,
        path=(Step(span=span, says=says),),
        remedy=rule.remedy,
    )


def _allowed(findings: Iterable[Finding], allows: tuple[Allow, ...]) -> list[Finding]:
    kept: list[Finding] = []
    used: set[Allow] = set()
    for finding in findings:
        matching = [allow for allow in allows if allow.covers(finding)]
        used |= set(matching)
        if not any(allow.reason for allow in matching):
            kept.append(finding)
    return [*kept, *_unused(allows, used)]


def _unused(allows: tuple[Allow, ...], used: set[Allow]) -> list[Finding]:
    rule = RULES["unused-allow"]
    found = []
    for allow in allows:
        if allow.reason and allow in used:
            continue
        what = (
            f"This comment allows {allow.rule!r} without a reason."
            if not allow.reason
            else f"This comment allows {allow.rule!r}, but no such finding stands here."
        )
        found.append(
            Finding(
                rule=rule.name,
                severity=rule.severity,
                message=f"{what} {rule.why}",
                span=allow.span,
                remedy=rule.remedy,
            )
        )
    return found


def _sorted(findings: list[Finding]) -> tuple[Finding, ...]:
    order = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.NOTE: 2}
    return tuple(
        sorted(
            findings,
            key=lambda f: (
                (f.span.cell, f.span.line, f.span.column) if f.span else (-1, 0, 0),
                order[f.severity],
                f.rule,
            ),
        )
    )


__all__ = ["check", "replace"]
