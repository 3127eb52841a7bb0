"""Operators and comparisons: computed where the values are known, else what both sides read."""

from __future__ import annotations

import ast
import operator
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from nbprod.leakage.interpret import frames, positions
from nbprod.leakage.interpret.combining import combine, compared, join_values, negated
from nbprod.leakage.interpret.values import (
    NONE,
    Cells,
    Const,
    Deferred,
    Mapped,
    Opaque,
    Picks,
    Position,
    Seq,
    Value,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbprod.leakage.interpret.context import Run


_OPERATORS: dict[type[ast.AST], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.BitOr: operator.or_,
    ast.BitAnd: operator.and_,
}
_COMPARISONS: dict[type[ast.AST], Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.In: lambda item, holder: item in holder,
    ast.NotIn: lambda item, holder: item not in holder,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
}
_FOLDING_ERRORS = (TypeError, ValueError, ArithmeticError, KeyError, AttributeError)


def _binary(run: Run, node: ast.BinOp) -> Value:
    left, right = run.evaluate(run, node.left), run.evaluate(run, node.right)
    return operated(run, left, node.op, right, node)


def operated(run: Run, left: Value, op: ast.operator, right: Value, node: ast.AST) -> Value:
    """`left op right`, folded where both are constants."""
    left, right = run.at(left), run.at(right)
    match left, right:
        case Const(a), Const(b):
            return _folded(type(op), a, b)
        case (Position() | Picks() | Cells(), _) | (_, Position() | Picks() | Cells()):
            placed = positions.moved(run, left, op, right, node)
            if placed is not None:
                return placed
        case (Seq(), Seq()) if isinstance(op, ast.Add):
            return _listed(run, left, right, op, node)
        case Seq(items=(only,)), Const(int(times)) if isinstance(op, ast.Mult) and 0 <= times < 100:
            return Seq((only,) * times, is_list=True)
    return combine(run, left, right, op=op, node=node)


def _listed(run: Run, left: Seq, right: Seq, op: ast.operator, node: ast.AST) -> Value:
    """One list after the other; known items without data before the first one move its place."""
    match left, right:
        case Seq(items=tuple(items)), Seq(items=tuple(more)):
            return Seq((*items, *more), is_list=left.is_list)
        case Seq(items=tuple(head)), Seq(any_item=later) if not run.facts(left).reads:
            item = run.at(later)
            if isinstance(item, Cells):
                return Seq(None, any_item=replace(item, offset=item.offset - len(head)), is_list=True)
        case Seq(items=None), Seq(items=tuple()) if not run.facts(right).reads:
            return left
        case _:
            pass
    return combine(run, left, right, op=op, node=node)


def _folded(op: type[ast.operator], a: Any, b: Any) -> Value:
    if op is ast.Pow:
        small = isinstance(a, int | float) and isinstance(b, int | float) and abs(b) <= 64 and abs(a) <= 1e6
        return Const(a**b) if small and not (a == 0 and b < 0) and not (a < 0 and b != int(b)) else Opaque()
    if op is ast.Mult and isinstance(a, str | list | tuple | bytes) | isinstance(
        b, str | list | tuple | bytes
    ):
        return Opaque()
    function = _OPERATORS.get(op)
    if function is None:
        return Opaque()
    try:
        return Const(function(a, b))
    except _FOLDING_ERRORS:
        return Opaque()


def _unary(run: Run, node: ast.UnaryOp) -> Value:
    value = run.at(run.evaluate(run, node.operand))
    match value:
        case Const(a):
            return _unary_folded(node.op, a)
        case Position():
            return Opaque()
        case Cells() if isinstance(node.op, ast.Invert | ast.Not):
            return negated(value)
        case Deferred():
            return combine(run, value, NONE, op=None, node=node, inverted=isinstance(node.op, ast.Invert))
        case _:
            pass
    return combine(run, value, NONE, op=None, node=node)


def _unary_folded(op: ast.unaryop, a: Any) -> Value:
    try:
        if isinstance(op, ast.Not):
            return Const(not a)
        if isinstance(op, ast.USub):
            return Const(-a)
        return Const(+a if isinstance(op, ast.UAdd) else ~a)
    except _FOLDING_ERRORS:
        return Opaque()


def _boolean(run: Run, node: ast.BoolOp) -> Value:
    absorbs = isinstance(node.op, ast.Or)
    result: Value | None = None
    last: Value = Const(not absorbs)
    for each in node.values:
        value = run.evaluate(run, each)
        held = run.at(value)
        if isinstance(held, Const):
            last = held
            if bool(held.value) is absorbs:
                return held if result is None else join_values(run, result, held)
            continue
        result = value if result is None else join_values(run, result, value)
    return result if result is not None else last


def _comparison(run: Run, node: ast.Compare) -> Value:
    left, right = run.evaluate(run, node.left), run.evaluate(run, node.comparators[0])
    a, b = run.at(left), run.at(right)
    op = node.ops[0]
    if isinstance(a, Const) and isinstance(b, Const) and len(node.ops) == 1:
        try:
            return Const(_COMPARISONS[type(op)](a.value, b.value))
        except _FOLDING_ERRORS:
            return Opaque()
    if isinstance(a, Const) and isinstance(b, Seq | Mapped) and isinstance(op, ast.In | ast.NotIn):
        return _membership(run, a, b, inside=isinstance(op, ast.In))
    result = compared(run, a, op, b, node)
    for op_, comparator in zip(node.ops[1:], node.comparators[1:], strict=True):
        result = combine(
            run, result, compared(run, b, op_, run.at(run.evaluate(run, comparator)), node), op=op, node=node
        )
    return result


def _membership(run: Run, item: Const, holder: Seq | Mapped, *, inside: bool) -> Value:
    """`item in holder`, where what is held is known."""
    if isinstance(holder, Mapped):
        known = holder.any_item is None and frames.is_hashable(item.value)
        return Const((item.value in holder.items) is inside) if known else Opaque()
    values = [run.at(each) for each in holder.items or ()]
    if any(isinstance(each, Const) and each.value == item.value for each in values):
        return Const(inside)
    if (
        holder.items is None
        or holder.any_item is not None
        or not all(isinstance(each, Const) for each in values)
    ):
        return Opaque()
    return Const(not inside)


HANDLERS: dict[type[ast.AST], Callable[[Run, Any], Value]] = {
    ast.BinOp: _binary, ast.UnaryOp: _unary, ast.BoolOp: _boolean, ast.Compare: _comparison,
}  # fmt: skip
