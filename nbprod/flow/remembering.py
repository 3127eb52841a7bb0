"""Steps read again after an edit: the trace goes on before the edit, and stops where it comes to what is known.

While a notebook is followed, the tracer's state is kept every few cells. After an edit it is put back to the last
state before the edit and goes on from there. Where it comes to a state that it was in before, with the same cells
still to come, the rest is what it was.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence

    from nbprod.flow.aliases import Code, Frame
    from nbprod.flow.effects import Step
    from nbprod.flow.tracing import Tracer
    from nbprod.model import Finding

CELLS_APART = 16
STATES_A_TAPE = 24
# The notebook as it was, and as it was before a statement was left half written.
TAPES = 2
# What is set anew for each statement, or is told otherwise.
_PASSING = frozenset(
    ["step", "line", "effects", "frame", "module", "heap", "unpacked", "returned", "raised", "work",
     "_left", "_left_in_step", "_called_back", "_made_in_step", "_rest", "_journals"]
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class CellRead:
    """What one cell was read into. `key` is all that this depends on beside the state before it, None if there is more."""

    key: Hashable
    steps: tuple[Step, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class State:
    """All that the tracer knows between two cells, copied."""

    own: Mapping[str, Any]
    heap: Mapping[str, Any]
    frames: tuple[tuple[Frame, Mapping[str, Any]], ...]
    left: int


@dataclass(frozen=True, slots=True)
class Tape:
    """One reading of the notebook: its cells, and the states before some of them and after the last."""

    cells: tuple[CellRead, ...]
    states: Mapping[int, State]


@dataclass(slots=True)
class StepMemory:
    """The last readings of one notebook; one study at a time works with it."""

    keeps: bool = True
    tracer: Tracer | None = None
    tapes: list[Tape] = field(default_factory=list)

    def read(
        self, keys: Sequence[Hashable], *, tracer: Callable[[], Tracer], read: ReadCell
    ) -> tuple[Tracer, tuple[CellRead, ...]]:
        """The cells of these keys read, as far as possible from what is known; `read` follows one."""
        if self.tracer is None:
            self.tracer = tracer()
            self.tapes = [Tape((), {0: state_of(self.tracer)})]
        tapes, self.tapes = self.tapes, []  # nothing is known any more, should this end halfway
        tape = _Recording(self.tracer, keys, tapes, keeps=self.keeps).made(read)
        others = [one for one in tapes if len(one.cells) and not _is_same(one, tape)]
        self.tapes = [tape, *others][:TAPES]
        return self.tracer, tape.cells


ReadCell: TypeAlias = "Callable[[Tracer, int, int], CellRead]"


def _is_same(one: Tape, other: Tape) -> bool:
    return [cell.key for cell in one.cells] == [cell.key for cell in other.cells]


class _Recording:
    """One way through the cells, along the tapes that are there."""

    def __init__(
        self, tracer: Tracer, keys: Sequence[Hashable], tapes: Sequence[Tape], *, keeps: bool
    ) -> None:
        self._tracer, self._keys, self._tapes, self._keeps = tracer, keys, tapes, keeps
        self._cells: list[CellRead] = []
        self._states: dict[int, State] = {}
        self._steps = 0

    def made(self, read: ReadCell) -> Tape:
        edited = self._edited()
        self._go_back()
        apart = max(CELLS_APART, len(self._keys) // STATES_A_TAPE)
        # Who writes in a cell goes on writing in it: the states around it will be asked for next.
        self._states = {at: state for at, state in self._states.items() if at % apart == 0 or at in edited}
        start = len(self._cells)
        for at in range(start, len(self._keys)):
            if self._keeps and at > start and (at % apart == 0 or at in edited):
                self._states[at] = state = state_of(self._tracer)
                if (rest := self._rest_from(at, state)) is not None:
                    return rest
            cell = read(self._tracer, at, self._steps)
            self._cells.append(cell)
            self._steps += len(cell.steps)
        if self._keeps and len(self._keys) not in self._states:
            self._states[len(self._keys)] = state_of(self._tracer)
        return Tape(tuple(self._cells), self._states)

    def _go_back(self) -> None:
        """Put the tracer where the furthest tape was before the first cell that is another."""
        tape, start = max(((tape, self._furthest(tape)) for tape in self._tapes), key=lambda one: one[1])
        restore(self._tracer, tape.states[start])
        self._cells = list(tape.cells[:start])
        self._states = {at: state for at, state in tape.states.items() if at <= start}
        self._steps = sum(len(cell.steps) for cell in self._cells)

    def _edited(self) -> frozenset[int]:
        """The first cell that is another than on the last tape, and the one after the last such cell."""
        cells = self._tapes[0].cells
        others = [
            at for at, (cell, key) in enumerate(zip(cells, self._keys, strict=False)) if cell.key != key
        ]
        return frozenset([others[0], others[-1] + 1]) if others else frozenset()

    def _furthest(self, tape: Tape) -> int:
        pairs = zip(tape.cells, self._keys, strict=False)
        same = next((at for at, (cell, key) in enumerate(pairs) if cell.key is None or cell.key != key), None)
        most = min(len(tape.cells), len(self._keys)) if same is None else same
        return max(at for at in tape.states if at <= most)

    def _rest_from(self, at: int, state: State) -> Tape | None:
        """All of a tape, if one goes on from this very state with the cells that are to come."""
        for tape in self._tapes:
            known = tape.states.get(at)
            if known is None or len(tape.cells) != len(self._keys):
                continue
            if any(
                cell.key is None or cell.key != key
                for cell, key in zip(tape.cells[at:], self._keys[at:], strict=True)
            ):
                continue
            before = sum(len(cell.steps) for cell in tape.cells[:at])
            shift = _Shift(since=self._since(tape, at), by=self._steps - before)
            end = tape.states[len(tape.cells)]
            spent = known.left - state.left
            if end.left - max(spent, 0) <= 0 or not _is_state(state, known, shift):
                continue
            return self._spliced(tape, at, shift)
        return None

    def _since(self, tape: Tape, at: int) -> int:
        """The first step of the tape behind the last cell that is another here."""
        steps = sum(len(cell.steps) for cell in tape.cells[:at])
        for known, cell in zip(reversed(tape.cells[:at]), reversed(self._cells), strict=True):
            if known.key is None or known.key != cell.key:
                break
            steps -= len(known.steps)
        return steps

    def _spliced(self, tape: Tape, at: int, shift: _Shift) -> Tape:
        later = {place: shift.state(state) for place, state in tape.states.items() if place > at}
        rest = tuple(shift.cell(cell) for cell in tape.cells[at:])
        whole = Tape((*self._cells, *rest), self._states | later)
        restore(self._tracer, whole.states[len(whole.cells)])
        return whole


@dataclass(frozen=True, slots=True)
class _Shift:
    """Steps of a tape from `since` on are counted so many further."""

    since: int
    by: int

    def step(self, index: int) -> int:
        return index + self.by if index >= self.since else index

    def cell(self, cell: CellRead) -> CellRead:
        if not self.by:
            return cell
        return replace(cell, steps=tuple(replace(one, index=one.index + self.by) for one in cell.steps))

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
            for one in _around(frame):
                found.setdefault(id(one), one)
    return list(found.values())


def _around(frame: Frame | None) -> Iterator[Frame]:
    while frame is not None:
        yield frame
        frame = frame.parent


def _is_state(now: State, then: State, shift: _Shift) -> bool:
    """Whether the tracer would go on from one as from the other, but for the number of steps behind it."""
    names, known = now.frames[0][1], then.frames[0][1]
    if now.own != then.own or list(names.items()) != list(known.items()):
        return False
    for name, value in now.heap.items():
        other = then.heap[name]
        match name:
            case "code":
                is_same = list(value) == list(other) and all(
                    _is_code(value[region], other[region], now, then, shift) for region in value
                )
            case "defined_at":
                is_same = value == {region: shift.step(index) for region, index in other.items()}
            case _:
                is_same = value == other
        if not is_same:
            return False
    return True


def _is_code(one: Code, other: Code, now: State, then: State, shift: _Shift) -> bool:
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
