"""One value a group: aggregates by name, by function or by expression."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from nbprod.leakage.interpret import moving
from nbprod.leakage.interpret.context import Args
from nbprod.leakage.interpret.facts import Facts
from nbprod.leakage.interpret.groups.parts import parts_of, rest_of
from nbprod.leakage.interpret.values import (
    Cells,
    Class,
    Const,
    Deferred,
    Function,
    Grouped,
    Mapped,
    Opaque,
    Seq,
    Symbol,
    Table,
    Value,
)

if TYPE_CHECKING:
    import ast

    from nbprod.leakage.interpret.context import Run


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
    rest = rest_of(run, grouped)
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
            presence=base.presence if isinstance(base, Table) else (),
            library=library,
            index=tuple(key.name for key in grouped.keys)
            if library in ("", "pandas") and grouped.as_index
            else (),
            root="",
        )
    )


def aggregated(run: Run, grouped: Grouped, args: Args, node: ast.AST) -> Value:
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
            one_column = grouped.single or isinstance(base, Cells)
            for place, item in enumerate(items):
                asked = run.at(item)
                label = asked.value if one_column and isinstance(asked, Const) else name
                label = label if isinstance(label, str) and not isinstance(asked, Deferred) else None
                inner = _aggregates_of(run, grouped, item, node, name=label)
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
