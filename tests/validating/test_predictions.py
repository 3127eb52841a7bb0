"""Predictions distributed as the champion's keep its suite, others break it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from nbprod.expectations import prediction_suite
from nbprod.validating import judge, profile_of


def scores(rows, seed):
    random = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "prediction": random.lognormal(2, 0.5, rows),
            "label": random.choice(["late", "early"], rows, p=[0.3, 0.7]),
            "id": np.arange(rows),
        }
    )


@pytest.fixture(scope="module")
def suite():
    reference = profile_of(scores(8_000, 0))
    return prediction_suite(reference, columns=["prediction", "label"], batch_rows=1_000)


def broken(frame, suite):
    return {one.expectation.arguments["column"] for one in judge(frame, suite) if not one.success}


def test_fresh_predictions_of_the_champion_raise_no_alarm(suite):
    assert [broken(scores(1_000, seed), suite) for seed in range(1, 9)] == [set()] * 8


CHANGES = {
    "higher": (lambda frame: frame.assign(prediction=frame["prediction"] * 1.3), {"prediction"}),
    "a hollow middle, quantiles of which stay": (
        lambda frame: frame.assign(
            prediction=frame["prediction"].mask(frame["prediction"].between(5.5, 7.2), 5.45)
        ),
        {"prediction"},
    ),
    "all but constant": (
        lambda frame: frame.assign(prediction=frame["prediction"].median() + frame["id"] / 1e6),
        {"prediction"},
    ),
    "missing": (
        lambda frame: frame.assign(prediction=frame["prediction"].mask(frame["id"] % 20 == 0)),
        {"prediction"},
    ),
    "other shares": (
        lambda frame: frame.assign(label=frame["label"].mask(frame["id"] % 5 == 0, "late")),
        {"label"},
    ),
    "a new class": (
        lambda frame: frame.assign(label=frame["label"].mask(frame["id"] % 50 == 0, "never")),
        {"label"},
    ),
    "what isn't predicted": (lambda frame: frame.assign(id=-1), set()),
}


@pytest.mark.parametrize(("change", "columns"), CHANGES.values(), ids=CHANGES)
def test_predictions_that_drift_break_the_suite(suite, change, columns):
    assert broken(change(scores(1_000, 20)), suite) == columns


def test_each_expectation_says_whose_predictions_are_meant(suite):
    assert {one.notes.partition(".")[0] for one in suite.expectations} == {"The champion's predictions"}
