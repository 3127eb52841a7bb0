"""What a loop carries from one row to the next: it is of the rows before, or of later ones where those come first."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from msgspec.structs import replace

from nbprod.leakage.interpret.facts import WHOLE_REACH, Ahead, Facts
from nbprod.leakage.interpret.moving import statistic
from nbprod.leakage.interpret.values import Cells, Const, Mapped, Opaque, Picks, Position, Ref, Seq, Value

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbprod.leakage.interpret.context import Run

_FILLS = frozenset({"append", "appendleft", "extend", "add", "insert"})


def noted(run: Run, node: ast.For | ast.AsyncFor, item: Value) -> None:
    """After a turn over a row: what the next turn finds in names is of the row before, or of a later one."""
    row = _first_cells(run, item)
    if row is None or not row.facts.reads:
        return
    ahead = Ahead(
        rule="unsorted-shift",
        reach=WHOLE_REACH,
        span=run.span(node.iter),
        says="the rows come newest first, so that what the loop keeps from the row before is from a later one",
        sources=row.facts.sources,
    )
    newest_first = row.order.newest_first

    def carried(facts: Facts) -> Facts:
        if not facts.reads:
            return facts
        return facts.with_ahead(ahead) if newest_first else facts.moved(-1)

    for name in _kept_in(node):
        value = run.env.get(name)
        if value is not None:
            run.env[name] = _changed(run, value, carried)


def settled(run: Run, node: ast.For | ast.AsyncFor, item: Value) -> None:
    """After a loop over rows: what it kept for each thing that rows are of is one value out of all its rows."""
    row = _first_cells(run, item)
    if row is None or row.shape != "element":
        return
    for name, key in _filled_under_keys(node):
        place = run.env.get(name)
        held = run.at(place)
        if not isinstance(held, Mapped) or not isinstance(place, Ref) or _is_of_the_row(run, key):
            continue

        def last(value: Value) -> Value:
            cells = run.at(value)
            if not isinstance(cells, Cells) or cells.shape != "element" or not cells.facts.reads:
                return value
            says = f"`{name}` holds what all rows leave in it"  # noqa: B023 - called at once
            facts = statistic(run, replace(cells, rows=row.rows), key, says=says)  # noqa: B023
            return replace(cells, shape="scalar", facts=facts)

        every = {each: last(value) for each, value in held.items.items()}
        run.heap[place.place] = Mapped(every, last(held.any_item) if held.any_item is not None else None)


def _filled_under_keys(node: ast.For | ast.AsyncFor) -> list[tuple[str, ast.expr]]:
    """The names under whose keys the body stores, with the keys."""
    return [
        (each.value.id, each.slice)
        for each in ast.walk(node)
        if isinstance(each, ast.Subscript)
        and isinstance(each.ctx, ast.Store)
        and isinstance(each.value, ast.Name)
    ]


def _is_of_the_row(run: Run, key: ast.expr) -> bool:
    """Whether a key tells one row from another: its place or its time."""
    held = run.at(run.evaluate(run, key))
    parts = [run.at(part) for part in held.items] if isinstance(held, Seq) and held.items else [held]
    return any(
        isinstance(part, Position | Picks | Const)
        or (isinstance(part, Cells) and (part.facts.clock is not None or part.name in (None, "Index")))
        for part in parts
    )


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
            case ast.Call(
                func=ast.Attribute(value=ast.Subscript(value=ast.Name() as name), attr=attribute)
            ) if attribute in _FILLS:
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


def _changed(run: Run, value: Value, change: Callable[[Facts], Facts]) -> Value:
    """The value with all that it holds of single rows changed, where it lies if it is shared by reference."""
    if isinstance(value, Ref):
        made = _changed(run, run.at(value), change)
        run.heap[value.place] = made
        return value
    match value:
        case Cells(shape="element", facts=facts) | Opaque(facts=facts):
            return replace(value, facts=change(facts))
        case Mapped(items=items, any_item=any_item):
            every = {key: _changed(run, item, change) for key, item in items.items()}
            return Mapped(every, _changed(run, any_item, change) if any_item is not None else None)
        case Seq(items=items_, any_item=any_item):
            parts = tuple(_changed(run, i, change) for i in items_) if items_ is not None else None
            anything = _changed(run, any_item, change) if any_item is not None else None
            return replace(value, items=parts, any_item=anything)
        case _:
            return value
