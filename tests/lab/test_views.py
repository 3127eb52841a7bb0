"""Each view's own ways: words where there is nothing, dragging, editing, zooming, live verdicts."""

from __future__ import annotations

from labs import PIPELINE, look

LEAKLESS = tuple(one.replace("shift(-1)", "shift(1)") for one in PIPELINE)


def test_views_have_words_for_empty_loading_failed_and_no_kernel(opened, lab):
    here = opened("words.ipynb", "x = 1")
    for section, words in (
        ("Flow", "No cell has a stage yet"),
        ("Findings", "Nothing found"),
        ("Expectations", "Nothing is expected of any value yet"),
        ("Runs", "has not run yet"),
        ("Stages", "In no stage"),
    ):
        here.only(section).get_by_text(words).wait_for()
    here.command("kernelmenu:shutdown")
    here.only("Runs").locator("[data-test=no-kernel]").wait_for()

    here.page.route("**/nbprod/api/v1/study*", lambda route: route.fulfill(status=404, body="no such page"))
    here.command("nbprod:check")
    flow = here.only("Flow")
    flow.get_by_text("The Jupyter server runs without nbprod").wait_for()
    here.shot("failed")
    here.page.unroute("**/nbprod/api/v1/study*")
    flow.get_by_role("button", name="Try again").click()
    flow.get_by_role("button", name="Try again").wait_for(state="detached")

    # A study that takes long
    here.page.route("**/nbprod/api/v1/study*", lambda _: None)
    here.page.goto("about:blank")
    look(here.page, lab, here.path)
    here.page.locator("#nbprod-panel").get_by_text("Studying the notebook…").first.wait_for()
    here.page.locator("#nbprod-panel [role=status]").first.wait_for()


def test_cell_is_dragged_to_another_stage(opened):
    lab = opened("drag.ipynb", *LEAKLESS)
    lab.page.locator("#nbprod-panel [data-stage=evaluate]").wait_for()
    stages = lab.only("Stages")
    cell = stages.locator("[data-test-group=none] li", has_text="import pandas")
    cell.drag_to(stages.locator("[data-test-group=load]"))
    stages.locator("[data-test-group=load] li", has_text="import pandas").wait_for()
    lab.shot("stages")
    assert '"stage:load"' in lab.save()


def test_expectation_is_edited_and_taken_out(opened):
    lab = opened("edit.ipynb", *LEAKLESS)
    items = lab.only("Expectations").locator("[data-test=expectations] li")
    items.first.wait_for()
    items.first.locator("[data-test=edit]").click()
    source = items.first.locator("[data-test=source]")
    assert source.input_value() == 'ColumnValuesToNotBeNull(column="sold")'
    source.fill('ColumnValuesToBeUnique(column="sold")')
    lab.shot("editing")
    items.first.locator("[data-test=save]").click()
    items.first.get_by_text("be unique").wait_for()
    items.first.locator("[data-test=edit]").click()
    items.first.locator("[data-test=remove]").click()
    items.first.wait_for(state="detached")
    assert "ColumnValues" not in lab.save()


def test_cells_that_run_in_the_kernel_refresh_their_verdicts(opened):
    limited = '%%expect sales\nColumnValuesToBeBetween(column="sold", max_value=30)'
    lab = opened("live.ipynb", "%load_ext nbprod\nrows = 20", LEAKLESS[1], LEAKLESS[2], limited)
    lab.only("Expectations").locator("[data-test=expectations] li").wait_for()
    holds = lab.page.locator("#nbprod-panel li[data-success=true]")
    for position in range(4):
        lab.cell(position).locator(".cm-content").click()
        lab.page.keyboard.press("Control+Enter")
    holds.wait_for(timeout=180_000)
    lab.cell(0).locator(".cm-content").click()
    lab.page.keyboard.press("Control+End")
    lab.page.keyboard.type("0")
    lab.page.keyboard.press("Control+Enter")
    lab.cell(2).locator(".cm-content").click()
    lab.page.keyboard.press("Control+Enter")
    broken = lab.page.locator("#nbprod-panel li[data-success=false]")
    broken.get_by_text("169 of 200 break it").wait_for()
    lab.page.locator("#nbprod-panel").get_by_text("as the kernel holds it").wait_for()


def test_thirty_stages_are_readable_and_zoomed(opened):
    chain = [f"%%stage step_{at}\nvalue_{at} = {f'value_{at - 1}' if at else 0} + {at}" for at in range(30)]
    lab = opened("thirty.ipynb", *chain)
    lab.page.locator("#nbprod-panel [data-stage=step_29]").wait_for()
    flow = lab.only("Flow")
    lab.shot("thirty")
    letters = "el => el.getBoundingClientRect().height"
    name = flow.locator("[data-stage=step_0] .name")
    before = name.evaluate(letters)
    assert before > 8
    flow.get_by_role("button", name="Zoom in").click()
    lab.page.wait_for_function(
        "before => document.querySelector('#nbprod-panel [data-stage=step_0] .name').getBoundingClientRect().height > before",
        arg=before,
    )
    picture = flow.locator("[data-test=picture]")
    box = picture.bounding_box()
    x, y = box["x"] + 30, box["y"] + box["height"] - 30
    lab.page.mouse.move(x, y)
    lab.page.mouse.down()
    lab.page.mouse.move(x, y - 200, steps=5)
    lab.page.mouse.up()
    assert picture.evaluate("el => el.scrollTop") > 100
    flow.locator("[data-stage=step_29]").click()
    lab.page.locator(".jp-Cell.jp-mod-active[data-nbprod-stage=step_29]").wait_for()
    # Scrolled past a stage's beginning, the notebook's edge says where one is
    lab.page.locator(".jp-nbprod-where:visible").wait_for(state="attached")
