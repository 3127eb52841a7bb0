"""Time as code speaks of it: names of columns that hold times, lengths of time, periods and their offsets."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

_WORDS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")
_TIME_WORDS = frozenset(
    [
        "ts",
        "time",
        "date",
        "datetime",
        "timestamp",
        "dt",
        "day",
        "when",
        "ds",
        "epoch",
        "yyyymmdd",
        "tstamp",
        "stamp",
        "moment",
        "instant",
        "timepoint",
        "pub",
        "published",
        "utc",
        "hour",
        "minute",
        "week",
        "month",
        "quarter",
        "period",
        "asof",
        "dates",
        "times",
        "timestamps",
        "datetimes",
        "datum",
    ]
)
_CALENDAR_WORDS = frozenset(
    ["hour", "minute", "week", "month", "quarter", "day", "year", "season", "weekday"]
)
_SEQUENCE_WORDS = frozenset(
    ["id", "idx", "index", "seq", "sequence", "step", "order", "no", "nr", "row", "rn", "position", "frame", "cycle", "t",
     "tick", "round", "lap", "serial", "offset", "key"]
)  # fmt: skip
_NOT_TIME = frozenset(
    [
        "to",
        "of",
        "delta",
        "diff",
        "since",
        "until",
        "per",
        "spent",
        "between",
        "elapsed",
        "taken",
        "duration",
        "zone",
        "type",
        "format",
        "count",
        "num",
        "number",
        "n",
        "avg",
        "mean",
        "sum",
        "sin",
        "cos",
        "is",
        "has",
        "flag",
        "ago",
        "lag",
        "roll",
        "rolling",
        "name",
        "left",
        "lifetime",
        "part",
        "real",
        "run",
    ]
)

_DAY = timedelta(days=1)
_UNITS: dict[str, timedelta] = {
    "ns": timedelta(microseconds=1),
    "us": timedelta(microseconds=1),
    "ms": timedelta(milliseconds=1),
    "s": timedelta(seconds=1),
    "sec": timedelta(seconds=1),
    "second": timedelta(seconds=1),
    "t": timedelta(minutes=1),
    "min": timedelta(minutes=1),
    "m": timedelta(minutes=1),
    "minute": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "hr": timedelta(hours=1),
    "hour": timedelta(hours=1),
    "d": _DAY,
    "day": _DAY,
    "date": _DAY,
    "b": _DAY,
    "c": _DAY,
    "w": 7 * _DAY,
    "week": 7 * _DAY,
    "mo": 30 * _DAY,
    "ms_": 30 * _DAY,
    "me": 30 * _DAY,
    "mon": 30 * _DAY,
    "month": 30 * _DAY,
    "bme": 30 * _DAY,
    "bm": 30 * _DAY,
    "bms": 30 * _DAY,
    "sm": 15 * _DAY,
    "q": 91 * _DAY,
    "qe": 91 * _DAY,
    "qs": 91 * _DAY,
    "bq": 91 * _DAY,
    "bqe": 91 * _DAY,
    "quarter": 91 * _DAY,
    "y": 365 * _DAY,
    "a": 365 * _DAY,
    "ye": 365 * _DAY,
    "ys": 365 * _DAY,
    "as": 365 * _DAY,
    "year": 365 * _DAY,
}
# pandas labels these bars at their end
_RIGHT_LABELLED = frozenset(
    {"w", "m", "me", "q", "qe", "a", "y", "ye", "bm", "bme", "bq", "bqe", "ba", "bye"}
)
_LENGTH = re.compile(r"\s*([+-]?\d*\.?\d*)\s*([A-Za-z]+)(?:-[A-Za-z]+)?\s*")


def words(name: str) -> list[str]:
    """The words of a name in snake case or camel case, in lower case."""
    return [word.lower() for word in _WORDS.findall(name)]


def is_time_name(name: object) -> bool:
    """Whether a column of that name is likely to hold points in time."""
    if not isinstance(name, str) or not name:
        return False
    found = words(name)
    if found[:2] == ["as", "of"]:
        return True
    if not found or any(word in _NOT_TIME for word in found):
        return False
    if found[-1] in ("at", "on") and len(found) > 1:
        return True
    if found == ["at"]:
        return True
    if len(found) == 1 and found[0] in _CALENDAR_WORDS:
        return False
    if any(word in ("date", "datetime", "timestamp", "ts", "dt") for word in found):
        return True
    return found[-1] in _TIME_WORDS - _CALENDAR_WORDS or (found[0] in ("ts", "t") and len(found) == 1)


def is_sequence_name(name: object) -> bool:
    """Whether a column of that name is likely to number rows as they came."""
    found = words(name) if isinstance(name, str) else []
    if not found or (len(found) > 1 and found[-1] in ("id", "no", "nr", "key")):
        return False
    return found[-1] in _SEQUENCE_WORDS or found[-1] in _CALENDAR_WORDS


def is_calendar_name(name: object) -> bool:
    """Whether a column of that name is likely to hold a period: a month, a week, a year."""
    found = words(name) if isinstance(name, str) else []
    return bool(found) and found[-1] in _CALENDAR_WORDS and not any(word in _NOT_TIME for word in found)


def length(text: object) -> timedelta | None:
    """The length of time that a text such as `5min`, `W-SUN` or `1mo` names; months and years by their mean."""
    if isinstance(text, timedelta):
        return text
    if not isinstance(text, str):
        return None
    match = _LENGTH.fullmatch(text)
    if match is None:
        return None
    number, unit = match.groups()
    unit_length = _unit(unit)
    if unit_length is None:
        return None
    try:
        return unit_length * float(number or 1)
    except (ValueError, OverflowError):
        return None


def _unit(unit: str) -> timedelta | None:
    if unit in {"M", "MS"}:
        return 30 * _DAY
    lowered = unit.lower()
    return _UNITS.get(lowered) or _UNITS.get(lowered.rstrip("s"))


def labels_end(text: object) -> bool:
    """Whether pandas stamps bars of that frequency at their end unless told otherwise."""
    if not isinstance(text, str):
        return False
    unit = text.lstrip("0123456789").split("-")[0]
    return unit.lower() in _RIGHT_LABELLED and unit != "min"


def from_parts(parts: dict[str, Any]) -> timedelta | None:
    """The length of time that keyword arguments such as `days=1, hours=2` name."""
    total = timedelta(0)
    found = False
    for name, value in parts.items():
        unit = _unit(name) if name not in ("m", "ms") else None
        if unit is None or not isinstance(value, int | float):
            continue
        try:
            total += unit * value
        except (OverflowError, ValueError):
            return None
        found = True
    return total if found else None
