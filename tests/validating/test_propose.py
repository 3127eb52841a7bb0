"""A suite is proposed from a reference, and fresh batches of the same distribution keep it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from nbprod.expectations import read_expectations, text_of
from nbprod.expectations.infer import infer
from nbprod.expectations.profile import Profile
from nbprod.validating import judge, profile_of, propose
from nbprod.validating.profiling import shape_of


def orders(rows, seed):
    random = np.random.default_rng(seed)
    placed = pd.Timestamp("2026-01-01") + pd.to_timedelta(random.integers(0, 10**6, rows), unit="s")
    return pd.DataFrame(
        {
            "order_id": np.arange(seed * rows, (seed + 1) * rows),
            "amount": np.where(random.random(rows) < 0.02, np.nan, random.lognormal(3, 1, rows)),
            "channel": random.choice(["web", "app", "store"], rows, p=[0.6, 0.3, 0.1]),
            "sku": [f"SKU-{number:05d}" for number in random.integers(0, 50_000, rows)],
            "placed": placed,
            "shipped": placed + pd.to_timedelta(random.integers(1, 10**5, rows), unit="s"),
            "is_gift": random.random(rows) < 0.1,
            "empty": np.full(rows, np.nan),
        }
    )


@pytest.fixture(scope="module")
def suite():
    # Keys move on from batch to batch; bounds on them would be bounds on time.
    return propose(orders(2_000, 0), value="orders", batch_rows=1_000)


def test_a_proposed_suite_says_what_it_expects_and_why(suite):
    kinds = {
        (one.type, one.arguments.get("column") or one.arguments.get("column_A")) for one in suite.expectations
    }
    assert all(one.notes for one in suite.expectations)
    assert kinds >= {
        ("expect_column_values_to_be_unique", "order_id"),
        ("expect_column_values_to_not_be_null", "amount"),
        ("expect_column_quantile_values_to_be_between", "amount"),
        ("expect_column_values_to_be_in_set", "channel"),
        ("expect_column_kl_divergence_to_be_less_than", "channel"),
        ("expect_column_values_to_match_regex", "sku"),
        ("expect_column_pair_values_a_to_be_greater_than_b", "shipped"),
        ("expect_column_values_to_be_null", "empty"),
    }


def test_the_text_of_a_proposed_suite_is_read_back_to_the_same(suite):
    body = text_of(suite).partition("\n")[2]
    read = read_expectations(body)
    assert [(one.type, one.arguments, one.notes) for one in read] == [
        (one.type, one.arguments, one.notes) for one in suite.expectations
    ]


def test_the_reference_and_fresh_batches_keep_the_suite(suite):
    broken = [
        (seed, one.expectation.type, one.expectation.arguments, one.observed, one.error)
        for seed in (0, 1, 2)
        for one in judge(orders(1_000, seed), suite)
        if not one.success
    ]
    assert broken == []


DAMAGE = {
    "unit change": lambda frame: frame.assign(amount=frame["amount"] * 100),
    "null burst": lambda frame: frame.assign(amount=frame["amount"].where(frame.index % 5 > 0)),
    "swapped columns": lambda frame: frame.assign(placed=frame["shipped"], shipped=frame["placed"]),
    "new category": lambda frame: frame.assign(channel=frame["channel"].where(frame.index % 20 > 0, "fax")),
    "shifted shares": lambda frame: frame.assign(channel=frame["channel"].where(frame.index % 4 > 0, "web")),
    "truncated texts": lambda frame: frame.assign(sku=frame["sku"].str[:6]),
    "duplicated rows": lambda frame: pd.concat([frame, frame.head(10)]),
    "sign flip": lambda frame: frame.assign(amount=-frame["amount"]),
    "clipped range": lambda frame: frame.assign(amount=frame["amount"].clip(upper=15)),
    "lost column": lambda frame: frame.drop(columns="sku"),
    "other type": lambda frame: frame.assign(amount=frame["amount"].astype(str)),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_planted_damage_breaks_the_suite(suite, damage):
    assert any(not one.success for one in judge(damage(orders(1_000, 3)), suite))


def test_an_empty_reference_proposes_only_what_it_shows():
    suite = propose(pd.DataFrame({"a": pd.Series([], dtype="float64")}), value="t")
    assert [one.type for one in suite.expectations] == [
        "expect_table_columns_to_match_set",
        "expect_table_row_count_to_be_between",
        "expect_column_values_to_be_of_type",
    ]


def test_a_profile_without_columns_proposes_no_columns():
    assert len(infer(Profile(rows=0, columns=()), value="t").expectations) == 2


SHAPES = {
    "codes": (["AA1", "BB2"], "^[A-Z]{2}[0-9]$"),
    "codes of several lengths": (["A-1", "BC-22"], "^[A-Z]+\\-[0-9]+$"),
    "words": (["one", "Two"], None),
    "nothing": ([], None),
    "empty text": ([""], None),
}


@pytest.mark.parametrize(("texts", "shape"), SHAPES.values(), ids=SHAPES)
def test_texts_of_one_shape_have_a_pattern(texts, shape):
    assert shape_of(texts) == shape


def test_a_profile_counts_what_it_sees():
    profile = profile_of(pd.DataFrame({"a": [1.0, 2.0, 2.0, np.nan], "s": ["x", "yy", None, "x"]}))
    a, s = profile.columns
    assert (profile.rows, a.nulls, a.distinct, a.singletons, a.low, a.high, a.ladder[0], a.ladder[-1]) == (
        4,
        1,
        2,
        1,
        1.0,
        2.0,
        1.0,
        2.0,
    )
    assert (s.nulls, s.distinct, s.counts, s.shortest, s.longest) == (1, 2, (("x", 2), ("yy", 1)), 1, 2)


def days(first, last):
    """Orders whose level differs from day to day, far more than chance among the rows of a day allows."""
    frames = []
    for day in range(first, last):
        random = np.random.default_rng(day)
        level, missing = random.normal(100, 10), random.uniform(0.01, 0.1)
        amount = np.where(random.random(400) < missing, np.nan, random.normal(level, 5, 400))
        frames.append(pd.DataFrame({"day": day, "amount": amount}))
    return frames


def alarms(suite, batches):
    return sum(
        any(
            not one.success and one.expectation.arguments.get("column") == "amount"
            for one in judge(batch, suite)
        )
        for batch in batches
    )


def test_batches_that_differ_from_one_another_need_to_be_known_as_such():
    reference, fresh = pd.concat(days(0, 40)), days(40, 50)
    by_rows = propose(reference, value="orders", batch_rows=400)
    by_days = propose(reference, value="orders", batch_rows=400, batches_by=["day"])
    assert (alarms(by_rows, fresh) >= 5, alarms(by_days, fresh)) == (True, 0)
    assert alarms(by_days, [one.assign(amount=one["amount"] * 3) for one in fresh[:2]]) == 2


def shops(seed, *, rows=500, batches=12, first=0):
    """Days of sales in shops of which each stands in one city; what is paid goes with what is bought."""
    frames = []
    for day in range(first, first + batches):
        random = np.random.default_rng([seed, day])
        shop = random.integers(0, 6, rows)
        bought = random.lognormal(2, 0.5, rows)
        start = pd.Timestamp("2026-01-01") + pd.Timedelta(days=day)
        frames.append(
            pd.DataFrame(
                {
                    "day": day,
                    "at": start + pd.to_timedelta(random.integers(0, 86_400, rows), unit="s"),
                    "shop": [f"shop {one}" for one in shop],
                    "city": [f"city {one // 2}" for one in shop],
                    "bought": bought,
                    "paid": bought * 3 + random.normal(0, 5, rows),
                }
            )
        )
    return frames


@pytest.fixture(scope="module")
def shop_suite():
    return propose(pd.concat(shops(1)), value="sales", batches_by=["day"], batch_rows=500, is_followed=True)


RELATIONS = {
    "a batch like the others": (lambda frame: frame, set()),
    "a shop that moved": (
        lambda frame: frame.assign(city=frame["city"].where(frame["shop"] != "shop 1", "city 2")),
        {"expect_column_pair_values_to_be_in_set"},
    ),
    "sums that belong to other rows": (
        lambda frame: frame.assign(paid=frame["paid"].sample(frac=1, random_state=1).to_numpy()),
        {"unexpected_rows_expectation"},
    ),
    "half of a batch": (lambda frame: frame.head(250), {"expect_table_row_count_to_be_between"}),
    "the same batch again": (
        lambda frame: frame.assign(at=frame["at"] - pd.Timedelta(days=1)),
        {"expect_column_max_to_be_between"},
    ),
}


@pytest.mark.parametrize(("change", "broken"), RELATIONS.values(), ids=RELATIONS)
def test_how_columns_go_together_is_expected_of_what_comes(shop_suite, change, broken):
    (batch,) = shops(1, batches=1, first=12)
    verdicts = judge(change(batch), shop_suite)
    # Every batch of the reference has about as many rows: the day's own number is what makes the batch.
    found = {
        one.expectation.type
        for one in verdicts
        if not one.success and one.expectation.arguments.get("column") != "day"
    }
    assert ({one.error for one in verdicts}, found) == ({""}, broken)


def test_extremes_of_batches_widen_what_is_allowed_in_a_row():
    frames = [frame.assign(paid=frame["paid"] + 40 * (place % 4)) for place, frame in enumerate(shops(2))]
    by_rows = propose(pd.concat(frames), value="sales")
    by_days = propose(pd.concat(frames), value="sales", batches_by=["day"])
    assert bounds(by_days)[0] < bounds(by_rows)[0] < bounds(by_rows)[1] < bounds(by_days)[1]


def bounds(suite):
    (found,) = [
        (one.arguments["min_value"], one.arguments["max_value"])
        for one in suite.expectations
        if (one.type, one.arguments.get("column")) == ("expect_column_values_to_be_between", "paid")
    ]
    return found
