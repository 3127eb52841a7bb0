"""What one replay answers, column by column."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbprod.model import Proof, Witness
from nbprod.replaying.compare import EXISTENCE
from nbprod.replaying.evidence import (
    Column,
    Reach,
    Sighting,
    bracket,
    earliest_row,
    farthest,
    most_telling,
    next_known,
    spans_most,
)
from nbprod.replaying.plot import plotted
from nbprod.replaying.report import ColumnReplay, Power, Replay
from nbprod.replaying.stamps import text_of
from nbprod.replaying.withhold import ProbeKind, rows_left

if TYPE_CHECKING:
    from nbprod.replaying.trial import Question, Trial

_ROWS_TO_COMPARE = 3


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


def answer(trial: Trial, notes: tuple[str, ...]) -> Replay:
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


def unassessed(trial: Trial, reason: str, notes: tuple[str, ...]) -> Replay:
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
