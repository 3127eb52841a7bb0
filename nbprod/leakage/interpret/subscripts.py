"""Subscripts: columns by name, rows by place, mask or label, elements by a loop's index; and storing into them."""

from __future__ import annotations

import ast
from dataclasses import replace
from datetime import timedelta
from math import inf
from typing import TYPE_CHECKING

from nbprod.leakage.horizon import Reach
from nbprod.leakage.interpret import frames, joining, learning
from nbprod.leakage.interpret.combining import join_values
from nbprod.leakage.interpret.moving import placed, statistic, step_count
from nbprod.leakage.interpret.values import (
    WHOLE_REACH,
    Ahead,
    Bound,
    Cells,
    Const,
    Deferred,
    Estimator,
    Facts,
    Grouped,
    Instance,
    Mapped,
    Method,
    Opaque,
    Picks,
    Position,
    Ref,
    Rows,
    Seq,
    Stretch,
    Symbol,
    Table,
    Value,
    Windowed,
)
from nbprod.model import Step

if TYPE_CHECKING:
    from nbprod.leakage.interpret.context import Run


# a longer head that is cut away is a warm-up or the training rows
_MOST_OFFSET = 30


def taken(run: Run, owner: Value, index: ast.expr, node: ast.AST) -> Value:
    """What `owner[index]` gives."""
    held = run.at(owner)
    if isinstance(held, Method) and held.name in frames.INDEXERS:
        return _indexed(run, held, index, node)
    key = run.at(run.evaluate(run, index))
    if isinstance(held, Symbol) and held.path in ("numpy.r_", "numpy.c_"):
        parts = key.items if isinstance(key, Seq) and key.items is not None else (key,)
        joins = learning.concatenated if held.path == "numpy.r_" else _side_by_side
        return joins(run, parts, node)
    return item(run, held, key, index, node)


def _side_by_side(run: Run, values: tuple[Value, ...], _node: ast.AST) -> Value:
    return learning.beside(run, values)


def item(run: Run, held: Value, key: Value, index: ast.expr, node: ast.AST) -> Value:  # noqa: C901, PLR0912
    """What stands under a key that is known as a value."""
    match held:
        case Table():
            return _of_table(run, held, key, index, node)
        case Cells():
            return _of_cells(run, held, key, index, node)
        case Grouped() | Windowed():
            return _of_group(run, held, key)
        case Seq():
            return _of_sequence(run, held, key)
        case Mapped():
            return under_key(run, held, key, node)
        case Const(value):
            return _of_constant(value, key)
        case Deferred():
            return Deferred(
                lambda table, scope: item(run, run.at(held.build(table, scope)), key, index, node),
                name=key.value if isinstance(key, Const) and isinstance(key.value, str) else held.name,
                library=held.library,
                table=held.table,
            )
        case Estimator() | Instance():
            return held
        case Method(owner=owner):
            return Opaque(facts=run.facts(owner), rows=run.rows(owner))
        case Picks() if isinstance(key, Cells | Opaque) and (run.facts(key).reads or run.facts(key).aheads):
            return Opaque(facts=run.facts(key), rows=held.rows)
        case Picks(bound=Bound(kind="drawn")) if isinstance(key, Stretch):
            return learning.drawn_part(run, held, is_first=key.low is None)
        case Picks():
            return key if isinstance(key, Picks) else held
        case Opaque():
            return held
        case _:
            pass
    return Opaque(facts=run.facts(held), rows=run.rows(held))


def _of_constant(value: object, key: Value) -> Value:
    match key:
        case Const(inner):
            try:
                return Const(value[inner])  # type: ignore[index]
            except (TypeError, KeyError, IndexError):
                return Opaque()
        case Stretch(low=low, high=high, step=step):
            ends = [part.value if isinstance(part, Const) else None for part in (low, high, step)]
            try:
                return Const(value[slice(*ends)])  # type: ignore[index]
            except (TypeError, ValueError):
                return Opaque()
        case _:
            pass
    return Opaque()


def _of_table(run: Run, table: Table, key: Value, index: ast.expr, node: ast.AST) -> Value:  # noqa: C901, PLR0912
    match key:
        case Const(str(name)):
            if table.library == "ibis":
                return (
                    frames.attribute(run, table, name, node)
                    if name not in table.columns
                    else _ibis_column(run, table, name)
                )
            return frames.column(run, table, name)
        case Cells(shape="column") | Cells(shape="matrix"):
            return run.new(frames.masked(run, table, key, index))
        case Stretch():
            return _stored(run, sliced(run, table, key, node))
        case Picks():
            return run.new(picked(table, key))
        case Deferred():
            from nbprod.leakage.interpret.deferred import built

            return item(run, table, run.at(built(run, key, table)), index, node)
        case Position():
            return Cells(
                facts=table.all_facts.moved(key.offset),
                shape="element",
                rows=table.rows,
                width=len(table.columns),
            )
        case _:
            pass
    names = frames.columns_named(run, table, key)
    if isinstance(key, Seq) and key.any_item == frames.OTHER_COLUMNS and names is not None:
        return run.new(frames.with_others(run, table, names))
    if names is not None:
        single = not isinstance(key, Seq | Const)
        if single:
            return frames.column(run, table, names[0])
        return run.new(frames.projected(run, table, names))
    if isinstance(key, Opaque) and key.hint == "any column":
        return Cells(
            facts=frames.known_facts(run, table), rows=table.rows, order=table.order, within=table.within
        )
    if isinstance(key, Opaque) and (key.facts.reads or key.rows.bounds):
        return run.new(replace(table, rows=table.rows.narrowed(*key.rows.bounds)))
    # a list of columns that nobody can tell: all of them, still told apart
    return run.new(replace(table, guessed=True))


def _ibis_column(run: Run, table: Table, name: str) -> Value:
    return Deferred(
        lambda given, scope: frames.column(
            run, given if given.root == table.root else table, name, scope=scope
        ),
        name=name,
        library="ibis",
        table=table,
    )


def _stored(run: Run, value: Value) -> Value:
    return run.new(value) if isinstance(value, Table) else value


def sliced(run: Run, value: Table | Cells, key: Stretch, node: ast.AST) -> Table | Cells:
    """Rows by place: a reversal, or a stretch of rows that are the first ones in time where the order is time."""
    step = key.step.value if isinstance(key.step, Const) else None
    if isinstance(step, int) and step < 0 and key.low is None and key.high is None:
        return replace(value, order=value.order.flipped)
    if key.low is None and key.high is None:
        return value
    positions = [end for end in (key.low, key.high) if isinstance(end, Position)]
    if positions:
        return _around_position(run, value, key, node)
    low = run.key_of(key.low, _end(node, "lower")) if key.low is not None else None
    high = run.key_of(key.high, _end(node, "upper")) if key.high is not None else None
    ordered = not value.order.other and value.order.shuffled is None and not value.order.entity_first
    if value.order.newest_first:
        ordered = False
    trims = isinstance(high, int) and high < 0
    bound = Bound(
        kind="slice",
        subject="rows",
        low=low,
        high=high,
        in_time=ordered and high is not None and not trims,
        span=run.span(node),
    )
    part = replace(value, rows=value.rows.narrowed(bound))
    if isinstance(part, Cells) and isinstance(low, int) and 0 < low <= _MOST_OFFSET:
        return replace(part, offset=part.offset + low)
    return part


def _end(node: ast.AST, name: str) -> ast.AST | None:
    index = getattr(node, "slice", node)
    if isinstance(index, ast.Tuple) and index.elts:
        index = index.elts[0]
    return getattr(index, name, None)


def _around_position(run: Run, value: Table | Cells, key: Stretch, node: ast.AST) -> Cells:
    """A stretch of rows around a loop's index: a window, which looks ahead as far as its end."""
    facts = value.facts if isinstance(value, Cells) else value.all_facts
    base = Cells(
        facts=facts,
        shape="element",
        rows=value.rows,
        width=2,
        name=value.name if isinstance(value, Cells) else None,
        array=True,
    )
    high = key.high
    if high is None:
        if not facts.reads:
            return base
        low = key.low.offset if isinstance(key.low, Position) else 0
        _ = low
        says = f"`{run.text(node)}` runs to the end of the data"
        ahead = Ahead(
            rule="forward-window",
            reach=WHOLE_REACH,
            span=run.span(node),
            says=says,
            steps=(Step(span=run.span(node), says=says),),
            sources=facts.sources,
        )
        return replace(base, facts=facts.whole().with_ahead(ahead))
    offset = high.offset - 1 if isinstance(high, Position) else 0
    return replace(base, facts=ahead_of_position(run, facts, offset, node))


def ahead_of_position(run: Run, facts: Facts, offset: int, node: ast.AST) -> Facts:
    """The facts of an element that stands `offset` rows after a loop's row."""
    moved = facts.moved(offset)
    furthest = max(facts.reads.values(), default=-inf)
    if offset > 0 and 0 < furthest + offset < inf:
        says = f"`{run.text(node)}` reads {offset} row{'s' if offset > 1 else ''} after the loop's own"
        ahead = Ahead(
            rule="shift-into-future",
            reach=Reach(rows=int(furthest + offset)),
            span=run.span(node),
            says=says,
            steps=(Step(span=run.span(node), says=says),),
            sources=facts.sources,
        )
        return moved.with_ahead(ahead)
    return replace(moved, derived=True)


def picked(value: Table | Cells, key: Picks) -> Table | Cells:
    """The rows that a fold's positions, or a part's index, stand for."""
    if key.bound.kind == "all":
        return value
    if key.bound.kind == "drawn":
        return replace(value, order=replace(value.order, shuffled=key.bound.span))
    return replace(value, rows=value.rows.narrowed(key.bound))


def _of_cells(run: Run, cells: Cells, key: Value, index: ast.expr, node: ast.AST) -> Value:  # noqa: C901
    match key:
        case Stretch() if cells.shape in ("column", "matrix"):
            return sliced(run, cells, key, node)
        case Cells(shape="column", conditions=conditions) if conditions or cells.shape == "column":
            return frames.masked(run, cells, key, index)
        case Cells(facts=facts):
            return replace(cells, facts=cells.facts | facts, conditions=())
        case Picks():
            return picked(cells, key)
        case Position(offset=offset) if cells.shape in ("column", "matrix"):
            return replace(
                cells, shape="element", facts=ahead_of_position(run, cells.facts, offset, node), conditions=()
            )
        case Const(int(place)) if cells.shape == "column" and not isinstance(place, bool):
            return _at_place(run, cells, place, node)
        case Const(str(name)) if cells.shape in ("element", "matrix"):
            return replace(cells, name=name, conditions=())
        case Const(str(text)) if cells.shape == "column" and cells.index:
            _ = text
            return cells
        case Seq(items=items) if items is not None and cells.shape == "matrix":
            return _parts(run, cells, items, node)
    if isinstance(index, ast.Tuple) and cells.shape == "matrix":
        return cells
    return replace(cells, conditions=())


def _parts(run: Run, cells: Cells, items: tuple[Value, ...], node: ast.AST) -> Cells:
    """`array[rows, columns]`."""
    rows = run.at(items[0])
    result: Cells = cells
    if isinstance(rows, Stretch):
        made = sliced(run, cells, rows, node)
        assert isinstance(made, Cells)  # noqa: S101 - asked just before
        result = made
    elif isinstance(rows, Picks):
        made = picked(cells, rows)
        assert isinstance(made, Cells)  # noqa: S101 - asked just before
        result = made
    elif isinstance(rows, Position):
        result = replace(cells, shape="element", facts=ahead_of_position(run, cells.facts, rows.offset, node))
    elif isinstance(rows, Cells):
        masked = frames.masked(run, cells, rows, ast.Constant(value="mask"))
        assert isinstance(masked, Cells)  # noqa: S101 - asked just before
        result = masked
    columns = run.at(items[1]) if len(items) > 1 else None
    if isinstance(columns, Const) and isinstance(columns.value, int) and result.shape == "matrix":
        return replace(result, shape="column")
    return result


def _at_place(run: Run, cells: Cells, place: int, node: ast.AST) -> Cells:
    first = place >= 0
    if cells.order.newest_first:
        first = not first
    if first and not cells.order.other and cells.order.shuffled is None:
        return replace(cells, shape="scalar", facts=replace(cells.facts, reads={}, clock=None), conditions=())
    facts = statistic(run, cells, node, says=f"`{run.text(node)}` is the last row's value")
    return replace(cells, shape="scalar", facts=facts, conditions=())


def _of_group(run: Run, held: Grouped | Windowed, key: Value) -> Value:
    if isinstance(held, Windowed):
        base = run.at(held.base)
        if isinstance(base, Table):
            names = frames.columns_named(run, base, key)
            if names is None:
                return held
            if isinstance(key, Seq):
                return replace(held, base=frames.projected(run, base, names))
            return replace(held, base=frames.column(run, base, names[0]))
        if isinstance(base, Grouped):
            inner = _of_group(run, base, key)
            assert isinstance(inner, Grouped)  # noqa: S101 - asked just before
            return replace(held, base=inner)
        return held
    if isinstance(held.base, Table):
        names = frames.columns_named(run, held.base, key)
        if names is not None:
            return replace(held, picked=names, single=not isinstance(key, Seq))
        if not isinstance(key, Seq):
            return replace(held, picked=("<?>",) if held.base.rest is None else None, single=True)
    return held


def _of_sequence(run: Run, sequence: Seq, key: Value) -> Value:
    items = sequence.items
    match key:
        case Const(int(place)) if items is not None and -len(items) <= place < len(items):
            return items[place]
        case Stretch(low=low, high=high) if items is not None:
            start = low.value if isinstance(low, Const) else None
            stop = high.value if isinstance(high, Const) else None
            known = all(end is None or isinstance(end, Const) for end in (low, high))
            if known and all(end is None or isinstance(end, int) for end in (start, stop)):
                return run.new(Seq(items[start:stop], is_list=sequence.is_list))
            return sequence
        case Position(offset=offset):
            value = _any_of(run, sequence)
            if isinstance(value, Cells):
                return replace(value, facts=value.facts.moved(offset), shape="element")
            return value
        case Stretch():
            return sequence
        case _:
            pass
    return _any_of(run, sequence)


def _any_of(run: Run, sequence: Seq) -> Value:
    value: Value = Opaque()
    every = [*(sequence.items or ())[:16]]
    if sequence.any_item is not None:
        every.append(sequence.any_item)
    for each in every:
        value = join_values(run, value, each)
    return value


def under_key(run: Run, mapping: Mapped, key: Value, node: ast.AST) -> Value:
    """What a dict holds under a key: under a time, the value of that time."""
    held = run.at(mapping.any_item)
    if isinstance(key, Cells) and key.facts.clock is not None and isinstance(held, Cells):
        return replace(held, facts=joining.looked_up_at(run, key.facts, held.facts, node))
    if isinstance(key, Const) and frames.is_hashable(key.value) and key.value in mapping.items:
        return mapping.items[key.value]
    hint = getattr(key, "hint", "")
    if hint and f"<{hint}>" in mapping.items:
        return mapping.items[f"<{hint}>"]
    value: Value = mapping.any_item or Opaque()
    if not isinstance(key, Const):
        for each in list(mapping.items.values())[:16]:
            value = join_values(run, value, each)
    return value


# loc and iloc


def _indexed(run: Run, method: Method, index: ast.expr, node: ast.AST) -> Value:
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
        return _stored(run, _rows_of_table(run, held, rows, rows_node, node, by_place=by_place))
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
        return replace(table, guessed=True)
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
        case Cells():
            looked = {n: joining.looked_up_at(run, rows.facts, f, node) for n, f in table.columns.items()}
            rest = joining.looked_up_at(run, rows.facts, table.rest, node) if table.rest is not None else None
            return replace(table, columns=looked, rest=rest)
        case Picks():
            return picked(table, rows)
        case Position(offset=offset):
            facts = ahead_of_position(run, frames.known_facts(run, table), offset, node)
            return Cells(facts=facts, shape="element", rows=table.rows)
        case Const(int(place)) if by_place:
            facts = table.all_facts
            cells = Cells(facts=facts, rows=table.rows, order=table.order)
            return replace(_at_place(run, cells, place, node), width=2)
        case Const(str()):
            return Cells(facts=table.all_facts, shape="element", rows=table.rows)
        case _:
            pass
    if isinstance(rows, Opaque) and rows.rows.bounds:
        return replace(table, rows=table.rows.narrowed(*rows.rows.bounds))
    names = getattr(rows, "hint", "") or run.text(rows_node)
    return replace(table, rows=table.rows.narrowed(Bound(kind="where", subject=names, low=names)))


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
        case Cells():
            return frames.masked(run, cells, rows, rows_node)
        case Picks():
            return picked(cells, rows)
        case Position(offset=offset):
            return replace(
                cells, shape="element", facts=ahead_of_position(run, cells.facts, offset, node), conditions=()
            )
        case Const(int(place)) if by_place:
            return _at_place(run, cells, place, node)
        case Const():
            return replace(cells, shape="scalar", facts=replace(cells.facts, clock=None))
        case _:
            pass
    if isinstance(rows, Opaque) and rows.rows.bounds:
        return replace(cells, rows=cells.rows.narrowed(*rows.rows.bounds))
    names = getattr(rows, "hint", "") or run.text(rows_node)
    return replace(cells, rows=cells.rows.narrowed(Bound(kind="where", subject=names, low=names)))


def _by_label(run: Run, value: Table | Cells, key: Stretch, node: ast.AST) -> Value:
    """`loc[a:b]`: rows by the index, which holds times where the bounds or the index say so."""
    if key.low is None and key.high is None:
        if isinstance(key.step, Const) and key.step.value == -1:
            return replace(value, order=value.order.flipped)
        return value
    if any(isinstance(end, Position) for end in (key.low, key.high)):
        return sliced(run, value, key, node)
    low = run.key_of(key.low, _end(node, "lower")) if key.low is not None else None
    high = run.key_of(key.high, _end(node, "upper")) if key.high is not None else None
    bound = Bound(
        kind="slice",
        subject="rows",
        low=low,
        high=high,
        in_time=high is not None and not (isinstance(high, int) and high < 0),
        span=run.span(node),
    )
    return replace(value, rows=value.rows.narrowed(bound))


# Storing


def store(run: Run, target: ast.Subscript, value: Value, node: ast.AST) -> None:
    """`owner[index] = value`, on whatever `owner` is."""
    owner = run.evaluate(run, target.value)
    held = run.at(owner)
    if isinstance(held, Method) and held.name in frames.INDEXERS:
        _store_indexed(run, held, target, value, node)
        return
    key = run.at(run.evaluate(run, target.slice))
    if isinstance(held, Table):
        _write(run, owner, target.value, _table_with(run, held, key, value, target, node))
    elif isinstance(held, Cells):
        _write(run, owner, target.value, _cells_with(run, held, key, value, node))
    elif isinstance(held, Mapped):
        name = key.value if isinstance(key, Const) and frames.is_hashable(key.value) else None
        hint = f"<{getattr(key, 'hint', '') or run.text(target.slice)}>"
        items = {**held.items, (name if name is not None else hint): value}
        _write(run, owner, target.value, Mapped(items, held.any_item if name is not None else value))
    elif isinstance(held, Seq):
        _write(run, owner, target.value, _sequence_with(run, held, key, value))
    elif isinstance(held, Opaque):
        facts = held.facts | run.facts(value)
        if facts.reads or facts.aheads:
            _write(run, owner, target.value, Opaque(facts=facts, rows=held.rows, hint=held.hint))


def _write(run: Run, owner: Value, target: ast.expr, value: Value) -> None:
    """Keep a changed value where it came from: its place on the heap, or the name."""
    if isinstance(owner, Ref):
        run.heap[owner.place] = value
    elif isinstance(target, ast.Name):
        run.env[target.id] = value
    elif isinstance(target, ast.Attribute):
        from nbprod.leakage.interpret.statements import assign

        assign(run, target, value, target)


def _table_with(  # noqa: C901, PLR0917
    run: Run, table: Table, key: Value, value: Value, target: ast.Subscript, node: ast.AST
) -> Table:
    if isinstance(key, Opaque) and key.hint == "any column":
        new = run.facts(value)
        return table.mapped(lambda facts: replace(facts, derived=True).with_ahead(*new.aheads))
    if isinstance(key, Cells) and key.shape == "column":
        new = run.facts(value)
        return table.mapped(lambda facts: facts.with_ahead(*new.aheads))
    names = frames.columns_named(run, table, key)
    if names is None:
        if isinstance(key, Seq | Opaque) and run.facts(value).aheads and not _is_name_like(key):
            new = run.facts(value)
            return table.mapped(lambda facts: replace(facts, derived=True).with_ahead(*new.aheads))
        names = (f"<{run.text(target.slice)}>",)
    held = run.at(value)
    if len(names) > 1 or isinstance(key, Seq):
        if isinstance(held, Table):
            for place, name in enumerate(names):
                inner = held.facts(name)
                if name not in held.columns and held.rest is None and place < len(held.columns):
                    inner = list(held.columns.values())[place]
                table = frames.stored_column(
                    run, table, name, Cells(facts=inner or held.all_facts, rows=held.rows), node
                )
            return table
        if isinstance(held, Cells) and held.shape == "matrix":
            new = held.facts
            for name in names:
                old = table.facts(name)
                # an array made of these very columns: each keeps its own sources
                own = old if old is not None and old.sources <= new.sources else new
                facts = replace(own, derived=True).with_ahead(*new.aheads)
                table = frames.stored_column(
                    run, table, name, replace(held, facts=facts, shape="column"), node
                )
            return table
        for name in names:
            table = frames.stored_column(run, table, name, value, node)
        return table
    return frames.stored_column(run, table, names[0], value, node)


def _is_name_like(key: Value) -> bool:
    return isinstance(key, Opaque) and not key.facts.reads


def _cells_with(run: Run, cells: Cells, key: Value, value: Value, node: ast.AST) -> Cells:
    held = run.at(value)
    new = run.facts(value)
    if isinstance(key, Stretch) and isinstance(held, Cells):
        at = key.low.value if isinstance(key.low, Const) and isinstance(key.low.value, int) else 0
        new = placed(run, held, at, node) if 0 <= at <= _MOST_OFFSET else new
    if not new.reads and not new.aheads:
        return replace(cells, facts=cells.facts.without(lambda ahead: _is_covered(ahead, key)))
    if isinstance(key, Position):
        moved = new.moved(-key.offset) if key.offset else new
        return replace(
            cells, facts=cells.facts | moved, shape="column" if cells.shape == "scalar" else cells.shape
        )
    extra = run.facts(key) if isinstance(key, Cells) else Facts()
    return replace(cells, facts=cells.facts | new | extra)


def _is_covered(ahead: Ahead, key: Value) -> bool:
    """Whether a constant put at this key overwrites all rows that a roll got wrong."""
    if not ahead.head:
        return False
    match key:
        case Const(int(place)):
            return (ahead.head == 1 and place == 0) or (ahead.head == -1 and place == -1)
        case Stretch(low=None | Const(0), high=Const(int(high))) if ahead.head > 0:
            return high >= ahead.head
        case Stretch(low=None | Const(0), high=high) if ahead.head > 0 and high is not None:
            return not isinstance(high, Const)
        case Stretch(low=Const(int(low)), high=None) if ahead.head < 0:
            return low <= ahead.head
    return False


def _sequence_with(run: Run, sequence: Seq, key: Value, value: Value) -> Seq:
    if isinstance(key, Const) and isinstance(key.value, int) and sequence.items is not None:
        items = list(sequence.items)
        if -len(items) <= key.value < len(items):
            items[key.value] = value
            return Seq(tuple(items), is_list=True)
    held = run.at(value)
    if isinstance(key, Position) and key.offset and isinstance(held, Cells):
        value = replace(held, facts=held.facts.moved(-key.offset))
    return Seq(None, any_item=join_values(run, _any_of(run, sequence), value), is_list=True)


def _store_indexed(run: Run, method: Method, target: ast.Subscript, value: Value, node: ast.AST) -> None:
    owner = method.owner
    held = run.at(owner)
    index = target.slice
    value_of_target = target.value.value if isinstance(target.value, ast.Attribute) else target.value
    if isinstance(held, Cells):
        key = run.at(run.evaluate(run, index))
        if isinstance(key, Cells | Opaque | Picks):
            facts = held.facts | run.facts(value) | run.facts(key)
            _write(run, owner, value_of_target, replace(held, facts=facts))
        else:
            _write(run, owner, value_of_target, _cells_with(run, held, key, value, node))
        return
    if not isinstance(held, Table):
        return
    rows_node, columns_node = index, None
    if isinstance(index, ast.Tuple) and len(index.elts) >= 2:
        rows_node, columns_node = index.elts[0], index.elts[1]
    rows = run.at(run.evaluate(run, rows_node))
    if columns_node is None:
        new = run.facts(value)
        if new.aheads:
            _write(run, owner, value_of_target, held.mapped(lambda facts: facts.with_ahead(*new.aheads)))
        return
    columns = run.at(run.evaluate(run, columns_node))
    _write(run, owner, value_of_target, _part_stored(run, held, rows, columns, value, columns_node, node))


def _part_stored(  # noqa: PLR0917
    run: Run, table: Table, rows: Value, columns: Value, value: Value, columns_node: ast.expr, node: ast.AST
) -> Table:
    new = run.facts(value)
    if isinstance(rows, Position) and rows.offset:
        new = new.moved(-rows.offset)
    if isinstance(rows, Cells):
        in_time = any(bound.in_time for bound in rows.conditions)
        new = new | (rows.facts if not in_time else rows.facts.without(lambda a: a.reach.whole))
    elif isinstance(rows, Opaque):
        new = new | rows.facts
    names = frames.columns_named(run, table, columns)
    if names is None:
        if isinstance(columns, Const) and isinstance(columns.value, int) and table.rest is None:
            known = list(table.columns)
            names = (known[columns.value],) if -len(known) <= columns.value < len(known) else None
        if names is None:
            if isinstance(columns, Opaque) and columns.hint == "any column":
                return table.mapped(lambda facts: facts.with_ahead(*new.aheads))
            names = (f"<{run.text(columns_node)}>",)
    settled = (
        replace(
            new,
            aheads=tuple(a for a in new.aheads if a.over is None or not a.over.settled),
        )
        if run.rows(value).side == "train" or isinstance(rows, Picks)
        else new
    )
    for name in names:
        old = table.facts(name) if (name in table.columns or table.rest is not None) else None
        facts = settled if old is None else old | settled
        whole_column = isinstance(rows, Stretch) and rows.low is None and rows.high is None
        if whole_column:
            facts = new
        table = frames.stored_column(run, table, name, Cells(facts=facts, rows=table.rows), node)
    return table


__all__ = ["Rows", "item", "sliced", "step_count", "store", "taken", "timedelta"]
