"""Steps read again after an edit: the trace goes on before the edit, and stops where it comes to what is known.

While a notebook is followed, the tracer's state is kept every few cells. After an edit it is put back to the last
state before the edit and goes on from there. Where it comes to a state that it was in before, with the same cells
still to come, the rest is what it was.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from msgspec import Struct, field
from msgspec.structs import replace

from nbprod.flow.aside import aside, is_mentioned
from nbprod.flow.known_history import KnownHistory
from nbprod.flow.known_stages import KnownStages
from nbprod.flow.states import Shift, State, is_state, restore, show, state_of

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence

    from nbprod.flow.aside import Aside
    from nbprod.flow.effects import Step
    from nbprod.flow.tracing import Tracer
    from nbprod.model import Finding

Made = TypeVar("Made")
CELLS_APART = 16
STATES_A_TAPE = 24
# The notebook as it was, and as it was before a statement was left half written.
TAPES = 2


class CellRead(Struct, frozen=True, kw_only=True):
    """What one cell was read into. `key` is all that this depends on beside the state before it, None if there is more."""

    key: Hashable
    steps: tuple[Step, ...]
    findings: tuple[Finding, ...]


class Tape(Struct, frozen=True):
    """One reading of the notebook: its cells, and the states before some of them and after the last."""

    cells: tuple[CellRead, ...]
    states: Mapping[int, State]


class Latest(Struct):
    """What was made the last time, and what it was about."""

    about: object = None
    made: Any = None
    is_known: bool = False

    def of(self, about: object, work: Callable[[], Made]) -> Made:
        """What the work makes; what it made the last time if that was about the same."""
        if self.is_known and about == self.about:
            known: Made = self.made
            return known
        self.is_known = False  # nothing is known any more, should this end halfway
        found = self.made = work()
        self.about, self.is_known = about, True
        return found

    def forget(self) -> None:
        self.is_known, self.made = False, None


class StepMemory(Struct):
    """The last readings of one notebook, and its last flow; one study at a time works with it."""

    keeps: bool = True
    tracer: Tracer | None = None
    tapes: list[Tape] = field(default_factory=list)
    tagging: Latest = field(default_factory=Latest)
    stages: KnownStages = field(default_factory=KnownStages)
    history: KnownHistory = field(default_factory=KnownHistory)
    flow: Latest = field(default_factory=Latest)

    def flow_about(self, about: object, work: Callable[[], Made]) -> Made:
        """What the work makes of the cells; what it made the last time if that was about the same."""
        found = self.flow.of(about, work)
        if any(cell.key is None for cell in self.tapes[0].cells):
            self.flow.forget()
        return found

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
        """All of a tape, if it goes on from here as this trace would, with the cells that are to come."""
        for tape in self._tapes:
            if not self._goes_on(tape, at, state):
                continue
            before = sum(len(cell.steps) for cell in tape.cells[:at])
            shift = Shift(since=self._since(tape, at), by=self._steps - before)
            if is_state(state, tape.states[at], shift):
                return self._spliced(tape, at, shift)
            if (beside := self._aside(tape, at, state, shift)) is not None:
                return self._spliced(tape, at, shift, beside)
        return None

    def _goes_on(self, tape: Tape, at: int, state: State) -> bool:
        """Whether the tape was here, with the same cells to come, and may be followed as far."""
        known = tape.states.get(at)
        if known is None or len(tape.cells) != len(self._keys):
            return False
        if any(
            cell.key is None or cell.key != key
            for cell, key in zip(tape.cells[at:], self._keys[at:], strict=True)
        ):
            return False
        return tape.states[len(tape.cells)].left - max(known.left - state.left, 0) > 0

    def _aside(self, tape: Tape, at: int, state: State, shift: Shift) -> Aside | None:
        """How this trace differs from the tape, where no cell but the edited ones can tell."""
        first = next((one for one in range(at) if tape.cells[one].key != self._cells[one].key), at)
        start = self._states.get(first)
        if start is None or first == at:
            return None
        found = aside(state, tape.states[at], shift=shift, since=len(start.heap["inside"]))
        if found is None:
            return None
        edited = [*_steps(tape.cells[first:at]), *_steps(self._cells[first:at])]
        others = chain(_steps(tape.cells[:first]), _steps(tape.cells[at:]))
        return None if is_mentioned(found.names, edited, others) else found

    def _since(self, tape: Tape, at: int) -> int:
        """The first step of the tape behind the last cell that is another here."""
        steps = sum(len(cell.steps) for cell in tape.cells[:at])
        for known, cell in zip(reversed(tape.cells[:at]), reversed(self._cells), strict=True):
            if known.key is None or known.key != cell.key:
                break
            steps -= len(known.steps)
        return steps

    def _spliced(self, tape: Tape, at: int, shift: Shift, beside: Aside | None = None) -> Tape:
        later = {place: shift.state(state) for place, state in tape.states.items() if place > at}
        if beside is not None:
            later = {place: beside.put_into(state) for place, state in later.items()}
        rest = tuple(_shifted(cell, shift) for cell in tape.cells[at:])
        whole = Tape((*self._cells, *rest), self._states | later)
        show(self._tracer, whole.states[len(whole.cells)])
        return whole


def _steps(cells: Iterable[CellRead]) -> Iterator[Step]:
    return chain.from_iterable(cell.steps for cell in cells)


def _shifted(cell: CellRead, shift: Shift) -> CellRead:
    if not shift.by:
        return cell
    return replace(cell, steps=tuple(replace(one, index=one.index + shift.by) for one in cell.steps))
