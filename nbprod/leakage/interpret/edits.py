"""Mechanical remedies: small replacements in the source that make a call look back instead of ahead."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nbprod.model import Edit, Span

if TYPE_CHECKING:
    from nbprod.leakage.interpret.context import Run


def negated(run: Run, argument: ast.expr | None, call: ast.AST) -> tuple[Edit, ...]:
    """The argument with its sign turned, where it is written as a negative literal at the call."""
    _ = call
    if not isinstance(argument, ast.UnaryOp) or not isinstance(argument.op, ast.USub):
        return ()
    return (Edit(span=run.span(argument), replacement=ast.unparse(argument.operand)),)


def forward_fill(run: Run, call: ast.AST, *, how: str) -> tuple[Edit, ...]:
    """The method's name, or its argument, replaced by the forward fill's."""
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
        return ()
    name = {"bfill": "ffill", "backfill": "ffill", "backward_fill": "forward_fill"}.get(call.func.attr)
    if name is not None and how == "backward":
        return (Edit(span=_name_span(run, call.func), replacement=name),)
    swapped = {"bfill": "ffill", "backfill": "ffill", "backward": "forward"}
    for keyword in call.keywords:
        if isinstance(keyword.value, ast.Constant) and keyword.value.value in swapped:
            return (Edit(span=run.span(keyword.value), replacement=repr(swapped[str(keyword.value.value)])),)
    return ()


def without_keyword(run: Run, call: ast.AST, name: str) -> tuple[Edit, ...]:
    """The call without the keyword argument of that name, the comma before it included."""
    if not isinstance(call, ast.Call):
        return ()
    for keyword in call.keywords:
        if keyword.arg != name:
            continue
        here = run.span(keyword)
        before = [run.span(other) for other in (*call.args, *call.keywords) if other is not keyword]
        earlier = [span for span in before if (span.end_line, span.end_column) <= (here.line, here.column)]
        if not earlier:
            return ()
        last = max(earlier, key=lambda span: (span.end_line, span.end_column))
        cut = Span(
            cell=here.cell,
            line=last.end_line,
            column=last.end_column,
            end_line=here.end_line,
            end_column=here.end_column,
        )
        return (Edit(span=cut, replacement=""),)
    return ()


def keyword_value(run: Run, call: ast.AST, name: str, replacement: str) -> tuple[Edit, ...]:
    """The call with another value for a keyword argument that it has."""
    if not isinstance(call, ast.Call):
        return ()
    for keyword in call.keywords:
        if keyword.arg == name and isinstance(keyword.value, ast.Constant):
            return (Edit(span=run.span(keyword.value), replacement=replacement),)
    return ()


def _name_span(run: Run, attribute: ast.Attribute) -> Span:
    whole = run.span(attribute)
    start = whole.end_column - len(attribute.attr)
    return Span(
        cell=whole.cell,
        line=whole.end_line,
        column=start,
        end_line=whole.end_line,
        end_column=whole.end_column,
    )
