"""Rows one after the other, and columns beside each other, whatever holds them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from nbprod.leakage.interpret.facts import ALL_ROWS, NOTHING, Facts, Rows
from nbprod.leakage.interpret.values import Cells, Const, Seq, Table, Value

if TYPE_CHECKING:
    import ast

    from nbprod.leakage.interpret.context import Run


def concatenated(run: Run, values: tuple[Value, ...], node: ast.AST) -> Value:
    """Rows of several frames, one after the other."""
    held = [run.at(value) for value in values]
    tables = [value for value in held if isinstance(value, Table)]
    _ = node
    if not tables:
        return _rows_of_arrays(run, held)
    first = tables[0]
    names = list(dict.fromkeys(name for table in tables for name in table.columns))
    columns = {}
    for name in names:
        total = NOTHING
        for each in [table.facts(name) for table in tables]:
            total = total | each if each is not None else total
        columns[name] = replace(total, clock=first.columns[name].clock if name in first.columns else None)
    rest = None
    if any(table.rest is not None for table in tables):
        rest = NOTHING
        for table in tables:
            rest = rest | table.rest if table.rest is not None else rest
    roots = {table.root for table in tables}
    shared = _shared_rows([table.rows for table in tables])
    presence = tuple(a for table in tables for a in table.presence)
    made_ = replace(first, columns=columns, rest=rest, rows=shared, presence=presence)
    if len(roots) > 1 and rest is not None:
        made_ = replace(made_, root=first.root)
    return run.new(made_)


def _rows_of_arrays(run: Run, held: list[Value]) -> Cells:
    data = [value for value in held if isinstance(value, Cells) and value.facts.reads]
    head = _length_before(run, held)
    offset = data[0].offset - head if len(data) == 1 and head is not None else 0
    return Cells(
        facts=run.facts(Seq(tuple(held))),
        rows=_shared_rows([run.rows(value) for value in (data or held)]),
        order=data[0].order if len(data) == 1 else Cells().order,
        shape="matrix" if any(each.shape == "matrix" for each in data) else "column",
        array=True,
        offset=offset,
    )


def _length_before(run: Run, held: list[Value]) -> int | None:
    """How many values without data stand before the first array with some; None where it isn't known."""
    total = 0
    for value in held:
        if run.facts(value).reads:
            return total
        match value:
            case Const(list() | tuple() as given):
                total += len(given)
            case Const():
                total += 1
            case Seq(items=items) if items is not None:
                total += len(items)
            case Cells(width=int(width)):
                total += width
            case _:
                return None
    return total


def _shared_rows(rows: list[Rows]) -> Rows:
    if not rows:
        return ALL_ROWS
    tables = frozenset().union(*(each.tables for each in rows))
    bounds = tuple(b for b in rows[0].bounds if all(b in other.bounds for other in rows[1:]))
    return Rows(tables=tables, bounds=bounds)


def _laid(run: Run, base: Table, value: Table | Cells, facts: Facts) -> Facts:
    """A column's facts beside the rows of a frame, by place where its rows were numbered anew."""
    from nbprod.leakage.interpret.moving import placed

    if value.offset == base.offset or run.node is None:
        return facts
    cells = Cells(facts=facts, rows=value.rows, array=True, offset=value.offset - base.offset)
    return placed(run, cells, 0, run.node)


def beside(run: Run, values: tuple[Value, ...]) -> Value:
    """Columns of several frames or arrays side by side."""
    held = [run.at(value) for value in values]
    tables = [value for value in held if isinstance(value, Table)]
    if not tables:
        if any(isinstance(value, Cells) and value.name for value in held) and all(
            isinstance(v, Cells) and not v.array for v in held
        ):
            columns: dict[str, Facts] = {}
            for place, value in enumerate(held):
                assert isinstance(value, Cells)  # noqa: S101 - asked just before
                name = value.name or str(place)
                columns[name] = columns.get(name, NOTHING) | value.facts
            cells = next(value for value in held if isinstance(value, Cells))
            return run.new(Table(columns=columns, rows=cells.rows, order=cells.order))
        facts = run.facts(Seq(tuple(held)))
        rows = max((run.rows(v) for v in held), key=lambda r: len(r.bounds), default=ALL_ROWS)
        return Cells(facts=facts, rows=rows, shape="matrix", array=True)
    made_ = tables[0]
    for value in held:
        if value is made_:
            continue
        if isinstance(value, Table):
            rest = (
                made_.rest
                if value.rest is None
                else (value.rest if made_.rest is None else made_.rest | value.rest)
            )
            laid = {name: _laid(run, made_, value, facts) for name, facts in value.columns.items()}
            made_ = replace(made_, columns={**made_.columns, **laid}, rest=rest)
        elif isinstance(value, Cells):
            facts = _laid(run, made_, value, value.facts) if value.array else value.facts
            made_ = made_.with_column(value.name or "0", facts)
    return run.new(made_)
