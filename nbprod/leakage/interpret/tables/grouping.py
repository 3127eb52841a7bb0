"""Frames grouped by keys, by bars of time or by a window of time; knows windows over whole frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from nbprod.leakage.horizon import Reach
from nbprod.leakage.interpret import deferred, frames, groups, knowledge
from nbprod.leakage.interpret.clocks import labels_end, length
from nbprod.leakage.interpret.facts import NOTHING, Ahead, Clock, Facts
from nbprod.leakage.interpret.tables.everywhere import rolling
from nbprod.leakage.interpret.values import Const, Grouped, Key, Opaque, Seq, Table, Value
from nbprod.libraries.moves import Rolls

if TYPE_CHECKING:
    import ast
    from collections.abc import Callable

    from nbprod.leakage.interpret.context import Args, Run


def _groupby(run: Run, table: Table, args: Args, node: ast.AST) -> Value:
    _ = node
    given = [value for name, value in args.names.items() if name in ("by", "level", "key")]
    keys = _group_keys(run, table, [*args.places, *given])
    named = {n: v for n, v in args.names.items() if n not in ("by", "level", "as_index", "sort", "dropna", "observed",
             "group_keys", "axis", "maintain_order", "key", "squeeze")}  # fmt: skip
    for name, value in named.items():
        found = deferred.keys_of(run, table, [value])
        keys = (*keys, *(replace(key, name=name) for key in found))
    for key in keys:
        if key.is_time and table.root:
            run.saw_time(key.facts)
    known = {key.name for key in table.keyed}
    whole = bool(table.root) and not table.rows.side
    if len(keys) == 1 and not keys[0].is_time and whole and keys[0].name not in known:
        run.record.grouped.add((table.root, keys[0].name))
    as_index = args.constant(None, "as_index", default=True) is not False and table.library in ("", "pandas")
    return Grouped(base=table, keys=keys, as_index=as_index)


def _group_keys(run: Run, table: Table, values: list[Value]) -> tuple[Key, ...]:
    keys: list[Key] = []
    for value in values:
        held = run.at(value)
        if isinstance(held, Seq) and held.items is not None:
            keys.extend(_group_keys(run, table, list(held.items)))
        elif isinstance(held, Const) and isinstance(held.value, int) and table.index:
            keys.append(_index_key(run, table))
        elif isinstance(held, Opaque) and held.hint.startswith("grouper:"):
            keys.append(_grouper(run, table, held))
        elif isinstance(held, Const) and held.value in table.index:
            keys.append(replace(_index_key(run, table), name=str(held.value)))
        else:
            keys.extend(deferred.keys_of(run, table, [value]))
    return tuple(keys)


def _index_key(run: Run, table: Table) -> Key:
    name = table.index[0]
    return Key(
        name=name, facts=Facts(clock=Clock()) if run.is_time(name) else NOTHING, is_time=run.is_time(name)
    )


def _grouper(run: Run, table: Table, held: Opaque) -> Key:
    _, key, frequency = held.hint.split(":", 2)
    name = key or (table.index[0] if table.index else "time")
    if table.root:
        run.record.times.setdefault(table.root, set()).add(name)
    period = length(frequency)
    clock = Clock(period=period)
    if labels_end(frequency):
        clock = replace(clock, offset=period) if period is not None else clock
    return Key(name=name, facts=Facts(clock=clock), is_time=True)


def _dynamic(run: Run, table: Table, args: Args, node: ast.AST) -> Value:
    """Polars' `group_by_dynamic`, and its `rolling` over time."""
    _ = node
    every = args.constant(None, "every", args.constant(1, "every"))
    period = length(args.constant(None, "period", every)) or length(every)
    label = args.constant(None, "label", "left")
    index = frames.columns_named(run, table, args.get(0, "index_column") or Opaque()) or ("time",)
    facts = frames.column(run, table, index[0]).facts
    run.saw_time(facts, exact=True)
    clock = Clock(period=period)
    if label == "right" and period is not None:
        clock = replace(clock, offset=period)
    key = Key(name=index[0], facts=replace(facts, clock=clock), is_time=True)
    by = args.get(None, "group_by") or args.get(None, "by")
    more = deferred.keys_of(run, table, [by]) if by is not None else ()
    return Grouped(base=table, keys=(key, *more), as_index=False)


def _rolling_by_time(run: Run, table: Table, args: Args, node: ast.AST) -> Value:
    if table.library == "polars" or "index_column" in args.names:
        index = frames.columns_named(run, table, args.get(0, "index_column") or Opaque()) or ("time",)
        if table.root:
            run.record.times.setdefault(table.root, set()).add(index[0])
        offset = length(args.constant(None, "offset"))
        period = length(args.constant(None, "period"))
        ahead = None
        if offset is not None and period is not None and (offset + period).total_seconds() > 0:
            span = run.span(node)
            reach = Reach(time=offset + period)
            says = f"the window ends {reach}"
            ahead = Ahead(rule="forward-window", reach=reach, span=span, says=says)
        base = table.mapped(lambda f: f.with_ahead(ahead)) if ahead is not None else table
        return Grouped(
            base=base, keys=(Key(name=index[0], facts=Facts(clock=Clock()), is_time=True),), as_index=False
        )
    move = knowledge.method("pandas", "rolling")
    assert isinstance(move, Rolls)  # noqa: S101 - asked just before
    return rolling(run, table, move, args, node)


def _resample(run: Run, table: Table, args: Args, node: ast.AST) -> Value:
    return groups.resampled(run, table, args, node)


METHODS: dict[str, Callable[[Run, Table, Args, ast.AST], Value]] = {
    "groupby": _groupby, "group_by": _groupby, "groupBy": _groupby, "group_by_dynamic": _dynamic, "groupby_dynamic": _dynamic,
    "rolling": _rolling_by_time, "resample": _resample,
}  # fmt: skip
