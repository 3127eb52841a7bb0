"""Bars of a length of time, as resampling makes them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from msgspec.structs import replace

from nbprod.leakage.horizon import Reach
from nbprod.leakage.interpret import frames
from nbprod.leakage.interpret.clocks import labels_end, length
from nbprod.leakage.interpret.facts import Ahead, Clock, Facts
from nbprod.leakage.interpret.values import (
    Cells,
    Const,
    Grouped,
    Key,
    Mapped,
    Opaque,
    Seq,
    Table,
    Value,
    Windowed,
)

if TYPE_CHECKING:
    import ast

    from nbprod.leakage.interpret.context import Args, Run


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
        rule="period-aggregate", reach=reach, span=span, says=says, period=True,
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


def bars(run: Run, window: Windowed, name: str, args: Args, node: ast.AST) -> Value:  # noqa: C901
    base = run.at(window.base)
    keys = window.keys
    if isinstance(base, Grouped):
        keys = (*base.keys, *keys)
        base = _picked(run, base)
    if name == "transform" and isinstance(base, Table | Cells):
        # one value a row, out of the row's whole bar
        from nbprod.leakage.interpret.groups.grouped import on_grouped

        return on_grouped(
            run, Grouped(base=base, keys=keys, single=isinstance(base, Cells)), name, args, node
        )
    if name in ("ffill", "pad", "asfreq"):
        return run.stored(base)
    if name in ("bfill", "backfill", "interpolate", "nearest"):
        from nbprod.leakage.interpret.methods import call_method

        called = "bfill" if name == "nearest" else name
        return call_method(run, base if not isinstance(base, Table) else run.new(base), called, args, node)
    if name in ("agg", "aggregate", "apply") and isinstance(base, Table):
        return _bar_table(run, window, base, args)
    index = window.keys[0].name if window.keys else "time"

    def bar(facts: Facts) -> Facts:
        # the first value of a bar is there as soon as the bar begins
        if not facts.reads or name == "first":
            return facts
        ahead = tuple(replace(a, sources=facts.sources) for a in window.aheads)
        return replace(facts, derived=True).with_ahead(*ahead)

    if isinstance(base, Cells):
        made = replace(base, facts=bar(base.facts), index=index, keyed=keys, shape="column", conditions=())
        if name == "ohlc":
            return run.new(Table(columns=dict.fromkeys(("open", "high", "low", "close"), made.facts), rows=base.rows,
                                 index=(index,), keyed=window.keys))  # fmt: skip
        return made
    if isinstance(base, Table):
        made_ = base.mapped(bar)
        if base.rest is not None:
            made_ = replace(made_, rest=base.rest.with_ahead(*window.aheads))
        return run.new(replace(made_, index=(index,), keyed=window.keys))
    return Opaque(facts=run.facts(base))


def _picked(run: Run, grouped: Grouped) -> Table | Cells:
    """The frame that is grouped, or the one column that was taken of it."""
    inner = run.at(grouped.base)
    if isinstance(inner, Table) and grouped.single and grouped.picked:
        return frames.column(run, inner, grouped.picked[0])
    return inner if isinstance(inner, Table | Cells) else Cells()


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
