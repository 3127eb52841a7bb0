"""An entity's features as served are held against those it was trained on."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from nbprod.errors import SuiteError
from nbprod.expectations import skew_suite
from nbprod.validating import judge, paired

RANDOM = np.random.default_rng(0)
TRAINED = pd.DataFrame(
    {
        "flight": [f"F{one}" for one in range(300)],
        "day": pd.Timestamp("2026-01-01") + pd.to_timedelta(np.arange(300) % 30, unit="D"),
        "delay": np.where(np.arange(300) % 9 == 0, np.nan, RANDOM.normal(size=300)),
        "carrier": RANDOM.choice(["AA", "UA"], 300),
        "unused": 1,
    }
)
# Served in another order, without some rows, with some that training never saw.
SERVED = pd.concat(
    [
        TRAINED.drop(columns="unused").sample(200, random_state=1),
        pd.DataFrame({"flight": ["new"], "delay": [3.0]}),
    ],
    ignore_index=True,
)
FEATURES = ["delay", "carrier"]


def changed(name, value):
    return SERVED.assign(**{name: SERVED[name].where(SERVED.index != 17, value)})


CASES = {
    "as trained": (SERVED, 0.0, set()),
    "one number differs": (changed("delay", 5.0), 0.0, {"delay"}),
    "one is missing": (changed("delay", np.nan), 0.0, {"delay"}),
    "one text differs": (changed("carrier", "XX"), 0.0, {"carrier"}),
    "the last place differs": (SERVED.assign(delay=SERVED["delay"] * (1 + 1e-12)), 0.0, {"delay"}),
    "the last place differs, which is allowed": (
        SERVED.assign(delay=SERVED["delay"] * (1 + 1e-12)),
        1e-9,
        set(),
    ),
    "more differs than is allowed": (SERVED.assign(delay=SERVED["delay"] * 1.01), 1e-9, {"delay"}),
    "one is missing where a difference is allowed": (changed("delay", np.nan), 1e-9, {"delay"}),
}


@pytest.mark.parametrize(("served", "relative", "expected"), CASES.values(), ids=CASES)
def test_features_that_were_served_otherwise_break_the_suite(served, relative, expected):
    table = paired(TRAINED, served, entity=["flight", "day"])
    features = ["delay"] if relative else FEATURES
    suite = skew_suite(features, entity=["flight", "day"], relative=relative)
    broken = {
        one
        for verdict in judge(table, suite)
        if not verdict.success
        for one in features
        if one in verdict.expectation.notes
    }
    assert (table.num_rows, broken) == (200, expected)


def test_where_no_entity_is_on_both_sides_nothing_holds():
    strangers = paired(TRAINED, SERVED.assign(flight="x" + SERVED["flight"]), entity=["flight", "day"])
    assert not judge(strangers, skew_suite(FEATURES))[0].success


REFUSED = {
    "an entity served twice": (
        pd.concat([SERVED, SERVED.head(1)]),
        ["flight", "day"],
        "The serving table has 2 rows of",
    ),
    "no such column": (SERVED, ["tail"], "The training table has no column 'tail'"),
    "nothing tells them apart": (SERVED, [], "No column tells entities apart"),
}


@pytest.mark.parametrize(("served", "entity", "message"), REFUSED.values(), ids=REFUSED)
def test_rows_that_cannot_be_told_apart_are_refused(served, entity, message):
    with pytest.raises(SuiteError, match=message):
        paired(TRAINED, served, entity=entity)
