"""Methods of a column that look at other rows: windows, groups, order, rows found by time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from nbprod.leakage.interpret import (
    deferred,
    groups,
    joining,
    knowledge,
    learning,
    moving,
    positions,
    tables,
)
from nbprod.leakage.interpret.context import Args
from nbprod.leakage.interpret.values import (
    Cells,
    Const,
    Grouped,
    Opaque,
    Position,
    Stretch,
    Table,
    Value,
    Windowed,
)

if TYPE_CHECKING:
    import ast
    from collections.abc import Callable

    from nbprod.leakage.interpret.context import Run


def _asof(run: Run, cells: Cells, args: Args, node: ast.AST) -> Value:
    key = run.at(args.get(0, "where"))
    if isinstance(key, Cells):
        return replace(key, facts=joining.looked_up_at(run, key.facts, cells.facts, node), conditions=())
    return replace(cells, shape="scalar")


def _reindexed(run: Run, cells: Cells, args: Args, node: ast.AST) -> Value:
    key = run.at(args.get(0, "index"))
    method = args.constant(None, "method")
    facts = cells.facts
    if isinstance(key, Position):
        return under_places(run, cells, key, node)
    if isinstance(key, Cells) and key.facts.clock is not None:
        facts = joining.looked_up_at(run, key.facts, facts, node)
        if cells.keyed and not key.keyed and key.rows.tables:
            facts = joining.within_bars(facts)
    if method in ("bfill", "backfill", "nearest") and facts.reads:
        facts = tables.filled_from_later(run, cells, node, facts)
    return replace(cells, facts=facts, conditions=(), rows=key.rows if isinstance(key, Cells) else cells.rows)


def under_places(run: Run, cells: Cells, places: Position, node: ast.AST) -> Cells:
    """The values that stand some rows away."""
    from nbprod.leakage.interpret.subscripts import ahead_of_position

    facts = ahead_of_position(run, cells.facts, places, node)
    return replace(cells, facts=replace(facts, derived=True), conditions=())


def _searched(run: Run, cells: Cells, args: Args, node: ast.AST) -> Value:
    return positions.searched(run, cells, run.at(args.get(0, "value")), args, node)


def _rolled(run: Run, cells: Cells, args: Args, node: ast.AST) -> Value:
    move = knowledge.method("pandas", "rolling")
    assert move is not None  # noqa: S101 - asked just before
    return moving.moved(run, move, cells, args, node, called="rolling")


def _expanding(run: Run, cells: Cells, _args: Args, node: ast.AST) -> Value:
    return Windowed(base=cells, kind="expanding", aheads=moving.expanding_aheads(run, cells, node))


def _grouped(run: Run, cells: Cells, args: Args, node: ast.AST) -> Value:
    table = Table(rows=cells.rows, order=cells.order)
    keys = deferred.keys_of(run, table, list(args.places) + [v for k, v in args.names.items() if k == "by"])
    _ = node
    return Grouped(base=cells, keys=keys)


def _sorted(run: Run, cells: Cells, args: Args, node: ast.AST) -> Value:
    _ = args, node
    name = cells.name or "value"
    if run.is_time(cells.name, cells.facts):
        return cells
    return replace(cells, order=replace(cells.order, other=(name,)))


def _sorted_index(run: Run, cells: Cells, args: Args, node: ast.AST) -> Value:
    _ = node, run
    down = args.constant(None, "ascending", default=True) is False
    return replace(cells, order=type(cells.order)(newest_first=down))


def _reversed(run: Run, cells: Cells, _args: Args, _node: ast.AST) -> Value:
    _ = run
    return replace(cells, order=cells.order.flipped)


def _first_rows(run: Run, cells: Cells, args: Args, node: ast.AST) -> Value:
    from nbprod.leakage.interpret.subscripts import sliced

    return sliced(run, cells, Stretch(high=run.at(args.get(0, "n") or Const(5))), node)


def _last_rows(run: Run, cells: Cells, args: Args, node: ast.AST) -> Value:
    from nbprod.leakage.interpret.subscripts import sliced

    number = args.constant(0, "n", default=5)
    low = Const(-number) if isinstance(number, int) else Opaque()
    return sliced(run, cells, Stretch(low=low), node)


def _split_at(run: Run, cells: Cells, args: Args, node: ast.AST) -> Value:
    """`series.split_before(point)`: what is before, and what comes then."""
    return learning.split_in_time(run, Args(places=(cells,), node=args.node), node)


def _exponential(run: Run, cells: Cells, _args: Args, node: ast.AST) -> Value:
    return Windowed(base=cells, kind="ewm", aheads=moving.expanding_aheads(run, cells, node))


def _only_value(run: Run, cells: Cells, _args: Args, node: ast.AST) -> Value:
    """`column.tail(1).item()`."""
    from nbprod.leakage.interpret.subscripts import at_place

    return at_place(run, cells, 0, node) if cells.shape == "column" and cells.rows.bounds else cells


METHODS: dict[str, Callable[[Run, Cells, Args, ast.AST], Value]] = {
    "item": _only_value, "asof": _asof, "reindex": _reindexed, "rolling": _rolled, "expanding": _expanding, "ewm": _exponential,
    "resample": groups.resampled, "groupby": _grouped, "sort_values": _sorted, "sort": _sorted,
    "sort_index": _sorted_index, "reverse": _reversed, "head": _first_rows, "limit": _first_rows,
    "searchsorted": _searched, "search_sorted": _searched, "tail": _last_rows, "split_before": _split_at, "split_after": _split_at, "sample": tables.sampled,
}  # fmt: skip
