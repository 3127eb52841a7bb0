"""Functions, lambdas and classes of the notebook: they are followed, not guessed."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from msgspec.structs import replace

from nbprod.leakage.interpret.combining import join_values
from nbprod.leakage.interpret.values import (
    NONE,
    Class,
    Function,
    Instance,
    Opaque,
    Ref,
    Seq,
    Value,
)

if TYPE_CHECKING:
    from nbprod.leakage.interpret.context import Args, Run

MOST_DEPTH = 8


def call_function(run: Run, function: Function, args: Args) -> Value:
    """The value of a call: the join of what the body may return, with the arguments bound."""
    if run.depth >= MOST_DEPTH or function.node in run.following:
        return _not_followed(run, args)
    node = function.node
    run.called.add(id(node))
    if run.depth == 0:
        run.top = run.env
    outer, cell, lines, returns = run.env, run.cell, run.lines, run.returns
    showing, stopped = run.showing, run.stopped
    run.env = {**(function.scope or {}), **_bound(run, function, args)}
    run.cell, run.lines = function.cell, run.sources.get(function.cell, run.lines)
    run.returns, run.showing, run.stopped = [], False, False
    run.depth += 1
    run.following = (*run.following, node)
    try:
        if isinstance(node, ast.Lambda):
            return run.evaluate(run, node.body)
        run.execute(run, node.body)
        return _result(run)
    finally:
        run.env, run.cell, run.lines, run.returns = outer, cell, lines, returns
        run.depth -= 1
        run.following = run.following[:-1]
        run.showing, run.stopped = showing, stopped


def _result(run: Run) -> Value:
    if not run.returns:
        return NONE
    result = run.returns[0]
    for other in run.returns[1:]:
        result = join_values(run, result, other)
    return result


def _not_followed(run: Run, args: Args) -> Value:
    facts = run.facts(Seq(tuple(args.every)))
    return Opaque(
        facts=replace(facts, proved=False), rows=next((run.rows(v) for v in args.every), Opaque().rows)
    )


def _bound(run: Run, function: Function, args: Args) -> dict[str, Value]:
    """The parameters' values: given, default, or unknown."""
    parameters = function.node.args
    names = [parameter.arg for parameter in (*parameters.posonlyargs, *parameters.args)]
    given = list(args.places)
    if function.owner is not None:
        decorators = getattr(function.node, "decorator_list", [])
        if not any(isinstance(d, ast.Name) and d.id == "staticmethod" for d in decorators):
            given = [function.owner, *given]
    bound: dict[str, Value] = dict(zip(names, given, strict=False))
    if parameters.vararg is not None:
        bound[parameters.vararg.arg] = Seq(tuple(given[len(names) :]))
    extra = {}
    for name, value in args.names.items():
        if name in names or any(name == p.arg for p in parameters.kwonlyargs):
            bound[name] = value
        else:
            extra[name] = value
    _defaults(run, parameters, names, bound)
    if parameters.kwarg is not None:
        from nbprod.leakage.interpret.values import Mapped

        bound[parameters.kwarg.arg] = Mapped(extra)
    return bound


def _defaults(run: Run, parameters: ast.arguments, names: list[str], bound: dict[str, Value]) -> None:
    pairs = list(zip(names[len(names) - len(parameters.defaults) :], parameters.defaults, strict=False))
    pairs += [
        (parameter.arg, default)
        for parameter, default in zip(parameters.kwonlyargs, parameters.kw_defaults, strict=True)
        if default is not None
    ]
    for name, default in pairs:
        if name not in bound:
            bound[name] = run.evaluate(run, default)
    for name in names:
        bound.setdefault(name, Opaque(hint=name))


def instance_of(run: Run, made: Class, args: Args) -> Ref:
    """An object of a class of the notebook, after its `__init__`."""
    place = run.new(Instance(of=made))
    initialise = made.methods.get("__init__")
    if isinstance(initialise, Function):
        call_function(run, replace(initialise, owner=place), args)
    elif made.node.body:
        fields = _fields(run, made)
        held = run.at(place)
        if isinstance(held, Instance) and fields:
            values = dict(zip(fields, args.places, strict=False)) | dict(args.names)
            run.heap[place.place] = replace(held, fields={**held.fields, **values})
    return place


def _fields(run: Run, made: Class) -> list[str]:
    _ = run
    return [
        node.target.id
        for node in made.node.body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    ]
