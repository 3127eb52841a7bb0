"""A plan is a plain folder: papermill alone runs its notebooks, edits stay small."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import yaml
from bare import run_papermill
from notebooks import write_notebook

from nbprod import api
from nbprod.artifacts.boundary import take
from nbprod.changes import Change
from nbprod.errors import PlanError
from nbprod.extract import BlockedError

if TYPE_CHECKING:
    from pathlib import Path

SOURCES = (
    "rows = 4  # how many rows to make",
    "import pandas as pd\n\ndef doubled(column):\n    return column * factor\n\nfactor = 2",
    '%%stage load\nfrom IPython.display import display\ntable = pd.DataFrame({"x": range(rows)})\ntable.head()',
    '%%expect table\nColumnValuesToNotBeNull(column="x")',
    "%%stage features\ntable['y'] = doubled(table['x'])",
    "table.plot",
    "%%stage evaluate\nmetrics = {'sum': int(table['y'].sum())}",
)
TAGS = {0: ["parameters"]}


@pytest.fixture
def notebook(tmp_path: Path) -> Path:
    return write_notebook(tmp_path / "small.ipynb", *SOURCES, tags=TAGS)


def cell(text: str, cell_id: str) -> str:
    return "".join(next(one["source"] for one in json.loads(text)["cells"] if one["id"] == cell_id))


def test_stage_notebooks_run_one_after_another_under_bare_papermill(notebook):
    plan = api.extract(notebook)
    folder = notebook.with_suffix(".plan")
    run_papermill(folder, {stage.notebook: {} for stage in plan.stages})
    assert take({"metrics": "evaluate"}, folder=str(folder / "artifacts")) == {"metrics": {"sum": 12}}


def test_stage_notebook_holds_what_the_user_wrote_and_what_the_stage_uses(notebook):
    plan = api.plan(notebook)
    features = plan.files["02-features.ipynb"]
    assert cell(features, "c4") == "table['y'] = doubled(table['x'])"
    definitions = cell(features, "nbprod-definitions").splitlines()
    assert sorted(filter(None, definitions)) == [
        "    return column * factor",
        "def doubled(column):",
        "factor = 2",
    ]
    assert "import pandas" not in features
    assert "rows = 4  # how many rows to make" in cell(plan.files["01-load.ipynb"], "nbprod-parameters")


def test_pipeline_file_reads_back_as_the_plan(notebook):
    written = api.extract(notebook)
    assert api.read_plan(notebook.with_suffix(".plan")) == written


def test_extracting_again_after_an_edit_writes_only_what_the_edit_changed(notebook):
    before = api.extract(notebook)
    edited = [source.replace("int(table", "float(table") for source in SOURCES]
    write_notebook(notebook, *edited, tags=TAGS)
    found = {one.stage: one.change for one in api.diff(notebook)}
    after = api.extract(notebook)
    changed = {name for name in after.files if after.files[name] != before.files.get(name)}
    assert changed == {"03-evaluate.ipynb", "pipeline.yaml"}
    assert found == {"load": Change.SAME, "features": Change.SAME, "evaluate": Change.CHANGED}


def test_stages_after_a_changed_one_are_affected(notebook):
    api.extract(notebook)
    write_notebook(notebook, *[source.replace("factor = 2", "factor = 3") for source in SOURCES], tags=TAGS)
    found = {one.stage: (one.change, one.says) for one in api.diff(notebook)}
    assert found == {
        "load": (Change.SAME, ()),
        "features": (Change.CHANGED, ("A definition that it uses changed.",)),
        "evaluate": (Change.AFFECTED, ("It comes after features.",)),
    }


def test_plan_edited_by_hand_is_neither_run_nor_overwritten(notebook):
    api.extract(notebook)
    file = notebook.with_suffix(".plan") / "02-features.ipynb"
    mine = file.read_text().replace("doubled(table", "2 * doubled(table")
    file.write_text(mine)
    for verb in (api.extract, lambda _: api.read_plan(file.parent)):
        with pytest.raises(PlanError, match=r"Edited by hand since it was extracted: 02-features\.ipynb"):
            verb(notebook)
    assert file.read_text() == mine
    api.extract(notebook, force=True)
    assert file.read_text() != mine


def test_folder_with_other_files_is_left_alone(notebook, tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "notes.yaml").write_text("a: 1")
    with pytest.raises(PlanError, match=r"holds other files and no pipeline\.yaml"):
        api.extract(notebook, folder)
    assert [path.name for path in folder.iterdir()] == ["notes.yaml"]


def test_cells_that_serve_no_stage_are_kept_on_request(notebook):
    assert "table.plot" in api.plan(notebook, keep_all=True).files["02-features.ipynb"]
    assert "table.plot" not in api.plan(notebook).files["02-features.ipynb"]


def test_errors_among_the_findings_stop_an_extract_unless_allowed(tmp_path):
    leaky = write_notebook(
        tmp_path / "leaky.ipynb",
        "%%stage load\nimport pandas as pd\ntable = pd.DataFrame({'ts': pd.date_range('2024', periods=9), 'x': range(9)})",
        "%%stage features --time ts\ntable['next'] = table['x'].shift(-1)",
        "%%stage train\nfrom sklearn.linear_model import LinearRegression\n"
        "model = LinearRegression().fit(table[['next']].fillna(0), table['x'])",
    )
    with pytest.raises(BlockedError) as stopped:
        api.extract(leaky)
    rules = {finding.rule for finding in stopped.value.findings}
    assert "shift-into-future" in rules
    plan = api.extract(leaky, allow=dict.fromkeys(rules, "this is a lesson"))
    written = yaml.safe_load((leaky.with_suffix(".plan") / "pipeline.yaml").read_text())
    assert written["allowed"] == dict(plan.allowed) == dict.fromkeys(rules, "this is a lesson")
