"""Drift is seen from two profiles, and chance alone is not called drift."""

from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest

from nbprod import wire
from nbprod.expectations.drift import drift, drift_suite
from nbprod.expectations.drift_page import drift_page
from nbprod.expectations.profile import Profile
from nbprod.validating import judge, profile_of


def orders(rows, seed):
    random = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "amount": np.where(random.random(rows) < 0.05, np.nan, random.lognormal(3, 1, rows)),
            "quantity": random.integers(1, 6, rows),
            "channel": random.choice(["web", "app", "store"], rows, p=[0.6, 0.3, 0.1]),
            "is_gift": random.random(rows) < 0.1,
        }
    )


@pytest.fixture(scope="module")
def reference():
    return profile_of(orders(5_000, 0))


def drifted(reference, frame):
    return {one.column for one in drift(reference, profile_of(frame)) if one.has_drifted}


def test_fresh_batches_of_the_same_distribution_have_not_drifted(reference):
    assert [drifted(reference, orders(2_000, seed)) for seed in range(1, 9)] == [set()] * 8


CHANGES = {
    "scale": (lambda frame: frame.assign(amount=frame["amount"] * 1.5), {"amount"}),
    "missing": (lambda frame: frame.assign(amount=frame["amount"].where(frame.index % 5 > 0)), {"amount"}),
    "shares": (
        lambda frame: frame.assign(channel=frame["channel"].where(frame.index % 5 > 0, "app")),
        {"channel"},
    ),
    "new category": (
        lambda frame: frame.assign(channel=frame["channel"].where(frame.index % 20 > 0, "fax")),
        {"channel"},
    ),
    "flag": (lambda frame: frame.assign(is_gift=~frame["is_gift"]), {"is_gift"}),
    "whole numbers": (lambda frame: frame.assign(quantity=frame["quantity"].clip(upper=3)), {"quantity"}),
}


@pytest.mark.parametrize(("change", "columns"), CHANGES.values(), ids=CHANGES)
def test_a_changed_column_has_drifted_and_no_other(reference, change, columns):
    assert drifted(reference, change(orders(2_000, 20))) == columns


def test_new_and_lost_categories_are_named(reference):
    batch = orders(2_000, 21).replace({"channel": {"store": "fax"}})
    (found,) = (one for one in drift(reference, profile_of(batch)) if one.column == "channel")
    assert (found.new_values, found.lost_values) == (("fax",), ("store",))


def test_no_change_measures_nothing(reference):
    same = drift(reference, reference)
    assert {(one.psi, one.jensen_shannon, one.p_value, one.wasserstein or 0.0) for one in same} == {
        (0.0, 0.0, 1.0, 0.0)
    }


def test_an_empty_batch_is_no_evidence(reference):
    found = drift(reference, profile_of(orders(5_000, 0).head(0)))
    assert [one.has_drifted for one in found] == [False] * 4


def test_a_profile_is_kept_as_json(reference):
    kept = json.loads(json.dumps(wire.plain(reference)))
    assert math.isclose(
        wire.noun(Profile, kept, where="profile.json").columns[0].ladder[5], reference.columns[0].ladder[5]
    )
    assert wire.plain(wire.noun(Profile, kept, where="profile.json")) == kept


def test_drift_is_a_suite_like_any_other(reference):
    suite = drift_suite(reference, value="orders", batch_rows=2_000)
    assert all(one.success for one in judge(orders(2_000, 22), suite))
    changed = orders(2_000, 22).assign(amount=lambda frame: frame["amount"] * 1.5)
    assert {one.expectation.arguments["column"] for one in judge(changed, suite) if not one.success} == {
        "amount"
    }


def test_the_page_needs_nothing_else_and_escapes_what_it_shows(reference):
    batch = orders(2_000, 23).replace({"channel": {"store": "<script>"}})
    page = drift_page(drift(reference, profile_of(batch)), title="Orders & more")
    shown = ("1 of 4 columns drifted: channel.", "&lt;script&gt;", "Orders &amp; more", "<svg")
    assert [said in page for said in shown] == [True] * 4
    assert [said in page for said in ("<script>", "http", "src=")] == [False] * 3
