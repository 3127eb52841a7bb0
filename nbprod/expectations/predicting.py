"""A model's predictions beside the champion's: expectations whose reference is what the champion predicted."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from msgspec.structs import replace

from nbprod.expectations.chances import divergence_bound, outside_bound
from nbprod.expectations.drift import drift_suite
from nbprod.expectations.profile import Sort
from nbprod.model import Expectation, Importance, Suite

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nbprod.expectations.profile import ColumnProfile, Profile

_BINS = 10
# Fewer bins than these are a question of shares, which others ask.
_FEWEST_BINS = 3


def prediction_suite(
    reference: Profile,
    *,
    value: str = "predictions",
    columns: Sequence[str] = (),
    alarm_rate: float = 0.01,
    batch_rows: int | None = None,
) -> Suite:
    """What fresh predictions must keep so that they are distributed as the champion's, whose profile is the reference.

    `columns` names the predictions among the reference's columns, all of them if none. Without drift a batch of that
    size breaks the suite at most at `alarm_rate`, if its rows are independent.
    """
    wanted = tuple(one for one in reference.columns if not columns or one.name in columns)
    kept = replace(reference, columns=wanted)
    batch = batch_rows or max(reference.rows, 1)
    numbers = [one for one in wanted if one.sort is Sort.NUMBER and len(_edges(one)) > _FEWEST_BINS]
    rate = alarm_rate / 2 if numbers else alarm_rate
    suite = drift_suite(kept, value=value, alarm_rate=rate, batch_rows=batch_rows)
    shapes = [_shape(one, reference, batch=batch, chance=rate / len(numbers)) for one in numbers]
    found = [*suite.expectations, *(one for one in shapes if one is not None)]
    return Suite(
        value=value,
        expectations=tuple(replace(one, notes=f"The champion's predictions. {one.notes}") for one in found),
    )


def _edges(column: ColumnProfile) -> list[float]:
    last = len(column.ladder) - 1
    return (
        sorted({column.ladder[round(last * place / _BINS)] for place in range(_BINS + 1)}) if last > 0 else []
    )


def _shape(column: ColumnProfile, reference: Profile, *, batch: int, chance: float) -> Expectation | None:
    """The shares of the reference's tenths, as a bound on the divergence from them."""
    edges, present = _edges(column), reference.rows - column.nulls
    expected = max(round(batch * present / max(reference.rows, 1)), 1)
    rungs = [
        sum(low <= one < high or one == high == edges[-1] for one in column.ladder)
        for low, high in itertools.pairwise(edges)
    ]
    weights = [one / sum(rungs) for one in rungs]
    bound = divergence_bound([round(one * present) for one in weights], batch=expected, chance=chance)
    if bound is None:
        return None
    # What lies outside the reference's extremes is no drift as long as it is as rare as chance makes it.
    outside = max(outside_bound(present, batch=expected, chance=chance), 1e-6)
    return Expectation(
        type="expect_column_kl_divergence_to_be_less_than",
        arguments={
            "column": column.name,
            "partition_object": {"bins": list(edges), "weights": list(weights)},
            "threshold": bound + 2 * outside,
            "tail_weight_holdout": outside,
            "internal_weight_holdout": 1e-9,
        },
        notes=f"The shares of {len(weights)} ranges; chi-squared bound for a batch of {batch:,}.",
        importance=Importance.WARNING,
    )
