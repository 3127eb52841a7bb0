"""A library's function over its first argument, whatever shape that has; knows moves, and no function by name."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from nbprod.leakage.interpret import (
    deferred,
    moving,
)
from nbprod.leakage.interpret.combining import combine
from nbprod.leakage.interpret.facts import Facts
from nbprod.leakage.interpret.values import (
    NONE,
    Cells,
    Const,
    Deferred,
    Mapped,
    Opaque,
    Position,
    Ref,
    Seq,
    Table,
    Value,
)

if TYPE_CHECKING:
    from nbprod.leakage.interpret.context import Args, Run
    from nbprod.libraries.moves import Move


def on_data(run: Run, move: Move, data: Value, args: Args, node: ast.AST, *, called: str) -> Value:  # noqa: C901
    """A function of a library applied to its first argument, whatever shape that has."""
    held = run.at(data)
    if isinstance(held, Deferred) or any(isinstance(run.at(value), Deferred) for value in args.every):

        def build(table: Table, scope: Any) -> Value:
            inner = deferred.built(run, held, table, scope)
            return on_data(
                run, move, inner, deferred.with_arguments_built(run, args, table, scope), node, called=called
            )

        owner = held if isinstance(held, Deferred) else None
        return Deferred(build, library=owner.library if owner else "polars", table=owner.table if owner else None,
                        name=owner.name if owner else None)  # fmt: skip
    if isinstance(held, Seq):
        items = held.items
        if items is not None and not run.facts(held).reads:
            return _sequence_as_cells(run, held, args)
        # a list that a loop still fills holds no row after the loop's own
        shape = "element" if isinstance(data, Ref) and data.place in run.filling else "column"
        held = Cells(facts=run.facts(held), rows=run.rows(held), shape=shape, array=True)
    if isinstance(held, Table):

        def change(facts: Facts) -> Facts:
            cells = Cells(facts=facts, rows=held.rows, order=held.order, within=held.within)
            return run.facts(moving.moved(run, move, cells, args, node, called=called))

        columns = {name: change(facts) for name, facts in held.columns.items()}
        known = (
            held.rest | Facts(reads={f"{held.root}.*": 0.0})
            if held.rest is not None and held.root
            else held.rest
        )
        rest = change(known) if known is not None else None
        if rest is not None and held.rest is not None:
            rest = replace(rest, reads=held.rest.reads)
        return run.new(replace(held, columns=columns, rest=rest))
    if isinstance(held, Cells):
        return moving.moved(run, move, held, args, node, called=called)
    if isinstance(held, Const) and args.every:
        return joined(run, replace(args, places=(held, *args.places)))
    facts = run.facts(held) | run.facts(Seq(tuple(args.every)))
    if isinstance(held, Opaque) and facts.reads:
        return moving.moved(
            run, move, Cells(facts=facts, rows=held.rows, array=True), args, node, called=called
        )
    return joined(run, replace(args, places=(held, *args.places)))


def _sequence_as_cells(run: Run, sequence: Seq, args: Args) -> Value:
    _ = args, run
    width = len(sequence.items) if sequence.items is not None else None
    return Cells(shape="column", array=True, width=width)


def joined(run: Run, args: Args) -> Value:
    """The result of a call that reads its arguments row by row."""
    result: Value = NONE
    for value in args.every:
        result = (
            combine(run, result, value, op=None, node=run.node or ast.Pass())
            if result is not NONE
            else run.at(value)
        )
    if isinstance(result, Const | Seq | Mapped | Position):
        return Opaque()
    return replace(result, conditions=()) if isinstance(result, Cells) else result
