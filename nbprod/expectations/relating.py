"""Expectations on how columns go together, on how much comes in, and on how new it is, from a profile."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from nbprod.expectations.chances import share_bound
from nbprod.expectations.profile import Sort
from nbprod.expectations.queries import quoted
from nbprod.model import Expectation, Importance

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nbprod.expectations.history import History
    from nbprod.expectations.profile import Correlation, Dependency, Profile
    from nbprod.model import Json


def settled(one: Dependency, *, batch: int, chance: float, history: History) -> Expectation | None:
    """One column's value settles another's: the pairs seen, and how often a fresh batch may bring one not yet seen.

    None where all of its rows may.
    """
    share = share_bound(one.singletons, one.rows, batch=batch, chance=chance)
    # A value that is new comes in a pair that is new.
    strange = [history.bands.get(("strange", name)) for name in (one.settles, one.settled)]
    share = max([share, *(band.high for band in strange if band is not None)])
    mostly = math.floor((1 - share) * 1e6) / 1e6
    if mostly <= 0:
        return None
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


def correlated(one: Correlation, *, batch: int, chance: float, history: History) -> Expectation | None:
    """Two columns go together as they did: bounds on Fisher's angle, said as bounds on the correlation.

    None where they would hold for any correlation.
    """
    from scipy.stats import norm

    reach = float(norm.ppf(1 - chance / 2)) * one.spread / math.sqrt(max(batch, 4))
    low, high = one.angle - reach, one.angle + reach
    band = history.bands.get(("together", f"{one.left}, {one.right}"))
    if band is not None:
        low, high = min(low, band.low), max(high, band.high)
    # Rounded outward, so that the text stays short and the bound holds.
    bounds = (math.floor(math.tanh(low) * 1e4) / 1e4, math.ceil(math.tanh(high) * 1e4) / 1e4)
    if bounds == (-1.0, 1.0):
        return None
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
            f"{band.said()}."
            if band is not None
            else f"bounds for a batch of {batch:,} by resampling the reference."
        ),
        importance=Importance.WARNING,
    )


def volume(history: History) -> Iterator[Expectation]:
    """How many rows a batch has, from those of the reference's batches."""
    band = history.bands.get(("rows", ""))
    if band is not None and math.isfinite(band.high):
        yield Expectation(
            type="expect_table_row_count_to_be_between",
            arguments={"min_value": max(math.floor(band.low), 1), "max_value": math.ceil(band.high)},
            notes=f"{history.batches} batches of the reference have {history.rows} rows each; {band.said()}.",
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
