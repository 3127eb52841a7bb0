"""`nbprod diff RUN RUN`: everything that two runs do not have in common, and nothing else."""

import json

import pytest
from projects import CELLS, project, ran, rows

from nbprod import api
from nbprod.faces.cli import exit_code_of


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """The first run; the same again; one after an edit, with another parameter and other data."""
    folder = tmp_path_factory.mktemp("project")
    notebook = project(folder)
    first, again = ran(notebook), ran(notebook)
    rows(days=50, slope=3.0).to_parquet(folder / "rows.parquet")
    project(folder, train=CELLS["train"].replace("()\n", "(fit_intercept=False)\n"))
    return first, again, ran(notebook, day=35)


def test_a_run_repeated_differs_in_nothing(runs):
    first, again, _ = runs
    assert api.diff_runs(first, again).is_same


def test_an_edit_a_parameter_and_other_data_are_each_told(runs):
    first, _, other = runs
    found = api.diff_runs(first, other)
    told = {
        "parameters": [(one.name, one.before, one.after) for one in found.parameters],
        "code": [(one.stage, str(one.change)) for one in found.code],
        "cells": [(one.stage, one.cell, one.diff.splitlines()[1:3]) for one in found.cells],
        "data": [one.name.rsplit("/", 1)[-1] for one in found.data],
        "metrics": [one.name for one in found.metrics],
        "environment": found.environment,
        "verdicts": found.verdicts,
        "unknown": found.unknown,
    }
    assert told == {
        "parameters": [("day", 40, 35)],
        "code": [("train", "changed")],
        "cells": [
            (
                "train",
                "train",
                ["-model = LinearRegression()", "+model = LinearRegression(fit_intercept=False)"],
            )
        ],
        "data": ["rows.parquet"],
        "metrics": ["mae"],
        "environment": (),
        "verdicts": (),
        "unknown": (),
    }


def test_two_runs_on_the_command_line_are_compared_as_text_and_as_json(runs, capsys):
    first, again, other = runs
    root = str(api.root_of(first.folder.partition("/.nbprod")[0]))
    codes = [
        exit_code_of(["diff", first.id, again.id, "--root", root]),
        exit_code_of(["diff", first.id, "last", "--root", root]),
    ]
    text = capsys.readouterr().out
    exit_code_of(["diff", first.id, other.id, "--root", root, "--json"])
    data = json.loads(capsys.readouterr().out)
    assert (codes, "Nothing differs." in text, "+model = LinearRegression(fit_intercept=False)" in text) == (
        [0, 1],
        True,
        True,
    )
    assert data["parameters"] == [{"name": "day", "before": 40, "after": 35}]
