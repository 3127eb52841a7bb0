"""A method of a column, found in the room that answers it, or in what is known of its library."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from msgspec.structs import replace

from nbprod.leakage.interpret import (
    joining,
    knowledge,
    learning,
    moving,
    times,
)
from nbprod.leakage.interpret.combining import combine
from nbprod.leakage.interpret.context import Args, Run
from nbprod.leakage.interpret.facts import Facts
from nbprod.leakage.interpret.methods import conditions, rows, shapes
from nbprod.leakage.interpret.values import (
    NONE,
    Cells,
    Class,
    Const,
    Function,
    Method,
    Ref,
    Seq,
    Symbol,
    Value,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbprod.libraries.moves import Move


def on_cells(run: Run, owner: Value, cells: Cells, name: str, args: Args, node: ast.AST) -> Value:  # noqa: PLR0917
    """A method of a column, an array, a statistic or a row's element."""
    if name in _BEST and cells.facts.aheads:
        learning.noted_best(run, cells, node)
    if name == "value_counts" and cells.name is not None:
        # who counts how often each is there sees several rows of one
        run.record.grouped |= {(table, cells.name) for table in cells.rows.tables}
    handler = _METHODS.get(name)
    if handler is not None:
        result = handler(run, cells, args, node)
        return _kept(run, owner, result, args, node)
    if (
        name
        in (
            "truncate",
            "strftime",
            "offset_by",
            "to_timestamp",
            "tz_localize",
            "tz_convert",
            "to_period",
        )
        or (name in ("floor", "ceil", "round") and cells.facts.clock is not None)
        or (
            cells.library == "ibis"
            and (name in ("month", "year", "day", "hour", "date", "quarter", "day_of_week", "week"))
        )
    ):
        found = times.time_method(run, cells, name, args, node)
        if found is not None:
            return found
    move: Move | None = knowledge.method(cells.library, name)
    if move is None:
        facts = cells.facts
        for value in args.every:
            facts = facts | run.facts(value)
        return replace(cells, facts=replace(facts, derived=True), conditions=())
    result = moving.moved(run, move, cells, args, node, called=name)
    return _kept(run, owner, result, args, node)


_BEST = frozenset({"idxmax", "idxmin", "argmax", "argmin", "nlargest", "nsmallest"})


def _kept(run: Run, owner: Value, result: Value, args: Args, node: ast.AST) -> Value:
    """`inplace=True` on a column changes the frame it was taken from, where the call shows which."""
    if args.constant(None, "inplace") is not True:
        return result
    if isinstance(owner, Ref):
        run.heap[owner.place] = run.at(result)
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        from nbprod.leakage.interpret.statements import assign

        target = node.func.value
        if isinstance(target, ast.Subscript | ast.Name | ast.Attribute):
            assign(run, target, result, node)
    return NONE


def _mapped(run: Run, cells: Cells, args: Args, node: ast.AST) -> Value:
    function = run.at(args.get(0, "arg") or args.get(0, "func"))
    match function:
        case Function() | Symbol() | Class():
            element = replace(cells, shape="element" if cells.shape in ("column", "element") else cells.shape)
            rest = Args(places=(element,), names={}, node=node)
            result = run.at(run.call(run, function, rest, node))
            facts = run.facts(result) | cells.facts
            return replace(cells, facts=replace(facts, derived=True), conditions=())
        case Cells():
            found = _looked_up(run, cells, function, node)
            return replace(cells, facts=replace(found, clock=None), conditions=())
        case Method(owner=owner, name="get" | "__getitem__"):
            return _mapped(run, cells, Args(places=(owner,), node=node), node)
        case Const() | None:
            return cells
        case _:
            pass
    facts = cells.facts | run.facts(function)
    return replace(cells, facts=replace(facts, clock=None, derived=True), conditions=())


def _looked_up(run: Run, cells: Cells, series: Cells, node: ast.AST) -> Facts:
    """A series mapped over keys: by time where its index holds times."""
    right = Facts()
    for key in series.keyed:
        right = replace(key.facts, reads={})
    if cells.facts.clock is not None and not cells.facts.clock.cyclic:
        return joining.looked_up_at(run, cells.facts, series.facts, node, right=right) | replace(
            cells.facts, clock=None
        )
    return cells.facts | series.facts


def _applied(run: Run, cells: Cells, args: Args, node: ast.AST) -> Value:
    function = run.at(args.get(0, "func"))
    if isinstance(function, Function | Symbol | Class):
        extra = run.at(args.get(None, "args"))
        more = extra.items if isinstance(extra, Seq) and extra.items is not None else ()
        whole_group = bool(cells.within) or cells.width is not None
        element = cells if whole_group else replace(cells, shape="element")
        names = {k: v for k, v in args.names.items() if k not in ("func", "args", "axis", "raw", "meta")}
        result = run.call(run, function, Args(places=(element, *more), names=names, node=node), node)
        facts = run.facts(result) if whole_group else run.facts(result) | cells.facts
        return replace(cells, facts=replace(facts, derived=True), conditions=())
    if isinstance(function, Const) and isinstance(function.value, str):
        return on_cells(run, cells, cells, function.value, Args(node=node), node)
    if isinstance(function, Method):
        return _mapped(run, cells, Args(places=(function,), node=node), node)
    return cells


def _bucketed(run: Run, cells: Cells, args: Args, _node: ast.AST) -> Value:
    """Ibis' `bucket`: of times the start of a unit, of numbers the place of a bin between given edges."""
    facts = cells.facts
    for value in args.every:
        facts = facts | run.facts(value)
    found = times.bucketed(run, cells, args) if not args.places else None
    return found or replace(cells, facts=replace(facts, clock=None, derived=True), conditions=())


def _mapped_at_once(run: Run, cells: Cells, args: Args, node: ast.AST) -> Value:
    """Polars' `map_batches`: the function is given all values of the column, or of the group, at once."""
    function = run.at(args.get(0, "function"))
    if not isinstance(function, Function | Symbol | Class):
        return replace(cells, facts=replace(cells.facts, derived=True), conditions=())
    result = run.call(run, function, Args(places=(replace(cells, width=1),), node=node), node)
    return replace(cells, facts=replace(run.facts(result), derived=True), conditions=())


def _got(run: Run, cells: Cells, args: Args, node: ast.AST) -> Value:
    """`series.get(key)`, and that of the dict made of it: the value of that key, of that time where it is a time."""
    key = run.at(args.get(0, "key"))
    if isinstance(key, Cells) and key.shape != "scalar":
        return replace(key, facts=replace(_looked_up(run, key, cells, node), clock=None), conditions=())
    return replace(cells, conditions=())


def _multiplied(run: Run, cells: Cells, args: Args, node: ast.AST) -> Value:
    return combine(run, cells, args.get(0, "other") or NONE, op=ast.Mult(), node=node)


_METHODS: dict[str, Callable[[Run, Cells, Args, ast.AST], Value]] = {
    "get": _got, "mul": _multiplied, "multiply": _multiplied, "map": _mapped, "apply": _applied, "transform": _applied, "pipe": _applied,
    "map_batches": _mapped_at_once, "bucket": _bucketed, "map_elements": _mapped,
    **conditions.METHODS, **rows.METHODS, **shapes.METHODS,
}  # fmt: skip
