"""Time columns: where they lie from a clock, and what calendar arithmetic does to that."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from nbprod.leakage.horizon import NO_TIME

if TYPE_CHECKING:
    from collections.abc import Mapping

TAU = ""


class Bound(Struct, frozen=True, kw_only=True):
    """Where a time column lies: `low <= column - clock <= high`, None for no bound.

    `grid` names the calendar unit whose starts are its only values (`date_trunc`), `cells` how many whole units
    were added since; `within` is then the bound of what was truncated, None where the clock itself is on the grid.
    """

    clock: str = TAU
    low: timedelta | None = NO_TIME
    high: timedelta | None = NO_TIME
    grid: str = ""
    cells: int = 0
    within: tuple[timedelta | None, timedelta | None] | None = (NO_TIME, NO_TIME)

    @property
    def is_exact(self) -> bool:
        """Whether it orders rows as the clock does: moved by a constant, or by whole units on the clock's grid."""
        return (self.low is not None and self.low == self.high) or (bool(self.grid) and self.within is None)

    def truncated(self, unit: str) -> Bound:
        """The start of the unit that holds it."""
        if unit == self.grid:
            return self
        return _on_grid(self.clock, unit=unit, cells=0, within=(self.low, self.high))

    def plus(self, *, time: timedelta = NO_TIME, months: int = 0) -> Bound:
        """It, a period later. Whole units added to a unit's start never fall short of the unit's end."""
        cells = _cells(self.grid, time=time, months=months)
        if cells is not None and self.within is not None:
            return _on_grid(self.clock, unit=self.grid, cells=self.cells + cells, within=self.within)
        shortest, longest = sorted((months * _DAYS["month"][0], months * _DAYS["month"][1]))
        low, high = timedelta(days=shortest) + time, timedelta(days=longest) + time
        moved = Bound(clock=self.clock, low=plus(self.low, low), high=plus(self.high, high))
        return (
            moved if cells is None else replace(moved, grid=self.grid, cells=self.cells + cells, within=None)
        )

    def next(self, cells: int = 1) -> Bound:
        """It, so many of its units later."""
        if self.grid in _MONTHS:
            return self.plus(months=cells * _MONTHS[self.grid])
        return self.plus(time=cells * longest(self.grid))


# The fewest and the most days of a unit.
_DAYS: Mapping[str, tuple[float, float]] = {
    "microsecond": (1e-6 / 86400, 1e-6 / 86400),
    "millisecond": (1e-3 / 86400, 1e-3 / 86400),
    "second": (1 / 86400, 1 / 86400),
    "minute": (1 / 1440, 1 / 1440),
    "hour": (1 / 24, 1 / 24),
    "day": (1, 1),
    "week": (7, 7),
    "month": (28, 31),
    "quarter": (90, 92),
    "year": (365, 366),
}


UNITS = frozenset(_DAYS)


_MONTHS = {"month": 1, "quarter": 3, "year": 12}


def longest(unit: str) -> timedelta:
    """The longest duration that one unit takes."""
    return span_of(unit)[1]


def unit_of(time: timedelta) -> str:
    """The name of a unit that takes just that long: buckets of 6 hours, say."""
    return f"{time.total_seconds()!r} s"


def span_of(unit: str) -> tuple[timedelta, timedelta]:
    if unit in _DAYS:
        fewest, most = _DAYS[unit]
        return timedelta(days=fewest), timedelta(days=most)
    exact = timedelta(seconds=float(unit.removesuffix(" s")))
    return exact, exact


def _on_grid(
    clock: str, *, unit: str, cells: int, within: tuple[timedelta | None, timedelta | None]
) -> Bound:
    short, long = span_of(unit)
    # start of the unit + n units - time, for a time anywhere in the unit
    low = (cells - 1) * (short if cells > 0 else long)
    high = cells * (long if cells > 0 else short)
    return Bound(
        clock=clock,
        low=plus(within[0], low),
        high=plus(within[1], high),
        grid=unit,
        cells=cells,
        within=within,
    )


def _cells(grid: str, *, time: timedelta, months: int) -> int | None:
    if not grid or (months and time):
        return None
    if grid in _MONTHS:
        return months // _MONTHS[grid] if not time and months % _MONTHS[grid] == 0 else None
    unit = longest(grid)
    return time // unit if not months and time % unit == NO_TIME else None


def plus(one: timedelta | None, two: timedelta | None) -> timedelta | None:
    return None if one is None or two is None else one + two
