"""What keeps a run from giving the same twice is found, and what can't is left alone."""

import pytest
from projects import CELLS, project

from nbprod import api
from nbprod.tracking.repeatable import unrepeatable


def found(folder, **cells):
    notebook = api.read(project(folder, **cells))
    return [
        (one.rule, str(one.span)) for one in unrepeatable(notebook, api.study(notebook, leakage=False).flow)
    ]


IMPORTED = "%%stage train\nfrom sklearn.ensemble import {0}\nmodel = {1}"


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ({"train": IMPORTED.format("RandomForestRegressor", "RandomForestRegressor()")}, "unseeded-model"),
        ({"train": IMPORTED.format("RandomForestRegressor as R", "R(random_state=None)")}, "unseeded-model"),
        (
            {"train": "%%stage train\nimport sklearn.ensemble as e\nmodel = e.BaggingRegressor()"},
            "unseeded-model",
        ),
        (
            {
                "train": IMPORTED.format(
                    "HistGradientBoostingRegressor", "HistGradientBoostingRegressor(early_stopping=True)"
                )
            },
            "unseeded-model",
        ),
        ({"features": CELLS["features"] + "\nnow = pd.Timestamp.now()"}, "clock-in-features"),
        (
            {"features": CELLS["features"] + "\nfrom datetime import datetime as d\nage = d.now()"},
            "clock-in-features",
        ),
        ({"features": CELLS["features"] + "\nfor name in {'x', 'y'}:\n    pass"}, "unordered-features"),
        ({"features": CELLS["features"] + "\nnames = list(set(past))"}, "unordered-features"),
    ],
    ids=["forest", "none is no seed", "by module", "early stopping", "pandas", "alias", "loop", "list"],
)
def test_a_result_that_differs_from_run_to_run_is_found(tmp_path, cells, expected):
    assert [rule for rule, _ in found(tmp_path, **cells)] == [expected]


@pytest.mark.parametrize(
    "cells",
    [
        {},
        {"train": IMPORTED.format("RandomForestRegressor", "RandomForestRegressor(random_state=seed)")},
        {"train": IMPORTED.format("HistGradientBoostingRegressor", "HistGradientBoostingRegressor()")},
        {"train": IMPORTED.format("RandomForestRegressor", "RandomForestRegressor(**given)")},
        {"train": "%%stage train\nclass KMeans: pass\nmodel = KMeans()"},
        {"load": CELLS["load"] + "\nbegun = pd.Timestamp.now()"},
        {"features": CELLS["features"] + "\nnames = sorted(set(past))\nhas = 'x' in {'x', 'y'}"},
    ],
    ids=["linear", "seeded", "draws nothing", "may be seeded", "own class", "not in features", "sorted"],
)
def test_what_gives_the_same_again_is_left_alone(tmp_path, cells):
    assert found(tmp_path, **cells) == []
