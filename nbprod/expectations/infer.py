"""A suite proposed from a reference, with a stated chance that a fresh batch like it raises a false alarm.

The chance is split evenly over all checks that sampling can break (Bonferroni), so it holds for the whole suite.
Each expectation carries its reason in its notes.
"""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING

from nbprod.expectations.chances import (
    divergence_bound,
    outside_bound,
    prediction_band,
    rank_band,
    share_bound,
)
from nbprod.expectations.profile import QUANTILES, ColumnProfile, Profile, Sort
from nbprod.expectations.relating import FEW_BATCHES, correlated, fresh, settled, volume, widened
from nbprod.expectations.timing import has_volume, in_order, volume_by_time
from nbprod.model import Expectation, Importance, Suite

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from nbprod.model import Json

    Check = Callable[[float], Expectation | None]

_FEW_ROWS = 30


def infer(
    profile: Profile,
    *,
    value: str,
    alarm_rate: float = 0.01,
    batch_rows: int | None = None,
    is_followed: bool = False,
) -> Suite:
    """A suite that the reference keeps, and that a fresh batch of its distribution breaks at most at `alarm_rate`.

    `batch_rows` is the size of the smallest batches to come, that of the reference if None. The rate holds for rows
    drawn independently; correlated rows (many of one day or one customer) break it more often. Where the profile knows
    batches of the reference, all bounds also allow for how these differ. `is_followed` says that the batches to come
    are later than the reference and each a stretch of time: one with no later time is stale, rows go on to stand in
    order, and each hour or day has as many as before.
    """
    batch = batch_rows or max(profile.rows, 1)
    fixed = [*_fixed(profile), *(fresh(profile) if is_followed else ())]
    checks = list(_checks(profile, batch)) if profile.rows >= _FEW_ROWS else []
    if is_followed and profile.rows >= _FEW_ROWS:
        fixed += [one for column in profile.columns for one in in_order(column)]
        checks += _volumes(profile, batch)
    chance = alarm_rate / max(len(checks), 1)
    drawn = [made for check in checks if (made := check(chance)) is not None]
    return Suite(value=value, expectations=(*fixed, *drawn))


def _fixed(profile: Profile) -> Iterator[Expectation]:
    """What sampling doesn't touch: columns, types, keys."""
    yield _expectation(
        "expect_table_columns_to_match_set",
        {"column_set": [column.name for column in profile.columns]},
        "The reference has these columns.",
    )
    if not _knows_volume(profile):
        yield _expectation(
            "expect_table_row_count_to_be_between",
            {"min_value": 1},
            f"The reference has {profile.rows:,} rows; how many a batch has can't be told from one.",
        )
    for column in profile.columns:
        if column.sort is not Sort.OTHER:
            yield _expectation(
                "expect_column_values_to_be_of_type",
                {"column": column.name, "type_": column.type},
                "The reference's type.",
            )
        if _is_key(column, profile):
            yield _expectation(
                "expect_column_values_to_be_unique",
                {"column": column.name},
                f"A key: {column.distinct:,} values in {profile.rows:,} rows, none missing.",
            )


def _knows_volume(profile: Profile) -> bool:
    return len(profile.batch_rows) >= FEW_BATCHES and not profile.was_sampled and profile.rows >= _FEW_ROWS


def _is_key(column: ColumnProfile, profile: Profile) -> bool:
    if column.nulls or column.distinct < profile.rows or profile.rows < _FEW_ROWS:
        return False
    match column.sort:
        case Sort.NUMBER if isinstance(column.low, int) and isinstance(column.high, int):
            # Numbers that leave few gaps were counted, not measured: chance makes no such key.
            return column.high - column.low < 2 * profile.rows
        case Sort.TEXT:
            return column.shape is not None
        case _:
            return False


def _checks(profile: Profile, batch: int) -> Iterator[Check]:
    for column in profile.columns:
        yield _nulls(column, profile.rows, batch)
        present = profile.rows - column.nulls
        if present >= _FEW_ROWS:
            expected = max(round(batch * present / profile.rows), 1)
            is_counted = _is_key(column, profile)
            yield from _numbers(
                column, present, expected, is_batch=column.name in profile.batches_by, is_key=is_counted
            )
            yield from _texts(column, present, expected, has_batches=bool(profile.batches_by))
    for left, right in profile.ordered:
        yield _order(left, right, profile.rows, batch)
    for dependency in profile.dependencies:
        yield lambda chance, one=dependency: settled(one, batch=batch, chance=chance)  # type: ignore[misc]
    for correlation in profile.correlations:
        yield lambda chance, one=correlation: correlated(one, batch=batch, chance=chance)  # type: ignore[misc]
    if _knows_volume(profile):
        yield lambda chance: volume(profile, chance=chance)


def _volumes(profile: Profile, batch: int) -> list[Check]:
    return [
        functools.partial(_volume_by_time, column, batch)
        for column in profile.columns
        if has_volume(column) and not profile.was_sampled
    ]


def _volume_by_time(column: ColumnProfile, batch: int, chance: float) -> Expectation:
    return volume_by_time(column, batch=batch, chance=chance)


def _numbers(
    column: ColumnProfile, rows: int, batch: int, *, is_batch: bool, is_key: bool
) -> Iterator[Check]:
    if is_key:
        return
    if column.sort in (Sort.NUMBER, Sort.TIME):
        yield _range(column, rows, batch)
    # A column that makes the batch is constant in it: its quantiles are the batch's name.
    if not is_batch and len(set(column.ladder)) > 2:
        yield _quantiles(column, rows, batch)


def _texts(column: ColumnProfile, rows: int, batch: int, *, has_batches: bool) -> Iterator[Check]:
    if column.counts and column.sort in (Sort.TEXT, Sort.FLAG):
        yield _set(column, rows, batch)
        # Chi-squared knows nothing of how batches differ.
        if not has_batches:
            yield _shares(column, batch)
    if column.sort is Sort.TEXT and not column.counts:
        yield _lengths(column, rows, batch)
        if column.shape is not None:
            yield _shape(column, rows, batch)


def _nulls(column: ColumnProfile, rows: int, batch: int) -> Check:
    seen = f"{column.nulls:,} of {rows:,} are missing"
    if column.nulls > rows / 2:

        def filled(chance: float) -> Expectation:
            share = share_bound(rows - column.nulls, rows, batch=batch, chance=chance)
            return _rows_expectation("expect_column_values_to_be_null", {"column": column.name}, share, seen)

        return filled

    def missing(chance: float) -> Expectation:
        share = share_bound(column.nulls, rows, batch=batch, chance=chance)
        if len(column.batch_null_shares) >= FEW_BATCHES:
            share = min(1.0, max(share, prediction_band(column.batch_null_shares, chance=chance)[1]))
        return _rows_expectation("expect_column_values_to_not_be_null", {"column": column.name}, share, seen)

    return missing


def _range(column: ColumnProfile, rows: int, batch: int) -> Check:
    # Time moves on: what comes after the reference's last moment is new, not wrong.
    is_open = column.sort is Sort.TIME

    def check(chance: float) -> Expectation:
        share = outside_bound(rows, batch=batch, chance=chance)
        low, high = column.low, column.high
        if isinstance(low, int | float) and isinstance(high, int | float):
            low, high = _as_before(column, *widened(low, high, column, chance=chance))
        bounds: dict[str, Json] = {"column": column.name, "min_value": low}
        if not is_open:
            bounds["max_value"] = high
        return _rows_expectation(
            "expect_column_values_to_be_between",
            bounds,
            share,
            f"the {'earliest' if is_open else 'extremes'} of {rows:,} values",
        )

    return check


def _as_before(column: ColumnProfile, low: float, high: float) -> tuple[Json, Json]:
    """Whole numbers stay whole; what wasn't widened stays as it was written."""
    is_whole = isinstance(column.low, int) and isinstance(column.high, int)
    return (math.floor(low), math.ceil(high)) if is_whole else (low, high)


def _quantiles(column: ColumnProfile, rows: int, batch: int) -> Check:
    is_by_batch = len(column.batch_quantiles) >= FEW_BATCHES

    def check(chance: float) -> Expectation:
        ranges: list[Json] = []
        for place, quantile in enumerate(QUANTILES):
            each = chance / len(QUANTILES)
            ranks = rank_band(quantile, rows, batch=batch, chance=each)
            low, high = (
                _rung(column.ladder, ranks[0], math.floor),
                _rung(column.ladder, ranks[1], math.ceil),
            )
            if is_by_batch:
                seen = [one[place] for one in column.batch_quantiles]
                wide = prediction_band(seen, chance=each)
                low, high = min(low, wide[0]), max(high, wide[1])
            ranges.append([low, high])
        return _expectation(
            "expect_column_quantile_values_to_be_between",
            {
                "column": column.name,
                "quantile_ranges": {"quantiles": list(QUANTILES), "value_ranges": ranges},
            },
            f"From how {len(column.batch_quantiles)} batches of the reference differ."
            if is_by_batch
            else f"Bands of order statistics for a batch of {batch:,} after {rows:,} values.",
            importance=Importance.WARNING,
        )

    return check


def _rung(ladder: tuple[float, ...], quantile: float, outward: Callable[[float], int]) -> float:
    place = outward(quantile * (len(ladder) - 1))
    return ladder[min(max(place, 0), len(ladder) - 1)]


def _set(column: ColumnProfile, rows: int, batch: int) -> Check:
    def check(chance: float) -> Expectation:
        # Good-Turing: what was seen once tells how often the next value is one not seen yet.
        share = share_bound(column.singletons, rows, batch=batch, chance=chance)
        if len(column.batch_strange_shares) >= FEW_BATCHES:
            share = min(1.0, max(share, prediction_band(column.batch_strange_shares, chance=chance)[1]))
        values = sorted((value for value, _ in column.counts), key=str)
        return _rows_expectation(
            "expect_column_values_to_be_in_set",
            {"column": column.name, "value_set": values},
            share,
            f"{len(values)} values in {rows:,}, {column.singletons} of them once",
        )

    return check


def _shares(column: ColumnProfile, batch: int) -> Check:
    def check(chance: float) -> Expectation | None:
        counts = [count for _, count in column.counts]
        bound = divergence_bound(counts, batch=batch, chance=chance)
        if bound is None:
            return None
        weights: list[Json] = [count / sum(counts) for count in counts]
        return _expectation(
            "expect_column_kl_divergence_to_be_less_than",
            {
                "column": column.name,
                "partition_object": {"values": [value for value, _ in column.counts], "weights": weights},
                "threshold": bound,
                # A value that was never seen is the set's to judge; here it must not make the divergence infinite.
                "tail_weight_holdout": 1e-9,
            },
            f"The shares of {len(counts)} values; chi-squared bound for a batch of {batch:,}.",
            importance=Importance.WARNING,
        )

    return check


def _lengths(column: ColumnProfile, rows: int, batch: int) -> Check:
    def check(chance: float) -> Expectation:
        low, high = widened(column.shortest or 0, column.longest or 0, column, chance=chance)
        bounds: dict[str, Json] = {
            "column": column.name,
            "min_value": max(math.floor(low), 0),
            "max_value": math.ceil(high),
        }
        share = outside_bound(rows, batch=batch, chance=chance)
        return _rows_expectation(
            "expect_column_value_lengths_to_be_between", bounds, share, f"the lengths of {rows:,} texts"
        )

    return check


def _shape(column: ColumnProfile, rows: int, batch: int) -> Check:
    def check(chance: float) -> Expectation:
        share = share_bound(0, rows, batch=batch, chance=chance)
        return _rows_expectation(
            "expect_column_values_to_match_regex",
            {"column": column.name, "regex": column.shape},
            share,
            f"all {rows:,} texts have this shape",
        )

    return check


def _order(left: str, right: str, rows: int, batch: int) -> Check:
    def check(chance: float) -> Expectation:
        share = share_bound(0, rows, batch=batch, chance=chance)
        return _rows_expectation(
            "expect_column_pair_values_a_to_be_greater_than_b",
            {
                "column_A": right,
                "column_B": left,
                "or_equal": True,
                "ignore_row_if": "either_value_is_missing",
            },
            share,
            f"'{left}' never exceeds '{right}' in {rows:,} rows",
        )

    return check


def _rows_expectation(kind: str, arguments: Mapping[str, Json], share: float, seen: str) -> Expectation:
    # Rounded outward, so that the text stays short and the bound holds.
    mostly = math.floor((1 - share) * 1e6) / 1e6
    exact = {} if mostly >= 1 else {"mostly": mostly}
    tolerance = "none may break it" if mostly >= 1 else f"up to {1 - mostly:.4%} of a batch may break it"
    return _expectation(kind, {**arguments, **exact}, f"In the reference {seen}; {tolerance}.")


def _expectation(
    kind: str, arguments: Mapping[str, Json], notes: str, *, importance: Importance = Importance.CRITICAL
) -> Expectation:
    return Expectation(type=kind, arguments=dict(arguments), notes=notes, importance=importance)
