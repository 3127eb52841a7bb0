"""What a loop carries from one row to the next: of rows that come newest first, it is from later ones."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from msgspec.structs import replace

from nbprod.leakage.interpret.facts import WHOLE_REACH, Ahead, Facts
from nbprod.leakage.interpret.values import Cells, Mapped, Opaque, Ref, Seq, Value

if TYPE_CHECKING:
    from nbprod.leakage.interpret.context import Run

_FILLS = frozenset({"append", "appendleft", "extend", "add", "insert"})


def noted(run: Run, node: ast.For | ast.AsyncFor, item: Value) -> None:
    """After a turn over a row of newest-first ones: what the next turn finds in names comes from a later row."""
    row = _first_cells(run, item)
    if row is None or not row.order.newest_first or not row.facts.reads:
        return
    ahead = Ahead(
        rule="unsorted-shift",
        reach=WHOLE_REACH,
        span=run.span(node.iter),
        says="the rows come newest first, so that what the loop keeps from the row before is from a later one",
        sources=row.facts.sources,
    )
    for name in _kept_in(node):
        value = run.env.get(name)
        if isinstance(value, Ref):
            run.heap[value.place] = _marked(run, run.at(value), ahead)
        elif value is not None:
            run.env[name] = _marked(run, value, ahead)


def _first_cells(run: Run, item: Value) -> Cells | None:
    match run.at(item):
        case Cells() as cells:
            return cells
        case Seq(items=tuple(parts)):
            return next((c for part in parts if (c := _first_cells(run, part)) is not None), None)
        case Mapped(items=items, any_item=any_item):
            every = (*items.values(), *((any_item,) if any_item is not None else ()))
            return next((c for part in every if (c := _first_cells(run, part)) is not None), None)
        case _:
            return None


def _kept_in(node: ast.For | ast.AsyncFor) -> set[str]:
    """Names that the body both changes and reads, not those that it only fills."""
    changed: set[str] = set()
    read: set[str] = set()
    own = {each.id for each in ast.walk(node.target) if isinstance(each, ast.Name)}
    filled: set[int] = set()
    for each in (inner for statement in node.body for inner in ast.walk(statement)):
        match each:
            case ast.Call(func=ast.Attribute(value=ast.Name() as name, attr=attribute)) if (
                attribute in _FILLS
            ):
                filled.add(id(name))
                changed.add(name.id)
            case ast.Subscript(value=ast.Name() as name, ctx=ast.Store()):
                filled.add(id(name))
                changed.add(name.id)
            case ast.AugAssign(target=ast.Name(id=text)):
                changed.add(text)
                read.add(text)
            case ast.Name(id=text, ctx=ast.Store()):
                changed.add(text)
            case _:
                pass
    for each in (inner for statement in node.body for inner in ast.walk(statement)):
        if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Load) and id(each) not in filled:
            read.add(each.id)
    return (changed & read) - own


def _marked(run: Run, value: Value, ahead: Ahead) -> Value:
    def one(facts: Facts) -> Facts:
        return facts.with_ahead(ahead) if facts.reads else facts

    match run.at(value):
        case Cells(facts=facts) as cells:
            return replace(cells, facts=one(facts))
        case Opaque(facts=facts) as opaque:
            return replace(opaque, facts=one(facts))
        case Mapped(items=items, any_item=any_item):
            marked = {key: _marked(run, item, ahead) for key, item in items.items()}
            return Mapped(marked, _marked(run, any_item, ahead) if any_item is not None else None)
        case Seq() as sequence:
            items_ = (
                tuple(_marked(run, i, ahead) for i in sequence.items) if sequence.items is not None else None
            )
            anything = _marked(run, sequence.any_item, ahead) if sequence.any_item is not None else None
            return replace(sequence, items=items_, any_item=anything)
        case other:
            return other
