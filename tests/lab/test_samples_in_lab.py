"""The sample notebooks in JupyterLab: tagged by picker, their leaks seen, fixed and brought back."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from labs import look

SAMPLES = Path(__file__).parents[2] / "sample_notebooks"


@pytest.fixture
def sample(page, lab):
    def open_sample(name: str):
        return look(page, lab, Path(shutil.copy(SAMPLES / name, lab.root / name)))

    return open_sample


def test_cells_of_the_flights_sample_move_by_picker(sample):
    lab = sample("flight_delays.ipynb")
    lab.page.locator("#nbprod-panel [data-stage=features]").wait_for()
    lab.only("Flow")
    lab.shot("sample")
    chosen = {}
    cells = lab.page.locator(".jp-CodeCell[data-nbprod-stage]")
    for place in range(3):
        cell = cells.nth(place)
        cell.scroll_into_view_if_needed()
        before = cell.get_attribute("data-nbprod-stage")
        cell.click()
        cell.locator(".jp-nbprod-picker select").select_option("evaluate" if before != "evaluate" else "load")
        chosen[place] = "evaluate" if before != "evaluate" else "load"
        cell.and_(lab.page.locator(f"[data-nbprod-stage={chosen[place]}]")).wait_for()
    sources = [
        "".join(one["source"]) for one in json.loads(lab.save())["cells"] if one["cell_type"] == "code"
    ]
    moved = [source for source in sources if source.startswith("%%stage")][:3]
    assert [source.split()[1] for source in moved] == list(chosen.values())


def test_leak_of_the_leaky_sample_is_marked_jumped_to_fixed_and_undone(sample):
    lab = sample("flight_delays_leaky.ipynb")
    lab.pose()
    findings = lab.only("Findings").locator("[data-test=findings] > li")
    findings.first.wait_for()
    before = findings.count()
    fixable = findings.filter(has=lab.page.locator("[data-test=fix]")).first
    rule = fixable.get_attribute("data-rule")
    fixable.locator("button").first.click()
    # The jump puts the cursor on the leak
    mark = lab.page.locator(".jp-mod-active .jp-nbprod-mark").first
    mark.wait_for()
    lab.page.wait_for_function("document.activeElement.closest('.jp-mod-active .cm-content')")
    mark.hover()
    lab.page.locator(".cm-tooltip-lint").first.wait_for()
    lab.shot("leaky")
    lab.picture("jupyterlab_leak")
    lab.page.mouse.move(0, 0)
    same = lab.page.locator(f"#nbprod-panel [data-rule={rule}]")
    leaks = same.count()
    fixable.locator("[data-test=fix]").click()
    same.nth(leaks - 1).wait_for(state="detached")
    lab.page.keyboard.press("Control+z")
    same.nth(leaks - 1).wait_for()
    assert findings.count() == before
