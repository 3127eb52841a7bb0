"""What the runs of one replay have shown, column by column, and what follows from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from msgspec import Struct

from nbprod.replaying.stamps import sorted_once, span_text
from nbprod.replaying.withhold import ProbeKind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from nbprod.replaying.compare import Change
    from nbprod.replaying.known import Timetable
    from nbprod.replaying.tables import Snapshot
    from nbprod.replaying.withhold import Probe

Column = tuple[str, str]


class Sighting(Struct, frozen=True, kw_only=True):
    """One column that changed in one run, with that run's output."""

    probe: Probe
    change: Change
    snapshot: Snapshot


class Reading(Struct, frozen=True, kw_only=True):
    """One run that went through: its probe, and what changed in each column (columns unchanged are absent)."""

    probe: Probe
    sightings: dict[Column, Sighting]


class Reach(Struct, frozen=True, kw_only=True):
    """How far past its own row a column was seen to read; `is_exact` if bisection closed in on it."""

    length: int
    is_whole: bool
    is_exact: bool

    def text(self, timetable: Timetable) -> str:
        if self.is_whole:
            return "the whole sample"
        return span_text(self.length, axis=timetable.axis, is_exact=self.is_exact)


def known_stamps(timetable: Timetable) -> NDArray[np.int64]:
    """Every time at which anything in the inputs becomes known, once each, in order."""
    tables = timetable.tables.values()
    stamps = np.concatenate([part for table in tables for part in (table.rows, *table.cells.values())])
    return sorted_once(stamps)


def next_known(stamps: NDArray[np.int64], cut: int) -> int:
    """The first time after a cut at which anything becomes known (the last one if there is none)."""
    place = int(np.searchsorted(stamps, cut, side="right"))
    return int(stamps[min(place, len(stamps) - 1)])


def farthest(
    readings: Iterable[Reading], column: Column, stamps: NDArray[np.int64]
) -> tuple[Sighting, int] | None:
    """The sighting that shows a column to read farthest ahead, and how far at least."""
    best: tuple[Sighting, int] | None = None
    for reading in readings:
        sighting = reading.sightings.get(column)
        if sighting is None:
            continue
        length = next_known(stamps, sighting.probe.cut) - sighting.change.earliest
        if best is None or length > best[1]:
            best = (sighting, length)
    return best


def most_telling(readings: Iterable[Reading], column: Column) -> Sighting | None:
    """The sighting to show: the future withheld rather than altered, then the largest change."""
    sightings = [found for reading in readings if (found := reading.sightings.get(column)) is not None]
    if not sightings:
        return None
    return max(
        sightings, key=lambda found: (found.probe.kind is ProbeKind.WITHHELD, min(found.change.gap, 1e6))
    )


def spans_most(length: int, stamps: NDArray[np.int64]) -> bool:
    """Whether a reach covers so much of the data that only their end bounds it."""
    return length >= 0.5 * float(stamps[-1] - stamps[0])


def bracket(
    readings: Iterable[Reading], column: Column, sighting: Sighting, times: NDArray[np.int64]
) -> tuple[int, int]:
    """Numbers of the times between which the sighting's earliest row stops changing: (changes, settled).

    At the last time nothing is withheld, so it is settled there at the latest.
    """
    low = _number(times, sighting.probe.cut)
    high = len(times) - 1
    row = earliest_row(sighting)
    for reading in readings:
        if reading.probe.kind is not sighting.probe.kind:
            continue
        seen = reading.sightings.get(column)
        if seen is not None and row is not None and row in seen.change.rows:
            low = max(low, _number(times, reading.probe.cut))
        elif reading.probe.cut > sighting.probe.cut:
            high = min(high, _number(times, reading.probe.cut))
    return low, max(high, low + 1)


def _number(times: NDArray[np.int64], cut: int) -> int:
    """The number of the last time at or before a cut."""
    return max(int(np.searchsorted(times, cut, side="right")) - 1, 0)


def earliest_row(sighting: Sighting) -> int | None:
    """The position of the changed row that a sighting's reach is measured from; None if rows only appeared."""
    change = sighting.change
    return change.earliest_row if len(change.rows) else None
