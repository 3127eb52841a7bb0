"""The sidebar as a person meets it: tag, see, fix, expect, run, compare."""

from __future__ import annotations

import json

from labs import PIPELINE, PLAIN, look


def tags_in(text: str, position: int) -> list[str]:
    cells = [cell for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"]
    return cells[position]["metadata"].get("tags", [])


def test_cells_tagged_by_picker_are_tagged_in_the_file(opened):
    lab = opened("pick.ipynb", *PLAIN)
    for position, stage in enumerate(("load", "features", "train")):
        cell = lab.cell(position)
        cell.click()
        cell.locator(".jp-nbprod-picker select").select_option(stage)
    lab.page.locator("#nbprod-panel [data-stage=train]").wait_for()
    lab.shot("tagged")
    text = lab.save()
    assert [tags_in(text, position) for position in range(3)] == [
        ["stage:load"],
        ["stage:features"],
        ["stage:train"],
    ]


def test_picker_edits_the_magic_line_of_a_cell_that_has_one(opened):
    lab = opened("line.ipynb", *PIPELINE)
    lab.cell(2).click()
    lab.cell(2).locator(".jp-nbprod-picker select").select_option("clean")
    lab.page.locator("#nbprod-panel [data-stage=clean]").wait_for()
    assert "%%stage clean\\n" in lab.save()


def test_suggested_stages_are_accepted(opened):
    lab = opened("suggest.ipynb", *PLAIN)
    flow = lab.section("Flow")
    flow.locator("[data-test=suggest]").click()
    flow.locator("[data-test=accept]").wait_for()
    lab.shot("suggested")
    flow.locator("[data-test=accept]").click()
    lab.page.locator("#nbprod-panel [data-stage]").first.wait_for()
    assert tags_in(lab.save(), 0)


def test_finding_is_marked_listed_fixed_and_brought_back_by_undo(opened):
    lab = opened("leak.ipynb", *PIPELINE)
    mark = lab.cell(4).locator(".jp-nbprod-mark-error").first
    mark.wait_for()
    lab.fold("Flow", "Runs", "Stages", "Expectations")
    finding = lab.section("Findings").locator("[data-rule=shift-into-future]").first
    finding.wait_for()
    finding.locator("button").first.click()
    mark.hover()
    lab.page.locator(".cm-tooltip-lint").first.wait_for()
    lab.shot("finding")
    finding.locator("[data-test=fix]").click()
    finding.wait_for(state="detached")
    assert "shift(1)" in lab.save()
    lab.cell(4).locator(".cm-content").click()
    lab.page.keyboard.press("Control+z")
    finding.wait_for()
    assert "shift(-1)" in lab.save()


def test_expectation_added_by_form_breaks_with_sample_rows(opened):
    lab = opened("expect.ipynb", *[one.replace("shift(-1)", "shift(1)") for one in PIPELINE])
    lab.page.locator("#nbprod-panel [data-stage=load]").wait_for()
    lab.fold("Flow", "Runs", "Stages", "Findings")
    form = lab.section("Expectations")
    form.locator("[data-test=value]").select_option("sales")
    form.locator("[data-test=column]").fill("sold")
    form.locator("[data-test=offered]").select_option(label="lies between")
    form.locator("[data-test=min_value]").fill("0")
    form.locator("[data-test=max_value]").fill("30")
    form.locator("[data-test=add]").click()
    form.get_by_text("max_value=30").wait_for()
    lab.fold("Expectations")
    run = lab.section("Runs")
    run.locator("[data-test=run]").click()
    run.locator("[data-state=broken], [data-state=failed]").first.wait_for(timeout=180_000)
    lab.fold("Runs")
    broken = lab.section("Expectations").locator("[data-test=broken]").first
    broken.locator("summary").click()
    broken.get_by_role("cell", name="39").first.wait_for()
    lab.shot("broken")


def test_run_goes_on_while_the_page_is_closed_and_two_runs_compare(opened, lab):
    sources = [one.replace("shift(-1)", "shift(1)") for one in PIPELINE]
    # Great Expectations, which judges, costs more than all else of a run, and no verdict is looked at here.
    sources[3] = "sales.head()"
    sources[5] = sources[5].replace("known =", "import time; time.sleep(6)\nknown =")
    here = opened("run.ipynb", *sources)
    here.page.locator("#nbprod-panel [data-stage=load]").wait_for()
    here.fold("Flow", "Findings", "Stages", "Expectations")
    runs = here.section("Runs")
    runs.locator("[data-test=run]").click()
    runs.locator("[data-stage-run][data-state=running]").first.wait_for()
    here.shot("running")
    here.page.goto("about:blank")
    again = look(here.page, lab, here.path)
    again.fold("Flow", "Findings", "Stages", "Expectations")
    runs = again.section("Runs")
    runs.locator("li[data-run][data-state=done]").wait_for(timeout=180_000)
    runs.locator("[data-test=parameter-rows]").fill("50")
    runs.locator("[data-test=run]").click()
    runs.locator("li[data-run][data-state=done]").nth(1).wait_for(timeout=180_000)
    for box in runs.locator("[data-test=compare]").all()[:2]:
        box.check()
    runs.locator("[data-test=comparison]").get_by_role("row", name="rows 40 50").wait_for()
    runs.locator("[data-test=comparison]").scroll_into_view_if_needed()
    again.shot("compared")


def test_run_is_cancelled(opened):
    lab = opened("cancel.ipynb", "%%stage wait\nimport time\ntime.sleep(300)\nwaited = True")
    lab.page.locator("#nbprod-panel [data-stage=wait]").wait_for()
    lab.fold("Flow", "Findings", "Stages", "Expectations")
    runs = lab.section("Runs")
    runs.locator("[data-test=run]").click()
    runs.locator("[data-test=cancel]").click()
    runs.locator("li[data-run][data-state=cancelled]").wait_for(timeout=90_000)


def test_dark_theme_is_readable(opened):
    lab = opened("dark.ipynb", *PIPELINE, theme="JupyterLab Dark")
    lab.page.locator("#nbprod-panel [data-stage=evaluate]").wait_for()
    lab.shot("dark")
    ink, paper = lab.page.evaluate(
        "() => { const s = getComputedStyle(document.querySelector('#nbprod-panel .name'));"
        " const b = getComputedStyle(document.querySelector('#nbprod-panel .box')); return [s.fill, b.fill]; }"
    )
    assert ink != paper
