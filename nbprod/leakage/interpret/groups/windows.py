"""Windows within groups, and functions over windows and bars."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from nbprod.leakage.interpret import knowledge, moving
from nbprod.leakage.interpret.context import Args
from nbprod.leakage.interpret.groups.bars import bars, resampled
from nbprod.leakage.interpret.groups.parts import one_a_row, parts_of, rest_of
from nbprod.leakage.interpret.values import Cells, Const, Grouped, Mapped, Opaque, Seq, Table, Value, Windowed

if TYPE_CHECKING:
    import ast

    from nbprod.leakage.interpret.context import Run
    from nbprod.leakage.interpret.facts import Ahead, Facts


def windows_of(run: Run, grouped: Grouped, kind: str, args: Args, node: ast.AST) -> Value:
    aheads: tuple[Ahead, ...] = ()
    if kind == "resample":
        base = run.at(grouped.base)
        return (
            resampled(run, base, args, node, grouped=grouped) if isinstance(base, Table | Cells) else Opaque()
        )
    for cells in parts_of(run, grouped) or ((rest_of(run, grouped) or Cells()),):
        if kind == "rolling":
            move = knowledge.method("pandas", "rolling")
            made = moving.moved(run, move, cells, args, node, called="rolling") if move is not None else None
            if isinstance(made, Windowed):
                aheads = (*aheads, *made.aheads)
        else:
            aheads = (*aheads, *moving.expanding_aheads(run, cells, node))
    unique = tuple({ahead.key: ahead for ahead in aheads}.values())
    return Windowed(base=grouped, kind=kind, aheads=unique)


def on_windowed(run: Run, window: Windowed, name: str, args: Args, node: ast.AST) -> Value:
    """A function over each window, or over each bar of a resampling."""
    base = run.at(window.base)
    if window.kind == "resample":
        return bars(run, window, name, args, node)
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
        made.append((cells.name or "value", one_a_row(run, result, grouped)))
    base = run.at(grouped.base)
    if (grouped.single or isinstance(base, Cells)) and made:
        return made[0][1]
    rest = rest_of(run, grouped)
    rest_facts = moving.finished(run, replace(window, base=rest)).facts if rest is not None else None
    assert isinstance(base, Table)  # noqa: S101 - asked just before
    return run.new(replace(base, columns={n: c.facts for n, c in made}, rest=rest_facts))
