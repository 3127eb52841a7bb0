"""Expectations on what comes in as time goes: how many rows an hour or a day brings, and in which order they stand."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from nbprod.expectations.chances import counts_band
from nbprod.expectations.queries import quoted
from nbprod.expectations.tails import Figure, joint_bands
from nbprod.model import Expectation, Importance

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nbprod.expectations.profile import ColumnProfile

# Fewer hours or days tell nothing of the next one.
FEWEST_BUCKETS = 15
# The logarithm of more rows than any hour has.
_MOST_TO_TELL = 40.0


def in_order(column: ColumnProfile) -> Iterator[Expectation]:
    """Rows that stood in the order of a time go on doing so."""
    if column.rises:
        yield Expectation(
            type="expect_column_values_to_be_increasing",
            arguments={"column": column.name},
            notes="The reference's rows stand in the order of this time.",
        )


def has_volume(column: ColumnProfile) -> bool:
    """Whether the reference is long enough to say how many rows an hour or a day brings."""
    # Braces would be taken for a place in the query's text.
    is_plain = not set(column.name) & set("{}")
    return is_plain and column.bucket is not None and len(column.bucket_rows) >= FEWEST_BUCKETS


def volume_by_time(column: ColumnProfile, *, batch: int, chance: float) -> Expectation | None:
    """How many rows each whole hour or day of a batch has; its first and last may be cut.

    The chance is split over the hours or days that a batch of so many rows spans. None where they differ too wildly.
    """
    seen, unit = column.bucket_rows, column.bucket or "day"
    spanned = max(math.ceil(batch * len(seen) / max(sum(seen), 1)), 1)
    low, high = _bounds(seen, chance=chance / spanned)
    if not math.isfinite(high):
        return None
    least, most = max(math.floor(low), 0), math.ceil(high)
    gap = f" OR nbprod_{unit} > earlier + INTERVAL 1 {unit.upper()}" if least else ""
    name = quoted(column.name)
    # Nobody but the notebook's own author names the column; its quotes are doubled.
    query = (
        f"SELECT nbprod_{unit}, n FROM (SELECT nbprod_{unit}, n, "  # noqa: S608
        f"lag(nbprod_{unit}) OVER (ORDER BY nbprod_{unit}) AS earlier, "
        f"lead(nbprod_{unit}) OVER (ORDER BY nbprod_{unit}) AS later FROM "
        f"(SELECT date_trunc('{unit}', {name}) AS nbprod_{unit}, count(*) AS n FROM {{batch}} "
        f"WHERE {name} IS NOT NULL GROUP BY 1) AS counted) AS placed WHERE earlier IS NOT NULL "
        f"AND ((later IS NOT NULL AND n NOT BETWEEN {least} AND {most}){gap})"
    )
    return Expectation(
        type="unexpected_rows_expectation",
        arguments={"unexpected_rows_query": query},
        description=f"Each {unit} of {column.name} has {_range(least, most)} rows.",
        notes=f"{len(seen):,} whole {unit}s of the reference have {_range(min(seen), max(seen))} rows each.",
        importance=Importance.WARNING,
    )


def _range(least: int, most: int) -> str:
    return f"{least:,}" if least == most else f"{least:,} to {most:,}"


def _bounds(seen: Sequence[int], *, chance: float) -> tuple[float, float]:
    """How many rows the next hour or day has: as many as chance allows, or where they differ more, by how they do."""
    # Half a row more, so that an hour without a row has a logarithm as well.
    figure = Figure(
        values=tuple(math.log(one + 0.5) for one in seen),
        least=0.5 / math.sqrt(max(sum(seen), 1) / len(seen)),
    )
    band = joint_bands({"": figure}, chance=chance)[""]
    wide = (math.exp(band.low) - 0.5, math.exp(band.high) if band.high < _MOST_TO_TELL else math.inf)
    by_chance = counts_band(seen, chance=chance)
    if by_chance is None:
        return wide
    return max(wide[0], by_chance[0]), min(wide[1], by_chance[1])
