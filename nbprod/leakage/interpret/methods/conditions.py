"""Methods of a column that ask which of its values are known, or lie where."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from nbprod.leakage.interpret import (
    knowledge,
    moving,
)
from nbprod.leakage.interpret.combining import border_between, combine, without_borders
from nbprod.leakage.interpret.facts import NOTHING, Bound, Facts
from nbprod.leakage.interpret.values import Cells, Value

if TYPE_CHECKING:
    import ast
    from collections.abc import Callable

    from nbprod.leakage.interpret.context import Args, Run


def _between(run: Run, cells: Cells, args: Args, node: ast.AST) -> Value:
    low, high = args.get(0, "left"), args.get(1, "right")
    in_time = run.is_time(cells.name, cells.facts)
    bound = Bound(
        kind="where",
        subject=cells.name or "?",
        low=run.key_of(low, args.node_of(0, "left")),
        high=run.key_of(high, args.node_of(1, "right")),
        in_time=in_time,
        span=run.span(node),
    )
    result = combine(run, cells, run.at(low), op=None, node=node)
    return replace(result, conditions=(bound,)) if isinstance(result, Cells) else result


def _is_in(run: Run, cells: Cells, args: Args, node: ast.AST) -> Value:
    text = run.text(args.node_of(0, "values") or node)
    bound = Bound(kind="where", subject=cells.name or "?", low=text, high=text, span=run.span(node))
    facts = cells.facts | run.facts(args.get(0, "values"))
    values = run.at(args.get(0, "values"))
    if isinstance(values, Cells) and facts.reads:
        facts = facts | _let_through(run, cells, values, node)
    return replace(cells, facts=replace(facts, clock=None), conditions=(bound,))


def _let_through(run: Run, cells: Cells, values: Cells, node: ast.AST) -> Facts:
    """What it says of a row that its value is among those of chosen rows of the same frame, later ones too."""
    chosen = [bound for bound in values.rows.bounds if bound not in cells.rows.bounds]
    facts = NOTHING.with_ahead(*values.presence)
    by_events = values.name == cells.name and all(b.kind in ("where", "where-not") and b.span for b in chosen)
    of_the_same = values.rows.tables == cells.rows.tables and cells.name not in ("id", "index")
    if any(b.at_end for b in chosen) or (chosen and by_events and of_the_same):
        says = "only what is in chosen rows is let through, be they later ones"
        facts = facts | moving.statistic(run, values, node, says=says)
    return facts


def _known(run: Run, cells: Cells, args: Args, node: ast.AST) -> Value:
    _ = args, run, node
    return replace(
        cells, facts=replace(cells.facts, derived=True, runs_of=cells.facts.sources), conditions=()
    )


def _counted_up(run: Run, cells: Cells, args: Args, node: ast.AST) -> Value:
    """A running sum; of a mask of known values it numbers the stretches that each begin with one."""
    move = knowledge.method(cells.library, "cumsum")
    assert move is not None  # noqa: S101 - asked just before
    result = moving.moved(run, move, cells, args, node, called="cumsum")
    if isinstance(result, Cells) and not cells.facts.derived:
        result = replace(result, facts=replace(result.facts, sums_of=cells.facts.sources))
    if cells.facts.runs_of and isinstance(result, Cells) and not cells.order.newest_first:
        return replace(result, facts=replace(result.facts, runs_of=cells.facts.runs_of))
    return result


def _count(run: Run, cells: Cells, args: Args, node: ast.AST) -> Value:
    move = knowledge.method(cells.library, "count")
    assert move is not None  # noqa: S101 - asked just before
    result = moving.moved(run, move, cells, args, node, called="count")
    frame = cells.frame
    if frame is not None and frame.low is None and frame.high == 0 and isinstance(result, Cells):
        backwards = cells.order.newest_first
        return (
            result if backwards else replace(result, facts=replace(result.facts, runs_of=cells.facts.sources))
        )
    return result


def _equal(run: Run, cells: Cells, args: Args, node: ast.AST) -> Value:
    """`shop.eq(shop.shift())`: as the operator."""
    other = run.at(args.get(0, "other"))
    result = combine(run, cells, other, op=None, node=node)
    border = border_between(run, cells, other, node)
    if border is None or not isinstance(result, Cells):
        return replace(result, conditions=()) if isinstance(result, Cells) else result
    return replace(result, facts=without_borders(result.facts, (border,)), conditions=(border,))


METHODS: dict[str, Callable[[Run, Cells, Args, ast.AST], Value]] = {
    "between": _between, "is_between": _between, "isin": _is_in, "is_in": _is_in, "notna": _known,
    "notnull": _known, "is_not_null": _known, "cumsum": _counted_up, "cum_sum": _counted_up,
    "count": _count, "eq": _equal, "ne": _equal,
}  # fmt: skip
