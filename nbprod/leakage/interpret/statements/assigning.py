"""Assignments: what a target is bound to, and what its name says of its side of a split."""

from __future__ import annotations

import ast
from functools import partial
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from nbprod.leakage.interpret import frames, loops, subscripts
from nbprod.leakage.interpret.evaluate import operated
from nbprod.leakage.interpret.facts import Facts, Rows
from nbprod.leakage.interpret.values import (
    Cells,
    Const,
    Estimator,
    Instance,
    Opaque,
    Ref,
    Seq,
    Table,
    Value,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbprod.leakage.interpret.context import Run


def _assigned(run: Run, node: ast.Assign) -> None:
    only = node.targets[0] if len(node.targets) == 1 else None
    display = (isinstance(only, ast.Name) and only.id == "_") or _draws(node.value)
    before, run.showing = run.showing, run.showing or display
    value = run.evaluate(run, node.value)
    run.showing = before
    for target in node.targets:
        assign(run, target, value, node)


def _draws(node: ast.expr) -> bool:
    """Whether a value is what a plotting method gives: `ax = frame.plot(...)`."""
    match node:
        case ast.Call(func=ast.Attribute(attr="plot" | "hist" | "boxplot")):
            return True
        case ast.Call(func=ast.Attribute(value=ast.Attribute(attr="plot"))):
            return True
        case _:
            return False


def assign(run: Run, target: ast.expr, value: Value, node: ast.AST) -> None:
    """Bind a target to a value; what a name says of its side of a split is remembered with the rows."""
    match target:
        case ast.Name(id=name):
            value = _with_side(run, name, _as_frame(run, name, value))
            run.env[name] = run.stored(value) if not isinstance(value, Ref) else value
            if run.depth == 0 or name[:1] in "Xxyf":
                run.record.bound.append((name, run.env[name], run.span(node)))
        case ast.Tuple(elts=targets) | ast.List(elts=targets):
            _unpack(run, targets, value, node)
        case ast.Subscript():
            subscripts.store(run, target, value, node)
        case ast.Attribute(attr=name):
            _set_attribute(run, target, name, value, node)
        case ast.Starred(value=inner):
            assign(run, inner, value, node)
        case _:
            pass


def _as_frame(run: Run, name: str, value: Value) -> Value:
    """What an unknown call gives is a frame of unknown columns, where its name is used as one's."""
    held = run.at(value)
    if not isinstance(held, Opaque) or name not in run.frame_names or held.hint.startswith(_NOT_FRAMES):
        return value
    roots = held.rows.tables or {source.partition(".")[0] for source in held.facts.reads}
    root = name if not roots else f"{name} of {min(roots)}"
    rows = replace(held.rows, tables=frozenset({*roots, root}))
    library = run.libraries.get(name, "")
    return run.new(Table(rest=replace(held.facts, clock=None), rows=rows, root=root, library=library))


_NOT_FRAMES = (
    "columns",
    "score",
    "key",
    "zip",
    "len(",
    "split of",
    "a random",
    "grouper",
    "named-agg",
    "forward-window",
    "desc:",
)


def _with_side(run: Run, name: str, value: Value) -> Value:
    """`train = df[...]`: a proper part that is named for a side of the split belongs to it."""
    side = frames.side_of_name(name)
    if not side:
        return value
    held = run.at(value)
    if isinstance(held, Estimator) and held.role == "data":
        return run.new(replace(held, parts=tuple(_with_side(run, name, part) for part in held.parts)))
    if not isinstance(held, Table | Cells | Opaque) or not held.rows.bounds or held.rows.side:
        return value
    last = held.rows.bounds[-1]
    if last.kind not in ("slice", "where", "where-not", "sample", "without"):
        return value
    bounds = (*held.rows.bounds[:-1], replace(last, side=side))
    sided = replace(held.rows, bounds=bounds)
    if isinstance(held, Table):
        return run.new(replace(held.mapped(partial(_over_side, held.rows, sided)), rows=sided))
    return replace(held, facts=_over_side(held.rows, sided, held.facts), rows=sided)


def _over_side(rows: Rows, sided: Rows, facts: Facts) -> Facts:
    """The facts, what was fitted on the very rows that are named being fitted on that side."""
    if not any(ahead.over == rows for ahead in facts.aheads):
        return facts
    aheads = tuple(replace(ahead, over=sided) if ahead.over == rows else ahead for ahead in facts.aheads)
    return replace(facts, aheads=aheads)


def _unpack(run: Run, targets: list[ast.expr], value: Value, node: ast.AST) -> None:  # noqa: C901
    held = run.at(value)
    items: tuple[Value, ...] | None = None
    if isinstance(held, Seq) and held.items is not None:
        items = held.items
    elif isinstance(held, Const) and isinstance(held.value, tuple | list):
        items = tuple(Const(item) for item in held.value)
    starred = next((place for place, target in enumerate(targets) if isinstance(target, ast.Starred)), None)
    if items is not None and starred is not None and len(items) >= len(targets) - 1:
        after = len(targets) - starred - 1
        middle = Seq(items[starred : len(items) - after], is_list=True)
        items = (*items[:starred], middle, *items[len(items) - after :])
    if items is not None and len(items) == len(targets):
        for target, item in zip(targets, items, strict=True):
            assign(run, target, item, node)
        return
    if isinstance(held, Seq) and held.any_item is not None:
        for target in targets:
            assign(run, target, held.any_item, node)
        return
    if isinstance(held, Opaque) and held.hint == "split of unknown":
        for target in targets:
            assign(run, target, held, node)
        return
    if isinstance(held, Table) and held.rest is not None and not held.columns and held.root:
        # `X, y = load(...)`: as many arrays as there are names
        for place, target in enumerate(targets):
            root = f"{held.root}/{place}"
            assign(
                run,
                target,
                run.new(replace(held, root=root, rows=replace(held.rows, tables=held.rows.tables | {root}))),
                node,
            )
        return
    part = loops.any_item_of(run, held) if not isinstance(held, Opaque) else held
    for target in targets:
        assign(
            run,
            target,
            part if not isinstance(held, Table) else Opaque(facts=held.all_facts, rows=held.rows),
            node,
        )


def _set_attribute(run: Run, target: ast.Attribute, name: str, value: Value, node: ast.AST) -> None:
    owner = run.evaluate(run, target.value)
    held = run.at(owner)
    if not isinstance(owner, Ref):
        return
    if isinstance(held, Instance):
        run.heap[owner.place] = replace(held, fields={**held.fields, name: value})
    elif isinstance(held, Table):
        run.heap[owner.place] = _table_attribute(run, held, name, value, node)


def _table_attribute(run: Run, table: Table, name: str, value: Value, node: ast.AST) -> Table:
    if name == "index":
        given = run.at(value)
        label = given.name if isinstance(given, Cells) and given.name else "index"
        facts = run.facts(given)
        if run.is_time(label if label != "index" else None, facts) and table.root:
            run.record.times.setdefault(table.root, set()).add(label)
        moved = facts.clock is not None and bool(facts.clock.offset)
        return replace(table.with_column(label, facts) if moved else table, index=(label,))
    if name == "columns":
        return _renamed_columns(run, table, value)
    if name in table.columns:
        return frames.stored_column(run, table, name, value, node)
    return table


def _renamed_columns(run: Run, table: Table, value: Value) -> Table:
    names = frames.columns_named(run, table, value)
    if names is None:
        return table
    facts = list(table.columns.values())
    if table.rest is None and len(facts) == len(names):
        return replace(table, columns=dict(zip(names, facts, strict=True)))
    every = table.all_facts
    if every.aheads:
        return replace(table, columns=dict.fromkeys(names, every), rest=None)
    for name in names:
        run.saw_column(table.root, name)
    columns = {name: Facts(reads={f"{table.root}.{name}": 0.0}) for name in names} if table.root else {}
    return replace(table, columns=columns, rest=None if columns else table.rest)


def _augmented(run: Run, node: ast.AugAssign) -> None:
    current = run.evaluate(run, _as_load(node.target))
    value = run.evaluate(run, node.value)
    assign(run, node.target, operated(run, current, node.op, value, node), node)


def _as_load(target: ast.expr) -> ast.expr:
    return target


def _annotated(run: Run, node: ast.AnnAssign) -> None:
    if node.value is not None:
        assign(run, node.target, run.evaluate(run, node.value), node)


def _deleted(run: Run, node: ast.Delete) -> None:
    for target in node.targets:
        if isinstance(target, ast.Name):
            run.watch.name(target.id, run.env.pop(target.id, None))
        elif isinstance(target, ast.Subscript):
            owner = run.evaluate(run, target.value)
            held = run.at(owner)
            key = run.at(run.evaluate(run, target.slice))
            names = frames.columns_named(run, held, key) if isinstance(held, Table) else None
            if isinstance(owner, Ref) and isinstance(held, Table) and names:
                run.heap[owner.place] = frames.dropped(held, names)


HANDLERS: dict[type[ast.stmt], Callable[[Run, Any], None]] = {
    ast.Assign: _assigned, ast.AugAssign: _augmented, ast.AnnAssign: _annotated, ast.Delete: _deleted,
}  # fmt: skip
