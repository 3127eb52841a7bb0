"""What scores is what trained: the same stages, the same suites, the same features to the bit."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from projects import CELLS, project, ran, rows

import nbprod
from nbprod import api
from nbprod.faces.cli import exit_code_of

NUMBERED = {
    "load": CELLS["load"] + "\nraw = raw.assign(number=range(len(raw)))",
    "features": CELLS["features"].replace("past[['time', 'x']]", "past[['number', 'time', 'x']]"),
    "split": CELLS["split"].replace("drop(columns='time')", "drop(columns=['number', 'time'])"),
}


@pytest.fixture(scope="module")
def champion(tmp_path_factory):
    """A project whose champion takes rows with a number."""
    notebook = project(tmp_path_factory.mktemp("project"), **NUMBERED)
    record = ran(notebook)
    api.promote(notebook.parent, record)
    return notebook.parent


def test_features_served_one_by_one_or_together_are_those_it_was_trained_on(champion):
    held = nbprod.load("champion", root=champion)
    record = held.candidate.record
    trained = api.value(record, "features", stage="features")
    raw = api.value(record, "raw", stage="load")
    chosen = raw.sample(200, random_state=1)
    served = held.features(chosen)
    alone = held.features(raw.iloc[[1000]])
    expected = trained.set_index("number", drop=False).loc[list(chosen["number"])].reset_index(drop=True)
    pd.testing.assert_frame_equal(served, expected, check_exact=True)
    assert alone.iloc[0].to_dict() == trained.set_index("number", drop=False).loc[1000].to_dict()


def test_a_single_row_gets_the_prediction_that_the_model_gives_its_features(champion):
    held = nbprod.load("champion", root=champion)
    raw = api.value(held.candidate.record, "raw", stage="load")
    row = raw.iloc[[500]]
    expected = held.model.predict(held.features(row)[list(held.model.feature_names_in_)])
    np.testing.assert_array_equal(held.predict(row), expected)


def test_a_batch_is_scored_by_the_champions_own_stages(champion, tmp_path, capsys):
    rows(days=60, seed=5).to_parquet(tmp_path / "new.parquet")
    code = exit_code_of(
        ["score", str(tmp_path / "new.parquet"), "-p", "day=50", "--root", str(champion), "--json"]
    )
    batch = json.loads(capsys.readouterr().out)
    scored = pd.read_parquet(batch["file"])
    assert (code, batch["rows"], batch["version"]) == (0, 60 * 24, 1)
    truth = rows(days=60, seed=5)["y"]
    assert (scored["prediction"] - truth).abs().mean() < 0.3


def nothing(_):
    """No file."""


def broken_batch(folder):
    broken = rows(days=60)
    broken.loc[3:40, "x"] = None
    broken.to_parquet(folder / "new.parquet")


def batch_of_another_shape(folder):
    rows(days=60).drop(columns="x").to_parquet(folder / "new.parquet")


def no_table(folder):
    (folder / "new.parquet").write_text("no table", encoding="utf-8")


REFUSED = {
    "a critical expectation breaks": (broken_batch, [], "Nothing is scored: stage 'load' broken"),
    "a column is missing": (batch_of_another_shape, [], "'x'"),
    "the file is no table": (no_table, [], "new.parquet"),
    "no file is there": (nothing, [], "new.parquet"),
    "no such model": (broken_batch, ["--model", "retired"], "retired"),
    "a parameter that no stage has": (broken_batch, ["-p", "days=3"], "days"),
    "an unreadable time": (broken_batch, ["--since", "yesterday noon"], "yesterday noon"),
    "no folder for the scores": (broken_batch, ["-o", "nowhere/scores.csv"], "scores.csv"),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_scored_is_refused_with_the_reason(champion, tmp_path, capsys, case):
    prepare, options, says = case
    prepare(tmp_path)
    before = sorted(tmp_path.iterdir())
    code = exit_code_of(
        ["score", str(tmp_path / "new.parquet"), "-p", "day=50", "--root", str(champion), *options]
    )
    told = capsys.readouterr()
    assert (code, told.out, sorted(tmp_path.iterdir())) == (2, "", before)
    assert says in told.err
    assert "Traceback" not in told.err


def test_planted_skew_is_found_and_nothing_else(champion, tmp_path):
    held = nbprod.load("champion", root=champion)
    served = held.features(api.value(held.candidate.record, "raw", stage="load").sample(1000, random_state=2))
    served.to_parquet(tmp_path / "same.parquet")
    served.assign(last=served["last"].astype("float32").astype("float64")).to_parquet(
        tmp_path / "skewed.parquet"
    )
    same, skewed = (api.skew(champion, tmp_path / f"{name}.parquet") for name in ("same", "skewed"))
    assert (same.holds, same.rows, same.columns) == (True, 1000, 3)
    assert [one.column for one in skewed.skewed] == ["last"]


def test_importing_nbprod_loads_nothing_heavy():
    code = "import sys, nbprod; nbprod.load; print(sorted({'pandas', 'ibis'} & set(sys.modules)))"
    told = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert told.stdout.strip() == "[]"
