"""The course of one replay: cuts, a repetition of the whole, doubts settled, bisection."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from nbprod.replaying.answer import answer, unassessed
from nbprod.replaying.boundaries import boundaries_of, draws_by_chance
from nbprod.replaying.compare import EXISTENCE
from nbprod.replaying.cuts import chosen_cuts, distinct_stamps
from nbprod.replaying.evidence import (
    Column,
    Reading,
    Sighting,
    bracket,
    earliest_row,
    farthest,
    known_stamps,
    most_telling,
    spans_most,
)
from nbprod.replaying.report import Replay, runs_at_most
from nbprod.replaying.stamps import text_of
from nbprod.replaying.trial import Question, Trial
from nbprod.replaying.withhold import Probe, ProbeKind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nbprod.replaying.boundaries import Boundaries
    from nbprod.replaying.report import OnRun
    from nbprod.replaying.workers import Worker

_GROWTH = 3.0
_STRONGER = 100.0
_SHARE_FOR_BISECTION = 0.25
_FIRST_ROWS = 4
_MANY_ROWS = 10
_FEW_CUTS = 8
_IN_TURN = (
    ProbeKind.WITHHELD,
    ProbeKind.ALTERED,
    ProbeKind.WITHHELD,
    ProbeKind.WITHHELD,
    ProbeKind.PERMUTED,
    ProbeKind.WITHHELD,
    ProbeKind.ALTERED,
)
# what a prefix draws differs from what the whole draws, whether or not it reads the future
_BY_CHANCE = (ProbeKind.ALTERED, ProbeKind.ALTERED, ProbeKind.WITHHELD, ProbeKind.PERMUTED)


class Opening(Struct, frozen=True, kw_only=True):
    """Between which of the rows' times (by number) a column's earliest changed row stops changing, so far."""

    column: Column
    sighting: Sighting
    low: int
    high: int
    tries: int


def tried(
    question: Question,
    worker: Worker,
    *,
    cuts: int,
    notes: tuple[str, ...],
    on_run: OnRun | None = None,
) -> Replay:
    """The replay of a stage with a budget of so many cuts."""
    stamps = known_stamps(question.timetable)
    trial = Trial(question=question, worker=worker, budget=runs_at_most(cuts), stamps=stamps, on_run=on_run)
    worker.load(question.load())
    if len(distinct_stamps(question.timetable)) < 3:
        return unassessed(trial, "the data have fewer than three different times", notes)
    if not trial.begin():
        return unassessed(trial, f"the stage did not run: {trial.whole.error}", notes)
    if not trial.columns:
        return answer(trial, notes)
    boundaries = boundaries_of(question.chunks, question.plain, question.timetable)
    _probe(trial, cuts, boundaries)
    if trial.changed():
        trial.repeat()
        _settle_fits(trial, boundaries)
        _settle_chance(trial, boundaries)
        _settle_doubts(trial)
        _bisect(trial)
    return answer(trial, notes)


def _probe(trial: Trial, cuts: int, boundaries: Boundaries) -> None:
    """Cuts until every column has changed or what may be spent on cuts is spent."""
    reserve = 1 if trial.noise is None else 0
    reserve += int(cuts * _SHARE_FOR_BISECTION) if cuts > _FEW_CUTS else 0
    for probe in _plan(trial, trial.budget - reserve, boundaries):
        doubts = 2 if boundaries.floating and _changed_by_length(trial) else 0
        if trial.budget <= reserve + doubts or trial.all_have_changed():
            return
        # a stage that can't take one prefix will hardly take another
        gentle = trial.prefixes_fail and cuts <= _FEW_CUTS and probe.kind is ProbeKind.WITHHELD
        trial.read_somehow(replace(probe, kind=ProbeKind.ALTERED) if gentle else probe)


def _plan(trial: Trial, count: int, boundaries: Boundaries) -> list[Probe]:
    """Probes in the order of their use. The second alters all but the very first rows, where a fit allows that."""
    question = trial.question
    stamps = distinct_stamps(question.timetable)
    after = _last_boundary(boundaries, stamps)
    cuts = chosen_cuts(question.inputs, question.timetable, count=count, after=after, seed=question.seed)
    turn = _BY_CHANCE if draws_by_chance(question.chunks) else _IN_TURN
    kinds = [turn[number % len(turn)] for number in range(len(cuts))]
    if after is None and ProbeKind.ALTERED in kinds:
        cuts.insert(kinds.index(ProbeKind.ALTERED), int(stamps[min(_FIRST_ROWS, len(stamps) - 2)]))
    return [
        Probe(kind=kind, cut=cut, seed=question.seed + number)
        for number, (kind, cut) in enumerate(zip(kinds, cuts, strict=False))
    ]


def _last_boundary(boundaries: Boundaries, stamps: NDArray[np.int64]) -> int | None:
    """The last boundary behind which there is still room for cuts."""
    room = stamps[-max(6, len(stamps) // 20) :][0] if len(stamps) > 6 else stamps[0]
    late = [stamp for stamp in (*boundaries.fixed, *boundaries.floating) if stamp <= room]
    return max(late, default=None)


def _settle_fits(trial: Trial, boundaries: Boundaries) -> None:
    """Dismiss columns that change only before a fixed boundary and settle exactly there: fitted, not leaking."""
    for boundary in boundaries.fixed:
        early = [
            column
            for column in trial.changed()
            if all(reading.probe.cut < boundary for reading in trial.readings if column in reading.sightings)
        ]
        if not early or trial.budget < 1:
            continue
        edge = int(np.searchsorted(trial.stamps, boundary, side="right")) - 1
        reading = trial.read(Probe(kind=ProbeKind.WITHHELD, cut=int(trial.stamps[max(edge - 2, 0)])))
        for column in early:
            if reading is not None and column in reading.sightings:
                when = text_of(boundary, axis=trial.question.timetable.axis)
                trial.dismiss(column, f"it is fitted on what lies before {when}, and settled from there on")


def _settle_chance(trial: Trial, boundaries: Boundaries) -> None:
    """Columns that change with the number of rows alone: drawn by chance, or fitted on a share of the rows."""
    chance = draws_by_chance(trial.question.chunks)
    if not chance and not boundaries.floating:
        return
    for column in _changed_by_length(trial):
        sighting = most_telling(trial.readings, column)
        cut = 0 if sighting is None else max(sighting.probe.cut, max(boundaries.floating, default=0))
        if trial.budget > 1 and not _was_altered_at(trial, cut) and not _was_altered(trial, column):
            trial.read(Probe(kind=ProbeKind.ALTERED, cut=cut, seed=trial.question.seed))
    suspects = _changed_by_length(trial)
    if chance:
        for column in suspects:
            trial.dismiss(column, "it draws random numbers and changes only with how many rows there are")
    elif suspects:
        _settle_shares(trial, suspects, boundaries)


def _settle_shares(trial: Trial, suspects: list[Column], boundaries: Boundaries) -> None:
    """Dismiss what an altered past of the boundary changes, since an altered future of it changes nothing."""
    early = int(np.searchsorted(trial.stamps, boundaries.floating[0])) // 2
    probe = Probe(kind=ProbeKind.ALTERED, cut=int(trial.stamps[early]), seed=trial.question.seed)
    reading = trial.read(probe) if trial.budget > 0 else None
    if reading is not None:
        trial.readings.remove(reading)
    for column in suspects:
        if reading is None:
            trial.dismiss(
                column, "it changes only with how many rows there are, and a share of them is fitted on"
            )
        elif column in reading.sightings:
            trial.dismiss(column, "it is fitted on a share of the rows, and rows behind that are unaffected")


def _changed_by_length(trial: Trial) -> list[Column]:
    """Columns that changed when rows were withheld and never when they were altered."""
    return [
        column for column in trial.changed() if column[1] != EXISTENCE and not _was_altered(trial, column)
    ]


def _was_altered_at(trial: Trial, cut: int) -> bool:
    return any(
        reading.probe.kind is not ProbeKind.WITHHELD and reading.probe.cut == cut
        for reading in trial.readings
    )


def _was_altered(trial: Trial, column: Column) -> bool:
    return any(
        column in reading.sightings
        for reading in trial.readings
        if reading.probe.kind is not ProbeKind.WITHHELD
    )


def _settle_doubts(trial: Trial) -> None:
    """A gap near float noise must grow when the future is altered more strongly."""
    for column in trial.changed():
        gaps = [reading.sightings[column].change for reading in trial.readings if column in reading.sightings]
        if any(change.is_certain for change in gaps):
            continue
        sighting = most_telling(trial.readings, column)
        if sighting is None or trial.budget < 2:
            trial.dismiss(column, f"it changes by no more than {max(c.gap for c in gaps):.1g} of its spread")
            continue
        weak, strong = (
            trial.read(replace(sighting.probe, kind=ProbeKind.ALTERED, strength=strength))
            for strength in (1.0, _STRONGER)
        )
        if _gap(strong, column) < _GROWTH * max(_gap(weak, column), 1e-12):
            trial.dismiss(column, "it changes by float noise that doesn't grow with what is altered")


def _gap(reading: Reading | None, column: Column) -> float:
    return 0.0 if reading is None or column not in reading.sightings else reading.sightings[column].change.gap


def _bisect(trial: Trial) -> None:
    """Spend what is left on how far ahead each changed column reads."""
    while trial.budget > 0:
        openings = [opening for column in trial.changed() if (opening := _opening(trial, column)) is not None]
        if not openings:
            return
        opening = max(openings, key=lambda opening: (opening.tries == 0, opening.high - opening.low))
        trial.tries[opening.column] = opening.tries + 1
        if (
            trial.read(replace(opening.sighting.probe, cut=int(trial.rows_known[_next(opening, trial)])))
            is None
        ):
            return


def _opening(trial: Trial, column: Column) -> Opening | None:
    """What is not yet known of a column's reach, or None if it is closed or whole."""
    found = farthest(trial.readings, column, trial.stamps)
    if found is None or column[1] == EXISTENCE or spans_most(found[1], trial.rows_known):
        return None
    if earliest_row(found[0]) is None:
        return None
    low, high = bracket(trial.readings, column, found[0], trial.rows_known)
    if high - low <= 1:
        return None
    return Opening(column=column, sighting=found[0], low=low, high=high, tries=trial.tries.get(column, 0))


def _next(opening: Opening, trial: Trial) -> int:
    """The number of the time to cut at next.

    A change all over the rows asks for the far end first, one at the edge for the very next time; then twice as
    far each try; then, between two known ends, the middle.
    """
    if opening.high < len(trial.rows_known) - 1:
        return (opening.low + opening.high) // 2
    rows = len(opening.sighting.change.rows)
    if opening.tries == 0 and rows > _MANY_ROWS and rows > opening.low / 2:
        return opening.high - 1
    return min(opening.low + (1 << opening.tries), opening.high - 1)
