"""Argument values as they stand in a cell: literals, dates and pipeline parameters, read and never executed."""

from __future__ import annotations

import ast
import datetime as dt
import math
import operator
from typing import TYPE_CHECKING

from nbprod.trees import expression_tree

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbprod.model import Json

PARAMETER = "$PARAMETER"

_OPERATIONS: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
}
_LARGEST_POWER = 64


class NotALiteral(ValueError):  # noqa: N818
    """An argument that can't be known without running it; carries its text."""


def literal(node: ast.expr) -> Json:
    """What JSON holds of a literal: a set or tuple becomes a list, a date its ISO text, arithmetic its result.

    Raises NotALiteral.
    """
    match node:
        case ast.Constant(value=None | bool() | int() | float() | str() as value):
            return value
        case ast.List(elts=items) | ast.Tuple(elts=items) | ast.Set(elts=items):
            return [literal(item) for item in items]
        case ast.Dict(keys=keys, values=values):
            return {_key(key): literal(value) for key, value in zip(keys, values, strict=True)}
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_number(operand)
        case ast.UnaryOp(op=ast.UAdd(), operand=operand):
            return _number(operand)
        case ast.BinOp(op=op, left=left, right=right):
            return _calculated(op, _number(left), _number(right), node)
        case ast.Call(func=function, args=arguments, keywords=[]):
            return _called(_last_name(function), arguments, node)
        case _:
            raise NotALiteral(ast.unparse(node))


def literal_or_parameter(node: ast.expr) -> Json:
    """A literal, or GX's `{"$PARAMETER": ...}` for a parameter's name or arithmetic on one.

    Raises NotALiteral.
    """
    if isinstance(node, (ast.Name, ast.BinOp, ast.UnaryOp)) and _is_parameter_arithmetic(node):
        return {PARAMETER: ast.unparse(node).replace("**", "^")}
    return literal(node)


def parameter_names(value: Json) -> frozenset[str]:
    """The pipeline parameters that an argument's value mentions."""
    if not isinstance(value, dict) or PARAMETER not in value:
        return frozenset()
    tree = expression_tree(str(value[PARAMETER]).replace("^", "**"))
    called = {node.func for node in ast.walk(tree) if isinstance(node, ast.Call)}
    return frozenset(node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and node not in called)


def _is_parameter_arithmetic(node: ast.expr) -> bool:
    parts = list(ast.walk(node))
    allowed = (ast.Name, ast.Load, ast.BinOp, ast.UnaryOp, ast.operator, ast.unaryop, ast.Constant)
    # GX's expression language knows + - * / and powers, and parameters that start with a letter.
    unknown = (ast.FloorDiv, ast.Mod, ast.MatMult, ast.BitAnd, ast.BitOr, ast.BitXor, ast.LShift, ast.RShift)
    return (
        any(isinstance(part, ast.Name) and part.id[0].isalpha() for part in parts)
        and all(isinstance(part, allowed) for part in parts)
        and not any(isinstance(part, unknown) for part in parts)
    )


def _key(node: ast.expr | None) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, (str, int, float)):
        return str(node.value)
    raise NotALiteral("**" if node is None else ast.unparse(node))


def _number(node: ast.expr) -> int | float:
    value = literal(node)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    raise NotALiteral(ast.unparse(node))


def _calculated(op: ast.operator, left: float, right: float, node: ast.expr) -> int | float:
    result: float | complex
    try:
        if isinstance(op, ast.Pow) and abs(right) <= _LARGEST_POWER:
            result = left**right
        elif type(op) in _OPERATIONS:
            result = _OPERATIONS[type(op)](left, right)
        else:
            raise NotALiteral(ast.unparse(node))
    except (ZeroDivisionError, OverflowError) as error:
        raise NotALiteral(ast.unparse(node)) from error
    if isinstance(result, complex) or not math.isfinite(result):
        raise NotALiteral(ast.unparse(node))
    return result


def _last_name(function: ast.expr) -> str:
    match function:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""


def _called(name: str, arguments: list[ast.expr], node: ast.expr) -> Json:
    values = [literal(argument) for argument in arguments]
    try:
        match name, values:
            case "datetime", [int(), *_]:
                return dt.datetime(*values).isoformat()  # type: ignore[arg-type]  # noqa: DTZ001
            case "date", [int(), int(), int()]:
                return dt.date(*values).isoformat()  # type: ignore[arg-type]
            case "Timestamp" | "date" | "fromisoformat" | "datetime64", [str(text)]:
                return dt.datetime.fromisoformat(text).isoformat() if "T" in text or ":" in text else text
            case (("set" | "list" | "tuple" | "frozenset"), []):
                return []
            case (("set" | "list" | "tuple" | "frozenset" | "sorted"), [list(items)]):
                return items
            case "range", [int(), *_] if len(values) <= 3:
                return list(_range(values))
            case _:
                raise NotALiteral(ast.unparse(node))
    except (TypeError, ValueError) as error:
        raise NotALiteral(ast.unparse(node)) from error


def _range(values: list[Json]) -> range:
    numbers = range(*[value for value in values if isinstance(value, int)])
    if len(numbers) > 100_000:
        raise NotALiteral(f"range of {len(numbers)} values")
    return numbers
