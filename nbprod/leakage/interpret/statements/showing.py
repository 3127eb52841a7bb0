"""Expressions whose value is only looked at."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from nbprod.leakage.interpret import knowledge
from nbprod.leakage.interpret.values import (
    Symbol,
)
from nbprod.libraries.moves import Shows

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbprod.leakage.interpret.context import Run


_SHOWN_METHODS = frozenset(
    [
        "head",
        "tail",
        "describe",
        "info",
        "plot",
        "hist",
        "boxplot",
        "print",
        "show",
        "display",
        "value_counts",
        "sample",
        "corr",
        "nunique",
        "isnull",
        "isna",
        "sum",
        "mean",
        "shape",
        "to_string",
        "to_markdown",
        "to_html",
        "style",
        "columns",
        "dtypes",
        "unique",
        "glimpse",
        "to_csv",
        "to_excel",
        "tolist",
        "scatter",
        "bar",
        "line",
        "set_title",
        "barh",
        "figure",
        "savefig",
        "item",
    ]
)
_SHOWING_MODULES = (
    "matplotlib",
    "seaborn",
    "plotly",
    "bokeh",
    "altair",
    "IPython",
    "pprint",
    "builtins.print",
    "plt",
)


def _expression(run: Run, node: ast.Expr) -> None:
    before = run.showing
    run.showing = before or shows(run, node.value)
    value = run.evaluate(run, node.value)
    run.showing = before
    _ = value


def shows(run: Run, node: ast.expr) -> bool:
    """Whether an expression statement only shows data to people."""
    if not isinstance(node, ast.Call):
        return not isinstance(node, ast.Yield | ast.Await)
    function = node.func
    path = _path(function)
    if path:
        run.watch.name(path[0], run.env.get(path[0]))
    if path and path[0] in run.env and isinstance(run.env[path[0]], Symbol):
        path = [*getattr(run.env[path[0]], "path", "").split("."), *path[1:]]
    text = ".".join(path)
    if text.startswith(_SHOWING_MODULES) or text in ("print", "display", "pprint"):
        return True
    if isinstance(function, ast.Attribute):
        move = knowledge.method("pandas", function.attr)
        return isinstance(move, Shows) or function.attr in _SHOWN_METHODS
    return False


def _path(node: ast.expr) -> list[str]:
    if isinstance(node, ast.Name):
        return [node.id]
    if isinstance(node, ast.Attribute):
        inner = _path(node.value)
        return [*inner, node.attr] if inner else []
    return []


def _asserted(run: Run, node: ast.Assert) -> None:
    before, run.showing = run.showing, True
    run.evaluate(run, node.test)
    run.showing = before


HANDLERS: dict[type[ast.stmt], Callable[[Run, Any], None]] = {
    ast.Expr: _expression, ast.Assert: _asserted,
}  # fmt: skip
