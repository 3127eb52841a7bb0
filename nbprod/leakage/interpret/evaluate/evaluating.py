"""The value of an expression, found by its kind; knows names and operators."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Any

from nbprod.leakage.interpret import attributes, frames, subscripts
from nbprod.leakage.interpret.combining import combine, join_values
from nbprod.leakage.interpret.context import Args, Run
from nbprod.leakage.interpret.database import GIVEN
from nbprod.leakage.interpret.evaluate import operators
from nbprod.leakage.interpret.evaluate.names import name_of
from nbprod.leakage.interpret.facts import Facts, joined
from nbprod.leakage.interpret.loops import comprehended
from nbprod.leakage.interpret.queries import seems_sql
from nbprod.leakage.interpret.values import (
    NONE,
    Cells,
    Const,
    Function,
    Mapped,
    Opaque,
    Seq,
    Stretch,
    Value,
)

if TYPE_CHECKING:
    from collections.abc import Callable


_IDENTIFIER = re.compile(r"[^\W\d]\w*")


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


def _attribute(run: Run, node: ast.Attribute) -> Value:
    owner = evaluate(run, node.value)
    return attributes.attribute(run, owner, node.attr, node)


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
        elif run.facts(held).aheads:
            names["**"] = value
    return Args(places=tuple(places), names=names, nodes=nodes, node=node)


def _unpacked(run: Run, value: Value) -> tuple[Value, ...]:
    value = run.at(value)
    if isinstance(value, Seq) and value.items is not None:
        return value.items
    if isinstance(value, Const) and isinstance(value.value, list | tuple):
        return tuple(Const(item) for item in value.value)
    return (value,)


def _conditional(run: Run, node: ast.IfExp) -> Value:
    test = run.at(evaluate(run, node.test))
    if isinstance(test, Const):
        return evaluate(run, node.body if test.value else node.orelse)
    body, other = evaluate(run, node.body), evaluate(run, node.orelse)
    if isinstance(run.at(test), Cells) and run.facts(test).aheads:
        return combine(run, combine(run, body, other, op=None, node=node), test, op=None, node=node)
    return join_values(run, body, other)


def _lambda(run: Run, node: ast.Lambda) -> Value:
    return Function(node=node, scope=_closed_over(run, node), cell=run.cell)


def _closed_over(run: Run, node: ast.Lambda) -> dict[str, Value]:
    """The names that a lambda mentions, in code or in text that is code to a library, as they stand."""
    scope: dict[str, Value] = {}
    for each in ast.walk(node):
        match each:
            case ast.Name(id=name):
                mentioned = [name]
            case ast.Constant(value=str(text)):
                mentioned = _IDENTIFIER.findall(text)
            case _:
                continue
        for name in mentioned:
            if (value := run.env.get(name)) is not None:
                scope[name] = value
            run.watch.name(name, value)
    return scope


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
    given: list[Facts] = []
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
            case Const(inner) if (written := _formatted(run, inner, part.format_spec)) is not None:
                parts.append(written)
            case _ if parts and seems_sql(parts[0]):
                given.append(run.facts(value))
                parts.append(f"{GIVEN}{len(given) - 1}")
            case Cells(shape="scalar") | Cells():
                return Opaque(hint=run.text(node))
            case _:
                parts.append(f"<{getattr(value, 'hint', '') or run.text(part.value)}>")
    text = "".join(parts)
    if given:
        return Opaque(hint=text, facts=joined(given))
    return Opaque(hint=text) if "<" in text else Const(text)


def _formatted(run: Run, value: Any, spec: ast.expr | None) -> str | None:
    """A number or text written as a format says: `f"{lag:+d}"`; None where the two don't fit."""
    told = run.at(evaluate(run, spec)) if spec is not None else Const("")
    if not isinstance(told, Const) or not isinstance(value, str | int | float):
        return None
    try:
        return format(value, str(told.value)) if len(str(told.value)) < 9 else None
    except ValueError:
        return None


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


_HANDLERS: dict[type[ast.AST], Callable[[Run, Any], Value]] = {
    ast.Constant: _constant, ast.Attribute: _attribute, ast.Subscript: _subscript, ast.Call: _call,
    ast.IfExp: _conditional, ast.Lambda: _lambda, ast.List: _sequence, ast.Tuple: _sequence,
    ast.Set: _sequence, ast.Dict: _dictionary, ast.JoinedStr: _text, ast.NamedExpr: _named,
    ast.Slice: _slice, ast.Await: _passing, ast.YieldFrom: _passing, ast.Starred: _passing,
    ast.Yield: _yielded,
    ast.ListComp: comprehended, ast.SetComp: comprehended, ast.GeneratorExp: comprehended, ast.DictComp: comprehended,
    ast.Name: name_of, **operators.HANDLERS,
}  # fmt: skip
