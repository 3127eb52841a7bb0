"""Replay's answer as findings, and joined with what static analysis and expressions have found."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from msgspec.structs import replace

from nbprod.leakage.rules import RULES
from nbprod.model import Finding, Proof, Severity, Span, Step
from nbprod.trees import module_tree_if_any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from nbprod.replaying.report import Chunk, ColumnReplay, Replay

RULE = "reads-the-future"
_ROWS = "*"
_IN_SQL = re.compile(r"(?i)\bas\s+[\"`]?(\w+)")


def findings_of(report: Replay, *, chunks: Sequence[Chunk] = ()) -> tuple[Finding, ...]:
    """A finding for each column with a witness, and a note for each that could not be assessed.

    `chunks` are the stage's source: with them a finding points at the last line that names its column.
    """
    return tuple(_findings(report, chunks))


def joined(
    static_findings: Iterable[Finding], report: Replay, *, chunks: Sequence[Chunk] = ()
) -> tuple[Finding, ...]:
    """Static findings with replay's verdicts, then what only replay has found.

    A witness confirms a finding about its column (and refutes a proof). Where replay tried hard enough and found
    nothing, a suspicion becomes *not reproduced*, a note. Findings about other stages stay as they are.
    """
    told: set[tuple[str, str]] = set()
    result = []
    for finding in static_findings:
        columns = [] if not _is_about(finding, report) else _columns_of(finding, report)
        told |= {(column.output, column.column) for column in columns if column.verdict is Proof.CONFIRMED}
        result.append(_with_verdict(finding, columns, report))
    alone = [
        finding
        for column, finding in _confirmed(report, chunks)
        if (column.output, column.column) not in told
    ]
    return (*result, *alone)


def sentence(column: ColumnReplay) -> str:
    """What a witness says, for people: `reads 24 hours ahead: row ... was 3 with the future and 2 without`."""
    witness = column.witness
    if witness is None:
        return column.reason
    what = f"which rows of '{column.output}' exist depends" if column.column == _ROWS else _reads(column)
    how = {
        "withheld": "without what became known after",
        "altered": "with other data after",
        "permuted": "with permuted data after",
    }
    return (
        f"{what} on the future: row {witness.row} is {witness.value_with_future} with all data and "
        f"{witness.value_without_future} {how[witness.probe.partition(' ')[0]]} {witness.cut}"
    )


def _reads(column: ColumnReplay) -> str:
    name = f"'{column.column}' of '{column.output}'"
    if column.horizon == "the whole sample":
        return f"{name} reads the whole sample and so depends"
    least = "" if column.is_exact else "at least "
    return f"{name} reads {least}{column.horizon} ahead and so depends"


def _findings(report: Replay, chunks: Sequence[Chunk]) -> Iterator[Finding]:
    yield from (finding for _column, finding in _confirmed(report, chunks))
    for column in report.columns:
        if column.verdict is Proof.UNPROVED:
            yield Finding(
                rule=RULE,
                severity=Severity.NOTE,
                message=f"Replay could not assess {_named(column)}: {column.reason}.",
                verdict=Proof.UNPROVED,
                column_names=_column_names(column),
                stage=report.stage,
            )


def _confirmed(report: Replay, chunks: Sequence[Chunk]) -> Iterator[tuple[ColumnReplay, Finding]]:
    for column in report.confirmed:
        span = _span_of(column, chunks)
        yield (
            column,
            Finding(
                rule=RULE,
                severity=Severity.ERROR,
                message=f"{sentence(column)[0].upper()}{sentence(column)[1:]}.",
                span=span,
                verdict=Proof.CONFIRMED,
                column_names=_column_names(column),
                horizon=column.horizon,
                path=() if span is None else (Step(span=span, says=f"{_named(column)} is made here"),),
                remedy=RULES[RULE].remedy,
                witness=column.witness,
                stage=report.stage,
            ),
        )


def _is_about(finding: Finding, report: Replay) -> bool:
    return finding.verdict is not None and finding.stage in (None, report.stage)


def _columns_of(finding: Finding, report: Replay) -> list[ColumnReplay]:
    """The replayed columns that a finding names; which rows exist counts for all columns of an output."""
    named = [column for column in report.columns if column.column in finding.column_names]
    outputs = {column.output for column in named}
    return named + [
        column
        for column in report.columns
        if column.column == _ROWS and (column.output in outputs or not named)
    ]


def _with_verdict(finding: Finding, columns: list[ColumnReplay], report: Replay) -> Finding:
    confirmed = next((column for column in columns if column.verdict is Proof.CONFIRMED), None)
    if confirmed is not None:
        return replace(
            finding,
            verdict=Proof.CONFIRMED,
            severity=Severity.ERROR if finding.severity is Severity.NOTE else finding.severity,
            witness=confirmed.witness,
            horizon=confirmed.horizon if confirmed.is_exact else finding.horizon or confirmed.horizon,
        )
    silent = bool(columns) and all(column.verdict is Proof.NOT_REPRODUCED for column in columns)
    if silent and report.power.is_enough and finding.verdict in (Proof.SUSPECTED, Proof.UNPROVED):
        return replace(
            finding,
            verdict=Proof.NOT_REPRODUCED,
            severity=Severity.NOTE,
            message=f"{finding.message} Replay did not reproduce it ({report.power}).",
        )
    return finding


def _named(column: ColumnReplay) -> str:
    return f"'{column.output}'" if column.column == _ROWS else f"'{column.column}' of '{column.output}'"


def _column_names(column: ColumnReplay) -> tuple[str, ...]:
    return () if column.column == _ROWS else (column.column,)


def _span_of(column: ColumnReplay, chunks: Sequence[Chunk]) -> Span | None:
    """The last place in a cell that makes the column, or failing that names it, or failing that names the output."""
    wanted = (column.output,) if column.column == _ROWS else (column.column, column.output)
    for name in wanted:
        for places in (_makings_in, _namings_in):
            found = [
                _span(chunk, node)
                for chunk in chunks
                if chunk.cell is not None
                for node, what in _in_order(places(chunk.source))
                if what == name
            ]
            if found:
                return found[-1]
    return None


def _makings_in(source: str) -> Iterator[tuple[ast.expr, str]]:
    """Where columns and names are bound: `df["f"] = ...`, `f=...`, `.alias("f")`, `... as f` in SQL, `df = ...`."""
    for node in ast.walk(module_tree_if_any(source)):
        match node:
            case ast.Subscript(slice=ast.Constant(value=str() as name), ctx=ast.Store()):
                yield node, name
            case ast.Subscript(
                slice=ast.Tuple(elts=[*_, ast.Constant(value=str() as name)]), ctx=ast.Store()
            ):
                yield node, name
            case ast.Name(id=name, ctx=ast.Store()):
                yield node, name
            case ast.keyword(arg=str() as name, value=value):
                yield value, name
            case ast.Call(
                func=ast.Attribute(attr="alias" | "name" | "rename"), args=[ast.Constant(value=str() as name)]
            ):
                yield node, name
            case ast.Constant(value=str() as text) if _IN_SQL.search(text):
                yield from ((node, found[1]) for found in _IN_SQL.finditer(text))
            case _:
                continue


def _namings_in(source: str) -> Iterator[tuple[ast.expr, str]]:
    """Where a text or a name stands that may be a column's or an output's."""
    for node in ast.walk(module_tree_if_any(source)):
        match node:
            case ast.Constant(value=str() as name) | ast.Name(id=name):
                yield node, name
            case _:
                continue


def _in_order(places: Iterable[tuple[ast.expr, str]]) -> list[tuple[ast.expr, str]]:
    return sorted(places, key=lambda place: (place[0].lineno, place[0].col_offset))


def _span(chunk: Chunk, node: ast.expr) -> Span:
    shift = chunk.first_line - 1
    return Span(
        cell=chunk.cell or 0,
        line=node.lineno + shift,
        column=node.col_offset,
        end_line=(node.end_lineno or node.lineno) + shift,
        end_column=node.end_col_offset or node.col_offset,
    )
