"""Who can use the sidebar: an audit by axe-core, and the main way by keyboard alone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from labs import PIPELINE
from monitors import keep

AXE = Path(__file__).parents[2] / "extension" / "node_modules" / "axe-core" / "axe.min.js"
AUDIT = """
async () => {
  const found = await axe.run('#nbprod-panel', { resultTypes: ['violations'] });
  return found.violations
    .filter(one => ['serious', 'critical'].includes(one.impact))
    .map(one => `${one.id}: ${one.nodes.map(node => node.html + ' ' + node.any.map(any => any.message)).join(' | ')}`);
}
"""
BREAKS = '%%expect sales\nColumnValuesToBeBetween(column="sold", max_value=30, severity="warning")'


def test_axe_finds_nothing_serious_in_light_and_in_dark(opened, lab):
    if not AXE.is_file():
        missing = "axe-core is missing: run `npm ci` in extension."
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
    sources = [*PIPELINE[:3], BREAKS, *PIPELINE[4:5], "%%stage fail\nfailed = 1 / (len(features) - 40)"]
    keep(lab.root, "sales")
    lab = opened("sales.ipynb", *sources)
    lab.pose()
    lab.page.add_script_tag(path=AXE)
    found = []

    def audit(section: str) -> None:
        here = lab.only(section)
        for summary in here.locator("details:not([open]) > summary").all():
            summary.click()
        for theme in ("Light", "Dark"):
            lab.command("apputils:change-theme", theme=f"JupyterLab {theme}")
            lab.page.locator(f"body[data-jp-theme-name='JupyterLab {theme}']").wait_for(state="attached")
            found.extend(f"{section}, {theme}: {one}" for one in lab.page.evaluate(AUDIT))
            lab.shot(f"{section.lower()}-{theme.lower()}")
            if (section, theme) == ("Runs", "Dark"):
                lab.picture("jupyterlab_run_dark")

    lab.cell(4).locator(".jp-nbprod-mark-error").first.wait_for()
    audit("Findings")
    lab.section("Findings").locator("[data-rule=shift-into-future] [data-test=fix]").click()
    runs = lab.only("Runs")
    runs.locator("[data-test=run]:enabled").click()
    runs.locator("[data-test=failure] summary").wait_for(timeout=180_000)
    for section in ("Runs", "Flow", "Expectations", "Stages", "Monitor"):
        audit(section)
    assert found == []


def test_main_way_is_gone_by_keyboard_alone(opened, lab):
    keep(lab.root, "keys")
    lab = opened("keys.ipynb", *PIPELINE)
    page, press = lab.page, lab.page.keyboard.press
    page.locator("#nbprod-panel [data-stage=load]").wait_for()
    lab.cell(0).locator(".cm-content").focus()
    press("Escape")
    focused = "document.activeElement"

    def tab_to(selector: str, *, limit: int = 120) -> None:
        for _ in range(limit):
            press("Tab")
            if page.evaluate(f"selector => Boolean({focused}?.closest(selector))", selector):
                return
        raise AssertionError(f"{limit} presses of Tab did not reach {selector}")

    # The panel by its shortcut, then a stage of the picture: its first cell becomes the active one
    press("Control+Alt+p")
    tab_to("#nbprod-panel [data-stage=features]")
    press("Enter")
    page.locator(".jp-Notebook .jp-Cell.jp-mod-active[data-nbprod-stage=features]").wait_for()

    # A finding, its fix, and undo
    press("Control+Alt+p")
    tab_to("#nbprod-panel [data-rule=shift-into-future] [data-test=fix]")
    press("Enter")
    page.locator("#nbprod-panel [data-rule=shift-into-future]").first.wait_for(state="detached")
    page.wait_for_function(f"{focused}.closest('.jp-Cell[data-nbprod-stage=features] .cm-content')")
    press("Control+z")
    page.locator("#nbprod-panel [data-rule=shift-into-future]").first.wait_for()
    press("Control+Shift+z")
    page.locator("#nbprod-panel [data-rule=shift-into-future]").first.wait_for(state="detached")

    # An expectation by the form, in a section that is opened by keyboard
    press("Escape")
    press("Control+Alt+p")
    tab_to(".lm-AccordionPanel-title:nth-of-type(3), .lm-AccordionPanel-title[aria-expanded=false]")
    press("Enter")
    tab_to("#nbprod-panel [data-test=column]")
    page.keyboard.type("sold")
    tab_to("#nbprod-panel [data-test=add]")
    press("Enter")
    page.locator("#nbprod-panel [data-test=expectations] li").nth(1).wait_for()

    # A run, cancelled
    tab_to("#nbprod-panel [data-test=run]")
    press("Enter")
    page.locator("#nbprod-panel [data-test=cancel]").wait_for()
    tab_to("#nbprod-panel [data-test=cancel]")
    press("Enter")
    page.locator(
        "#nbprod-panel li[data-run]:not([data-state=running]):not([data-state=waiting])"
    ).first.wait_for(timeout=90_000)

    # The model in production: why its champion is one, and the whole report
    tab_to("#nbprod-panel [aria-label='Monitor Section']")
    press("Enter")
    page.locator("#nbprod-panel [data-test=champion]").wait_for()
    tab_to("#nbprod-panel [data-test=champion] summary")
    press("Enter")
    page.locator("#nbprod-panel [data-test=champion] details[open]").get_by_text("A drill").wait_for()
    tab_to("#nbprod-panel [data-test=report]")
    press("Enter")
    page.frame_locator(".jp-MainAreaWidget iframe").get_by_role("heading", name="is champion").wait_for()
