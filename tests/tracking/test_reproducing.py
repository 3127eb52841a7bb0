"""A run is done again from what it kept, whatever has been edited since, and is said to be as equal as it is."""

import json
import shutil
from pathlib import Path

import pytest
from projects import CELLS, project, ran, rows

from nbprod import api
from nbprod.errors import NbprodError
from nbprod.faces.cli import exit_code_of
from nbprod.running.keeping import kept_of
from nbprod.tracking.entering import kept_plan_of
from nbprod.tracking.environments import needed_pins


@pytest.fixture(scope="module")
def run_and_edited(tmp_path_factory):
    """A run whose notebook, own module and data have been changed since."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "own.py").write_text("def twice(x):\n    return 2 * x\n")
    features = CELLS["features"].replace("last=past['x']", "double=own.twice(past['x']), last=past['x']")
    notebook = project(folder, expect="", imports=CELLS["imports"] + "\nimport own", features=features)
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
