"""Grouped and windowed frames: `groupby`, `rolling`, `expanding`, `resample`, and what is called on them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from nbprod.leakage.horizon import Reach
from nbprod.leakage.interpret import frames, knowledge, moving
from nbprod.leakage.interpret.clocks import labels_end, length
from nbprod.leakage.interpret.combining import combine
from nbprod.leakage.interpret.context import Args
from nbprod.leakage.interpret.values import (
    Ahead,
    Cells,
    Class,
    Clock,
    Const,
    Deferred,
    Facts,
    Function,
    Grouped,
    Key,
    Mapped,
    Opaque,
    Seq,
    Symbol,
    Table,
    Value,
    Windowed,
)
from nbprod.libraries.moves import Accumulates, Fills, Lags, Ranks, Reduces, RowWise
from nbprod.model import Step

if TYPE_CHECKING:
    import ast

    from nbprod.leakage.interpret.context import Run

_ROW_COUNTS = frozenset({"size", "count", "ngroup", "len"})


def parts_of(run: Run, grouped: Grouped) -> tuple[Cells, ...]:
    """The selected columns, each knowing its groups; one that stands for the rest where it is open."""
    base = run.at(grouped.base)
    if isinstance(base, Cells):
        return (replace(base, within=(*base.within, *grouped.keys)),)
    assert isinstance(base, Table)  # noqa: S101 - asked just before
    keys = {key.name for key in grouped.keys}
    names = grouped.picked if grouped.picked is not None else tuple(n for n in base.columns if n not in keys)
    cells = []
    for name in names:
        column = frames.column(run, base, name)
        cells.append(replace(column, within=(*column.within, *grouped.keys)))
    return tuple(cells)


def _rest_of(run: Run, grouped: Grouped) -> Cells | None:
    base = run.at(grouped.base)
    if not isinstance(base, Table) or base.rest is None or grouped.picked is not None:
        return None
    facts = base.rest | Facts(reads={f"{base.root}.*": 0.0}) if base.root else base.rest
    return Cells(facts=facts, rows=base.rows, order=base.order, within=(*base.within, *grouped.keys))


def on_grouped(run: Run, grouped: Grouped, name: str, args: Args, node: ast.AST) -> Value:  # noqa: C901
    """A method of a grouped frame or column."""
    base = run.at(grouped.base)
    if name in ("transform", "mutate", "with_columns"):
        grouped = replace(grouped, keys=_unlabelled(grouped.keys))
    if name == "transform":
        return _transformed(run, grouped, args, node)
    if name in ("agg", "aggregate", "summarize", "summarise"):
        return _aggregated(run, grouped, args, node)
    if name in ("apply", "pipe", "map_groups", "map"):
        return _applied(run, grouped, args, node)
    if name in ("rolling", "expanding", "ewm", "resample"):
        return _windowed(run, grouped, name, args, node)
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
    if name in ("cumcount", "ngroup"):
        return _numbered(run, grouped, name, args, node)
    if name == "filter":
        return _kept_groups(run, grouped, node)
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
            made.append((cells.name or "value", _ungrouped(run, result, grouped)))
    return _one_or_table(run, grouped, made, name, args, node)


def _ungrouped(run: Run, cells: Cells, grouped: Grouped) -> Cells:
    base = run.at(grouped.base)
    within = base.within if isinstance(base, Table | Cells) else ()
    return replace(
        cells, within=within, shape="column", keyed=base.keyed if isinstance(base, Table | Cells) else ()
    )


def _one_or_table(  # noqa: PLR0917
    run: Run, grouped: Grouped, made: list[tuple[str, Cells]], name: str, args: Args, node: ast.AST
) -> Value:
    base = run.at(grouped.base)
    if (grouped.single or isinstance(base, Cells)) and made:
        return made[0][1]
    from nbprod.leakage.interpret.methods import on_cells

    rest = _rest_of(run, grouped)
    rest_facts = None
    if rest is not None:
        rest_facts = run.facts(on_cells(run, rest, rest, name, args, node))
    assert isinstance(base, Table)  # noqa: S101 - asked just before
    return run.new(replace(base, columns={n: c.facts for n, c in made}, rest=rest_facts, root=""))


def _transformed(run: Run, grouped: Grouped, args: Args, node: ast.AST) -> Value:
    function = run.at(args.get(0, "func"))
    if isinstance(function, Const) and isinstance(function.value, str):
        return _each(run, grouped, function.value, Args(places=args.places[1:], node=node), node)
    made: list[tuple[str, Cells]] = []
    for cells in parts_of(run, grouped):
        whole = replace(cells, width=1)
        result = run.call(run, function, Args(places=(whole, *args.places[1:]), node=node), node)
        facts = replace(run.facts(result), derived=True)
        made.append((cells.name or "value", _ungrouped(run, replace(cells, facts=facts), grouped)))
    return _one_or_table(run, grouped, made, "transform", Args(places=(Const("mean"),), node=node), node)


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
        ungrouped = _ungrouped(run, changed, grouped)
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
    return _ungrouped(run, result, grouped) if isinstance(result, Cells) else result


def _kept_groups(run: Run, grouped: Grouped, node: ast.AST) -> Value:
    base = run.at(grouped.base)
    if not isinstance(base, Table):
        return base
    cells = Cells(facts=Facts(reads={f"{base.root}.*": 0.0}), rows=base.rows, within=grouped.keys)
    facts = moving.statistic(run, cells, node, says="groups are kept or dropped by all their rows")
    return run.new(replace(base, presence=(*base.presence, *facts.aheads)))


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


# Aggregates


def aggregate_all(run: Run, grouped: Grouped, name: str, args: Args, node: ast.AST) -> Value:
    """`groupby(...).mean()`: a table of aggregates by key, or one column of them."""
    from nbprod.leakage.interpret.methods import on_cells

    base = run.at(grouped.base)
    if name in ("size", "len", "count") and (grouped.picked is None) and not isinstance(base, Cells):
        counts = _counts(run, grouped, node)
        if name == "size" and grouped.as_index:
            return replace(counts, keyed=grouped.keys)
        return _keyed_table(run, grouped, {"len" if name == "len" else name: counts.facts}, rest=counts.facts)
    columns: dict[str, Facts] = {}
    library = base.library if isinstance(base, Table) else "pandas"
    for cells in parts_of(run, grouped):
        result = on_cells(run, replace(cells, library=library), cells, name, args, node)
        columns[cells.name or "value"] = run.facts(result)
    if (grouped.single or isinstance(base, Cells)) and columns and grouped.as_index:
        facts = next(iter(columns.values()))
        rows = run.rows(base)
        return Cells(
            facts=facts, rows=rows, keyed=grouped.keys, name=next(iter(columns)), index=_index_name(grouped)
        )
    rest = _rest_of(run, grouped)
    rest_facts = run.facts(on_cells(run, rest, rest, name, args, node)) if rest is not None else None
    return _keyed_table(run, grouped, columns, rest=rest_facts)


def _index_name(grouped: Grouped) -> str | None:
    return grouped.keys[0].name if len(grouped.keys) == 1 and grouped.keys[0].is_time else None


def _counts(run: Run, grouped: Grouped, node: ast.AST) -> Cells:
    base = run.at(grouped.base)
    root = base.root if isinstance(base, Table) else ""
    source = f"{root}.*" if root else "?.*"
    cells = Cells(facts=Facts(reads={source: 0.0}), rows=run.rows(base), within=grouped.keys)
    return replace(
        cells, facts=moving.statistic(run, cells, node, says="the number of rows is taken"), within=()
    )


def _keyed_table(run: Run, grouped: Grouped, columns: dict[str, Facts], *, rest: Facts | None) -> Value:
    keys = {key.name: replace(key.facts, derived=True) for key in grouped.keys}
    base = run.at(grouped.base)
    library = base.library if isinstance(base, Table) else "pandas"
    return run.new(
        Table(
            columns={**keys, **columns},
            rest=rest,
            rows=run.rows(base),
            keyed=grouped.keys,
            library=library,
            index=tuple(key.name for key in grouped.keys)
            if library in ("", "pandas") and grouped.as_index
            else (),
            root="",
        )
    )


def _aggregated(run: Run, grouped: Grouped, args: Args, node: ast.AST) -> Value:
    base = run.at(grouped.base)
    columns: dict[str, Facts] = {}
    for value in (*args.places,):
        columns |= _aggregates_of(run, grouped, value, node, name=None)
    for name, value in args.names.items():
        if name in ("func", "axis", "engine"):
            columns |= _aggregates_of(run, grouped, value, node, name=None)
        else:
            columns |= _aggregates_of(run, grouped, value, node, name=name)
    if (
        (grouped.single or isinstance(base, Cells))
        and len(columns) == 1
        and not args.names
        and grouped.as_index
    ):
        return Cells(
            facts=next(iter(columns.values())),
            rows=run.rows(base),
            keyed=grouped.keys,
            name=next(iter(columns)),
        )
    return _keyed_table(run, grouped, columns, rest=None)


def _aggregates_of(  # noqa: C901
    run: Run, grouped: Grouped, value: Value, node: ast.AST, *, name: str | None
) -> dict[str, Facts]:
    """The columns that one argument of `agg` makes."""
    held = run.at(value)
    base = run.at(grouped.base)
    match held:
        case Const(str(how)):
            return {
                name or cells.name or how: _aggregate(run, cells, how, node)
                for cells in parts_of(run, grouped)
            }
        case Mapped(items=items):
            made: dict[str, Facts] = {}
            for column, asked in items.items():
                picked = (
                    replace(grouped, picked=(str(column),), single=True)
                    if isinstance(base, Table)
                    else grouped
                )
                made |= _aggregates_of(run, picked, asked, node, name=str(column))
            return made
        case Seq(items=items) if items is not None:
            if (
                name is not None
                and len(items) == 2
                and isinstance(run.at(items[0]), Const)
                and isinstance(base, Table)
                and (grouped.picked is None)
            ):
                first = run.at(items[0])
                assert isinstance(first, Const)  # noqa: S101 - asked just before
                picked = replace(grouped, picked=(str(first.value),), single=True)
                return _aggregates_of(run, picked, items[1], node, name=name)
            joined: dict[str, Facts] = {}
            for place, item in enumerate(items):
                inner = _aggregates_of(
                    run, grouped, item, node, name=None if isinstance(run.at(item), Deferred) else name
                )
                for column, facts in inner.items():
                    label = column if column not in joined else f"{column}_{place}"
                    joined[label] = facts
            return joined
        case Deferred():
            return {name or held.name or "value": _aggregate_expression(run, grouped, held)}
        case Function() | Symbol() | Class():
            made = {}
            for cells in parts_of(run, grouped):
                whole = replace(cells, width=1)
                result = run.call(run, held, Args(places=(whole,), node=node), node)
                made[name or cells.name or "value"] = run.facts(result)
            return made
        case _:
            pass
    if name is not None and isinstance(held, Opaque) and held.hint.startswith("named-agg:"):
        _, column, how = held.hint.split(":", 2)
        picked = replace(grouped, picked=(column,), single=True)
        return _aggregates_of(run, picked, Const(how), node, name=name)
    return {name or "value": run.facts(held) | run.facts(base)}


def _aggregate(run: Run, cells: Cells, how: str, node: ast.AST) -> Facts:
    from nbprod.leakage.interpret.methods import on_cells

    return run.facts(on_cells(run, cells, cells, how, Args(node=node), node))


def _aggregate_expression(run: Run, grouped: Grouped, expression: Deferred) -> Facts:
    from nbprod.leakage.interpret.deferred import built

    base = run.at(grouped.base)
    if not isinstance(base, Table):
        return run.facts(base)
    part = replace(base, within=(*base.within, *grouped.keys))
    return run.facts(built(run, replace(expression, table=None), part))


# Windows


def _windowed(run: Run, grouped: Grouped, kind: str, args: Args, node: ast.AST) -> Value:
    aheads: tuple[Ahead, ...] = ()
    if kind == "resample":
        base = run.at(grouped.base)
        return (
            resampled(run, base, args, node, grouped=grouped) if isinstance(base, Table | Cells) else Opaque()
        )
    for cells in parts_of(run, grouped) or ((_rest_of(run, grouped) or Cells()),):
        if kind == "rolling":
            move = knowledge.method("pandas", "rolling")
            made = moving.moved(run, move, cells, args, node, called="rolling") if move is not None else None
            if isinstance(made, Windowed):
                aheads = (*aheads, *made.aheads)
        else:
            facts = moving.running(run, cells, node, reverse=False, whole=True)
            aheads = (*aheads, *(a for a in facts.aheads if a not in cells.facts.aheads))
    unique = tuple({ahead.key: ahead for ahead in aheads}.values())
    return Windowed(base=grouped, kind=kind, aheads=unique)


def on_windowed(run: Run, window: Windowed, name: str, args: Args, node: ast.AST) -> Value:
    """A function over each window, or over each bar of a resampling."""
    base = run.at(window.base)
    if window.kind == "resample":
        return _bars(run, window, name, args, node)
    if name in ("agg", "aggregate", "apply", "map"):
        function = run.at(args.get(0, "func"))
        if isinstance(function, Seq | Mapped):
            return _many(run, window, function)
    if isinstance(base, Grouped):
        return _windowed_groups(run, window, base)
    if isinstance(base, Table):

        def change(facts: Facts) -> Facts:
            made = moving.finished(
                run, replace(window, base=Cells(facts=facts, rows=base.rows, order=base.order))
            )
            return made.facts

        return run.new(base.mapped(change))
    if isinstance(base, Cells):
        made = moving.finished(run, window)
        extra = [run.facts(value) for value in args.every if isinstance(run.at(value), Cells)]
        for facts in extra:
            made = replace(made, facts=made.facts | facts)
        return made
    return Opaque(facts=run.facts(base))


def _many(run: Run, window: Windowed, functions: Seq | Mapped) -> Value:
    base = run.at(window.base)
    if isinstance(base, Cells):
        made = moving.finished(run, window)
        names = [
            item.value
            for item in (run.at(i) for i in getattr(functions, "items", ()) or ())
            if isinstance(item, Const)
        ]
        return run.new(Table(columns={str(name): made.facts for name in names} or {"value": made.facts}, rows=base.rows,
                             order=base.order))  # fmt: skip
    return on_windowed(run, window, "mean", Args(), run.node) if run.node is not None else Opaque()


def _windowed_groups(run: Run, window: Windowed, grouped: Grouped) -> Value:
    made: list[tuple[str, Cells]] = []
    for cells in parts_of(run, grouped):
        result = moving.finished(run, replace(window, base=cells))
        made.append((cells.name or "value", _ungrouped(run, result, grouped)))
    base = run.at(grouped.base)
    if (grouped.single or isinstance(base, Cells)) and made:
        return made[0][1]
    rest = _rest_of(run, grouped)
    rest_facts = moving.finished(run, replace(window, base=rest)).facts if rest is not None else None
    assert isinstance(base, Table)  # noqa: S101 - asked just before
    return run.new(replace(base, columns={n: c.facts for n, c in made}, rest=rest_facts))


def resampled(
    run: Run, base: Table | Cells, args: Args, node: ast.AST, *, grouped: Grouped | None = None
) -> Windowed:
    """Bars of a length of time; stamped at their start, they hold what comes after the stamp."""
    frequency = args.constant(0, "rule", args.constant(None, "freq"))
    label = args.constant(None, "label")
    period = length(frequency)
    on = args.constant(None, "on")
    if isinstance(base, Table) and isinstance(on, str):
        run.saw_time(frames.column(run, base, on).facts, exact=True)
    _saw_index(run, base)
    at_end = label == "right" or (label is None and labels_end(frequency))
    span = run.span(node)
    reach = Reach(time=period) if period is not None and period > timedelta(0) else Reach(rows=1)
    says = f"bars of {frequency or 'a period'} are stamped at their start and hold what follows"
    ahead = Ahead(
        rule="period-aggregate", reach=reach, span=span, says=says, steps=(Step(span=span, says=says),), period=True,
        detail="bar",
    )  # fmt: skip
    key = Key(
        name=on if isinstance(on, str) else "time", facts=Facts(clock=Clock(period=period)), is_time=True
    )
    return Windowed(
        base=grouped if grouped is not None else base,
        kind="resample",
        aheads=() if at_end else (ahead,),
        keys=(key,),
    )


def _saw_index(run: Run, base: Table | Cells) -> None:
    root = base.root if isinstance(base, Table) else ""
    roots = {root} if root else {source.partition(".")[0] for source in run.facts(base).reads}
    for each in roots:
        run.record.times.setdefault(each, set()).add("index")


def _bars(run: Run, window: Windowed, name: str, args: Args, node: ast.AST) -> Value:  # noqa: C901
    base = run.at(window.base)
    if isinstance(base, Grouped):
        inner = run.at(base.base)
        base = inner if isinstance(inner, Table | Cells) else Cells()
    if name in ("ffill", "pad", "asfreq"):
        return run.new(base) if isinstance(base, Table) else base
    if name in ("bfill", "backfill", "interpolate", "nearest"):
        from nbprod.leakage.interpret.methods import call_method

        called = "bfill" if name == "nearest" else name
        return call_method(run, base if not isinstance(base, Table) else run.new(base), called, args, node)
    if name in ("agg", "aggregate", "apply") and isinstance(base, Table):
        return _bar_table(run, window, base, args)
    index = window.keys[0].name if window.keys else "time"

    def bar(facts: Facts) -> Facts:
        if not facts.reads:
            return facts
        ahead = tuple(replace(a, sources=facts.sources) for a in window.aheads)
        return replace(facts, derived=True).with_ahead(*ahead)

    if isinstance(base, Cells):
        made = replace(
            base, facts=bar(base.facts), index=index, keyed=window.keys, shape="column", conditions=()
        )
        if name == "ohlc":
            return run.new(Table(columns=dict.fromkeys(("open", "high", "low", "close"), made.facts), rows=base.rows,
                                 index=(index,), keyed=window.keys))  # fmt: skip
        return made
    if isinstance(base, Table):
        made_ = base.mapped(bar)
        if base.rest is not None:
            made_ = replace(made_, rest=base.rest.with_ahead(*window.aheads))
        return run.new(replace(made_, index=(index,), keyed=window.keys))
    _ = Any
    return Opaque(facts=run.facts(base))


def _bar_table(run: Run, window: Windowed, base: Table, args: Args) -> Value:
    made = run.at(args.get(0, "func"))
    names: list[str] | None = None
    if isinstance(made, Mapped):
        names = [str(key) for key in made.items]
    columns = dict(base.columns) if names is None else {n: frames.column(run, base, n).facts for n in names}
    for name, value in args.names.items():
        pair = run.at(value)
        if isinstance(pair, Seq) and pair.items:
            source = run.at(pair.items[0])
            if isinstance(source, Const):
                columns[name] = frames.column(run, base, str(source.value)).facts

    def bar(facts: Facts) -> Facts:
        return replace(facts, derived=True).with_ahead(
            *(replace(a, sources=facts.sources) for a in window.aheads)
        )

    index = window.keys[0].name if window.keys else "time"
    rest = bar(base.rest) if base.rest is not None and names is None and not args.names else None
    return run.new(
        replace(
            base,
            columns={n: bar(f) for n, f in columns.items()},
            rest=rest,
            index=(index,),
            keyed=window.keys,
        )
    )


__all__ = ["aggregate_all", "combine", "on_grouped", "on_windowed", "parts_of", "resampled"]
