"""Methods of grouped frames and columns; knows aggregates, windows and bars."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from msgspec.structs import replace

from nbprod.leakage.interpret import frames, knowledge, moving
from nbprod.leakage.interpret.context import Args
from nbprod.leakage.interpret.facts import Facts
from nbprod.leakage.interpret.groups.aggregates import aggregate_all, aggregated
from nbprod.leakage.interpret.groups.parts import one_a_row, one_or_table, parts_of
from nbprod.leakage.interpret.groups.windows import windows_of
from nbprod.leakage.interpret.values import (
    Cells,
    Class,
    Const,
    Function,
    Grouped,
    Key,
    Mapped,
    Opaque,
    Seq,
    Symbol,
    Table,
    Value,
)
from nbprod.libraries.moves import Accumulates, Fills, Lags, Ranks, Reduces, RowWise

if TYPE_CHECKING:
    import ast

    from nbprod.leakage.interpret.context import Run


_ROW_COUNTS = frozenset({"size", "count", "ngroup", "len"})


def on_grouped(run: Run, grouped: Grouped, name: str, args: Args, node: ast.AST) -> Value:  # noqa: C901
    """A method of a grouped frame or column."""
    base = run.at(grouped.base)
    if name in ("transform", "mutate", "with_columns"):
        grouped = replace(grouped, keys=_unlabelled(grouped.keys))
    if name == "transform":
        return _transformed(run, grouped, args, node)
    if name in ("agg", "aggregate", "summarize", "summarise"):
        return aggregated(run, grouped, args, node)
    if name in ("apply", "pipe", "map_groups", "map"):
        return _applied(run, grouped, args, node)
    if name in ("rolling", "expanding", "ewm", "resample"):
        return windows_of(run, grouped, name, args, node)
    if name in ("mutate", "with_columns", "select") and isinstance(base, Table):
        from nbprod.leakage.interpret.tables import with_expressions

        scoped = replace(base, within=(*base.within, *grouped.keys))
        result = run.at(with_expressions(run, scoped, args, node, select=name == "select"))
        assert isinstance(result, Table)  # noqa: S101 - asked just before
        return run.new(replace(result, within=base.within))
    if name == "order_by" and isinstance(base, Table):
        from nbprod.leakage.interpret.deferred import order_of

        order = order_of(run, base, list(args.places), descending=[])
        return replace(grouped, base=replace(base, order=order or base.order))
    if (
        name in ("head", "tail", "nth", "first", "last")
        and grouped.picked is None
        and isinstance(base, Table)
    ):
        return _chosen_rows(run, grouped, base, name, node)
    if name == "sample" and grouped.picked is None and isinstance(base, Table):
        from nbprod.leakage.interpret.tables import sampled

        return sampled(run, base, args, node)
    if name in ("cumcount", "ngroup"):
        return _numbered(run, grouped, name, args, node)
    if name in ("filter", "having"):
        return _kept_groups(run, grouped, node, goes_on=name == "having")
    if name == "get_group":
        return run.stored(base)
    return _by_table(run, grouped, name, args, node)


def _by_table(run: Run, grouped: Grouped, name: str, args: Args, node: ast.AST) -> Value:
    """What the library's table says of a method, within groups."""
    base = run.at(grouped.base)
    move = knowledge.method("pandas", name)
    if isinstance(move, Reduces) or name in _ROW_COUNTS:
        return aggregate_all(run, grouped, name, args, node)
    if isinstance(move, Lags | Accumulates | Fills | Ranks | RowWise):
        return _each(run, grouped, name, args, node)
    return Opaque(facts=run.facts(base), rows=run.rows(base))


def _unlabelled(keys: tuple[Key, ...]) -> tuple[Key, ...]:
    """The keys without the offset of their labels: which rows share a group doesn't depend on what it is called."""
    return tuple(
        replace(key, facts=replace(key.facts, clock=replace(key.facts.clock, offset=timedelta(0))))
        if key.facts.clock is not None and key.facts.clock.offset
        else key
        for key in keys
    )


def _each(run: Run, grouped: Grouped, name: str, args: Args, node: ast.AST) -> Value:
    """A call that gives one value a row, within groups."""
    from nbprod.leakage.interpret.methods import on_cells

    made: list[tuple[str, Cells]] = []
    for cells in parts_of(run, grouped):
        result = run.at(on_cells(run, cells, cells, name, args, node))
        if isinstance(result, Cells):
            made.append((cells.name or "value", one_a_row(run, result, grouped)))
    return one_or_table(run, grouped, made, name, args, node)


def _transformed(run: Run, grouped: Grouped, args: Args, node: ast.AST) -> Value:
    function = run.at(args.get(0, "func"))
    if isinstance(function, Const) and isinstance(function.value, str):
        return _each(run, grouped, function.value, Args(places=args.places[1:], node=node), node)
    made: list[tuple[str, Cells]] = []
    for cells in parts_of(run, grouped):
        whole = replace(cells, width=1)
        result = run.call(run, function, Args(places=(whole, *args.places[1:]), node=node), node)
        facts = replace(run.facts(result), derived=True)
        made.append((cells.name or "value", one_a_row(run, replace(cells, facts=facts), grouped)))
    return one_or_table(run, grouped, made, "transform", Args(places=(Const("mean"),), node=node), node)


def _applied(run: Run, grouped: Grouped, args: Args, node: ast.AST) -> Value:
    function = run.at(args.get(0, "func"))
    base = run.at(grouped.base)
    if not isinstance(function, Function | Symbol | Class):
        return Opaque(facts=run.facts(base), rows=run.rows(base))
    if isinstance(base, Table) and grouped.picked is None:
        part = replace(base, within=(*base.within, *grouped.keys))
        names = {
            k: v for k, v in args.names.items() if k not in ("func", "include_groups", "group_keys", "axis")
        }
        result = run.at(
            run.call(
                run, function, Args(places=(run.new(part), *args.places[1:]), names=names, node=node), node
            )
        )
        if isinstance(result, Table):
            return run.new(replace(result, within=base.within))
        if isinstance(result, Cells):
            scalar = result.shape == "scalar"
            return replace(result, within=base.within, shape="column", keyed=grouped.keys if scalar else ())
        if isinstance(result, Seq | Mapped | Opaque):
            return Cells(facts=run.facts(result), rows=base.rows, keyed=grouped.keys)
        return Opaque(facts=run.facts(result), rows=base.rows)
    made = []
    for cells in parts_of(run, grouped):
        whole = replace(cells, width=1)
        result = run.at(run.call(run, function, Args(places=(whole, *args.places[1:]), node=node), node))
        scalar = isinstance(result, Cells) and result.shape == "scalar"
        changed = replace(cells, facts=replace(run.facts(result), derived=True))
        ungrouped = one_a_row(run, changed, grouped)
        made.append((cells.name or "value", replace(ungrouped, keyed=grouped.keys if scalar else ())))
    return made[0][1] if made else Opaque(facts=run.facts(base))


def _numbered(run: Run, grouped: Grouped, name: str, args: Args, node: ast.AST) -> Value:
    from nbprod.leakage.interpret.methods import on_cells

    base = run.at(grouped.base)
    root = base.root if isinstance(base, Table) else ""
    rows = run.rows(base)
    order = base.order if isinstance(base, Table | Cells) else Cells().order
    cells = Cells(facts=Facts(reads={f"{root}.*": 0.0}), rows=rows, order=order, within=grouped.keys)
    result = run.at(on_cells(run, cells, cells, name, args, node))
    if name == "cumcount" and isinstance(result, Cells) and not result.facts.aheads:
        result = replace(result, facts=replace(result.facts, numbers=0))
    return one_a_row(run, result, grouped) if isinstance(result, Cells) else result


def _kept_groups(run: Run, grouped: Grouped, node: ast.AST, *, goes_on: bool) -> Value:
    """The rows of the groups that are kept; after Ibis' `having` they are grouped still."""
    base = run.at(grouped.base)
    if not isinstance(base, Table):
        return base
    cells = Cells(facts=Facts(reads={f"{base.root}.*": 0.0}), rows=base.rows, within=grouped.keys)
    facts = moving.statistic(run, cells, node, says="groups are kept or dropped by all their rows")
    kept = replace(base, presence=(*base.presence, *facts.aheads))
    return replace(grouped, base=kept) if goes_on else run.new(kept)


def _chosen_rows(run: Run, grouped: Grouped, base: Table, name: str, node: ast.AST) -> Value:
    later = name in ("tail", "last")
    if base.order.newest_first:
        later = not later
    kept = replace(base, keyed=grouped.keys if name in ("first", "last") else base.keyed)
    if not later:
        return run.new(kept.mapped(lambda f: replace(f, reads={}, derived=True)))
    keys = {key.name for key in grouped.keys}
    columns = {}
    for column, facts in base.columns.items():
        cells = Cells(facts=facts, rows=base.rows, within=grouped.keys)
        columns[column] = (
            facts if column in keys else moving.statistic(run, cells, node, says=f"`{name}` of each group")
        )
    rest = None
    if base.rest is not None:
        cells = Cells(facts=frames.known_facts(run, base), rows=base.rows, within=grouped.keys)
        rest = moving.statistic(run, cells, node, says=f"`{name}` of each group")
    for key in grouped.keys:
        columns[key.name] = replace(key.facts, derived=False)
    return run.new(replace(kept, columns=columns, rest=rest, root="" if rest is not None else base.root))
