"""Rows one after the other, and columns beside each other, whatever holds them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from nbprod.leakage.interpret.facts import ALL_ROWS, NOTHING, WHOLE_REACH, Ahead, Bound, Facts, Rows
from nbprod.leakage.interpret.learning.estimators import with_aheads
from nbprod.leakage.interpret.values import Cells, Const, Seq, Symbol, Table, Value

if TYPE_CHECKING:
    import ast

    from nbprod.leakage.interpret.context import Run


def concatenated(run: Run, values: tuple[Value, ...], node: ast.AST) -> Value:
    """Rows of several frames, one after the other."""
    held = [run.at(value) for value in values]
    tables = [value for value in held if isinstance(value, Table)]
    copies = _copies(run, held, node)
    if not tables:
        return with_aheads(run, _rows_of_arrays(run, held), copies)
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
    return with_aheads(run, run.new(made_), copies) if copies else run.new(made_)


def _copies(run: Run, held: list[Value], node: ast.AST) -> tuple[Ahead, ...]:
    """What it is to lay rows under others of which they are a part, or a changed copy: both are there twice."""
    if not any(_is_within(held[0], other) for other in held[1:]):
        return ()
    whole = held[0]
    if not run.rows(whole).tables or run.rows(whole).side:
        return ()
    over = run.rows(whole)
    says = f"`{run.text(node, most=40)}` has some rows twice"
    return (
        Ahead(
            rule="resample-before-split",
            reach=WHOLE_REACH,
            span=run.span(node),
            says=says,
            over=over,
            sources=run.facts(whole).sources,
            detail="copies",
        ),
    )


def _is_within(whole: Value, part: Value) -> bool:
    """Whether the rows of a frame, with the same columns, are among those of another, by a condition or a draw."""
    match whole, part:
        case Table(), Table():
            same = (
                whole.root == part.root and bool(whole.root) and (whole.rest is None) is (part.rest is None)
            )
            named = {*whole.columns, *part.columns}
            same = same and all(_reads_alike(whole.facts(name), part.facts(name)) for name in named)
        case Cells(shape="matrix"), Cells(shape="matrix"):
            same = bool(whole.facts.reads) and whole.rows == part.rows and whole.offset == part.offset
            same = same and _reads_alike(whole.facts, part.facts)
        case _:
            return False
    extra = part.rows.beyond(whole.rows)
    return same and not whole.rows.beyond(part.rows) and all(b.kind in ("where", "sample") for b in extra)


def _reads_alike(mine: Facts | None, theirs: Facts | None) -> bool:
    if mine is None or theirs is None:
        return False
    return _drawn_apart(mine) == _drawn_apart(theirs)


def _drawn_apart(facts: Facts) -> set[str]:
    """What is read, but for random numbers."""
    return {source for source in facts.reads if not source.startswith("random@")}


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
            case Const() | Symbol():
                # `np.nan` too
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
    shared = tuple(b for b in rows[0].bounds if all(b in other.bounds for other in rows[1:]))
    parts = tuple(tuple(b for b in each.bounds if b not in shared) for each in rows)
    apart = len(tables) == 1 and all(parts) and not any(_complete(a, b) for a in parts for b in parts)
    if not apart:
        return Rows(tables=tables, bounds=shared)
    sides = {each.side for each in rows}
    both = Bound(kind="either", low=parts, side="train" if sides == {"train"} else "", span=parts[0][-1].span)
    return Rows(tables=tables, bounds=(*shared, both))


def _complete(a: tuple[Bound, ...], b: tuple[Bound, ...]) -> bool:
    """Whether two parts are all rows: both sides of a split, or what lies on either side of a cut."""
    if len(a) != 1 or len(b) != 1 or a[0].subject != b[0].subject:
        return False
    return a[0].place != b[0].place


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
