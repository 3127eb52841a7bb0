"""A run is done again from what it kept, whatever has been edited since, and is said to be as equal as it is."""

import json
import os
import re
import shutil
import sys
from pathlib import Path

import pytest
from projects import CELLS, project, ran, rows

from nbprod import api
from nbprod.errors import NbprodError
from nbprod.faces.cli import exit_code_of
from nbprod.running.keeping import kept_of
from nbprod.tracking.entering import kept_plan_of
from nbprod.tracking.environments import needed_pins
from nbprod.tracking.reproducing import Comparing, Level

# The cells that use the project's own module.
OWN = {
    "imports": CELLS["imports"] + "\nimport own",
    "features": CELLS["features"].replace("last=past['x']", "double=own.twice(past['x']), last=past['x']"),
}


@pytest.fixture(scope="module")
def run_and_edited(tmp_path_factory):
    """A run whose notebook, own module and data have been changed since."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "own.py").write_text("def twice(x):\n    return 2 * x\n")
    notebook = project(folder, expect="", **OWN)
    record = ran(notebook)
    (folder / "own.py").write_text("def twice(x):\n    return 3 * x\n")
    rows(days=50, slope=3.0).to_parquet(folder / "rows.parquet")
    project(folder, expect="", train="%%stage train\nmodel = None")
    return folder, record


def test_an_edited_notebook_module_and_file_are_restored_and_give_the_same_bytes(
    run_and_edited, tmp_path, capsys, monkeypatch
):
    folder, record = run_and_edited
    monkeypatch.chdir(tmp_path)
    code = exit_code_of(["reproduce", record.id, "--root", str(folder), "--folder", "again", "--json"])
    found = json.loads(capsys.readouterr().out)
    assert (code, found["level"], found["cannot"], found["environment"]) == (0, "identical bytes", [], [])
    assert {one["name"] for one in found["values"]} >= {"model", "features", "metrics"}


def test_what_cannot_be_restored_is_said_before_it_runs(run_and_edited, tmp_path):
    folder, record = run_and_edited
    emptied = tmp_path / "copy"
    shutil.copytree(folder, emptied)
    shutil.rmtree(emptied / ".nbprod" / "store")
    told = []

    def stop(sentence):
        told.append(sentence)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        api.reproduce(emptied, record, folder=tmp_path / "again", tell=stop)
    assert told == [
        f"File {folder / 'rows.parquet'} has changed since, and the store doesn't have it as it was."
    ]


def test_a_folder_that_holds_something_is_left_alone(run_and_edited, tmp_path):
    folder, record = run_and_edited
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(NbprodError, match="not empty"):
        api.reproduce(folder, record, folder=tmp_path)
    assert [one.name for one in tmp_path.iterdir()] == ["mine.txt"]


def test_the_environment_to_build_is_what_the_run_uses(run_and_edited):
    _, record = run_and_edited
    pins = needed_pins(kept_of(Path(record.folder)), kept_plan_of(record))
    names = {pin.partition("==")[0] for pin in pins}
    assert names >= {"pandas", "scikit-learn", "papermill", "ipykernel", "numpy"}
    assert not names & {"jupyterlab", "pytest", "nbprod"}


def test_a_model_that_differs_says_which_of_its_predictions(run_and_edited, tmp_path):
    folder, record = run_and_edited
    again = tmp_path / "project"
    shutil.copytree(folder, again)
    train = CELLS["train"].replace("LinearRegression()", "LinearRegression(fit_intercept=False)")
    project(again, expect="", train=train, **OWN)
    other = ran(again / "pipeline.ipynb")
    before = Comparing(before=record, after=other, interpreter=Path(sys.executable), because="As was wished.")
    found = {one.name: one for one in before.values()}
    assert found["model"].level is Level.DIFFERENT
    assert re.fullmatch(
        r"[\d,]+ of [\d,]+ predictions differ, first that of row \d+: .+ then, .+ now. As was wished.",
        found["model"].why,
    )


@pytest.mark.skipif(
    not os.environ.get("NBPROD_REPRODUCE"), reason="builds two environments: `make check-reproduce`, minutes"
)
def test_the_sample_comes_out_the_same_in_a_fresh_environment_and_another_version_is_named(tmp_path):
    sample = Path(__file__).parents[2] / "sample_notebooks" / "flight_delays.ipynb"
    notebook = tmp_path / sample.name
    shutil.copyfile(sample, notebook)
    (tmp_path / "pyproject.toml").touch()
    record = ran(notebook, month=3, months_of_training=1)
    notebook.write_text(notebook.read_text().replace("max_iter=120", "max_iter=30"))
    version = {"scikit-learn": "1.8.0"}
    other = api.reproduce(
        tmp_path, record, folder=tmp_path / "other", fresh_environment=True, replaced=version
    )
    shutil.rmtree(tmp_path / ".nbprod" / "store")
    same = api.reproduce(tmp_path, record, folder=tmp_path / "same", fresh_environment=True)
    assert (same.level, same.cannot, same.environment) == (Level.BYTES, (), ())
    assert other.environment == ("scikit-learn is 1.8.0 instead, on purpose.",)
    levels = {one.name: one.level for one in other.values}
    assert (levels["features"], levels["model"], other.level) == (
        Level.BYTES,
        Level.DIFFERENT,
        Level.DIFFERENT,
    )
