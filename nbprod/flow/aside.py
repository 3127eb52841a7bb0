"""Two states of a trace that differ only in what nothing to come gets at: a name just made, and what it holds.

Whoever types a new line makes names that no other cell mentions. What the other cells do is then what it was.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from nbprod.flow.states import State, around, is_code

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from nbprod.flow.aliases import Regions, Value
    from nbprod.flow.effects import Step
    from nbprod.flow.states import Shift

_BY_REGION = ("types", "class_of", "_hub_of", "_attributes", "_cells_of", "_table_above")
_SETS = ("_closed", "cells")


class Aside(Struct, frozen=True, kw_only=True):
    """The names and the regions in which a state differs from another, and that nothing outside of them holds."""

    state: State
    names: frozenset[str]
    regions: Regions

    def put_into(self, later: State) -> State:
        """A later state of the other trace, as it is in the trace of this one."""
        module, names = later.frames[0]
        mine = self.state.frames[0][1]
        merged = {name: value for name, value in names.items() if name not in self.names}
        merged |= {name: mine[name] for name in self.names if name in mine}
        known = {id(frame) for frame, _ in later.frames}
        others = [one for one in self.state.frames if id(one[0]) not in known]
        return replace(
            later,
            heap={field: self._merged(field, value) for field, value in later.heap.items()},
            frames=((module, merged), *later.frames[1:], *others),
        )

    def _merged(self, field: str, value: Any) -> Any:
        mine, regions = self.state.heap[field], self.regions
        match field:
            case "inside":
                inside = list(value)
                for region in regions:
                    inside[region] = mine[region]
                return inside
            case "seen_by":
                seen = {region: lookers - regions for region, lookers in value.items()}
                for region, lookers in mine.items():
                    if lookers & regions:
                        seen[region] = seen.get(region, set()) | (lookers & regions)
                return seen
            case _ if field in _SETS:
                return (value - regions) | (mine & regions)
            case _:
                kept = {region: one for region, one in value.items() if region not in regions}
                return kept | {region: mine[region] for region in regions if region in mine}


def aside(now: State, then: State, *, shift: Shift, since: int) -> Aside | None:
    """How the states differ, if nothing else gets at it; regions before `since` are older than the difference."""
    if now.own != then.own or len(now.heap["inside"]) != len(then.heap["inside"]):
        return None
    mine, others = now.frames[0][1], then.frames[0][1]
    names = frozenset(name for name in mine.keys() | others.keys() if mine.get(name) != others.get(name))
    regions = frozenset(_differing(now, then, shift))
    found = Aside(state=now, names=names, regions=regions)
    if any(region < since for region in regions) or bool(now.heap["code"]) != bool(then.heap["code"]):
        return None
    return None if _gets_at(now, found) or _gets_at(then, found) else found


def is_mentioned(names: frozenset[str], edited: Iterable[Step], others: Iterable[Step]) -> bool:
    """Whether other steps name one of these, or the edited ones do so that it may be looked up later."""
    if not names:
        return False
    words = re.compile(rf"\b(?:{'|'.join(map(re.escape, sorted(names)))})\b")
    if any(words.search(step.code) for step in others):
        return True
    return any(words.search(step.code) and _looks_up_later(step.node, words) for step in edited)


def _looks_up_later(node: ast.AST, words: re.Pattern[str]) -> bool:
    """Whether a text or the inside of a function has one of the words."""
    inside = [
        name
        for one in ast.walk(node)
        if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda)
        for name in ast.walk(one)
        if isinstance(name, ast.Name)
    ]
    texts = [
        one.value for one in ast.walk(node) if isinstance(one, ast.Constant) and isinstance(one.value, str)
    ]
    return any(words.search(text) for text in (*texts, *(name.id for name in inside)))


def _differing(now: State, then: State, shift: Shift) -> Iterator[int]:
    one, other = now.heap, then.heap
    if one["inside"] != other["inside"]:
        pairs = enumerate(zip(one["inside"], other["inside"], strict=True))
        yield from (region for region, (mine, its) in pairs if mine != its)
    for field in _SETS:
        yield from one[field] ^ other[field]
    for field in _BY_REGION:
        yield from _differing_keys(one[field], other[field], lambda mine, its: mine == its)
    for seen in one["seen_by"].keys() | other["seen_by"].keys():
        yield from one["seen_by"].get(seen, set()) ^ other["seen_by"].get(seen, set())
    yield from _differing_keys(
        one["code"], other["code"], lambda mine, its: is_code(mine, its, now, then, shift)
    )
    yield from _differing_keys(
        one["defined_at"], other["defined_at"], lambda mine, its: mine == shift.step(its)
    )


def _differing_keys(
    one: Mapping[int, Any], other: Mapping[int, Any], is_same: Callable[[Any, Any], bool]
) -> Iterator[int]:
    yield from one.keys() ^ other.keys()
    yield from (region for region in one.keys() & other.keys() if not is_same(one[region], other[region]))


def _gets_at(state: State, found: Aside) -> bool:
    """Whether anything beside the names and regions themselves leads to the regions."""
    regions, heap = found.regions, state.heap
    if not regions:
        return False
    if any(
        not held.isdisjoint(regions) for region, held in enumerate(heap["inside"]) if region not in regions
    ):
        return True
    if any(not one.own.isdisjoint(regions) for one in _values_beside(state, found)):
        return True
    single = [heap[field] for field in ("_hub_of", "_cells_of", "_table_above")]
    if any(held in regions for one in single for region, held in one.items() if region not in regions):
        return True
    classes = heap["class_of"].items()
    return any(not held.isdisjoint(regions) for region, held in classes if region not in regions)


def _values_beside(state: State, found: Aside) -> Iterator[Value]:
    yield from state.own["_handlers"]
    (module, globally), *_ = state.frames
    yield from (value for name, value in globally.items() if name not in found.names)
    names_of = {id(frame): names for frame, names in state.frames}
    for region, code in state.heap["code"].items():
        if region in found.regions:
            continue
        yield from code.bases
        yield from [code.receiver] if code.receiver is not None else []
        for frame in (*around(code.frame), *around(code.members)):
            if frame is not module:
                yield from names_of.get(id(frame), {}).values()
