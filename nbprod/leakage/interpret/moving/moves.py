"""The room that does what a library's function is known to do; knows all moves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from nbprod.leakage.interpret.combining import without_borders
from nbprod.leakage.interpret.moving.gaps import filled, smoothed
from nbprod.leakage.interpret.moving.lags import accumulated, lagged_cells
from nbprod.leakage.interpret.moving.whole_sample import ranked, reduced_to_one
from nbprod.leakage.interpret.moving.windows import finished, windowed
from nbprod.leakage.interpret.values import (
    Cells,
    Opaque,
    Value,
)
from nbprod.libraries.moves import (
    Accumulates,
    Fills,
    Fresh,
    Lags,
    Loads,
    Move,
    Ranks,
    Reduces,
    Rolls,
    RowWise,
    Shows,
    Smooths,
)

if TYPE_CHECKING:
    import ast

    from nbprod.leakage.interpret.context import Args, Run


def moved(run: Run, move: Move, cells: Cells, args: Args, node: ast.AST, *, called: str) -> Value:
    """The result of a call that moves the horizon as `move` says, on one column, matrix or scalar."""
    match move:
        case RowWise() | Fresh() | Loads():
            return _row_wise(run, cells, args)
        case Lags():
            return lagged_cells(run, move, cells, args, node)
        case Reduces():
            return reduced_to_one(run, move, cells, args, node, called=called)
        case Ranks():
            return ranked(run, move, cells, args, node, called=called)
        case Accumulates():
            return accumulated(run, move, cells, args, node)
        case Fills():
            return filled(run, move, cells, args, node, called=called)
        case Rolls():
            window = windowed(run, move, cells, args, node)
            return finished(run, window) if move.finished else window
        case Smooths():
            return smoothed(run, move, cells, args, node, called=called)
        case Shows():
            return Opaque()
        case _:
            pass
    return _row_wise(run, cells, args)


def _row_wise(run: Run, cells: Cells, args: Args) -> Cells:
    facts = cells.facts
    clock = facts.clock
    conditions = cells.conditions
    for value in args.every:
        facts = facts | run.facts(value)
        if isinstance(held := run.at(value), Cells) and held.conditions:
            conditions = (*conditions, *held.conditions)
    if conditions:
        # `previous.where(shop == shop.shift())`
        facts = without_borders(facts, conditions)
    return replace(cells, facts=replace(facts, clock=clock, derived=True), conditions=())
