"""What a tracer knows between two cells: copied, put back, and compared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from nbprod.flow.aliases import Code, Frame
    from nbprod.flow.tracing import Tracer

# What is set anew for each statement, or is told otherwise.
_PASSING = frozenset(
    ["step", "line", "effects", "frame", "module", "heap", "unpacked", "returned", "raised", "work",
     "_left", "_left_in_step", "_called_back", "_made_in_step", "_rest", "_reached", "_parts", "_journals"]
)  # fmt: skip


class State(Struct, frozen=True):
    """All that the tracer knows between two cells, copied."""

    own: Mapping[str, Any]
    heap: Mapping[str, Any]
    frames: tuple[tuple[Frame, Mapping[str, Any]], ...]
    left: int


class Shift(Struct, frozen=True):
    """Steps of a tape from `since` on are counted so many further."""

    since: int
    by: int

    def step(self, index: int) -> int:
        return index + self.by if index >= self.since else index

    def state(self, state: State) -> State:
        if not self.by:
            return state
        code = {region: replace(one, step=self.step(one.step)) for region, one in state.heap["code"].items()}
        defined = {region: self.step(index) for region, index in state.heap["defined_at"].items()}
        return replace(state, heap={**state.heap, "code": code, "defined_at": defined})


def state_of(tracer: Tracer) -> State:
    """The tracer's state as it is between two cells."""
    return State(
        {name: _copied(value) for name, value in vars(tracer).items() if name not in _PASSING},
        {name: _copied(value) for name, value in vars(tracer.heap).items() if name not in _PASSING},
        tuple((frame, dict(frame.names)) for frame in _frames_of(tracer)),
        vars(tracer)["_left"],
    )


def restore(tracer: Tracer, state: State) -> None:
    """Put the tracer into a state in which it was before."""
    vars(tracer).update({name: _copied(value) for name, value in state.own.items()})
    vars(tracer.heap).update({name: _copied(value) for name, value in state.heap.items()})
    vars(tracer)["_left"] = state.left
    for frame, names in state.frames:
        frame.names = dict(names)


def show(tracer: Tracer, state: State) -> None:
    """Let the tracer's heap be read as it is in a state; it must be restored before it goes on."""
    vars(tracer.heap).update(state.heap)


def _copied(value: Any) -> Any:
    match value:
        case dict():
            return {key: set(one) if type(one) is set else one for key, one in value.items()}
        case list():
            return [set(one) if type(one) is set else one for one in value]
        case set():
            return set(value)
        case _:
            return value


def _frames_of(tracer: Tracer) -> list[Frame]:
    """The module's scope, and those that functions and classes hold on to."""
    found = {id(tracer.module): tracer.module}
    for code in tracer.heap.code.values():
        for frame in (code.frame, code.members):
            for one in around(frame):
                found.setdefault(id(one), one)
    return list(found.values())


def around(frame: Frame | None) -> Iterator[Frame]:
    while frame is not None:
        yield frame
        frame = frame.parent


def is_state(now: State, then: State, shift: Shift) -> bool:
    """Whether the tracer would go on from one as from the other, but for the number of steps behind it."""
    names, known = now.frames[0][1], then.frames[0][1]
    if now.own != then.own or names != known:
        return False
    for name, value in now.heap.items():
        other = then.heap[name]
        match name:
            case "code":
                is_same = value.keys() == other.keys() and all(
                    is_code(value[region], other[region], now, then, shift) for region in value
                )
            case "defined_at":
                is_same = value == {region: shift.step(index) for region, index in other.items()}
            case _:
                is_same = value == other
        if not is_same:
            return False
    return True


def is_code(one: Code, other: Code, now: State, then: State, shift: Shift) -> bool:
    return (
        one.node is other.node
        and one.step == shift.step(other.step)
        and one.bases == other.bases
        and one.receiver == other.receiver
        and _is_frame(one.frame, other.frame, now, then)
        and _is_frame(one.members, other.members, now, then)
    )


def _is_frame(one: Frame | None, other: Frame | None, now: State, then: State) -> bool:
    if one is None or other is None:
        return one is other
    if one.parent is None and other.parent is None and one is other and one is now.frames[0][0]:
        return True
    return (
        (one.local, one.outer, one.shared, one.region, one.is_class, one.is_comprehension)
        == (other.local, other.outer, other.shared, other.region, other.is_class, other.is_comprehension)
        and list(_names_in(one, now)) == list(_names_in(other, then))
        and _is_frame(one.parent, other.parent, now, then)
    )


def _names_in(frame: Frame, state: State) -> Iterator[tuple[str, Any]]:
    """The names of a scope as they were in that state: since then they may have changed."""
    return next((iter(names.items()) for one, names in state.frames if one is frame), iter(()))
