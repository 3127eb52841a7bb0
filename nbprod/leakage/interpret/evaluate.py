"""Expressions of Python turned to values."""

from __future__ import annotations

import ast
import operator
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from nbprod.leakage.interpret import frames, subscripts
from nbprod.leakage.interpret.combining import combine, compared, join_values, negated
from nbprod.leakage.interpret.context import Args, Run
from nbprod.leakage.interpret.loops import comprehended
from nbprod.leakage.interpret.values import (
    NONE,
    Cells,
    Const,
    Deferred,
    Function,
    Mapped,
    Opaque,
    Position,
    Ref,
    Seq,
    Stretch,
    Symbol,
    Value,
)

if TYPE_CHECKING:
    from collections.abc import Callable

_ALIASES = {
    "pd": "pandas",
    "np": "numpy",
    "pl": "polars",
    "ibis": "ibis",
    "plt": "matplotlib.pyplot",
    "sns": "seaborn",
    "sk": "sklearn",
    "xgb": "xgboost",
    "lgb": "lightgbm",
    "duckdb": "duckdb",
    "sm": "statsmodels.api",
    "px": "plotly.express",
    "tf": "tensorflow",
    "scipy": "scipy",
    "sp": "scipy",
}
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


def evaluate(run: Run, node: ast.expr) -> Value:
    """The value of an expression; an unknown one where the interpreter has no fuel left."""
    run.fuel -= 1
    if run.fuel < 0:
        return Opaque()
    handler = _HANDLERS.get(type(node))
    if handler is None:
        return _all_of(run, node)
    return handler(run, node)


def _constant(_run: Run, node: ast.Constant) -> Value:
    return Const(node.value)


def _counted(run: Run, name: str, value: Value) -> None:
    counts = run.record.shown if run.showing else run.record.used
    counts[name] = counts.get(name, 0) + 1
    if isinstance(value, Ref):
        here = f"{name}@{value.place}"
        counts[here] = counts.get(here, 0) + 1


def name_of(run: Run, node: ast.Name) -> Value:
    """What a name stands for; a free one is a library, a builtin, or data from outside."""
    name = node.id
    for names in (run.env, run.top if run.depth else run.frees, run.frees):
        if name in names:
            _counted(run, name, names[name])
            return names[name]
    if name in _ALIASES:
        return Symbol(_ALIASES[name])
    if name in _BUILTINS:
        return Symbol(f"builtins.{name}")
    if name == "_" and run.libraries.get("ibis"):
        return Deferred(lambda table, _scope: table, library="ibis")
    if name[:1].isupper() and name.isidentifier() and len(name) > 2 and frames.is_class_name(name):
        return Symbol(name)
    if frames.is_library_function(name):
        return Symbol(name)
    if name.isupper() and len(name) > 1:
        return Opaque(hint=name)
    return frames.free(run, name)


def _attribute(run: Run, node: ast.Attribute) -> Value:
    owner = evaluate(run, node.value)
    return frames.attribute(run, owner, node.attr, node)


def _subscript(run: Run, node: ast.Subscript) -> Value:
    owner = evaluate(run, node.value)
    return subscripts.taken(run, owner, node.slice, node)


def _call(run: Run, node: ast.Call) -> Value:
    function = evaluate(run, node.func)
    return run.call(run, function, arguments(run, node), node)


def arguments(run: Run, node: ast.Call) -> Args:
    """A call's arguments, `*` and `**` unpacked where their items are known."""
    places: list[Value] = []
    names: dict[str, Value] = {}
    nodes: dict[int | str, ast.expr] = {}
    for argument in node.args:
        if isinstance(argument, ast.Starred):
            places.extend(_unpacked(run, evaluate(run, argument.value)))
            continue
        nodes[len(places)] = argument
        places.append(evaluate(run, argument))
    for keyword in node.keywords:
        value = evaluate(run, keyword.value)
        if keyword.arg is not None:
            names[keyword.arg] = value
            nodes[keyword.arg] = keyword.value
            continue
        held = run.at(value)
        if isinstance(held, Mapped):
            names |= {str(key): item for key, item in held.items.items()}
    return Args(places=tuple(places), names=names, nodes=nodes, node=node)


def _unpacked(run: Run, value: Value) -> tuple[Value, ...]:
    value = run.at(value)
    if isinstance(value, Seq) and value.items is not None:
        return value.items
    if isinstance(value, Const) and isinstance(value.value, list | tuple):
        return tuple(Const(item) for item in value.value)
    return (value,)


def _binary(run: Run, node: ast.BinOp) -> Value:
    left, right = evaluate(run, node.left), evaluate(run, node.right)
    return operated(run, left, node.op, right, node)


def operated(run: Run, left: Value, op: ast.operator, right: Value, node: ast.AST) -> Value:
    """`left op right`, folded where both are constants."""
    left, right = run.at(left), run.at(right)
    match left, right:
        case Const(a), Const(b):
            return _folded(type(op), a, b)
        case Position(offset=offset, rows=rows), Const(int(k)) if not isinstance(k, bool):
            if isinstance(op, ast.Add):
                return Position(offset=offset + k, rows=rows)
            if isinstance(op, ast.Sub):
                return Position(offset=offset - k, rows=rows)
        case Const(int(k)), Position(offset=offset, rows=rows) if isinstance(op, ast.Add):
            return Position(offset=offset + k, rows=rows)
        case Position(offset=offset, rows=rows), other if isinstance(op, ast.Add | ast.Sub):
            # an unknown number of rows is taken for a positive one: `i + horizon`, `i - lookback`
            unknown = frames.UNKNOWN_STEP
            if isinstance(other, Opaque | Const):
                return Position(offset=offset + (unknown if isinstance(op, ast.Add) else -unknown), rows=rows)
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
    value = run.at(evaluate(run, node.operand))
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
        value = evaluate(run, each)
        held = run.at(value)
        if isinstance(held, Const):
            last = held
            if bool(held.value) is absorbs:
                return held if result is None else join_values(run, result, held)
            continue
        result = value if result is None else join_values(run, result, value)
    return result if result is not None else last


def _comparison(run: Run, node: ast.Compare) -> Value:
    left, right = evaluate(run, node.left), evaluate(run, node.comparators[0])
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
            run, result, compared(run, b, op_, run.at(evaluate(run, comparator)), node), op=op, node=node
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


def _conditional(run: Run, node: ast.IfExp) -> Value:
    test = run.at(evaluate(run, node.test))
    if isinstance(test, Const):
        return evaluate(run, node.body if test.value else node.orelse)
    body, other = evaluate(run, node.body), evaluate(run, node.orelse)
    if isinstance(run.at(test), Cells) and run.facts(test).aheads:
        return combine(run, combine(run, body, other, op=None, node=node), test, op=None, node=node)
    return join_values(run, body, other)


def _lambda(run: Run, node: ast.Lambda) -> Value:
    return Function(node=node, scope=dict(run.env), cell=run.cell)


def _sequence(run: Run, node: ast.List | ast.Tuple | ast.Set) -> Value:
    items: list[Value] = []
    for element in node.elts:
        if isinstance(element, ast.Starred):
            held = run.at(evaluate(run, element.value))
            if isinstance(held, Seq) and held.items is None:
                return Seq(None, any_item=held.any_item, is_list=True)
            items.extend(_unpacked(run, held))
            continue
        items.append(evaluate(run, element))
    sequence = Seq(tuple(items), is_list=isinstance(node, ast.List))
    return run.new(sequence) if isinstance(node, ast.List) else sequence


def _dictionary(run: Run, node: ast.Dict) -> Value:
    items: dict[Any, Value] = {}
    anything: Value | None = None
    for key_node, value_node in zip(node.keys, node.values, strict=True):
        value = evaluate(run, value_node)
        if key_node is None:
            held = run.at(value)
            if isinstance(held, Mapped):
                items |= held.items
            continue
        key = run.at(evaluate(run, key_node))
        if isinstance(key, Const) and frames.is_hashable(key.value):
            items[key.value] = value
        else:
            items[f"<{run.text(key_node)}>"] = value
            anything = value
    return run.new(Mapped(items, anything))


def _text(run: Run, node: ast.JoinedStr) -> Value:
    parts: list[str] = []
    for part in node.values:
        if isinstance(part, ast.Constant):
            parts.append(str(part.value))
            continue
        if not isinstance(part, ast.FormattedValue):
            return Opaque()
        value = run.at(evaluate(run, part.value))
        match value:
            case Const(inner) if part.format_spec is None:
                parts.append(str(inner))
            case Cells(shape="scalar") | Cells():
                return Opaque(hint=run.text(node))
            case _:
                parts.append(f"<{getattr(value, 'hint', '') or run.text(part.value)}>")
    text = "".join(parts)
    return Opaque(hint=text) if "<" in text else Const(text)


def _named(run: Run, node: ast.NamedExpr) -> Value:
    value = evaluate(run, node.value)
    run.env[node.target.id] = value
    return value


def _slice(run: Run, node: ast.Slice) -> Value:
    return Stretch(
        low=run.at(evaluate(run, node.lower)) if node.lower else None,
        high=run.at(evaluate(run, node.upper)) if node.upper else None,
        step=run.at(evaluate(run, node.step)) if node.step else None,
    )


def _passing(run: Run, node: ast.Await | ast.YieldFrom | ast.Starred) -> Value:
    return evaluate(run, node.value)


def _yielded(run: Run, node: ast.Yield) -> Value:
    if node.value is not None:
        run.returns.append(Seq(None, any_item=evaluate(run, node.value)))
    return NONE


def _all_of(run: Run, node: ast.AST) -> Value:
    result: Value = Opaque()
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.expr):
            result = join_values(run, result, evaluate(run, child))
    return result


_BUILTINS = frozenset(
    [
        "abs",
        "all",
        "any",
        "bool",
        "dict",
        "enumerate",
        "filter",
        "float",
        "frozenset",
        "getattr",
        "hasattr",
        "int",
        "isinstance",
        "iter",
        "len",
        "list",
        "map",
        "max",
        "min",
        "next",
        "object",
        "open",
        "pow",
        "print",
        "range",
        "repr",
        "reversed",
        "round",
        "set",
        "setattr",
        "slice",
        "sorted",
        "str",
        "sum",
        "super",
        "tuple",
        "type",
        "zip",
        "divmod",
        "vars",
        "callable",
        "input",
        "format",
        "ValueError",
        "Exception",
        "KeyError",
        "display",
        "hash",
        "id",
        "chr",
        "ord",
        "bytes",
        "staticmethod",
        "classmethod",
        "property",
        "globals",
        "locals",
        "eval",
        "exec",
    ]
)
_HANDLERS: dict[type[ast.AST], Callable[[Run, Any], Value]] = {
    ast.Constant: _constant,
    ast.Name: name_of,
    ast.Attribute: _attribute,
    ast.Subscript: _subscript,
    ast.Call: _call,
    ast.BinOp: _binary,
    ast.UnaryOp: _unary,
    ast.BoolOp: _boolean,
    ast.Compare: _comparison,
    ast.IfExp: _conditional,
    ast.Lambda: _lambda,
    ast.List: _sequence,
    ast.Tuple: _sequence,
    ast.Set: _sequence,
    ast.Dict: _dictionary,
    ast.ListComp: comprehended,
    ast.SetComp: comprehended,
    ast.GeneratorExp: comprehended,
    ast.DictComp: comprehended,
    ast.JoinedStr: _text,
    ast.NamedExpr: _named,
    ast.Slice: _slice,
    ast.Await: _passing,
    ast.YieldFrom: _passing,
    ast.Starred: _passing,
    ast.Yield: _yielded,
}
__all__ = ["arguments", "evaluate", "name_of", "operated", "replace", "timedelta"]
