"""Columns made, chosen, dropped and renamed; knows columns' values, and no other method of frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from nbprod.leakage.interpret import deferred, frames, groups
from nbprod.leakage.interpret.combining import other_part
from nbprod.leakage.interpret.context import Args, Run
from nbprod.leakage.interpret.facts import Bound
from nbprod.leakage.interpret.values import (
    IN_TIME,
    Cells,
    Const,
    Deferred,
    Function,
    Grouped,
    Mapped,
    Method,
    Opaque,
    Picks,
    Seq,
    Table,
    Value,
)

if TYPE_CHECKING:
    import ast
    from collections.abc import Callable


def with_expressions(run: Run, table: Table, args: Args, node: ast.AST, *, select: bool = False) -> Value:
    """The frame with columns made by expressions, one after the other where they are pandas' `assign`."""
    result = replace(table, columns={}, rest=None) if select else table
    for value in args.places:
        result = _with_places(run, table, result, value, node)
    for name, value in args.names.items():
        made = evaluated(run, table if select else result, value, node)
        result = (
            frames.stored_column(run, result, name, made, node)
            if not _is_plain(made)
            else _plain(result, name, made, run)
        )
    return run.new(result)


def _is_plain(value: Value) -> bool:
    return isinstance(value, Cells) and not value.facts.derived and value.shape == "column"


def _plain(table: Table, name: str, value: Value, run: Run) -> Table:
    """A column under a new name keeps its source and, if it holds times, its clock."""
    return table.with_column(name, run.facts(value))


def _with_places(run: Run, table: Table, result: Table, value: Value, node: ast.AST) -> Table:  # noqa: C901
    held = run.at(value)
    match held:
        case Seq(items=items) if items is not None:
            for item in items:
                result = _with_places(run, table, result, item, node)
            return _with_rest(run, table, result, held)
        case Seq(any_item=any_item) if any_item is not None:
            return _with_places(run, table, result, any_item, node)
        case Const(str(name)):
            return result.with_column(name, frames.column(run, table, name).facts)
        case Deferred():
            made = deferred.built(run, held, table)
            if isinstance(made, Table):
                columns = {**result.columns, **made.columns}
                rest = result.rest if made.rest is None else made.rest
                return replace(result, columns=columns, rest=rest)
            name = held.name or (made.name if isinstance(made, Cells) else None) or run.text(node)
            if _is_plain(made):
                return _plain(result, name, made, run)
            return frames.stored_column(run, result, name, made, node)
        case Table():
            return replace(result, columns={**result.columns, **held.columns}, rest=held.rest or result.rest)
        case Mapped(items=items):
            for key, item in items.items():
                result = frames.stored_column(run, result, str(key), evaluated(run, table, item, node), node)
            return result
        case Cells(name=str(name)):
            return frames.stored_column(run, result, name, held, node)
        case Opaque(hint=hint) if hint.startswith("desc:"):
            return result
    return result


def _with_rest(run: Run, table: Table, result: Table, names: Seq) -> Table:
    """The frame with the columns that nobody has named too, where the names stand for them as well."""
    if names.any_item != frames.OTHER_COLUMNS or result.rest is not None:
        return result
    named = frames.columns_named(run, table, names) or ()
    kept = frames.with_others(run, table, named, without=names.without)
    return replace(result, rest=kept.rest, gone=kept.gone)


def evaluated(run: Run, table: Table, value: Value, node: ast.AST) -> Value:
    held = run.at(value)
    if (
        isinstance(held, Const)
        and isinstance(held.value, str)
        and table.library in ("polars", "ibis", "pyspark")
    ):
        return frames.column(run, table, held.value)
    if isinstance(held, Deferred):
        return deferred.built(run, held, table)
    if isinstance(held, Function):
        return run.at(run.call(run, held, Args(places=(run.new(table),), node=node), node))
    return held


def _assign(run: Run, table: Table, args: Args, node: ast.AST) -> Value:
    return with_expressions(run, table, args, node)


def _select(run: Run, table: Table, args: Args, node: ast.AST) -> Value:
    return with_expressions(run, table, args, node, select=True)


def _drop(run: Run, table: Table, args: Args, node: ast.AST) -> Value:
    _ = node
    axis = args.constant(None, "axis", args.constant(1, "axis", 0))
    index = args.get(None, "index")
    given = args.get(None, "columns")
    by_rows = (
        axis in (0, "index", "rows") and given is None and table.library not in {"polars", "ibis", "pyspark"}
    )
    first = run.at(args.get(0, "labels")) if args.places or "labels" in args.names else None
    if by_rows and (isinstance(first, Picks | Cells) or index is not None or isinstance(first, Method)):
        return run.new(_without_rows(run, table, first if first is not None else run.at(index), node))
    names: list[str] = []
    unknown = False
    for value in (
        given,
        *args.places[:1],
        *(args.places[1:] if table.library in ("polars", "ibis", "pyspark") else ()),
    ):
        if value is None:
            continue
        found = frames.columns_named(run, table, value)
        names.extend(found or ())
        unknown |= found is None or any("<" in name for name in found)
    table = replace(table, guessed=table.guessed or unknown)
    if by_rows and isinstance(first, Seq) and not all(_is_text(run, item) for item in first.items or ()):
        return run.new(table)
    return run.new(frames.dropped(table, tuple(names)))


def _is_text(run: Run, value: Value) -> bool:
    held = run.at(value)
    return isinstance(held, Const) and isinstance(held.value, str)


def _without_rows(run: Run, table: Table, rows: Value, node: ast.AST) -> Table:
    """`df.drop(train.index)`: the other part of a split."""
    bound = rows.bound if isinstance(rows, Picks) else None
    if bound is None or bound.kind == "all":
        return replace(
            table, rows=table.rows.narrowed(Bound(kind="where", subject=run.text(node), low=run.text(node)))
        )
    return replace(table, rows=table.rows.narrowed(other_part(bound, span=run.span(node))))


def _rename(run: Run, table: Table, args: Args, node: ast.AST) -> Value:
    _ = node
    given = run.at(args.get(None, "columns") or args.get(None, "mapper") or args.get(0, "mapping"))
    pairs: dict[str, str] = {}
    if isinstance(given, Mapped):
        for key, value in given.items.items():
            held = run.at(value)
            if isinstance(held, Const):
                pairs[str(key)] = str(held.value)
    if table.library == "ibis":
        pairs = {new: old for old, new in pairs.items()}
        pairs |= {
            str(v.value): k
            for k, v in ((k, run.at(v)) for k, v in args.names.items())
            if isinstance(v, Const)
        }
    columns = {pairs.get(name, name): facts for name, facts in table.columns.items()}
    for old, new in pairs.items():
        if old not in table.columns and table.rest is not None:
            facts = frames.column(run, table, old).facts
            columns[new] = facts
    return run.new(
        replace(
            table, columns=columns, gone=table.gone | frozenset(o for o in pairs if o not in pairs.values())
        )
    )


def _pivoted(run: Run, table: Table, args: Args, node: ast.AST) -> Value:
    _ = node
    rest = replace(frames.known_facts(run, table), derived=True)
    index = frames.columns_named(run, table, args.get(1, "index") or Opaque()) or ()
    timed = len(index) == 1 and run.is_time(index[0], frames.column(run, table, index[0]).facts)
    # one row a time, ordered by it: what the rows were ordered by before is gone
    order = IN_TIME if timed else table.order
    return run.new(
        replace(table, columns={}, rest=rest, root="", order=order, index=index if timed else table.index)
    )


def _pivot_table(run: Run, table: Table, args: Args, node: ast.AST) -> Value:
    """Aggregates by the index alone are those of groups; with columns beside it, values under other names."""
    index, values = args.get(1, "index"), args.get(0, "values")
    if index is None or args.get(2, "columns") is not None:
        return _pivoted(run, table, args, node)
    picked = frames.columns_named(run, table, values) if values is not None else None
    grouped = Grouped(base=table, keys=deferred.keys_of(run, table, [index]), picked=picked)
    how = args.get(3, "aggfunc") or Const("mean")
    return groups.on_grouped(run, grouped, "agg", Args(places=(how,), node=node), node)


METHODS: dict[str, Callable[[Run, Table, Args, ast.AST], Value]] = {
    "assign": _assign, "with_columns": _assign, "with_column": _assign, "mutate": _assign,
    "select": _select, "drop": _drop, "rename": _rename, "unstack": _pivoted, "pivot": _pivoted,
    "pivot_table": _pivot_table,
}  # fmt: skip
