"""One replay's question, and its runs as they come in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct, field
from msgspec.structs import replace

from nbprod.replaying.compare import EXISTENCE, NOISE, compared, gaps_between, scale_of
from nbprod.replaying.cuts import distinct_stamps
from nbprod.replaying.evidence import (
    Column,
    Reading,
    Sighting,
)
from nbprod.replaying.known import Timetable, timetable_of
from nbprod.replaying.layout import Layout, layout_of
from nbprod.replaying.tables import ROW, Packed, packed_all
from nbprod.replaying.withhold import Probe, ProbeKind, rows_left
from nbprod.replaying.worker import Load, Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from nbprod.replaying.report import Chunk, Declarations, OnRun
    from nbprod.replaying.workers import Worker


class Question(Struct, frozen=True, kw_only=True):
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


class Trial(Struct):
    """The runs of one replay as they come in; `budget` is how many are left, `on_run` is told before each."""

    question: Question
    worker: Worker
    budget: int
    stamps: NDArray[np.int64]
    on_run: OnRun | None = None
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
        if self.on_run is not None:
            self.on_run(self.runs, self.runs + self.budget)
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
