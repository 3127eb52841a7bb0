"""Macros of SQL: expressions with a name and parameters, spelled out where a query calls them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct
from sqlglot import exp

if TYPE_CHECKING:
    from collections.abc import Mapping

_MOST_NESTING = 8


class Macro(Struct, frozen=True, kw_only=True):
    """An expression over parameters, which stand in it as columns."""

    name: str
    parameters: tuple[str, ...]
    body: exp.Expr


def macro_of(statement: exp.Expr | None) -> Macro | None:
    """The macro that a statement makes; None of any other statement, and of macros that give tables."""
    match statement:
        case exp.Create(this=exp.UserDefinedFunction() as made, expression=exp.Expr() as body):
            if isinstance(body, exp.Query):
                return None
            names = tuple(each.name.lower() for each in made.expressions)
            return Macro(name=made.this.name.lower(), parameters=names, body=body)
        case _:
            return None


def spelled_out(query: exp.Expr, macros: Mapping[str, Macro]) -> exp.Expr:
    """The query with what the macros stand for in the place of their calls."""

    def one(node: exp.Expr) -> exp.Expr:
        macro = macros.get(node.name.lower()) if isinstance(node, exp.Anonymous) else None
        if macro is None or len(node.expressions) != len(macro.parameters):
            return node
        given = dict(zip(macro.parameters, node.expressions, strict=True))
        return exp.paren(macro.body.transform(lambda each: _given(each, given)), copy=False)

    for _ in range(_MOST_NESTING):
        if not any(call.name.lower() in macros for call in query.find_all(exp.Anonymous)):
            break
        query = query.transform(one)
    return query


def _given(node: exp.Expr, given: Mapping[str, exp.Expr]) -> exp.Expr:
    is_parameter = isinstance(node, exp.Column) and not node.table and node.name.lower() in given
    return given[node.name.lower()].copy() if is_parameter else node
