"""The gate lets a challenger pass that is better by more than chance explains, and says why when it doesn't."""

import numpy as np
import pandas as pd
import pytest
from msgspec import Struct

from nbprod.continuous.gates import Contest, gate
from nbprod.model import Expectation, Record, StageRun, State, Verdict
from nbprod.tracking.scores import score_named
from nbprod.tracking.windows import Window

GOOD = Record(id="r", pipeline="p", source="", folder="", state=State.DONE, started="")
BROKEN = Record(
    **{
        **{name: getattr(GOOD, name) for name in ("id", "pipeline", "source", "folder", "state", "started")},
        "stages": (
            StageRun(
                stage="load",
                verdicts=(
                    Verdict(
                        expectation=Expectation(
                            type="expect_column_values_to_not_be_null", arguments={"column": "x"}
                        ),
                        success=False,
                        value="raw",
                    ),
                ),
            ),
        ),
    }
)


class Off(Struct):
    """A model that says `x` plus noise of its own."""

    by: float
    seed: int

    def predict(self, rows):
        return rows["x"] + np.random.default_rng(self.seed).normal(scale=self.by, size=len(rows))


def contest(*, champion: float, challenger: float, days: int, seed: int = 0) -> Contest:
    times = pd.Series(pd.Timestamp("2026-01-01") + pd.to_timedelta(np.arange(days * 24), unit="h"))
    x = pd.DataFrame({"x": np.random.default_rng(seed).normal(size=len(times))})
    window = Window(x=x, y=x["x"], times=times)
    return Contest(
        challenger=Off(challenger, 1 + 2 * seed),
        champion=Off(champion, 2 + 2 * seed),
        challenger_window=window,
        champion_window=window,
    )


@pytest.mark.parametrize(
    ("record", "held", "margin", "passes", "says"),
    [
        (GOOD, contest(champion=2.0, challenger=1.0, days=30), 0.0, True, "which exceeds 0"),
        (GOOD, contest(champion=1.0, challenger=2.0, days=30), 0.0, False, "worse by"),
        (GOOD, contest(champion=1.0, challenger=0.995, days=30), 0.0, False, "more than 0 is asked"),
        (GOOD, contest(champion=2.0, challenger=1.9, days=60), 0.5, False, "where more than 0.5 is asked"),
        (
            BROKEN,
            contest(champion=2.0, challenger=1.0, days=30),
            0.0,
            False,
            "broke 1 critical expectation: raw.x",
        ),
    ],
    ids=[
        "better",
        "worse",
        "no better than chance",
        "better by less than the margin",
        "better on broken data",
    ],
)
def test_a_challenger_passes_only_if_surely_better(record, held, margin, passes, says):
    found = gate(record, held, score=score_named("mae"), margin=margin)
    assert (found.passes, says in found.reason) == (passes, True), found.reason


def test_a_window_of_few_blocks_can_prove_nothing():
    found = gate(GOOD, contest(champion=2.0, challenger=1.0, days=2), score=score_named("mae"), block="1D")
    assert (found.passes, found.reason.startswith("The window holds 2 blocks")) == (False, True)


@pytest.mark.parametrize("metric", ["mae", "mse"])
def test_equal_models_are_promoted_no_more_often_than_the_level_says(metric):
    score = score_named(metric)
    passed = sum(
        gate(GOOD, contest(champion=1.0, challenger=1.0, days=30, seed=seed), score=score).passes
        for seed in range(400)
    )
    # 5 % of 400 are 20; more than 33 would come of chance once in a thousand times.
    assert passed <= 33


def test_the_bootstrap_agrees_with_the_test_by_blocks():
    held = contest(champion=1.2, challenger=1.0, days=60)
    mean, root = (gate(GOOD, held, score=score_named(name)) for name in ("mse", "rmse"))
    assert (mean.passes, root.passes) == (True, True)
    # d(rmse) = d(mse) / (2 rmse), at the middle of both
    assert root.lower == pytest.approx(mean.lower / (mean.champion**0.5 + mean.challenger**0.5), rel=0.05)
