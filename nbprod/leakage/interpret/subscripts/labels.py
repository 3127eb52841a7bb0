"""`.loc`, `.iloc`, `.at`: rows and columns by label or by place."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from msgspec.structs import replace

from nbprod.leakage.interpret import frames, joining, learning
from nbprod.leakage.interpret.facts import Bound, Facts
from nbprod.leakage.interpret.subscripts.stretches import (
    ahead_of_position,
    at_place,
    end_node,
    picked,
    sliced,
)
from nbprod.leakage.interpret.values import (
    Cells,
    Const,
    Deferred,
    Method,
    Opaque,
    Picks,
    Position,
    Row,
    Seq,
    Stretch,
    Table,
    Value,
    Windowed,
)

if TYPE_CHECKING:
    from nbprod.leakage.interpret.context import Run


def indexed(run: Run, method: Method, index: ast.expr, node: ast.AST) -> Value:
    held = run.at(method.owner)
    rows_node, columns_node = index, None
    if isinstance(index, ast.Tuple) and len(index.elts) >= 2 and isinstance(held, Table | Windowed):
        rows_node, columns_node = index.elts[0], index.elts[1]
    rows = run.at(run.evaluate(run, rows_node))
    columns = run.at(run.evaluate(run, columns_node)) if columns_node is not None else None
    if isinstance(rows, Deferred) and isinstance(held, Table):
        from nbprod.leakage.interpret.deferred import built

        rows = run.at(built(run, rows, held))
    by_place = method.name in ("iloc", "iat")
    if isinstance(held, Table):
        return _rows_and_columns(run, held, rows, columns, rows_node, node, by_place=by_place)
    if isinstance(held, Cells):
        return _rows_of_cells(run, held, rows, rows_node, node, by_place=by_place)
    return Opaque(facts=run.facts(held), rows=run.rows(held))


def _rows_and_columns(  # noqa: PLR0917
    run: Run,
    table: Table,
    rows: Value,
    columns: Value | None,
    rows_node: ast.expr,
    node: ast.AST,
    *,
    by_place: bool,
) -> Value:
    picked_columns: Value = table
    if columns is not None:
        picked_columns = _columns_of(run, table, columns, by_place=by_place)
    held = run.at(picked_columns)
    if isinstance(held, Table):
        return run.stored(_rows_of_table(run, held, rows, rows_node, node, by_place=by_place))
    if isinstance(held, Cells):
        return _rows_of_cells(run, held, rows, rows_node, node, by_place=by_place)
    return held


def _columns_of(run: Run, table: Table, columns: Value, *, by_place: bool) -> Value:
    if by_place:
        return _columns_by_place(run, table, columns)
    if isinstance(columns, Stretch):
        if columns.low is None and columns.high is None:
            return table
        return table
    names = frames.columns_named(run, table, columns)
    if names is None:
        return frames.chosen(run, table, columns)
    if isinstance(columns, Seq):
        return frames.projected(run, table, names)
    return frames.column(run, table, names[0])


_FIRST_COLUMNS = 5


def _columns_by_place(run: Run, table: Table, columns: Value) -> Value:  # noqa: C901 - one arm a way of slicing
    known = list(table.columns) if table.rest is None else None
    match columns:
        case Stretch(low=low, high=high):
            if low is None and high is None:
                return table
            if known is not None:
                ends = [end.value if isinstance(end, Const) else None for end in (low, high)]
                if all(end is None or isinstance(end, int) for end in ends):
                    return frames.projected(run, table, tuple(known[ends[0] : ends[1]]))
            if isinstance(high, Const) and isinstance(high.value, int) and 0 < high.value <= _FIRST_COLUMNS:
                # what was stored later stands behind the columns that were loaded
                return replace(table, columns={n: f for n, f in table.columns.items() if not f.derived})
            if isinstance(high, Const) and high.value == -1 and table.columns:
                last = list(table.columns)[-1]
                if table.columns[last].derived:
                    return frames.dropped(table, (last,))
            text = f"{_ends_text(low)}:{_ends_text(high)}"
            return _part_of_columns(run, table, text)
        case Const(-1) if table.columns and table.columns[list(table.columns)[-1]].derived:
            return frames.column(run, table, list(table.columns)[-1])
        case Const(int(place)):
            if known is not None and -len(known) <= place < len(known):
                return frames.column(run, table, known[place])
            return _place_column(run, table, place)
        case _:
            pass
    return table


def _ends_text(end: Value | None) -> str:
    return str(end.value) if isinstance(end, Const) else ""


def _place_column(run: Run, table: Table, place: int) -> Cells:
    facts = Facts(reads={f"{table.root or '?'}.#{place}": 0.0})
    extra = [a for f in table.columns.values() for a in f.aheads] if not table.root else []
    rest = table.rest.aheads if table.rest is not None else ()
    _ = run
    return Cells(
        facts=facts.with_ahead(*rest, *extra), rows=table.rows, order=table.order, within=table.within
    )


def _part_of_columns(run: Run, table: Table, text: str) -> Table:
    _ = run, text
    return replace(table, guessed=True)


def _rows_of_table(
    run: Run, table: Table, rows: Value, rows_node: ast.expr, node: ast.AST, *, by_place: bool
) -> Value:
    match rows:
        case Stretch():
            if by_place:
                return sliced(run, table, rows, node)
            return _by_label(run, table, rows, node)
        case Cells(shape="column", conditions=conditions, facts=facts) if conditions or not facts.clock:
            return frames.masked(run, table, rows, rows_node)
        case Cells(shape="scalar", facts=facts, rows=where):
            found = facts if where.settled else frames.known_facts(run, table).whole() | facts
            return Cells(facts=replace(found, clock=None), shape="scalar", rows=table.rows, width=2)
        case Cells():
            looked = {n: joining.looked_up_at(run, rows.facts, f, node) for n, f in table.columns.items()}
            rest = joining.looked_up_at(run, rows.facts, table.rest, node) if table.rest is not None else None
            return replace(table, columns=looked, rest=rest)
        case Picks():
            return picked(table, rows)
        case Position():
            facts = ahead_of_position(run, frames.known_facts(run, table), rows, node)
            return Cells(facts=facts, shape="element", rows=table.rows, row=Row(table=table, place=rows))
        case Const(int(place)) if by_place:
            return _row_at(run, table, place, node)
        case Const(str()):
            return Cells(facts=table.all_facts, shape="element", rows=table.rows)
        case _:
            pass
    return _rows_named(run, table, rows, rows_node)


def _row_at(run: Run, table: Table, place: int, node: ast.AST) -> Cells:
    """One row of a frame; of candidates that were sorted by their scores, the best."""
    if table.order.other:
        learning.noted_best(run, table, node)
    cells = Cells(facts=table.all_facts, rows=table.rows, order=table.order)
    return replace(at_place(run, cells, place, node), width=2)


def _rows_of_cells(
    run: Run, cells: Cells, rows: Value, rows_node: ast.expr, node: ast.AST, *, by_place: bool
) -> Value:
    match rows:
        case Stretch():
            return sliced(run, cells, rows, node) if by_place else _by_label(run, cells, rows, node)
        case Cells(facts=facts, conditions=conditions) if facts.clock is not None and not conditions:
            return replace(cells, facts=joining.looked_up_at(run, facts, cells.facts, node))
        case Cells(shape="element", facts=facts):
            return replace(cells, facts=cells.facts | facts, shape="element")
        case Cells(shape="scalar", facts=facts, rows=where):
            # one row's value, whose label was found in others: `frame.loc[frame.x.idxmax(), "y"]`
            found = facts if where.settled else cells.facts.whole() | facts
            return replace(cells, facts=replace(found, clock=None), shape="scalar", conditions=())
        case Cells():
            return frames.masked(run, cells, rows, rows_node)
        case Picks():
            return picked(cells, rows)
        case Position():
            return replace(
                cells, shape="element", facts=ahead_of_position(run, cells.facts, rows, node), conditions=()
            )
        case Const(int(place)) if by_place:
            return at_place(run, cells, place, node)
        case Const():
            return replace(cells, shape="scalar", facts=replace(cells.facts, clock=None))
        case _:
            pass
    return _rows_named(run, cells, rows, rows_node)


def _rows_named(run: Run, value: Table | Cells, rows: Value, rows_node: ast.expr) -> Table | Cells:
    """Rows under labels that are not known one by one."""
    if isinstance(rows, Opaque) and rows.rows.bounds:
        return replace(value, rows=value.rows.narrowed(*rows.rows.bounds))
    names = getattr(rows, "hint", "") or run.text(rows_node)
    return replace(value, rows=value.rows.narrowed(Bound(kind="where", subject=names, low=names)))


def _by_label(run: Run, value: Table | Cells, key: Stretch, node: ast.AST) -> Value:
    """`loc[a:b]`: rows by the index, which holds times where the bounds or the index say so."""
    if key.low is None and key.high is None:
        if isinstance(key.step, Const) and key.step.value == -1:
            return replace(value, order=value.order.flipped)
        return value
    if any(isinstance(end, Position) for end in (key.low, key.high)):
        return sliced(run, value, key, node)
    low = run.key_of(key.low, end_node(node, "lower")) if key.low is not None else None
    high = run.key_of(key.high, end_node(node, "upper")) if key.high is not None else None
    bound = Bound(
        kind="slice",
        subject="rows",
        low=low,
        high=high,
        in_time=high is not None and not (isinstance(high, int) and high < 0),
        span=run.span(node),
    )
    return replace(value, rows=value.rows.narrowed(bound))
