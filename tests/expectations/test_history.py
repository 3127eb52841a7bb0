"""What the batches of a reference say of the next one, in the units of what is expected."""

from __future__ import annotations

import math

from nbprod.expectations.history import History, history_of, left_open
from nbprod.expectations.infer import infer
from nbprod.expectations.profile import ColumnProfile, Profile, Sort


def profile(batches):
    """Batches of 1,000 rows whose amounts have levels of their own."""
    levels = [10.0 + (7 * place % 5) for place in range(batches)]
    ladder = tuple(place / 10 for place in range(201))
    amount = ColumnProfile(
        name="amount",
        type="float64",
        sort=Sort.NUMBER,
        nulls=10 * batches,
        distinct=1_000,
        singletons=0,
        low=0.0,
        high=20.0,
        ladder=ladder,
        batch_quantiles=tuple((one - 4, one - 2, one, one + 2, one + 4) for one in levels),
        batch_null_shares=tuple(0.01 + 0.001 * (place % 3) for place in range(batches)),
        batch_lows=tuple(one - 5.1234567891 for one in levels),
        batch_highs=tuple(one + 5 for one in levels),
    )
    return Profile(
        rows=1_000 * batches, columns=(amount,), batches_by=("day",), batch_rows=(1_000,) * batches
    )


def test_bounds_come_back_as_shares_counts_and_values_of_few_digits():
    bands = history_of(profile(30), chance=0.01).bands
    assert 0.012 < bands["missing", "amount"].high < 0.2
    assert bands["rows", ""].low < 1_000 < bands["rows", ""].high < 1_100
    low = bands["low", "amount"].low
    assert (low < 4, math.isinf(bands["low", "amount"].high), len(str(low)) < 10) == (True, True, True)


def test_two_batches_bound_nothing_and_the_suite_says_so():
    history = history_of(profile(2), chance=0.01)
    assert left_open(history) == (
        "Not bounded, as 2 batches can't show how far these stray: missing values of amount, the low end of amount, "
        "the high end of amount, the quantiles of amount, the number of rows."
    )
    kinds = [(one.type, one.arguments.get("column")) for one in infer(profile(2), value="t").expectations]
    assert kinds == [
        ("expect_table_columns_to_match_set", None),
        ("expect_table_row_count_to_be_between", None),
        ("expect_column_values_to_be_of_type", "amount"),
    ]


def test_without_batches_nothing_is_known_of_how_they_differ():
    assert (bool(History()), left_open(History())) == (False, "")


def test_a_batch_of_several_has_as_many_rows_as_these_together():
    one, three = (history_of(profile(30), chance=0.01, batch_of=count).bands for count in (1, 3))
    assert three["rows", ""].low > 2.9 * one["rows", ""].low * 0.95
    assert three["quantile 2", "amount"].high > one["quantile 2", "amount"].high
