"""Row conditions: Python expressions and GX's and pandas' condition texts, turned into GX's condition JSON.

`Column("a") > 3`, `col("a") > 3` and, in a text, a bare `a > 3` all name the column `a`; conditions are joined by
`&`, `|`, `and`, `or`. What isn't understood in a text is handed to pandas as it stands (GX's `pass_through`).
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nbprod.expectations.literals import literal
from nbprod.trees import expression_tree

if TYPE_CHECKING:
    from nbprod.model import Json

_OPERATORS: dict[type[ast.cmpop], str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.In: "IN",
    ast.NotIn: "NOT_IN",
}
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
_NULL_METHODS = {"is_null": True, "isnull": True, "isna": True}
_NOT_NULL_METHODS = {"is_not_null": False, "notnull": False, "notna": False, "notNull": False}
_SET_METHODS = {"is_in": "IN", "isin": "IN", "is_not_in": "NOT_IN"}


class NotACondition(ValueError):  # noqa: N818
    """The expression says nothing about a row's columns; carries what was found instead."""


def condition_of_text(text: str) -> dict[str, Json]:
    """The condition that a text holds; pandas' to judge as it stands where it can't be understood."""
    try:
        return condition_of(expression_tree(text.strip()).body, bare_names=True)
    except (SyntaxError, NotACondition):
        return {"type": "pass_through", "pass_through_filter": text}


def condition_of(node: ast.expr, *, bare_names: bool = False) -> dict[str, Json]:
    """The condition that an expression states; with `bare_names` a name is a column.

    Raises NotACondition.
    """
    match node:
        case ast.BoolOp(op=op, values=values):
            return _joined("and" if isinstance(op, ast.And) else "or", values, bare_names=bare_names)
        case ast.BinOp(op=ast.BitAnd(), left=left, right=right):
            return _joined("and", [left, right], bare_names=bare_names)
        case ast.BinOp(op=ast.BitOr(), left=left, right=right):
            return _joined("or", [left, right], bare_names=bare_names)
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _OPERATORS:
            return _comparison(left, _OPERATORS[type(op)], right, bare_names=bare_names)
        case ast.Call(func=ast.Attribute(value=value, attr=method), args=arguments):
            return _method(value, method, arguments, bare_names=bare_names)
        case _:
            raise NotACondition(ast.unparse(node))


def _joined(word: str, nodes: list[ast.expr], *, bare_names: bool) -> dict[str, Json]:
    conditions: list[Json] = []
    for node in nodes:
        one = condition_of(node, bare_names=bare_names)
        inner = one["conditions"] if one["type"] == word else [one]
        conditions.extend(inner if isinstance(inner, list) else [])
    return {"type": word, "conditions": conditions}


def _comparison(left: ast.expr, operator: str, right: ast.expr, *, bare_names: bool) -> dict[str, Json]:
    column = _column(left, bare_names=bare_names)
    if column is not None:
        return _compared(column, operator, _value(right))
    column = _column(right, bare_names=bare_names)
    if column is not None and operator in _MIRRORED:
        return _compared(column, _MIRRORED[operator], _value(left))
    raise NotACondition(ast.unparse(left))


def _compared(column: str, operator: str, value: Json) -> dict[str, Json]:
    if value is None and operator in ("==", "!="):
        return _nullity(column, is_null=operator == "==")
    return {"type": "comparison", "column": {"name": column}, "operator": operator, "parameter": value}


def _method(value: ast.expr, method: str, arguments: list[ast.expr], *, bare_names: bool) -> dict[str, Json]:
    column = _column(value, bare_names=bare_names)
    nullity = _NULL_METHODS | _NOT_NULL_METHODS
    if column is not None and method in nullity and not arguments:
        return _nullity(column, is_null=nullity[method])
    if column is not None and method in _SET_METHODS and len(arguments) == 1:
        return _compared(column, _SET_METHODS[method], _value(arguments[0]))
    raise NotACondition(ast.unparse(value))


def _nullity(column: str, *, is_null: bool) -> dict[str, Json]:
    return {"type": "nullity", "column": {"name": column}, "is_null": is_null}


def _column(node: ast.expr, *, bare_names: bool) -> str | None:
    match node:
        case ast.Call(
            func=ast.Name(id="Column" | "col") | ast.Attribute(attr="Column" | "col"),
            args=[ast.Constant(value=str(name))],
        ):
            return name
        case ast.Name(id=name) if bare_names:
            return name
        case _:
            return None


def _value(node: ast.expr) -> Json:
    try:
        return literal(node)
    except ValueError as error:
        raise NotACondition(ast.unparse(node)) from error
