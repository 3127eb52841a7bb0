"""Times as whole numbers on one axis, so that cuts can be compared whatever library holds the column.

Real times become nanoseconds in UTC (a column without a zone is taken as UTC); whole numbers stay what they are;
other numbers count in millionths. A missing time is `NEVER`: what waits for it is never known.
"""

from __future__ import annotations

import re
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from numpy.typing import NDArray

NEVER = np.iinfo(np.int64).max
_MILLIONTHS = 1_000_000
_UNITS = (
    ("day", 86_400_000_000_000),
    ("hour", 3_600_000_000_000),
    ("minute", 60_000_000_000),
    ("second", 1_000_000_000),
    ("millisecond", 1_000_000),
    ("microsecond", 1_000),
)
_WITH_DELAY = re.compile(r"^(?P<column>.+?)\s*\+\s*(?P<delay>\d.*)$")


class Axis(StrEnum):
    """What a stage's time column counts in."""

    TIME = "time"
    WHOLE = "whole"
    REAL = "real"


def axis_of(values: Any) -> Axis | None:
    """The axis that a column of times lies on, or None if its values are no times."""
    series = pd.Series(values)
    if pd.api.types.is_bool_dtype(series.dtype):
        return None
    if pd.api.types.is_integer_dtype(series.dtype):
        return Axis.WHOLE
    if pd.api.types.is_float_dtype(series.dtype):
        return Axis.REAL
    return Axis.TIME if _as_times(series) is not None else None


def stamps_of(values: Any, *, axis: Axis) -> NDArray[np.int64] | None:
    """The column's times on that axis, or None if its values don't lie on it."""
    series = pd.Series(values).reset_index(drop=True)
    match axis:
        case Axis.TIME:
            times = _as_times(series)
            return None if times is None else _nanoseconds(times)
        case Axis.WHOLE | Axis.REAL:
            if not pd.api.types.is_numeric_dtype(series.dtype):
                return None
            factor = 1 if axis is Axis.WHOLE else _MILLIONTHS
            numbers = series.to_numpy(dtype="float64", na_value=np.nan)
            if pd.api.types.is_integer_dtype(series.dtype) and factor == 1 and not series.isna().any():
                return series.to_numpy(dtype="int64")
            missing = ~np.isfinite(numbers)
            stamps = np.round(np.where(missing, 0, numbers) * factor).astype("int64")
            return np.where(missing, NEVER, stamps)


def sorted_once(stamps: NDArray[np.int64]) -> NDArray[np.int64]:
    """The different stamps in order, without `NEVER`."""
    distinct: NDArray[np.int64] = np.unique(stamps[stamps != NEVER])
    return distinct


def is_moment(values: Any) -> bool:
    """Whether a column holds dates or times as such (not numbers, not text)."""
    series = pd.Series(values)
    if pd.api.types.is_datetime64_any_dtype(series.dtype) or isinstance(series.dtype, pd.PeriodDtype):
        return True
    if series.dtype != object:
        return False
    present = series.dropna()
    return len(present) > 0 and all(isinstance(value, date) for value in present.head(50))


def source_and_delay(known_at: str, columns: list[str]) -> tuple[str, int]:
    """The column of a known-at declaration and the delay after it in nanoseconds: `"ts + 1 day"`.

    Raises ValueError if the delay is none.
    """
    if known_at in columns:
        return known_at, 0
    found = _WITH_DELAY.match(known_at)
    if found is None:
        return known_at, 0
    return found["column"], int(pd.Timedelta(found["delay"]).value)


def text_of(stamp: int, *, axis: Axis) -> str:
    """A stamp as people and witnesses write it; `stamp_of` reads it back."""
    match axis:
        case Axis.TIME:
            return pd.Timestamp(stamp).isoformat()
        case Axis.WHOLE:
            return str(stamp)
        case Axis.REAL:
            return str(stamp / _MILLIONTHS)


def stamp_of(text: str, *, axis: Axis) -> int:
    """The stamp that `text_of` wrote."""
    match axis:
        case Axis.TIME:
            return int(pd.Timestamp(text).as_unit("ns").value)
        case Axis.WHOLE:
            return int(text)
        case Axis.REAL:
            return round(float(text) * _MILLIONTHS)


def span_text(length: int, *, axis: Axis, is_exact: bool = True) -> str:
    """A stretch of time in the largest unit that says it exactly: `24 hours`, `3 days`, `7 steps`.

    One that is no more than a lower bound is rounded down to a unit of which it has two.
    """
    if axis is not Axis.TIME:
        amount = length if axis is Axis.WHOLE else length / _MILLIONTHS
        return f"{amount} step" if amount == 1 else f"{amount} steps"
    for unit, size in _UNITS:
        count = length // size
        if count > 1 and (length % size == 0 or not is_exact):
            return f"{count} {unit}s"
        if count == 1 and length % size == 0 and unit != "day":
            return f"1 {unit}"
    return f"{length} nanoseconds"


def _nanoseconds(times: Any) -> NDArray[np.int64]:
    stamps: NDArray[np.int64] = times.astype("datetime64[ns, UTC]").astype("int64").to_numpy(copy=True)
    stamps[times.isna().to_numpy()] = NEVER
    return stamps


def _as_times(series: Any) -> Any:
    """The series with a zone, or None if it holds no times; dates and text in ISO form count as times."""
    if isinstance(series.dtype, pd.PeriodDtype):
        series = series.dt.start_time
    if isinstance(series.dtype, pd.DatetimeTZDtype):
        return series.dt.tz_convert("UTC")
    if pd.api.types.is_datetime64_dtype(series.dtype):
        return series.dt.tz_localize("UTC")
    if pd.api.types.is_numeric_dtype(series.dtype) or pd.api.types.is_timedelta64_dtype(series.dtype):
        return None
    present = series.dropna()
    if present.empty or not all(isinstance(value, date | str) for value in present.head(50)):
        return None
    times = pd.to_datetime(series.astype(object), utc=True, errors="coerce", format="mixed")
    return times if times.notna().sum() >= 0.9 * len(present) else None
