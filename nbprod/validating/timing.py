"""How a reference's rows lie in time: how many each hour or day has, and whether they stand in order."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from nbprod.expectations.timing import FEWEST_BUCKETS
from nbprod.validating.asking import Column, Rows
from nbprod.validating.counting import never_falls

if TYPE_CHECKING:
    from nbprod.validating.asking import Formula

_UNITS = {"day": ("D", dt.timedelta(days=1)), "hour": ("h", dt.timedelta(hours=1))}
_MOST_BUCKETS = 10_000


def timing(kept: Any, name: str, low: Any, high: Any) -> Formula:
    """Formula for what `ColumnProfile` says of a time, by its names; `kept` are the rows that have it."""
    moments = kept.select(value=kept[name].cast("timestamp"))
    # Where rows have no order of their own, none can be kept.
    is_ordered = kept.get_backend().name == "duckdb" and low != high
    rises = (yield (Column(moments, never_falls),))[0] if is_ordered else False
    unit = next(
        (
            one
            for one, (_, step) in _UNITS.items()
            if FEWEST_BUCKETS + 2 <= (high - low) / step <= _MOST_BUCKETS
        ),
        None,
    )
    if unit is None or (kept[name].type().is_date() and unit != "day"):
        return {"rises": rises}
    letter, step = _UNITS[unit]
    counted = moments.group_by(bucket=moments.value.truncate(letter)).aggregate(n=moments.count())
    (rows,) = yield (Rows(counted.order_by("bucket")),)
    return {"rises": rises, "bucket": unit, "bucket_rows": _between_ends(rows, step)}


def _between_ends(rows: list[dict[str, Any]], step: dt.timedelta) -> tuple[int, ...]:
    """The counts of the whole stretches, those without a row among them; the first and the last may be cut."""
    counts = {row["bucket"]: row["n"] for row in rows}
    first, last = rows[0]["bucket"], rows[-1]["bucket"]
    return tuple(counts.get(first + place * step, 0) for place in range(1, round((last - first) / step)))
