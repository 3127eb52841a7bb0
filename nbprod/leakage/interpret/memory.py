"""What is known of the cells of a notebook that is studied again and again while somebody writes in it.

Each cell is followed once and leaves a `Trace`: what it read of the state before it, and what it did. Where a cell
of the same text finds again what it read then, it does again what it did then. So after an edit only those cells are
followed anew that the edit is in, and those that something reaches from there.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field
from msgspec.structs import replace

from nbprod.flow import Latest
from nbprod.leakage.interpret.context import Record, Run
from nbprod.leakage.interpret.sameness import same
from nbprod.leakage.interpret.watching import Layer, Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping

    from nbprod.leakage.interpret.values import Value

# A cell that is being written has been in a few states: half a word ago, and half a line ago.
TRACES_A_CELL = 4
PLACES_A_CELL = 1_000_000
CELLS_TO_SPARE = 64


class Trace(Struct, frozen=True, kw_only=True):
    """One cell followed once: the state that it asked for as it stood, what it left, and what that cost."""

    read: tuple[Mapping[Any, Any], ...]
    env: Mapping[str, Value]
    gone: tuple[str, ...]
    frees: Mapping[str, Value]
    heap: Mapping[int, Value]
    record: Record
    called: frozenset[int]
    fuel: int
    does: object


class Memory(Struct):
    """The traces of one notebook; one study at a time works with it.

    `course` says what the cells did, in order: where it is equal, so is the state after them. `at_place` holds what was
    last done at each place, whatever its text was. `judged` and `found` are for those who read the state.
    """

    run: Run | None = None
    about: Hashable = None
    traces: OrderedDict[Hashable, list[Trace]] = field(default_factory=OrderedDict)
    at_place: dict[int, Trace] = field(default_factory=dict)
    course: list[object] = field(default_factory=list)
    judged: Latest = field(default_factory=Latest)
    found: Latest = field(default_factory=Latest)

    def begin(self, about: Hashable) -> None:
        """Nothing of what is known holds where what was declared of the whole notebook is another."""
        self.course = []
        if about != self.about:
            self.traces.clear()
            self.at_place.clear()
            self.run, self.about = None, about

    def keep_at_most(self, cells: int) -> None:
        """Forget the cells that have not been met for the longest time."""
        while len(self.traces) > cells:
            self.traces.popitem(last=False)

    def follow(self, run: Run, key: Hashable, base: int, work: Callable[[], None]) -> None:
        """Do the work of a cell, or what it did the last time if it would do the same."""
        known = self.traces.setdefault(key, [])
        self.traces.move_to_end(key)
        trace = next((one for one in known if _holds(run, one)), None)
        if trace is not None:
            _done_again(run, trace)
        else:
            trace = _followed(run, base, work, next(iter(known), self.at_place.get(base)))
            if trace is not None:
                known.insert(0, trace)
                del known[TRACES_A_CELL:]
        self.course.append(object() if trace is None else trace.does)
        if trace is not None:
            self.at_place[base] = trace


def follow_once(run: Run, key: Hashable, base: int, work: Callable[[], None]) -> None:
    """Do the work of a cell of a notebook that nobody remembers: there is nothing to watch for."""
    _ = key
    run.next_place = base
    work()


def _holds(run: Run, trace: Trace) -> bool:
    record = run.record
    now: tuple[Mapping[Any, Any], ...] = (
        run.env,
        run.frees,
        run.heap,
        record.times,
        record.exact_times,
        record.splits,
        run.libraries,
        run.frame_names,
        run.dated,
    )
    return run.fuel >= trace.fuel and all(
        (found := there.get(key)) is value or same(found, value)
        for read, there in zip(trace.read, now, strict=True)
        for key, value in read.items()
    )


def _done_again(run: Run, trace: Trace) -> None:
    for name in trace.gone:
        run.env.pop(name, None)
    run.env.update(trace.env)
    run.frees.update(trace.frees)
    run.heap.update(trace.heap)
    run.called |= trace.called
    run.fuel -= trace.fuel
    _add(run.record, trace.record)


def _followed(run: Run, base: int, work: Callable[[], None], before: Trace | None) -> Trace | None:
    """The trace of a cell that is followed; None where the order of what it leaves can't be had again."""
    whole, called, libraries, frames = run.record, run.called, run.libraries, run.frame_names
    dates = run.dated
    env, frees, heap, fuel = dict(run.env), dict(run.frees), dict(run.heap), run.fuel
    watch = run.watch = Watch(env=env, frees=frees, heap=heap)
    own = run.record = Record()
    times, exact, splits = Layer(whole.times), Layer(whole.exact_times), Layer(whole.splits)
    asked, used, dated = Layer(libraries), Layer(frames), Layer(dates)
    own.times, own.exact_times, own.splits = times, exact, splits
    run.libraries, run.frame_names, run.called, run.next_place = asked, used, set(), base
    run.dated = dated
    try:
        work()
    finally:
        own_called = run.called
        run.record, run.called, run.watch = whole, called, Watch()
        run.libraries, run.frame_names, run.dated = libraries, frames, dates
        _add(whole, own)
        called |= own_called
    gone = tuple(name for name in env if name not in run.env)
    kept = [name for name in env if name in run.env]
    if run.fuel < 0 or any(one != other for one, other in zip(kept, run.env, strict=False)):
        return None
    trace = Trace(
        read=(
            *(watch.names, watch.freed, watch.places),
            *(times.seen, exact.seen, splits.seen, asked.seen, used.seen, dated.seen),
        ),
        env=_changed(env, run.env, before.env if before else {}),
        gone=gone,
        frees=_changed(frees, run.frees, before.frees if before else {}),
        heap=_changed(heap, run.heap, before.heap if before else {}),
        record=own,
        called=frozenset(own_called),
        fuel=fuel - run.fuel,
        does=object(),
    )
    return replace(trace, does=before.does) if before is not None and _does_as(trace, before) else trace


def _does_as(one: Trace, other: Trace) -> bool:
    """Whether the two leave the same, whatever they read."""
    return (
        one.gone == other.gone
        and one.called == other.called
        and same(one.env, other.env)
        and same(one.frees, other.frees)
        and same(one.heap, other.heap)
        and all(_is_recorded(getattr(one.record, name), getattr(other.record, name)) for name in _RECORDED)
    )


def _is_recorded(one: object, other: object) -> bool:
    # Names, and pairs of them: what `same` doesn't look into
    return one == other if isinstance(one, set) else same(one, other)


def _changed(before: Mapping[Any, Any], after: dict[Any, Any], known: Mapping[Any, Any]) -> dict[Any, Any]:
    """What is another than before; what is the same as an earlier time becomes the very object of that time."""
    changed = {key: value for key, value in after.items() if before.get(key) is not value}
    for key, value in changed.items():
        earlier = known.get(key)
        if earlier is not None and same(value, earlier):
            changed[key] = after[key] = earlier
    return changed


_RECORDED = Record.__struct_fields__


def _add(whole: Record, own: Record) -> None:
    """Record what a cell recorded, as if it had done so at once."""
    for name in _RECORDED:
        mine, total = getattr(own, name), getattr(whole, name)
        if not mine:
            continue
        match mine:
            case list():
                total.extend(mine)
            case set():
                total |= mine
            case _ if name in ("shown", "used"):
                for counted, count in mine.items():
                    total[counted] = total.get(counted, 0) + count
            case _:
                total.update(mine)
