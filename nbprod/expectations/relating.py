"""Expectations on how columns go together, on how much comes in, and on how new it is, from a profile."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from nbprod.expectations.chances import prediction_band, share_bound
from nbprod.expectations.profile import Sort
from nbprod.expectations.queries import quoted
from nbprod.model import Expectation, Importance

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nbprod.expectations.profile import ColumnProfile, Correlation, Dependency, Profile
    from nbprod.model import Json

# Fewer batches tell nothing of how batches differ.
FEW_BATCHES = 5


def settled(one: Dependency, *, batch: int, chance: float) -> Expectation:
    """One column's value settles another's: the pairs seen, and how often a fresh batch may bring one not yet seen."""
    share = share_bound(one.singletons, one.rows, batch=batch, chance=chance)
    mostly = math.floor((1 - share) * 1e6) / 1e6
    arguments: dict[str, Json] = {
        "column_A": one.settles,
        "column_B": one.settled,
        "value_pairs_set": [list(pair) for pair in one.pairs],
        "ignore_row_if": "either_value_is_missing",
    }
    if mostly < 1:
        arguments["mostly"] = mostly
    return Expectation(
        type="expect_column_pair_values_to_be_in_set",
        arguments=arguments,
        notes=f"In the reference '{one.settles}' settles '{one.settled}': {len(one.pairs)} pairs in {one.rows:,} rows; "
        f"up to {1 - mostly:.4%} of a batch may break it.",
    )


def correlated(one: Correlation, *, batch: int, chance: float) -> Expectation:
    """Two columns go together as they did: bounds on Fisher's angle, said as bounds on the correlation."""
    from scipy.stats import norm

    reach = float(norm.ppf(1 - chance / 2)) * one.spread / math.sqrt(max(batch, 4))
    low, high = one.angle - reach, one.angle + reach
    if len(one.batch_angles) >= FEW_BATCHES:
        wide = prediction_band(one.batch_angles, chance=chance)
        low, high = min(low, wide[0]), max(high, wide[1])
    # Rounded outward, so that the text stays short and the bound holds.
    bounds = (math.floor(math.tanh(low) * 1e4) / 1e4, math.ceil(math.tanh(high) * 1e4) / 1e4)
    left, right = (f"CAST({quoted(name)} AS DOUBLE)" for name in (one.left, one.right))
    # Nobody but the notebook's own author names the columns; their quotes are doubled.
    query = (
        f"SELECT corr({left}, {right}) AS correlation FROM {{batch}} WHERE isfinite({left}) AND isfinite({right}) "  # noqa: S608
        f"HAVING corr({left}, {right}) NOT BETWEEN {bounds[0]} AND {bounds[1]}"
    )
    return Expectation(
        type="unexpected_rows_expectation",
        arguments={"unexpected_rows_query": query},
        description=f"The correlation of {one.left} and {one.right} stays between {bounds[0]} and {bounds[1]}.",
        notes=f"In the reference the correlation is {math.tanh(one.angle):.3f}; "
        + (
            f"bounds from how {len(one.batch_angles)} of its batches differ."
            if len(one.batch_angles) >= FEW_BATCHES
            else f"bounds for a batch of {batch:,} by resampling the reference."
        ),
        importance=Importance.WARNING,
    )


def volume(profile: Profile, *, chance: float) -> Expectation:
    """How many rows a batch has, from those of the reference's batches."""
    low, high = prediction_band(profile.batch_rows, chance=chance)
    return Expectation(
        type="expect_table_row_count_to_be_between",
        arguments={"min_value": max(math.floor(low), 1), "max_value": math.ceil(high)},
        notes=f"{len(profile.batch_rows)} batches of the reference have {min(profile.batch_rows):,} to "
        f"{max(profile.batch_rows):,} rows each.",
    )


def fresh(profile: Profile) -> Iterator[Expectation]:
    """What comes later brings later times: a batch with nothing newer than the reference is stale."""
    for column in profile.columns:
        if column.sort is Sort.TIME and column.high is not None:
            yield Expectation(
                type="expect_column_max_to_be_between",
                arguments={"column": column.name, "min_value": column.high, "strict_min": True},
                notes="The reference's latest time: a batch with nothing newer is stale.",
            )


def widened(low: float, high: float, column: ColumnProfile, *, chance: float) -> tuple[float, float]:
    """A range made wider by how the extremes of the reference's batches differ, where these are known."""
    return _wider(column.batch_lows, chance, low)[0], _wider(column.batch_highs, chance, high)[1]


def _wider(seen: Sequence[float], chance: float, extreme: float) -> tuple[float, float]:
    values = [value for value in seen if math.isfinite(value)]
    if len(values) < FEW_BATCHES:
        return extreme, extreme
    low, high = prediction_band(values, chance=chance / 2)
    return min(low, extreme), max(high, extreme)
