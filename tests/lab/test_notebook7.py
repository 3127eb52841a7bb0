"""The sidebar in Notebook 7: the same panel, tagging, findings."""

from __future__ import annotations

from labs import PIPELINE, look_in_notebook
from monitors import keep
from notebooks import write_notebook


def test_panel_tags_and_findings_are_there_in_notebook_7(page, lab):
    path = write_notebook(lab.root / "seven.ipynb", *PIPELINE, tags={0: ["parameters"]})
    here = look_in_notebook(page, lab, path)
    here.page.locator("#nbprod-panel [data-stage=evaluate]").wait_for()
    here.cell(4).locator(".jp-nbprod-mark-error").first.wait_for()
    here.section("Findings").locator("[data-rule=shift-into-future]").first.wait_for()
    here.cell(2).click()
    here.cell(2).locator(".jp-nbprod-picker select").select_option("clean")
    here.page.locator("#nbprod-panel [data-stage=clean]").wait_for()
    here.shot("notebook7")
    assert "%%stage clean\\n" in here.save()
    check = here.page.locator(".jp-NotebookPanel-toolbar [data-command='nbprod:check']")
    check.wait_for()


def test_report_of_the_model_in_production_opens_beside_notebook_7(page, lab):
    keep(lab.root, "eight")
    path = write_notebook(lab.root / "eight.ipynb", *PIPELINE, tags={0: ["parameters"]})
    here = look_in_notebook(page, lab, path)
    with page.context.expect_page() as opened:
        here.only("Monitor").locator("[data-test=report]").click()
    opened.value.get_by_role("heading", name="version 1 is champion").wait_for()
