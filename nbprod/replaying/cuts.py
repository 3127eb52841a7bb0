"""Where to cut: few times at which as many ways of reading the future as possible would show.

A leak of one step shows only where the next step matters: a backward fill at a gap, a bar's total inside the bar, an
event's value between the event and its publication, a level's code before the level is born. Each candidate time
bears the conditions that hold there, and cuts are picked greedily until all conditions are covered, then again.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from msgspec import Struct

from nbprod.replaying.stamps import NEVER, Axis, sorted_once, stamps_of
from nbprod.replaying.tables import column_of, columns_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from nbprod.replaying.known import Knowledge, Timetable
    from nbprod.replaying.tables import Packed

_CANDIDATES = 400
_REPEATED = 0.35
_LEVELS = 60
_BARS = ("h", "D", "W", "M", "Q", "Y")
_FIRST = 3


class _Condition(Struct, frozen=True, kw_only=True):
    """What holds at which of the main table's distinct times, and what it is worth to cut there."""

    name: str
    holds: NDArray[np.bool_]
    weight: float


def distinct_stamps(timetable: Timetable) -> NDArray[np.int64]:
    """The main table's times, once each, in order."""
    return sorted_once(timetable.tables[timetable.main].rows)


def chosen_cuts(
    inputs: Mapping[str, Packed], timetable: Timetable, *, count: int, after: int | None, seed: int
) -> list[int]:
    """So many different stamps to cut at, the most telling first; none before `after` as far as that suffices.

    The very first times are never cut at, and the early ones only by altering: what lacks a past is warming up,
    and a prefix of few rows makes many stages raise.
    """
    stamps = distinct_stamps(timetable)
    candidates = _candidates(stamps, after=after, seed=seed)
    if not len(candidates):
        return []
    conditions = list(_conditions(inputs, timetable, stamps))
    holds = np.array([condition.holds[candidates] for condition in conditions])
    weights = np.array([condition.weight for condition in conditions])
    covered: Counter[int] = Counter()
    chosen: list[int] = []
    while len(chosen) < min(count, len(candidates)):
        worth = weights * _REPEATED ** np.array([covered[number] for number in range(len(conditions))])
        score = worth @ holds
        score[chosen] = -np.inf
        best = int(np.argmax(score))
        covered.update(np.flatnonzero(holds[:, best]).tolist())
        chosen.append(best)
    return [int(stamps[candidates[place]]) for place in chosen]


def _candidates(stamps: NDArray[np.int64], *, after: int | None, seed: int) -> NDArray[np.intp]:
    """Numbers of the times that may be cut at: all, or a dense early part, the latest and a draw of the rest."""
    first = min(_FIRST, max(len(stamps) - 2, 0))
    numbers: NDArray[np.intp] = np.arange(first, len(stamps) - 1)
    if after is not None and (late := numbers[stamps[numbers] >= after]).size:
        numbers = late
    if len(numbers) <= _CANDIDATES:
        return numbers
    early = np.unique(np.geomspace(1, len(numbers), 60).astype(int)) - 1
    drawn = np.random.default_rng(seed).choice(len(numbers), _CANDIDATES, replace=False)
    few: NDArray[np.intp] = numbers[np.unique(np.r_[early, drawn, len(numbers) - 1, len(numbers) - 2])]
    return few


def _conditions(
    inputs: Mapping[str, Packed], timetable: Timetable, stamps: NDArray[np.int64]
) -> Iterator[_Condition]:
    share = np.arange(len(stamps)) / max(len(stamps) - 1, 1)
    yield _Condition(name="early", holds=(share > 0.02) & (share < 0.12), weight=1.5)
    yield _Condition(name="middle", holds=(share > 0.35) & (share < 0.65), weight=1.0)
    yield _Condition(name="late", holds=(share > 0.8) & (share < 0.97), weight=1.2)
    yield _Condition(name="end", holds=np.arange(len(stamps)) == len(stamps) - 2, weight=0.6)
    if timetable.axis is Axis.TIME:
        yield from _bars(stamps)
    main = timetable.tables[timetable.main]
    payload = inputs[timetable.main].payload
    yield from _waiting(timetable, inputs, stamps)
    for column in columns_of(payload):
        if column not in main.sources:
            yield from _of_column(column, column_of(payload, column), main, stamps)


def _bars(stamps: NDArray[np.int64]) -> Iterator[_Condition]:
    """Inside a bar of a length that the data have many of: the next time lies in the same bar."""
    times = pd.DatetimeIndex(stamps)
    for bar in _BARS:
        numbers = times.to_period(bar).asi8
        starts = np.r_[True, numbers[1:] != numbers[:-1]]
        inside = ~starts & np.r_[~starts[1:], False]
        if inside.any() and starts.sum() > 1:
            yield _Condition(name=f"inside {bar}", holds=inside, weight=0.6)


def _waiting(
    timetable: Timetable, inputs: Mapping[str, Packed], stamps: NDArray[np.int64]
) -> Iterator[_Condition]:
    """Between an event and its becoming known."""
    for name, table in timetable.tables.items():
        for column, known in table.cells.items():
            yield _Condition(name=f"unknown {column}", holds=_between(table.rows, known, stamps), weight=1.0)
        if table.time == timetable.time or not table.time:
            continue
        payload = inputs[name].payload
        for column in columns_of(payload):
            events = stamps_of(column_of(payload, column), axis=timetable.axis)
            if column not in table.sources and events is not None:
                holds = _between(events, table.rows, stamps)
                yield _Condition(name=f"unpublished {name}", holds=holds, weight=1.5)


def _between(
    starts: NDArray[np.int64], ends: NDArray[np.int64], stamps: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Where some interval has begun and not ended; it must have ended within the data to be seen at all."""
    proper = (starts < ends) & (starts != NEVER)
    begun = np.searchsorted(np.sort(starts[proper]), stamps, side="right")
    ended = np.searchsorted(np.sort(ends[proper]), stamps, side="right")
    waiting: NDArray[np.bool_] = begun > ended
    return waiting


def _of_column(column: str, values: Any, main: Knowledge, stamps: NDArray[np.int64]) -> Iterator[_Condition]:
    numeric = pd.api.types.is_numeric_dtype(values.dtype) and not pd.api.types.is_bool_dtype(values.dtype)
    if values.isna().any():
        yield _Condition(name=f"gap {column}", holds=_gaps(values, main.rows, stamps), weight=1.2)
    if numeric:
        yield from _turns(column, _by_time(values, main.rows, stamps))
    elif values.astype(str).nunique() <= _LEVELS:
        yield from _lives(column, values.astype(str), main.rows, stamps)


def _gaps(values: Any, rows: NDArray[np.int64], stamps: NDArray[np.int64]) -> NDArray[np.bool_]:
    """A value is missing at the time, and present at the next."""
    missing = values.isna().to_numpy()
    dated = rows != NEVER
    places = np.searchsorted(stamps, rows[dated])
    some_missing = np.bincount(places, weights=missing[dated], minlength=len(stamps)) > 0
    some_present = np.bincount(places, weights=~missing[dated], minlength=len(stamps)) > 0
    straddled: NDArray[np.bool_] = some_missing & np.r_[some_present[1:], False]
    return straddled


def _by_time(values: Any, rows: NDArray[np.int64], stamps: NDArray[np.int64]) -> NDArray[np.float64]:
    """One value for each time, of whichever row."""
    numbers = values.to_numpy(dtype="float64", na_value=np.nan)
    found = np.full(len(stamps), np.nan)
    dated = rows != NEVER
    found[np.searchsorted(stamps, rows[dated])] = numbers[dated]
    return found


def _turns(column: str, series: NDArray[np.float64]) -> Iterator[_Condition]:
    """At a peak, at a trough, and in the middle of a rise or a fall."""
    step = np.diff(series, prepend=np.nan, append=np.nan)
    before, after = step[:-1], step[1:]
    same = np.r_[False, before[1:] * before[:-1] > 0]
    for name, holds in (
        ("peak", (before > 0) & (after < 0) & same),
        ("trough", (before < 0) & (after > 0) & same),
        ("rise", (before > 0) & (after > 0) & same),
        ("fall", (before < 0) & (after < 0) & same),
    ):
        yield _Condition(name=f"{name} {column}", holds=holds, weight=0.5)
    ahead_up = series < np.r_[np.fmax.accumulate(series[::-1])[::-1][1:], np.nan]
    ahead_down = series > np.r_[np.fmin.accumulate(series[::-1])[::-1][1:], np.nan]
    yield _Condition(name=f"higher ahead {column}", holds=ahead_up, weight=0.3)
    yield _Condition(name=f"lower ahead {column}", holds=ahead_down, weight=0.3)


def _lives(
    column: str, values: Any, rows: NDArray[np.int64], stamps: NDArray[np.int64]
) -> Iterator[_Condition]:
    """Before a level is born, just after one is, and before the last of one."""
    lives = pd.DataFrame({"level": values, "stamp": rows})[rows != NEVER].groupby("level")["stamp"]
    births, deaths = lives.min().to_numpy(), lives.max().to_numpy()
    late_births = births[births > stamps[min(_FIRST, len(stamps) - 1)]]
    early_deaths = deaths[deaths < stamps[-1]]
    if len(late_births):
        unborn = stamps < late_births.max()
        yield _Condition(name=f"unborn {column}", holds=unborn, weight=1.0)
        yield _Condition(name=f"born {column}", holds=np.isin(stamps, late_births), weight=0.6)
    if len(early_deaths):
        yield _Condition(name=f"dying {column}", holds=stamps < early_deaths.max(), weight=0.6)
