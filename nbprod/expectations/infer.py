"""A suite proposed from a reference, with a stated chance that a fresh batch like it raises a false alarm.

The chance is split evenly over all checks that sampling can break (Bonferroni), so it holds for the whole suite. Where the
reference's batches are known, most of it goes to bounds from how these differ, which hold together.
Each expectation carries its reason in its notes.
"""

from __future__ import annotations

import datetime as dt
import functools
import math
from typing import TYPE_CHECKING

from nbprod.expectations.chances import (
    divergence_bound,
    earlier_by,
    outside_bound,
    rank_band,
    share_bound,
)
from nbprod.expectations.history import FEW_BATCHES, History, history_of, left_open, widest
from nbprod.expectations.profile import QUANTILES, ColumnProfile, Profile, Sort
from nbprod.expectations.relating import correlated, fresh, settled, volume
from nbprod.expectations.timing import has_volume, in_order, volume_by_time
from nbprod.model import Expectation, Importance, Suite

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from nbprod.expectations.profile import Correlation, Dependency
    from nbprod.expectations.tails import Band
    from nbprod.model import Json

    Check = Callable[[float], Expectation | None]

_FEW_ROWS = 30
# What of the chance is kept for what only rows show, where batches are known.
_OF_ROWS = 0.1


def infer(
    profile: Profile,
    *,
    value: str,
    alarm_rate: float = 0.01,
    batch_rows: int | None = None,
    is_followed: bool = False,
    batch_of: int = 1,
) -> Suite:
    """A suite that the reference keeps, and that a fresh batch of its distribution breaks at most at `alarm_rate`.

    `batch_rows` is the size of the smallest batches to come, that of the reference if None. The rate holds for rows
    drawn independently; correlated rows (many of one day or one customer) break it more often. Where the profile knows
    batches of the reference, all bounds also allow for how these differ; `batch_of` of them make a batch to come. `is_followed` says that the batches to come
    are later than the reference and each a stretch of time: one with no later time is stale, rows go on to stand in
    order, and each hour or day has as many as before.
    """
    batch = batch_rows or max(profile.rows, 1)
    is_enough = profile.rows >= _FEW_ROWS
    history = (
        history_of(profile, chance=alarm_rate * (1 - _OF_ROWS), batch_of=batch_of) if is_enough else History()
    )
    fixed = [*_fixed(profile, history), *(fresh(profile) if is_followed else ())]
    checks = list(_checks(profile, batch, history)) if is_enough else []
    if is_followed and is_enough:
        fixed += [one for column in profile.columns for one in in_order(column)]
        checks += _volumes(profile, batch)
    chance = alarm_rate * (_OF_ROWS if history else 1.0) / max(len(checks), 1)
    drawn = [made for check in checks if (made := check(chance)) is not None]
    return Suite(value=value, expectations=(*fixed, *volume(history), *drawn))


def _fixed(profile: Profile, history: History) -> Iterator[Expectation]:
    """What sampling doesn't touch: columns, types, keys."""
    yield _expectation(
        "expect_table_columns_to_match_set",
        {"column_set": [column.name for column in profile.columns]},
        " ".join(filter(None, ["The reference has these columns.", left_open(history)])),
    )
    if not any(volume(history)):
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


def _checks(profile: Profile, batch: int, history: History) -> Iterator[Check]:
    for column in profile.columns:
        yield _nulls(column, profile.rows, batch, history)
        present = profile.rows - column.nulls
        # A column that makes the batch is its name: the next one has another.
        if present >= _FEW_ROWS and column.name not in profile.batches_by:
            expected = max(round(batch * present / profile.rows), 1)
            is_counted = _is_key(column, profile)
            yield from _numbers(column, present, expected, history, is_key=is_counted)
            yield from _texts(column, present, expected, history)
    for left, right in profile.ordered:
        if not {left, right} & set(profile.batches_by):
            yield _order(left, right, profile.rows, batch)
    for dependency in profile.dependencies:
        yield functools.partial(_settled, dependency, batch, history)
    for correlation in profile.correlations:
        yield functools.partial(_correlated, correlation, batch, history)


def _settled(one: Dependency, batch: int, history: History, chance: float) -> Expectation | None:
    return settled(one, batch=batch, chance=chance, history=history)


def _correlated(one: Correlation, batch: int, history: History, chance: float) -> Expectation | None:
    return correlated(one, batch=batch, chance=chance, history=history)


def _volumes(profile: Profile, batch: int) -> list[Check]:
    return [
        functools.partial(_volume_by_time, column, batch)
        for column in profile.columns
        if has_volume(column) and not profile.was_sampled
    ]


def _volume_by_time(column: ColumnProfile, batch: int, chance: float) -> Expectation | None:
    return volume_by_time(column, batch=batch, chance=chance)


def _numbers(
    column: ColumnProfile, rows: int, batch: int, history: History, *, is_key: bool
) -> Iterator[Check]:
    if is_key:
        return
    if column.sort in (Sort.NUMBER, Sort.TIME):
        yield _range(column, rows, batch, history)
    if len(set(column.ladder)) > 2:
        yield _quantiles(column, rows, batch, history)


def _texts(column: ColumnProfile, rows: int, batch: int, history: History) -> Iterator[Check]:
    if column.counts and column.sort in (Sort.TEXT, Sort.FLAG):
        yield _set(column, rows, batch, history)
        # Chi-squared knows nothing of how batches differ.
        if not history:
            yield _shares(column, batch)
    if column.sort is Sort.TEXT and not column.counts:
        yield _lengths(column, rows, batch, history)
        if column.shape is not None:
            yield _shape(column, rows, batch)


def _nulls(column: ColumnProfile, rows: int, batch: int, history: History) -> Check:
    seen = f"{column.nulls:,} of {rows:,} are missing"
    band = history.bands.get(("missing", column.name))

    def filled(chance: float) -> Expectation | None:
        share = share_bound(rows - column.nulls, rows, batch=batch, chance=chance)
        if band is not None:
            share = max(share, 1 - band.low)
        arguments: dict[str, Json] = {"column": column.name}
        return _rows_expectation("expect_column_values_to_be_null", arguments, share, seen, band)

    def missing(chance: float) -> Expectation | None:
        share = share_bound(column.nulls, rows, batch=batch, chance=chance)
        if band is not None:
            share = max(share, band.high)
        arguments: dict[str, Json] = {"column": column.name}
        return _rows_expectation("expect_column_values_to_not_be_null", arguments, share, seen, band)

    return filled if column.nulls > rows / 2 else missing


def _range(column: ColumnProfile, rows: int, batch: int, history: History) -> Check:
    # Time moves on: what comes after the reference's last moment is new, not wrong.
    is_open = column.sort is Sort.TIME

    def check(chance: float) -> Expectation | None:
        share = outside_bound(rows, batch=batch, chance=chance)
        low, high = column.low, column.high
        band = None
        if isinstance(low, int | float) and isinstance(high, int | float):
            below, above, band = history.widened(low, high, column.name)
            low, high = _as_before(column, below, above)
        elif isinstance(low, str):
            low = _sooner(low, column.batch_lows, chance) if history else low
        wanted: dict[str, Json] = {"min_value": low} if is_open else {"min_value": low, "max_value": high}
        bounds: dict[str, Json] = {name: one for name, one in wanted.items() if one is not None}
        if not bounds:
            return None
        return _rows_expectation(
            "expect_column_values_to_be_between",
            {"column": column.name, **bounds},
            share,
            f"the {'earliest' if is_open else 'extremes'} of {rows:,} values",
            band,
        )

    return check


def _as_before(column: ColumnProfile, low: float, high: float) -> tuple[Json, Json]:
    """Whole numbers stay whole; what wasn't widened stays as it was written; None is what has no bound."""
    is_whole = isinstance(column.low, int) and isinstance(column.high, int)
    return (
        None if low == -math.inf else math.floor(low) if is_whole else low,
        None if high == math.inf else math.ceil(high) if is_whole else high,
    )


def _sooner(earliest: str, starts: Sequence[float | None], chance: float) -> str | None:
    """The earliest time, less what the next batch may start before all those seen; None where these are too few."""
    known = [one for one in starts if one is not None]
    if len(known) < FEW_BATCHES:
        return None
    earlier = dt.timedelta(seconds=math.ceil(earlier_by(known, chance=chance)))
    is_day = "T" not in earliest and ":" not in earliest
    if is_day:
        return (dt.date.fromisoformat(earliest) - earlier).isoformat()
    return (dt.datetime.fromisoformat(earliest) - earlier).isoformat()


def _quantiles(column: ColumnProfile, rows: int, batch: int, history: History) -> Check:
    bands = [history.bands.get((f"quantile {place}", column.name)) for place in range(len(QUANTILES))]
    known = [one for one in bands if one is not None]

    def check(chance: float) -> Expectation | None:
        ranges: list[Json] = []
        for quantile, band in zip(QUANTILES, bands, strict=True):
            ranks = rank_band(quantile, rows, batch=batch, chance=chance / len(QUANTILES))
            low, high = (
                _rung(column.ladder, ranks[0], math.floor),
                _rung(column.ladder, ranks[1], math.ceil),
            )
            if band is not None:
                low, high = min(low, band.low), max(high, band.high)
            ranges.append([low if math.isfinite(low) else None, high if math.isfinite(high) else None])
        if all(one == [None, None] for one in ranges):
            return None
        return _expectation(
            "expect_column_quantile_values_to_be_between",
            {
                "column": column.name,
                "quantile_ranges": {"quantiles": list(QUANTILES), "value_ranges": ranges},
            },
            _sentence(widest(known).said())
            if known
            else f"Bands of order statistics for a batch of {batch:,} after {rows:,} values.",
            importance=Importance.WARNING,
        )

    return check


def _rung(ladder: tuple[float, ...], quantile: float, outward: Callable[[float], int]) -> float:
    place = outward(quantile * (len(ladder) - 1))
    return ladder[min(max(place, 0), len(ladder) - 1)]


def _set(column: ColumnProfile, rows: int, batch: int, history: History) -> Check:
    band = history.bands.get(("strange", column.name))

    def check(chance: float) -> Expectation | None:
        # Good-Turing: what was seen once tells how often the next value is one not seen yet.
        share = share_bound(column.singletons, rows, batch=batch, chance=chance)
        if band is not None:
            share = max(share, band.high)
        values = sorted((value for value, _ in column.counts), key=str)
        return _rows_expectation(
            "expect_column_values_to_be_in_set",
            {"column": column.name, "value_set": values},
            share,
            f"{len(values)} values in {rows:,}, {column.singletons} of them once",
            band,
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


def _lengths(column: ColumnProfile, rows: int, batch: int, history: History) -> Check:
    def check(chance: float) -> Expectation | None:
        low, high, band = history.widened(column.shortest or 0, column.longest or 0, column.name)
        bounds: dict[str, Json] = {
            "column": column.name,
            "min_value": math.floor(max(low, 0)),
            "max_value": math.ceil(high) if math.isfinite(high) else None,
        }
        share = outside_bound(rows, batch=batch, chance=chance)
        return _rows_expectation(
            "expect_column_value_lengths_to_be_between",
            bounds,
            share,
            f"the lengths of {rows:,} texts",
            band,
        )

    return check


def _shape(column: ColumnProfile, rows: int, batch: int) -> Check:
    def check(chance: float) -> Expectation | None:
        share = share_bound(0, rows, batch=batch, chance=chance)
        return _rows_expectation(
            "expect_column_values_to_match_regex",
            {"column": column.name, "regex": column.shape},
            share,
            f"all {rows:,} texts have this shape",
        )

    return check


def _order(left: str, right: str, rows: int, batch: int) -> Check:
    def check(chance: float) -> Expectation | None:
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


def _rows_expectation(
    kind: str, arguments: Mapping[str, Json], share: float, seen: str, band: Band | None = None
) -> Expectation | None:
    """None where nothing is left to expect: all rows of a batch may break it."""
    # Rounded outward, so that the text stays short and the bound holds.
    mostly = math.floor((1 - share) * 1e6) / 1e6
    if mostly <= 0:
        return None
    exact = {} if mostly >= 1 else {"mostly": mostly}
    tolerance = "none may break it" if mostly >= 1 else f"up to {1 - mostly:.4%} of a batch may break it"
    batches = f"; {band.said()}" if band is not None else ""
    return _expectation(kind, {**arguments, **exact}, f"In the reference {seen}; {tolerance}{batches}.")


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}."


def _expectation(
    kind: str, arguments: Mapping[str, Json], notes: str, *, importance: Importance = Importance.CRITICAL
) -> Expectation:
    return Expectation(type=kind, arguments=dict(arguments), notes=notes, importance=importance)
