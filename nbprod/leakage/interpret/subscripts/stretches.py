"""Stretches of rows and rows picked by position, down to how far ahead of its own row each one is."""

from __future__ import annotations

import ast
from math import inf
from typing import TYPE_CHECKING

from msgspec.structs import replace

from nbprod.leakage.horizon import Reach
from nbprod.leakage.interpret.facts import WHOLE_REACH, Ahead, Bound, Facts
from nbprod.leakage.interpret.moving import statistic
from nbprod.leakage.interpret.values import Cells, Const, Picks, Position, Stretch, Table

if TYPE_CHECKING:
    from nbprod.leakage.interpret.context import Run


# a longer head that is cut away is a warm-up or the training rows
MOST_OFFSET = 30


def sliced(run: Run, value: Table | Cells, key: Stretch, node: ast.AST) -> Table | Cells:
    """Rows by place: a reversal, or a stretch of rows that are the first ones in time where the order is time."""
    step = key.step.value if isinstance(key.step, Const) else None
    if isinstance(step, int) and step < 0 and key.low is None and key.high is None:
        return replace(value, order=value.order.flipped)
    if key.low is None and key.high is None:
        return value
    positions = [end for end in (key.low, key.high) if isinstance(end, Position)]
    if positions:
        return _around_position(run, value, key, node)
    low = run.key_of(key.low, end_node(node, "lower")) if key.low is not None else None
    high = run.key_of(key.high, end_node(node, "upper")) if key.high is not None else None
    ordered = not value.order.other and value.order.shuffled is None and not value.order.entity_first
    if value.order.newest_first:
        ordered = False
    trims = isinstance(high, int) and high < 0
    bound = Bound(
        kind="slice",
        subject="rows",
        low=low,
        high=high,
        in_time=ordered and high is not None and not trims,
        span=run.span(node),
    )
    part = replace(value, rows=value.rows.narrowed(bound))
    if isinstance(part, Cells) and isinstance(low, int) and 0 < low <= MOST_OFFSET:
        return replace(part, offset=part.offset + low)
    return part


def end_node(node: ast.AST, name: str) -> ast.AST | None:
    index = getattr(node, "slice", node)
    if isinstance(index, ast.Tuple) and index.elts:
        index = index.elts[0]
    return getattr(index, name, None)


def _up_to_position(run: Run, table: Table, high: Position, key: Stretch, node: ast.AST) -> Table:
    """The rows up to the one that a loop stands on: of later ones nothing is read, whatever is taken of them."""
    last = min(high.offset - 1, 0)
    bound = Bound(
        kind="slice",
        subject="rows",
        low=run.key_of(key.low, end_node(node, "lower")) if key.low is not None else None,
        high=f"row {last}",
        in_time=True,
        span=run.span(node),
    )
    part = (
        replace(table.mapped(lambda facts: facts.moved(last)), up_to=last)
        if last
        else replace(table, up_to=0)
    )
    return replace(part, rows=part.rows.narrowed(bound))


def _around_position(run: Run, value: Table | Cells, key: Stretch, node: ast.AST) -> Table | Cells:
    """A stretch of rows around a loop's index: a window, which looks ahead as far as its end."""
    if (
        isinstance(value, Table)
        and isinstance(key.high, Position)
        and key.high.offset <= 1
        and not key.high.facts.reads
    ):
        return _up_to_position(run, value, key.high, key, node)
    facts = value.facts if isinstance(value, Cells) else value.all_facts
    base = Cells(
        facts=facts,
        shape="element",
        rows=value.rows,
        width=2,
        name=value.name if isinstance(value, Cells) else None,
        array=True,
    )
    high = key.high
    if high is None:
        if not facts.reads:
            return base
        low = key.low.offset if isinstance(key.low, Position) else 0
        _ = low
        says = f"`{run.text(node)}` runs to the end of the data"
        ahead = Ahead(
            rule="forward-window",
            reach=WHOLE_REACH,
            span=run.span(node),
            says=says,
            sources=facts.sources,
        )
        return replace(base, facts=facts.whole().with_ahead(ahead))
    last = replace(high, offset=high.offset - 1) if isinstance(high, Position) else Position()
    return replace(base, facts=ahead_of_position(run, facts, last, node))


def ahead_of_position(run: Run, facts: Facts, place: Position, node: ast.AST) -> Facts:
    """The facts of an element that stands at a place, so many rows after a loop's row."""
    offset = place.offset
    moved = facts.moved(offset) | place.facts if place.facts.reads else facts.moved(offset)
    if place.facts.aheads:
        return replace(moved, derived=True)
    furthest = max(facts.reads.values(), default=-inf)
    if offset > 0 and 0 < furthest + offset < inf:
        says = f"`{run.text(node)}` reads {offset} row{'s' if offset > 1 else ''} after the loop's own"
        ahead = Ahead(
            rule="shift-into-future",
            reach=Reach(rows=int(furthest + offset)),
            span=run.span(node),
            says=says,
            sources=facts.sources,
        )
        return moved.with_ahead(ahead)
    return replace(moved, derived=True)


def picked(value: Table | Cells, key: Picks) -> Table | Cells:
    """The rows that a fold's positions, or a part's index, stand for."""
    if key.bound.kind == "all":
        return value
    if key.bound.kind == "drawn":
        return replace(value, order=replace(value.order, shuffled=key.bound.span))
    return replace(value, rows=value.rows.narrowed(key.bound))


def _is_tail(cells: Cells) -> bool:
    """Whether only so many rows before the end are left: `column.tail(1)`."""
    last = cells.rows.bounds[-1] if cells.rows.bounds else None
    return last is not None and last.kind == "slice" and isinstance(last.low, int) and last.low < 0


def at_place(run: Run, cells: Cells, place: int, node: ast.AST) -> Cells:
    first = place >= 0 and not _is_tail(cells)
    if cells.order.newest_first:
        first = not first
    if first and not cells.order.other and cells.order.shuffled is None:
        return replace(cells, shape="scalar", facts=replace(cells.facts, reads={}, clock=None), conditions=())
    facts = statistic(run, cells, node, says=f"`{run.text(node)}` is the last row's value")
    return replace(cells, shape="scalar", facts=facts, conditions=())
