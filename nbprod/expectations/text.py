"""The text of `%%expect` cells and suites: read with `ast`, never executed.

A cell holds GX's expectation classes without ceremony, one or more, the arguments named:
`ColumnValuesToNotBeNull(column="carrier", mostly=0.99, severity="warning", notes="late feeds")`.
"""

from __future__ import annotations

import ast
from functools import lru_cache
from typing import TYPE_CHECKING

from msgspec.structs import replace

from nbprod.errors import NotebookError, SuiteError
from nbprod.expectations.arguments import expectation_of
from nbprod.expectations.literals import parameter_names
from nbprod.model import Expectation, Finding, OnBroken, Severity, Span, Suite
from nbprod.notebook import ExpectLine, body_of, code_points, magic_line
from nbprod.trees import module_tree

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nbprod.model import Cell, Notebook

BAD_EXPECTATION = "bad-expectation"
EMPTY_SUITE = "empty-suite"
REPEATED_EXPECTATION = "repeated-expectation"
CONTRADICTED_ON_BROKEN = "contradicted-on-broken"


def suites_of(notebook: Notebook) -> tuple[tuple[Suite, ...], tuple[Finding, ...]]:
    """The suites of a notebook's `%%expect` cells, one for each value and stage, and what is wrong with them.

    An expectation that can't be understood is left out of its suite and is a finding that stops an extract.
    Magic lines that can't be understood are left to `flow`, which says so.
    """
    suites: dict[tuple[str, str | None], Suite] = {}
    said: dict[tuple[str, str | None], ExpectLine] = {}
    findings: list[Finding] = []
    for cell in notebook.code:
        line = _expect_line(cell)
        if line is None:
            continue
        good, bad = _sorted(body_of(cell), cell.position or 0)
        findings += bad
        if not good and not bad:
            findings.append(_empty(line))
        key = (line.value, line.stage)
        before = suites.get(key, Suite(value=line.value, stage=line.stage, expectations=(), span=line.span))
        suites[key] = replace(before, expectations=(*before.expectations, *good))
        if line.on_broken is not None:
            findings += _contradicted(line, said.get(key))
            said.setdefault(key, line)
            suites[key] = replace(suites[key], on_broken=said[key].on_broken or OnBroken.STOP)
    for suite in suites.values():
        findings += _repeated(suite)
    return tuple(suites.values()), tuple(findings)


def suite_of(cell: Cell) -> Suite:
    """The suite of one `%%expect` cell; raises SuiteError for the first expectation that can't be understood."""
    line = magic_line(cell)
    if not isinstance(line, ExpectLine):
        raise SuiteError(
            "The cell holds no suite.",
            where=f"cell {(cell.position or 0) + 1}",
            remedy="Start it with `%%expect NAME`.",
        )
    expectations = read_expectations(body_of(cell), cell=cell.position or 0)
    return Suite(
        value=line.value,
        stage=line.stage,
        expectations=expectations,
        span=line.span,
        on_broken=line.on_broken or OnBroken.STOP,
    )


def read_expectations(text: str, *, cell: int = 0) -> tuple[Expectation, ...]:
    """The expectations that a text holds; raises SuiteError for the first that can't be understood."""
    return tuple(expectation_of(node, span=span) for node, span in _calls(text, cell))


def parameters_of(suite: Suite) -> frozenset[str]:
    """The pipeline parameters that the suite's expectations mention."""
    values = [value for one in suite.expectations for value in one.arguments.values()]
    return frozenset[str]().union(*map(parameter_names, values))


def _expect_line(cell: Cell) -> ExpectLine | None:
    try:
        line = magic_line(cell)
    except NotebookError:
        return None
    return line if isinstance(line, ExpectLine) else None


@lru_cache(maxsize=512)  # most cells are as they were at the study before
def _sorted(text: str, cell: int) -> tuple[list[Expectation], list[Finding]]:
    good: list[Expectation] = []
    bad: list[Finding] = []
    try:
        calls = list(_calls(text, cell))
    except SuiteError as error:
        return [], [_bad(error, Span(cell=cell))]
    for node, span in calls:
        try:
            good.append(expectation_of(node, span=span))
        except SuiteError as error:
            bad.append(_bad(error, span))
    return good, bad


def _calls(text: str, cell: int) -> Iterator[tuple[ast.expr, Span]]:
    try:
        tree = module_tree(text)
    except SyntaxError as error:
        raise SuiteError(
            f"This is no Python: {error.msg}.",
            where=f"cell {cell + 1}, line {error.lineno or 1}",
            remedy='A cell of expectations looks like `ColumnValuesToNotBeNull(column="carrier")`.',
        ) from error
    lines = text.split("\n")
    for statement in tree.body:
        if not isinstance(statement, ast.Expr):
            span = _span(statement, lines, cell)
            raise SuiteError(
                f"`{ast.unparse(statement).splitlines()[0][:60]}` is no expectation.",
                where=str(span),
                remedy="A cell of expectations is read, not run: keep other code in another cell.",
            )
        for node in _elements(statement.value):
            yield node, _span(node, lines, cell)


def _elements(node: ast.expr) -> list[ast.expr]:
    match node:
        case ast.Tuple(elts=items) | ast.List(elts=items):
            return items
        case _:
            return [node]


def _span(node: ast.expr | ast.stmt, lines: list[str], cell: int) -> Span:
    end_line = node.end_lineno or node.lineno
    return Span(
        cell=cell,
        line=node.lineno,
        column=code_points(lines[node.lineno - 1], node.col_offset),
        end_line=end_line,
        end_column=code_points(lines[end_line - 1], node.end_col_offset or 0),
    )


def _bad(error: SuiteError, span: Span) -> Finding:
    return Finding(
        rule=BAD_EXPECTATION, severity=Severity.ERROR, message=error.what, span=span, remedy=error.remedy
    )


def _empty(line: ExpectLine) -> Finding:
    return Finding(
        rule=EMPTY_SUITE,
        severity=Severity.WARNING,
        message=f"The suite of '{line.value}' expects nothing.",
        span=line.span,
        remedy=f"Let nbprod propose one: `%expect infer {line.value}`.",
    )


def _contradicted(line: ExpectLine, before: ExpectLine | None) -> Iterator[Finding]:
    if before is None or before.on_broken is line.on_broken:
        return
    yield Finding(
        rule=CONTRADICTED_ON_BROKEN,
        severity=Severity.ERROR,
        message=f"'{line.value}' is to {line.on_broken} when broken, but {before.span} says {before.on_broken}.",
        span=line.span,
        remedy="Say it in one cell of the value only.",
    )


def _repeated(suite: Suite) -> Iterator[Finding]:
    seen: list[Expectation] = []
    for one in suite.expectations:
        same = next((was for was in seen if (was.type, was.arguments) == (one.type, one.arguments)), None)
        if same is not None:
            yield Finding(
                rule=REPEATED_EXPECTATION,
                severity=Severity.NOTE,
                message=f"'{suite.value}' expects this twice, first in {same.span}.",
                span=one.span,
                remedy="Remove one of the two.",
            )
        seen.append(one)
