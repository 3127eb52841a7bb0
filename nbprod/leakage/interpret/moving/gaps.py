"""Gaps filled from rows around, and curves smoothed through them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from nbprod.leakage.horizon import Reach
from nbprod.leakage.interpret import edits
from nbprod.leakage.interpret.facts import NOTHING, WHOLE_REACH, Ahead, Facts
from nbprod.leakage.interpret.moving.arguments import place_of
from nbprod.leakage.interpret.moving.sequence import neighbours
from nbprod.leakage.interpret.moving.whole_sample import statistic
from nbprod.leakage.interpret.values import Cells, Const, Table, Value

if TYPE_CHECKING:
    import ast

    from nbprod.leakage.interpret.context import Args, Run
    from nbprod.libraries.moves import (
        Fills,
        Smooths,
    )


def filled(run: Run, move: Fills, cells: Cells, args: Args, node: ast.AST, *, called: str) -> Value:
    how = move.how
    chosen = args.constant(*place_of(move.parameters, move.method)) if move.method else None
    if how in ("given", "between") and isinstance(chosen, str):
        how = _direction(chosen, how)
    direction = args.constant(None, "limit_direction")
    if args.constant(*place_of(move.parameters, "axis"), default=0) in (1, "columns"):
        return replace(cells, facts=replace(cells.facts, derived=True))
    if how == "statistic":
        facts = statistic(run, cells, node, says=f"`{chosen}` of all rows fills the gaps")
        return replace(cells, facts=facts, conditions=())
    if how == "given" or (how == "between" and direction is None and chosen == "pad"):
        facts = cells.facts
        for value in args.every:
            facts = facts | filling(run, cells, value)
        return replace(cells, facts=replace(facts, clock=cells.facts.clock), conditions=())
    if how == "forward" and not cells.order.newest_first:
        problems = neighbours(run, cells, node)
        return replace(
            cells, facts=cells.facts.with_ahead(*problems) if problems else cells.facts, conditions=()
        )
    if how == "backward" and cells.order.newest_first:
        return cells
    if not cells.facts.reads or cells.rows.side == "train" or _varies_by_key_only(cells):
        return cells
    rule = "interpolation-reads-ahead" if how == "between" else "backward-fill"
    says = (
        f"`{called}` draws a line to the next known value"
        if how == "between"
        else f"`{run.text(node)}` fills gaps from later rows"
    )
    ahead = Ahead(
        rule=rule,
        reach=Reach(rows=1),
        span=run.span(node),
        says=says,
        sources=cells.facts.sources,
        edits=edits.forward_fill(run, node, how=move.how),
        detail="until the next known value",
    )
    return replace(cells, facts=replace(cells.facts, derived=True).with_ahead(ahead), conditions=())


def _varies_by_key_only(cells: Cells) -> bool:
    names = {key.name for key in cells.within}
    return bool(names) and all(source.partition(".")[2] in names for source in cells.facts.reads)


def filling(run: Run, cells: Cells, value: Value) -> Facts:
    """The facts of what fills gaps: of a statistic a column, each column meets its own."""
    value = run.at(value)
    facts = run.facts(value)
    if isinstance(value, Table) and cells.name is not None:
        return value.facts(cells.name) or facts
    return facts


def _direction(chosen: str, how: str) -> str:
    if chosen in ("bfill", "backfill", "backward"):
        return "backward"
    if chosen in ("ffill", "pad", "forward"):
        return "forward"
    if chosen in ("mean", "min", "max"):
        return "statistic"
    return how if how == "between" else "given"


def _window_size(run: Run, move: Smooths, args: Args) -> int:
    """How many rows a window given as weights takes, 0 where that isn't known."""
    size = run.at(args.get(*place_of(move.parameters, move.window))) if move.window else None
    return (size.width or 0) if isinstance(size, Cells) else 0


def smoothed(run: Run, move: Smooths, cells: Cells, args: Args, node: ast.AST, *, called: str) -> Value:
    rest = NOTHING
    for value in args.every:
        rest = rest | run.facts(value)
    facts = cells.facts | rest
    if args.constant(None, "axis") in (1, -1):
        return replace(cells, facts=replace(facts, derived=True), conditions=())
    if move.mode:
        mode = args.constant(
            *place_of(move.parameters, move.mode),
            default=move.usual_mode or next(iter(move.causal_modes), ""),
        )
        if mode in move.causal_modes and mode != "same":
            # the first window that is whole ends so many rows later
            later = _window_size(run, move, args) - 1 if mode == "valid" else 0
            return replace(
                cells, facts=replace(facts, derived=True), conditions=(), offset=cells.offset + max(later, 0)
            )
    if not cells.facts.reads or cells.rows.settled or cells.shape in ("scalar", "element"):
        return replace(cells, facts=replace(facts, derived=True), conditions=())
    reach, rows = WHOLE_REACH, move.rows_ahead
    back = args.constant(None, move.origin, 0) if move.origin else 0
    if rows is None and move.window:
        size = run.at(args.get(*place_of(move.parameters, move.window)))
        number = size.value if isinstance(size, Const) and isinstance(size.value, int | float) else None
        if number is None and isinstance(size, Cells) and size.width:
            number = size.width
        rows = max(int(number * move.factor), 1) if number is not None else 1
        if isinstance(back, int) and back >= rows:
            return replace(cells, facts=replace(facts, derived=True), conditions=())
    if rows is not None:
        reach = Reach(rows=rows)
    rule = "centred-window" if rows is not None else "whole-sample-statistic"
    says = f"`{called}` reads rows on both sides" if rows is not None else f"`{called}` uses the whole series"
    ahead = Ahead(
        rule=rule,
        reach=reach,
        span=run.span(node),
        says=says,
        over=cells.rows if rows is None else None,
        sources=cells.facts.sources,
        detail="smoother",
    )
    base = facts.whole() if rows is None else facts.moved(rows)
    return replace(cells, facts=replace(base, derived=True, clock=None).with_ahead(ahead), conditions=())
