"""The order of rows and the index that labels them: sorted, reversed, set, laid on other labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from nbprod.leakage.horizon import Reach
from nbprod.leakage.interpret import deferred, edits, frames, joining
from nbprod.leakage.interpret.facts import Ahead, Clock, Facts
from nbprod.leakage.interpret.values import NONE, Cells, Const, Opaque, Order, Position, Seq, Table, Value

if TYPE_CHECKING:
    import ast
    from collections.abc import Callable

    from nbprod.leakage.interpret.context import Args, Run


def _sort(run: Run, table: Table, args: Args, node: ast.AST) -> Value:
    _ = node
    down = run.at(
        args.get(None, "ascending") or args.get(None, "descending") or args.get(None, "reverse") or NONE
    )
    flags: list[bool] = []
    if isinstance(down, Const) and isinstance(down.value, bool):
        flags = [down.value is ("ascending" not in args.names)]
    elif isinstance(down, Seq) and down.items is not None:
        values = [run.at(item) for item in down.items]
        flags = [
            bool(v.value) is ("ascending" not in args.names) if isinstance(v, Const) else False
            for v in values
        ]
    by = args.get(None, "by")
    values_: list[Value | None] = [by] if by is not None else list(args.places)
    if by is None and len(values_) > 1 and table.library not in ("polars", "ibis", "pyspark"):
        values_ = values_[:1]
    order = deferred.order_of(run, table, values_, descending=flags)
    if order is None:
        order = Order(other=("an unknown key",)) if not values_ else Order()
    for name in _time_names(run, table, values_):
        run.saw_column(table.root, name)
    if order.by and not order.other:
        run.record.sequences |= table.rows.tables
    sorted_ = replace(table, order=order)
    if order.by in run.known.values():
        # rows in the order in which they became known have that as their time
        sorted_ = sorted_.mapped(
            lambda f: f.without(lambda a: a.rule == "not-yet-known" and a.detail == order.by)
        )
    return run.new(sorted_)


def _time_names(run: Run, table: Table, values: list[Value | None]) -> list[str]:
    names = [frames.columns_named(run, table, value) for value in values if value is not None]
    return [name for group in names if group for name in group]


def _sort_index(run: Run, table: Table, args: Args, node: ast.AST) -> Value:
    _ = node
    down = args.constant(None, "ascending", default=True) is False
    if (
        table.index
        and not run.is_time(table.index[0])
        and len(table.index) == 1
        and table.index[0] in table.columns
    ):
        return run.new(replace(table, order=Order(other=table.index)))
    first = table.index[0] if table.index else None
    if len(table.index) > 1 and first is not None and not run.is_time(first):
        return run.new(replace(table, order=Order(newest_first=down, entity_first=(first,))))
    return run.new(replace(table, order=Order(newest_first=down)))


def _reverse(run: Run, table: Table, _args: Args, _node: ast.AST) -> Value:
    return run.new(replace(table, order=table.order.flipped))


def _reset_index(run: Run, table: Table, args: Args, node: ast.AST) -> Value:
    _ = node
    if args.constant(None, "drop") is True:
        return run.new(replace(table, index=(), offset=_cut_before(table)))
    names = table.index
    columns = dict(table.columns)
    for name in names:
        if name not in columns:
            clock = Clock() if run.is_time(name) or table.keyed else None
            facts = next(
                (replace(k.facts, derived=True) for k in table.keyed if k.name == name), Facts(clock=clock)
            )
            columns = {name: facts, **columns}
    return run.new(replace(table, index=(), columns=columns))


def _cut_before(table: Table) -> int:
    """How many of the first rows were cut away by their place."""
    cuts = (b.low for b in table.rows.bounds if b.kind == "slice" and isinstance(b.low, int) and b.low > 0)
    return sum(cuts)


def _set_index(run: Run, table: Table, args: Args, node: ast.AST) -> Value:
    _ = node
    given = args.get(0, "keys")
    held = run.at(given)
    if isinstance(held, Cells):
        name = held.name or "index"
        if run.is_time(held.name, held.facts) and table.root:
            run.record.times.setdefault(table.root, set()).add(name)
        return run.new(replace(table, index=(name,)))
    names = frames.columns_named(run, table, given or Opaque()) or ()
    for name in names:
        frames.column(run, table, name)
    changed = table if args.constant(None, "drop") is False else frames.dropped(table, names)
    return run.new(replace(changed, index=names))


def _reindex(run: Run, table: Table, args: Args, node: ast.AST) -> Value:
    key = run.at(args.get(0, "index"))
    if isinstance(key, Position):
        from nbprod.leakage.interpret.subscripts import ahead_of_position

        return run.new(table.mapped(lambda facts: ahead_of_position(run, facts, key, node)))
    if isinstance(key, Cells) and key.facts.clock is not None:
        table = table.mapped(lambda facts: joining.looked_up_at(run, key.facts, facts, node))
        if table.keyed and not key.keyed and key.rows.tables:
            table = table.mapped(joining.within_bars)
    if args.constant(None, "method") in ("bfill", "backfill", "nearest"):
        cells = Cells(rows=table.rows, order=table.order)
        return run.new(table.mapped(lambda facts: filled_from_later(run, cells, node, facts)))
    return run.new(table)


def filled_from_later(run: Run, cells: Cells, node: ast.AST, facts: Facts) -> Facts:
    """Gaps that a reindexing makes, filled from the rows after."""
    if cells.rows.side == "train":
        return facts
    says = f"`{run.text(node)}` fills gaps from later rows"
    ahead = Ahead(
        rule="backward-fill",
        reach=Reach(rows=1),
        span=run.span(node),
        says=says,
        sources=facts.sources,
        edits=edits.forward_fill(run, node, how="given"),
    )
    return facts.with_ahead(ahead)


METHODS: dict[str, Callable[[Run, Table, Args, ast.AST], Value]] = {
    "sort_values": _sort, "sort": _sort, "order_by": _sort, "orderBy": _sort, "sort_index": _sort_index, "reverse": _reverse,
    "reset_index": _reset_index, "set_index": _set_index, "reindex": _reindex,
}  # fmt: skip
