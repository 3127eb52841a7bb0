"""Exact quantiles in bounded memory: the values at given ranks, bracketed in passes where a column is long.

Sorting a long column, or DuckDB's own quantiles, hold all of it at once. A pass counts the values in equal slices
between two bounds; the slice that holds a wanted rank becomes the next pass's bounds, until few values remain.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal
from typing import TYPE_CHECKING, Any

from nbprod.validating.asking import Rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from nbprod.validating.asking import Formula

# So many values are sorted at once without a thought: 16 MB of doubles.
FEW = 2_000_000
_SLICES = 4096


def nearest_ranks(table: Any, column: str, quantiles: Sequence[float], *, few: int = FEW) -> Formula:
    """Formula for the values nearest to the quantiles, as numpy's method 'nearest'; None of an empty table."""
    values = table[column].cast("float64") if table[column].type().is_decimal() else table[column]
    kept = table.select(value=values)
    (count,) = yield (Rows(kept.aggregate(n=kept.count())),)
    total = count[0]["n"]
    if not total:
        return [None for _ in quantiles]
    ranks = [_nearest(quantile, total) for quantile in quantiles]
    found: dict[int, Any] = {}
    if total <= few:
        found = yield from _sorted(kept, set(ranks))
    else:
        for rank in sorted(set(ranks)):
            found[rank] = yield from _bracketed(kept, rank, few)
    return [found[rank] for rank in ranks]


def _nearest(quantile: float, count: int) -> int:
    exact = Decimal(quantile * (count - 1))
    return int(exact.to_integral_value(rounding=ROUND_HALF_EVEN))


def _sorted(kept: Any, ranks: Iterable[int]) -> Formula:
    import ibis

    placed = kept.mutate(rank=ibis.row_number().over(order_by=kept.value))
    (rows,) = yield (Rows(placed.filter(placed["rank"].isin(sorted(ranks)))),)
    return {row["rank"]: row["value"] for row in rows}


def _bracketed(kept: Any, rank: int, few: int) -> Formula:
    import ibis

    inside, offset = kept, 0
    while True:
        (rows,) = yield (
            Rows(inside.aggregate(low=inside.value.min(), high=inside.value.max(), n=inside.count())),
        )
        low, high, count = rows[0]["low"], rows[0]["high"], rows[0]["n"]
        width = (high - low) / _SLICES
        if low == high:
            return low
        if count <= few or not 0 < width < float("inf"):
            found = yield from _sorted(inside, {rank - offset})
            return found[rank - offset]
        slice_of = ((inside.value - low) / width).floor().cast("int64").clip(upper=_SLICES - 1)
        sliced = inside.mutate(slice=slice_of)
        counts = sliced.group_by("slice").aggregate(n=sliced.count())
        (slices,) = yield (Rows(counts.order_by("slice")),)
        for one in slices:
            if offset + one["n"] > rank:
                inside = sliced.filter(sliced.slice == ibis.literal(one["slice"])).select("value")
                break
            offset += one["n"]
