"""The model in production in the sidebar: who is champion, how it does, what was decided; its report in a tab."""

from __future__ import annotations

import re

from labs import PIPELINE, look
from monitors import keep
from projects import project, ran, rows

from nbprod import api


def test_champion_batches_and_decisions_are_told_and_the_report_opens(opened, lab):
    keep(lab.root, "deliveries")
    here = opened("deliveries.ipynb", *PIPELINE)
    here.pose()
    monitor = here.only("Monitor")
    champion = monitor.locator("[data-test=champion]")
    champion.get_by_text("deliveries, version 1").wait_for()
    assert "Champion again since Mar 2, 2026, brought back by ada." in champion.inner_text()
    assert (
        monitor.locator("[data-test=alarms] li")
        .all_inner_texts()[0]
        .startswith("▲\ndelay drifted (PSI 0.50)")
    )
    assert monitor.locator("[data-test=plot]").count() == 2
    assert monitor.locator("[data-test=batches] [data-alarm=true]").count() == 2
    decisions = monitor.locator("[data-test=decisions] li")
    assert [one.get_attribute("data-action") for one in decisions.all()] == [
        "kept",
        "nothing",
        "stopped",
        "promoted",
    ]
    assert "Trained as drift: PSI delay 0.75." in decisions.first.inner_text()
    # What others wrote is text
    assert "<script>alert(1)</script>" in decisions.nth(2).inner_text()
    monitor.locator("[data-test=report]").click()
    frame = here.page.frame_locator(".jp-MainAreaWidget iframe")
    frame.get_by_role("heading", name="is champion").wait_for()
    assert here.page.locator(".jp-MainAreaWidget iframe").get_attribute("sandbox") == ""
    # The page goes with the theme, though it knows nothing of JupyterLab
    for theme in ("Dark", "Light"):
        here.command("apputils:change-theme", theme=f"JupyterLab {theme}")
        here.page.locator(f"body[data-jp-theme-name='JupyterLab {theme}']").wait_for(state="attached")
        monitor.locator("[data-test=champion]").scroll_into_view_if_needed()
        here.shot(f"monitor-{theme.lower()}")
        if theme == "Light":
            here.picture("jupyterlab_monitor")
        decisions.last.scroll_into_view_if_needed()
        here.shot(f"monitor-end-{theme.lower()}")
        frame.locator(f"html[style='color-scheme: {theme.lower()}']").wait_for(state="attached")


def test_monitor_has_words_for_no_champion_loading_and_failed(opened):
    here = opened("unproduced.ipynb", *PIPELINE)
    monitor = here.only("Monitor")
    monitor.locator("[data-test=no-champion]").get_by_text("nbprod promote last").wait_for()
    assert monitor.locator("[data-test=look]").count() == 0
    here.shot("monitor-empty")

    here.page.route(
        "**/nbprod/api/v1/monitor*", lambda route: route.fulfill(status=500, json={"message": "Alas."})
    )
    here.fold("Monitor")
    here.section("Monitor").get_by_text("Alas.").wait_for()
    here.page.unroute("**/nbprod/api/v1/monitor*")
    monitor.get_by_role("button", name="Try again").click()
    monitor.get_by_role("button", name="Try again").wait_for(state="detached")


def test_monitor_that_takes_long_to_tell_says_so(page, opened):
    here = opened("patient.ipynb", *PIPELINE)
    page.route("**/nbprod/api/v1/monitor*", lambda _: None)
    here.only("Monitor").get_by_text("Asking for the model in production…").wait_for()
    here.shot("monitor-loading")


def test_monitor_looks_at_a_batch_and_tells_its_metric(page, lab):
    folder = lab.root / "real"
    notebook = project(folder, expect="")
    api.promote(folder, ran(notebook), who="ada")
    rows(days=60, seed=5).to_parquet(folder / "batch.parquet")
    api.score(folder, folder / "batch.parquet", parameters={"day": 50}, since="2026-02-01")
    here = look(page, lab, notebook)
    monitor = here.only("Monitor")
    monitor.get_by_text("One batch has been scored, and nobody has looked at it yet.").wait_for()
    monitor.get_by_text("Labels and served features").click()
    monitor.locator("[data-test=labels]").fill("real/batch.parquet")
    monitor.locator("[data-test=look]").click()
    monitor.locator("[data-test=look]:disabled").wait_for()
    monitor.locator("[data-test=batches]").wait_for(timeout=180_000)
    assert re.search(r"mae, live\s+0\.\d+ on", monitor.inner_text())
    here.shot("monitor-looked")
