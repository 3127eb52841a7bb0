"""`a[i] = value`: what a frame, a column or a list holds afterwards."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from msgspec.structs import replace

from nbprod.leakage.interpret import frames
from nbprod.leakage.interpret.combining import join_values
from nbprod.leakage.interpret.facts import Ahead, Facts
from nbprod.leakage.interpret.moving import placed
from nbprod.leakage.interpret.subscripts.reading import any_of
from nbprod.leakage.interpret.subscripts.stretches import MOST_OFFSET
from nbprod.leakage.interpret.values import (
    Cells,
    Const,
    Mapped,
    Method,
    Opaque,
    Picks,
    Position,
    Ref,
    Seq,
    Stretch,
    Table,
    Value,
)

if TYPE_CHECKING:
    from nbprod.leakage.interpret.context import Run


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
        new = placed(run, held, at, node) if 0 <= at <= MOST_OFFSET else new
    if isinstance(key, Cells | Opaque) and run.facts(key).aheads:
        # which rows get it looks ahead, whatever they get
        return replace(cells, facts=cells.facts | new | run.facts(key))
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
    return Seq(None, any_item=join_values(run, any_of(run, sequence), value), is_list=True)


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
