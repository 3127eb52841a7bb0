"""One replay from its first run to its verdicts: the whole run, cuts, a repetition, doubts settled, bisection."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from nbprod.model import Proof, Witness
from nbprod.replaying.boundaries import boundaries_of, draws_by_chance
from nbprod.replaying.compare import EXISTENCE, NOISE, compared, gaps_between, scale_of
from nbprod.replaying.cuts import chosen_cuts, distinct_stamps
from nbprod.replaying.evidence import (
    Column,
    Reach,
    Reading,
    Sighting,
    bracket,
    earliest_row,
    farthest,
    known_stamps,
    most_telling,
    next_known,
    spans_most,
)
from nbprod.replaying.known import Timetable, timetable_of
from nbprod.replaying.layout import Layout, layout_of
from nbprod.replaying.plot import plotted
from nbprod.replaying.report import Chunk, ColumnReplay, Power, Replay, runs_at_most
from nbprod.replaying.stamps import text_of
from nbprod.replaying.tables import ROW, Packed, packed_all
from nbprod.replaying.withhold import Probe, ProbeKind, rows_left
from nbprod.replaying.worker import Load, Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from nbprod.replaying.boundaries import Boundaries
    from nbprod.replaying.report import Declarations
    from nbprod.replaying.workers import Worker

_GROWTH = 3.0
_STRONGER = 100.0
_SHARE_FOR_BISECTION = 0.25
_FIRST_ROWS = 4
_MANY_ROWS = 10
_FEW_CUTS = 8
_ROWS_TO_COMPARE = 3
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """All that a replay is asked, ready to cross: `outputs` are names of outputs or `output.column`."""

    stage: str
    chunks: tuple[Chunk, ...]
    inputs: Mapping[str, Packed]
    plain: Mapping[str, Any]
    timetable: Timetable
    declarations: Declarations
    outputs: tuple[str, ...]
    folder: str
    seed: int
    timeout_seconds: float

    @property
    def names(self) -> tuple[str, ...]:
        """The outputs alone."""
        return tuple(dict.fromkeys(name.partition(".")[0] for name in self.outputs))

    def asks_for(self, column: Column) -> bool:
        output, name = column
        dotted = [asked for asked in self.outputs if asked.partition(".")[0] == output]
        return (
            not self.outputs
            or output in dotted
            or f"{output}.{name}" in dotted
            or (name == EXISTENCE and bool(dotted))
        )

    def load(self) -> Load:
        return Load(
            chunks=self.chunks,
            inputs=dict(self.inputs),
            timetable=self.timetable,
            declarations=self.declarations,
            outputs=self.names,
            folder=self.folder,
            seed=self.seed,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """Between which of the rows' times (by number) a column's earliest changed row stops changing, so far."""

    column: Column
    sighting: Sighting
    low: int
    high: int
    tries: int


@dataclass(slots=True)
class Trial:
    """The runs of one replay as they come in; `budget` is how many are left."""

    question: Question
    worker: Worker
    budget: int
    stamps: NDArray[np.int64]
    whole: Outcome = field(default_factory=lambda: Outcome(outputs={}))
    layouts: dict[str, Layout] = field(default_factory=dict)
    with_rows: bool = False
    runs: int = 0
    noise: dict[Column, float] | None = None
    readings: list[Reading] = field(default_factory=list)
    rows: dict[str, int] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    prefixes_fail: bool = False
    undated: dict[str, str] = field(default_factory=dict)
    dismissed: dict[Column, str] = field(default_factory=dict)
    tries: dict[Column, int] = field(default_factory=dict)

    # Runs

    def run(self, probe: Probe, *, with_rows: bool | None = None) -> Outcome:
        """One run, paid for."""
        self.budget -= 1
        self.runs += 1
        return self.worker.run(
            probe,
            timeout_seconds=self.question.timeout_seconds,
            with_rows=self.with_rows if with_rows is None else with_rows,
        )

    def begin(self) -> bool:
        """The whole run, and if need be another with hidden row numbers; False if the stage doesn't run."""
        self.whole = self.run(Probe())
        if self.whole.error:
            return False
        self._lay_out()
        if any(name not in self.layouts or not self.layouts[name].time for name in self.whole.outputs):
            self._number_rows()
        for name in self.whole.outputs:
            if name not in self.layouts:
                self.undated[name] = "no column tells the time of its rows, and none could be carried along"
        return True

    def read(self, probe: Probe) -> Reading | None:
        """A probe run and what it changed, or None if the stage raised."""
        outcome = self.run(probe)
        if outcome.error:
            self.failures.append(f"with the future {probe.kind} the stage raised: {outcome.error}")
            self.prefixes_fail |= probe.kind is ProbeKind.WITHHELD
            return None
        reading = Reading(probe=probe, sightings=self._sightings(outcome, probe))
        self.readings.append(reading)
        return reading

    def read_somehow(self, probe: Probe) -> Reading | None:
        """A probe, or where a prefix or a new level makes the stage raise, a gentler one at the same cut."""
        reading = self.read(probe)
        gentler = {ProbeKind.WITHHELD: ProbeKind.ALTERED, ProbeKind.ALTERED: ProbeKind.PERMUTED}
        while reading is None and self.budget > 1 and probe.kind in gentler:
            probe = replace(probe, kind=gentler[probe.kind])
            reading = self.read(probe)
        return reading

    def repeat(self) -> None:
        """The whole run once more: what differs now is noise."""
        if self.noise is not None or self.budget < 1:
            return
        again = self.run(Probe())
        if again.error:
            self.failures.append(f"run again unchanged the stage raised: {again.error}")
            return
        self._measure_noise(again)

    # Verdict by verdict

    @property
    def rows_known(self) -> NDArray[np.int64]:
        """The times of the main table's rows, in order: the grid that reaches are measured on."""
        return distinct_stamps(self.question.timetable)

    @property
    def columns(self) -> list[Column]:
        """Every column that is asked for and can be compared."""
        every = [
            (name, column)
            for name, layout in self.layouts.items()
            for column in (*layout.columns, *([EXISTENCE] if layout.tells_existence else []))
        ]
        return [column for column in every if self.question.asks_for(column)]

    def changed(self) -> list[Column]:
        """Columns that some run has shown to change and nothing has dismissed."""
        return [
            column
            for column in self.columns
            if column not in self.dismissed and any(column in reading.sightings for reading in self.readings)
        ]

    def dismiss(self, column: Column, reason: str) -> None:
        self.dismissed[column] = reason

    def all_have_changed(self) -> bool:
        """Whether every column that the stage computes has changed: which rows exist is then told by the way."""
        changed = set(self.changed())
        computed = [
            (name, column)
            for name, column in self.columns
            if column != EXISTENCE and column not in self.layouts[name].through
        ]
        return bool(changed) and all(column in changed for column in computed)

    # Privately

    def _lay_out(self) -> None:
        for name, full in self.whole.outputs.items():
            layout = layout_of(
                full,
                output=name,
                inputs=self.question.inputs,
                timetable=self.question.timetable,
                declarations=self.question.declarations,
            )
            if layout is not None:
                asked = tuple(column for column in layout.columns if self.question.asks_for((name, column)))
                self.layouts[name] = replace(layout, columns=asked)

    def _number_rows(self) -> None:
        """Let a row number ride along; it counts only if it changes nothing else."""
        numbered = self.run(Probe(), with_rows=True)
        carried = any(ROW in output.frame.columns for output in numbered.outputs.values())
        if not carried or not _are_alike(self.whole, numbered):
            return
        self.whole, self.with_rows, self.noise = numbered, True, {}
        self.layouts.clear()
        self._lay_out()

    def _measure_noise(self, again: Outcome) -> None:
        self.noise = {}
        everything = Probe(kind=ProbeKind.WHOLE, cut=int(self.stamps[-1]))
        for column, sighting in self._sightings(again, everything).items():
            self.noise[column] = sighting.change.gap
        for column, gap in self.noise.items():
            if gap > 1e-6:
                self.dismiss(column, "it differs between two equal runs")

    def _sightings(self, outcome: Outcome, probe: Probe) -> dict[Column, Sighting]:
        found: dict[Column, Sighting] = {}
        timetable = self.question.timetable
        left = rows_left(timetable.tables[timetable.main], probe)
        for name, layout in self.layouts.items():
            snapshot = outcome.outputs.get(name)
            if snapshot is None:
                continue
            comparison = compared(
                self.whole.outputs[name],
                snapshot,
                layout=layout,
                cut=probe.cut,
                noise={column: gap for (output, column), gap in (self.noise or {}).items() if output == name},
                probe_rows=left,
            )
            self.rows[name] = max(self.rows.get(name, 0), comparison.rows)
            for change in comparison.changes:
                found[name, change.column] = Sighting(probe=probe, change=change, snapshot=snapshot)
        return found


def question_of(
    chunks: Sequence[Chunk],
    inputs: Mapping[str, Any],
    declarations: Declarations,
    *,
    outputs: tuple[str, ...],
    stage: str,
    folder: str,
    seed: int,
    timeout_seconds: float,
) -> tuple[Question | None, tuple[str, ...]]:
    """The question, or None if nothing in the inputs has a time; and what to note about the inputs."""
    fit, unfit = packed_all(inputs)
    timetable = timetable_of(fit, declarations)
    if timetable is None:
        return None, tuple(unfit.values())
    question = Question(
        stage=stage,
        chunks=tuple(chunks),
        inputs=fit,
        plain=inputs,
        timetable=timetable,
        declarations=declarations,
        outputs=outputs,
        folder=folder,
        seed=seed,
        timeout_seconds=timeout_seconds,
    )
    return question, (*timetable.notes, *unfit.values())


def tried(question: Question, worker: Worker, *, cuts: int, notes: tuple[str, ...]) -> Replay:
    """The replay of a stage with a budget of so many cuts."""
    stamps = known_stamps(question.timetable)
    trial = Trial(question=question, worker=worker, budget=runs_at_most(cuts), stamps=stamps)
    worker.load(question.load())
    if len(distinct_stamps(question.timetable)) < 3:
        return _unassessed(trial, "the data have fewer than three different times", notes)
    if not trial.begin():
        return _unassessed(trial, f"the stage did not run: {trial.whole.error}", notes)
    if not trial.columns:
        return _answer(trial, notes)
    boundaries = boundaries_of(question.chunks, question.plain, question.timetable)
    _probe(trial, cuts, boundaries)
    if trial.changed():
        trial.repeat()
        _settle_fits(trial, boundaries)
        _settle_chance(trial, boundaries)
        _settle_doubts(trial)
        _bisect(trial)
    return _answer(trial, notes)


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


def _reach(trial: Trial, column: Column) -> Reach | None:
    found = farthest(trial.readings, column, trial.stamps)
    if found is None:
        return None
    sighting, least = found
    if spans_most(least, trial.rows_known):
        return Reach(length=least, is_whole=True, is_exact=True)
    if column[1] == EXISTENCE or earliest_row(sighting) is None:
        return Reach(length=least, is_whole=False, is_exact=False)
    low, high = bracket(trial.readings, column, sighting, trial.rows_known)
    closed = high - low == 1
    end = int(trial.rows_known[high]) if closed else next_known(trial.stamps, int(trial.rows_known[low]))
    length = max(least, end - sighting.change.earliest)
    return Reach(length=length, is_whole=False, is_exact=closed)


def _are_alike(plain: Outcome, numbered: Outcome) -> bool:
    """Whether two whole runs gave the same but for the row number that one of them carried."""
    for name, output in plain.outputs.items():
        other = numbered.outputs.get(name)
        if other is None or len(other.frame) != len(output.frame):
            return False
        if list(output.frame.columns) != [column for column in other.frame.columns if column != ROW]:
            return False
        for column in output.frame.columns:
            left, right = output.frame[column], other.frame[column]
            if (gaps_between(left, right, scale=scale_of(left)) > NOISE).any():
                return False
    return True


def _answer(trial: Trial, notes: tuple[str, ...]) -> Replay:
    columns = [_column(trial, column) for column in trial.columns]
    shown = [column for column in columns if column.column != EXISTENCE or column.verdict is Proof.CONFIRMED]
    return Replay(
        stage=trial.question.stage,
        columns=(*shown, *_passed(trial), *_undated(trial)),
        runs=trial.runs,
        cuts=_cuts(trial),
        power=_power(trial),
        notes=tuple(dict.fromkeys((*notes, *trial.whole.notes, *trial.whole.unseen, *trial.failures))),
    )


def _column(trial: Trial, column: Column) -> ColumnReplay:
    output, name = column
    if column in trial.dismissed or column not in trial.changed():
        return ColumnReplay(output=output, column=name, **_without_witness(trial, column))
    sighting = most_telling(trial.readings, column)
    reach = _reach(trial, column)
    if sighting is None or reach is None:  # pragma: no cover - it has changed
        raise KeyError(column)
    return ColumnReplay(
        output=output,
        column=name,
        verdict=Proof.CONFIRMED,
        witness=witness_of(sighting, trial.question),
        horizon=reach.text(trial.question.timetable),
        is_exact=reach.is_exact,
        rows_changed=max(len(sighting.change.rows), 1),
        plot=plotted(
            trial.whole.outputs[output],
            sighting,
            layout=trial.layouts[output],
            rows=rows_left(trial.question.timetable.tables[trial.question.timetable.main], sighting.probe),
        ),
    )


def _without_witness(trial: Trial, column: Column) -> dict[str, Any]:
    power = _power(trial)
    reason = trial.dismissed.get(column, "")
    fitted = reason.startswith("it is fitted")
    if reason and not fitted:
        return {"verdict": Proof.UNPROVED, "reason": reason}
    if trial.whole.unseen:
        return {"verdict": Proof.UNPROVED, "reason": "; ".join(trial.whole.unseen)}
    if not power.truncated and not power.altered:
        return {"verdict": Proof.UNPROVED, "reason": "; ".join(trial.failures) or "no cut could be made"}
    if trial.rows.get(column[0], 0) < _ROWS_TO_COMPARE:
        return {"verdict": Proof.UNPROVED, "reason": "hardly any of its rows lie before a cut"}
    return {"verdict": Proof.NOT_REPRODUCED, "reason": reason or str(power)}


def witness_of(sighting: Sighting, question: Question) -> Witness:
    """The record of a sighting."""
    change = sighting.change
    return Witness(
        stage=question.stage,
        output=change.output,
        column=change.column,
        row=change.key,
        cut=text_of(sighting.probe.cut, axis=question.timetable.axis),
        probe=str(sighting.probe),
        value_with_future=change.full,
        value_without_future=change.probe,
    )


def _passed(trial: Trial) -> list[ColumnReplay]:
    reason = (
        "it comes out as it went in although it is known only later: whether as the label, replay can't tell"
    )
    return [
        ColumnReplay(output=name, column=column, verdict=Proof.UNPROVED, reason=reason)
        for name, layout in trial.layouts.items()
        for column in layout.passed
        if trial.question.asks_for((name, column))
    ]


def _undated(trial: Trial) -> list[ColumnReplay]:
    """Outputs that were asked for and can't be dated; unasked, a table without a time is no feature table."""
    return [
        ColumnReplay(output=name, column=EXISTENCE, verdict=Proof.UNPROVED, reason=reason)
        for name, reason in trial.undated.items()
        if name in trial.question.names or not trial.layouts
    ]


def _unassessed(trial: Trial, reason: str, notes: tuple[str, ...]) -> Replay:
    names = trial.question.names or ("*",)
    return Replay(
        stage=trial.question.stage,
        columns=tuple(
            ColumnReplay(output=name, column=EXISTENCE, verdict=Proof.UNPROVED, reason=reason)
            for name in names
        ),
        runs=trial.runs,
        notes=notes,
    )


def _cuts(trial: Trial) -> tuple[str, ...]:
    stamps = sorted({reading.probe.cut for reading in trial.readings})
    return tuple(text_of(stamp, axis=trial.question.timetable.axis) for stamp in stamps)


def _power(trial: Trial) -> Power:
    kinds = [reading.probe.kind for reading in trial.readings]
    withheld = sum(kind is ProbeKind.WITHHELD for kind in kinds)
    return Power(truncated=withheld, altered=len(kinds) - withheld, rows=max(trial.rows.values(), default=0))
