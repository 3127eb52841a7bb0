"""`a[i]`, by what `a` is; knows stretches and what `.loc` and `.iloc` take."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from msgspec.structs import replace

from nbprod.leakage.interpret import attributes, frames, joining, learning
from nbprod.leakage.interpret.combining import join_values
from nbprod.leakage.interpret.facts import Bound
from nbprod.leakage.interpret.subscripts.labels import indexed
from nbprod.leakage.interpret.subscripts.stretches import ahead_of_position, at_place, picked, sliced
from nbprod.leakage.interpret.values import (
    Cells,
    Const,
    Deferred,
    Estimator,
    Grouped,
    Instance,
    Mapped,
    Method,
    Opaque,
    Picks,
    Position,
    Row,
    Seq,
    Stretch,
    Symbol,
    Table,
    Value,
    Windowed,
)

if TYPE_CHECKING:
    from nbprod.leakage.interpret.context import Run


def taken(run: Run, owner: Value, index: ast.expr, node: ast.AST) -> Value:
    """What `owner[index]` gives."""
    held = run.at(owner)
    if isinstance(held, Method) and held.name in frames.INDEXERS:
        return indexed(run, held, index, node)
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
            return _of_sequence(run, held, key, node)
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
        case Opaque(hint="columns") if run.facts(key).aheads:
            # `frame.columns[selector.support_]`
            return Opaque(facts=replace(run.facts(key), reads={}), hint="columns")
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
            if table.library in ("ibis", "pyspark"):
                return (
                    attributes.attribute(run, table, name, node)
                    if name not in table.columns
                    else _column_expression(run, table, name)
                )
            return run.new(table) if frames.is_whole(table, name) else frames.column(run, table, name)
        case Cells(shape="column") | Cells(shape="matrix"):
            return run.new(frames.masked(run, table, key, index))
        case Stretch():
            return run.stored(sliced(run, table, key, node))
        case Picks():
            return run.new(picked(table, key))
        case Deferred():
            from nbprod.leakage.interpret.deferred import built

            return item(run, table, run.at(built(run, key, table)), index, node)
        case Position():
            return Cells(
                facts=ahead_of_position(run, table.all_facts, key, node),
                shape="element",
                rows=table.rows,
                width=len(table.columns),
                row=Row(table=table, place=key),
            )
        case _:
            pass
    names = frames.columns_named(run, table, key)
    if isinstance(key, Seq) and key.any_item == frames.OTHER_COLUMNS and names is not None:
        return run.new(frames.with_others(run, table, names, without=key.without))
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
    return run.new(frames.chosen(run, table, key))


def _column_expression(run: Run, table: Table, name: str) -> Value:
    return Deferred(
        lambda given, scope: frames.column(
            run, given if given.root == table.root else table, name, scope=scope
        ),
        name=name,
        library=table.library,
        table=table,
    )


def _of_cells(run: Run, cells: Cells, key: Value, index: ast.expr, node: ast.AST) -> Value:  # noqa: C901
    match key:
        case Stretch() if cells.shape in ("column", "matrix"):
            return sliced(run, cells, key, node)
        case Cells(shape="column", conditions=conditions) if conditions or cells.shape == "column":
            return frames.masked(run, cells, key, index)
        case Cells(facts=facts) if facts.clock is not None and key.shape == "element":
            # a series, or the dict made of it, under a time
            found = joining.looked_up_at(run, facts, cells.facts, node)
            return replace(cells, facts=found, shape="element", conditions=())
        case Cells(facts=facts):
            return replace(cells, facts=cells.facts | facts, conditions=())
        case Picks():
            return picked(cells, key)
        case Position() if cells.shape in ("column", "matrix"):
            return replace(
                cells, shape="element", facts=ahead_of_position(run, cells.facts, key, node), conditions=()
            )
        case Const(int(place)) if cells.shape == "column" and not isinstance(place, bool):
            return at_place(run, cells, place, node)
        case Const(str(name)) if cells.shape in ("element", "matrix"):
            if cells.row is not None:
                return frames.in_row(run, cells, name, node)
            shape = "column" if cells.shape == "matrix" else cells.shape
            return replace(cells, name=name, shape=shape, conditions=())
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
        result = replace(cells, shape="element", facts=ahead_of_position(run, cells.facts, rows, node))
    elif isinstance(rows, Cells):
        masked = frames.masked(run, cells, rows, ast.Constant(value="mask"))
        assert isinstance(masked, Cells)  # noqa: S101 - asked just before
        result = masked
    columns = run.at(items[1]) if len(items) > 1 else None
    if isinstance(columns, Const) and isinstance(columns.value, int) and result.shape == "matrix":
        return replace(result, shape="column")
    return result


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


def _of_sequence(run: Run, sequence: Seq, key: Value, node: ast.AST) -> Value:
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
        case Stretch(low=Const(int(first)), step=None) if first > 0 and sequence.items is None:
            return run.stored(replace(sequence, any_item=_from_row(run, sequence.any_item, first)))
        case Position():
            value = any_of(run, sequence)
            if isinstance(value, Cells):
                return replace(value, facts=ahead_of_position(run, value.facts, key, node), shape="element")
            return value
        case Stretch():
            return sequence
        case Cells(facts=facts) if facts.aheads:
            return Opaque(facts=replace(facts, reads={}), hint="columns")
        case _:
            pass
    return any_of(run, sequence)


def _from_row(run: Run, item: Value | None, first: int) -> Value | None:
    """What any item of a list may be, when the list begins with a later row."""
    held = run.at(item)
    match held:
        case Cells():
            return replace(held, array=True, offset=held.offset + first)
        case Seq(items=tuple(parts)):
            return replace(held, items=tuple(_from_row(run, part, first) or part for part in parts))
        case Mapped():
            inner = {key: _from_row(run, value, first) or value for key, value in held.items.items()}
            return Mapped(inner, _from_row(run, held.any_item, first) if held.any_item is not None else None)
        case _:
            return item


def any_of(run: Run, sequence: Seq) -> Value:
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
