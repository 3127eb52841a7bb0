"""Exact order statistics in bounded memory: small columns are asked at once, large ones narrowed down in passes.

A quantile doesn't spill in any backend. So the values of a long column are counted in equal slices between its
extremes; the slices that hold a wanted rank are fetched if they are few enough, else sliced again.
"""

from __future__ import annotations

import functools
import math
from decimal import ROUND_HALF_EVEN, Decimal
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from nbprod.validating.asking import Column, Rows, Scalar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from nbprod.validating.asking import Formula

# So many values are held at once without a thought: 96 MB of doubles.
FEW = 12_000_000
_SLICES = 4096


def nearest_ranks(table: Any, column: str, quantiles: Sequence[float], *, few: int = FEW) -> Formula:
    """Formula for the values nearest to the quantiles, as numpy's method 'nearest'; None of an empty table."""
    kept = _values(table, column)
    (total,) = yield (Scalar(kept.count(), over=kept),)
    if not total:
        return [None for _ in quantiles]
    ranks = [_nearest(quantile, total) for quantile in quantiles]
    found = yield from _at(kept, set(ranks), total, few)
    return [found[rank] for rank in ranks]


def middle(table: Any, column: str, *, few: int = FEW) -> Formula:
    """Formula for the median as a float, the mean of the two middle values of an even number of them."""
    kept = _values(table, column)
    (total,) = yield (Scalar(kept.count(), over=kept),)
    if not total:
        return None
    lower, upper = (total - 1) // 2, total // 2
    found = yield from _at(kept, {lower, upper}, total, few)
    low, high = float(found[lower]), float(found[upper])
    # As numpy: halfway from the lower one, which keeps an infinity what it is.
    return low if low == high else low + (high - low) * 0.5


def _values(table: Any, column: str) -> Any:
    values = table[column].cast("float64") if table[column].type().is_decimal() else table[column]
    return table.select(value=values)


def _nearest(quantile: float, count: int) -> int:
    exact = Decimal(quantile * (count - 1))
    return int(exact.to_integral_value(rounding=ROUND_HALF_EVEN))


def _at(kept: Any, ranks: set[int], total: int, few: int) -> Formula:
    if total > few:
        found = yield from _narrowed(_Stretch(kept=kept, ranks=frozenset(ranks)), few)
    elif kept.get_backend().name == "duckdb":
        found = yield from _disc(kept, sorted(ranks), total)
    else:
        found = yield from _sorted(kept, ranks)
    return found


def _disc(kept: Any, ranks: list[int], total: int) -> Formula:
    # Halfway between two ranks, so that no rounding leads to a neighbour.
    shares = [(rank + 0.5) / total for rank in ranks]
    (values,) = yield (Scalar(_quantile_disc(kept.value.type())(kept.value, shares), over=kept),)
    return dict(zip(ranks, values, strict=True))


@functools.cache
def _quantile_disc(kind: Any) -> Any:
    """DuckDB's own function of values at shares, none of them made up between two."""
    import ibis
    import ibis.expr.datatypes as types

    builtin: Any = ibis.udf.agg.builtin
    signature = ((kind, "array<float64>"), types.Array(kind))
    return builtin(lambda _values, _shares: None, name="quantile_disc", signature=signature)


def _sorted(kept: Any, ranks: Iterable[int]) -> Formula:
    import ibis

    placed = kept.mutate(rank=ibis.row_number().over(order_by=kept.value))
    (rows,) = yield (Rows(placed.filter(placed["rank"].isin(sorted(ranks)))),)
    return {row["rank"]: row["value"] for row in rows}


class _Stretch(Struct, frozen=True, kw_only=True):
    """Values among which some ranks are looked for; `offset` values are smaller than all of them."""

    kept: Any
    ranks: frozenset[int]
    offset: int = 0


def _narrowed(stretch: _Stretch, few: int) -> Formula:
    kept = stretch.kept
    low, high, count = yield (
        Scalar(kept.value.min(), over=kept),
        Scalar(kept.value.max(), over=kept),
        Scalar(kept.count(), over=kept),
    )
    if low == high:
        return dict.fromkeys(stretch.ranks, low)
    width = (high - low) / _SLICES
    if count <= few or not 0 < width < math.inf:
        found = yield from _at_hand(stretch, ())
        return found
    slice_of = ((kept.value - low) / width).floor().cast("int64").clip(upper=_SLICES - 1)
    sliced = kept.mutate(slice=slice_of)
    counts = sliced.group_by("slice").aggregate(n=sliced.count())
    (rows,) = yield (Rows(counts.order_by("slice")),)
    found = yield from _within(stretch, sliced, _wanted(stretch, rows), few)
    return found


class _Slice(Struct, frozen=True, kw_only=True):
    """One slice that holds wanted ranks, with how many values it has and how many are smaller."""

    number: int
    count: int
    offset: int
    ranks: frozenset[int]


def _wanted(stretch: _Stretch, rows: Sequence[Mapping[str, int]]) -> list[_Slice]:
    wanted, offset = [], stretch.offset
    for row in rows:
        ranks = frozenset(rank for rank in stretch.ranks if offset <= rank < offset + row["n"])
        if ranks:
            wanted.append(_Slice(number=row["slice"], count=row["n"], offset=offset, ranks=ranks))
        offset += row["n"]
    return wanted


def _within(stretch: _Stretch, sliced: Any, wanted: Sequence[_Slice], few: int) -> Formula:
    found: dict[int, Any] = {}
    if sum(one.count for one in wanted) <= few:
        numbers = [one.number for one in wanted]
        inside = _Stretch(kept=sliced.filter(sliced.slice.isin(numbers)).select("value"), ranks=stretch.ranks)
        found |= yield from _at_hand(inside, wanted)
        return found
    for one in wanted:
        narrower = sliced.filter(sliced.slice == one.number).select("value")
        found |= yield from _narrowed(_Stretch(kept=narrower, ranks=one.ranks, offset=one.offset), few)
    return found


def _at_hand(stretch: _Stretch, slices: Sequence[_Slice]) -> Formula:
    """The ranks among values that memory holds: all of a stretch, or of the slices that were fetched from it."""
    places = {rank: rank - stretch.offset for rank in stretch.ranks} if not slices else {}
    start = 0
    for one in slices:
        places |= {rank: start + rank - one.offset for rank in one.ranks}
        start += one.count
    (found,) = yield (Column(stretch.kept, functools.partial(_placed, places=places)),)
    return found


def _placed(batches: Iterator[Any], *, places: Mapping[int, int]) -> dict[int, Any]:
    import numpy as np

    values = np.concatenate(list(batches))
    values.sort()
    return {rank: values[place].item() for rank, place in places.items()}
