"""Two people on one document, with jupyter-collaboration: both see a tag and an edit, each undoes their own."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from labs import PATIENCE_MILLISECONDS, PIPELINE, look, serving
from notebooks import write_notebook

if TYPE_CHECKING:
    from collections.abc import Iterator

    from labs import Lab


@pytest.fixture(scope="module")
def shared_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with serving(tmp_path_factory.mktemp("together")) as found:
        yield found


@pytest.fixture
def two_pages(browser):
    contexts = [browser.new_context(viewport={"width": 1440, "height": 900}) for _ in range(2)]
    for context in contexts:
        context.set_default_timeout(PATIENCE_MILLISECONDS)
    yield [context.new_page() for context in contexts]
    for context in contexts:
        context.close()


def test_two_people_see_tags_and_edits_and_undo_their_own(two_pages, shared_lab):
    path = write_notebook(shared_lab.root / "together.ipynb", *PIPELINE, tags={0: ["parameters"]})
    one, other = (look(page, shared_lab, path) for page in two_pages)
    for here in (one, other):
        here.page.locator("#nbprod-panel [data-stage=load]").wait_for()

    # A tag of one is seen by the other: in the cell's picker, in the flow, and in the magic line itself
    one.cell(2).click()
    one.cell(2).locator(".jp-nbprod-picker select").select_option("clean")
    other.page.locator("#nbprod-panel [data-stage=clean]").wait_for()
    assert "%%stage clean" in other.cell(2).locator(".cm-content").inner_text()

    # The other's fix reaches the one
    finding = other.section("Findings").locator("[data-rule=shift-into-future]").first
    finding.locator("[data-test=fix]").click()
    one.page.locator("#nbprod-panel [data-rule=shift-into-future]").first.wait_for(state="detached")
    assert "shift(1)" in one.cell(4).locator(".cm-content").inner_text()

    # Each undoes their own edit, and leaves the other's
    one.cell(2).locator(".cm-content").click()
    one.page.keyboard.press("Control+z")
    other.page.locator("#nbprod-panel [data-stage=load]").wait_for()
    other.page.locator("#nbprod-panel [data-stage=clean]").wait_for(state="detached")
    assert "shift(1)" in other.cell(4).locator(".cm-content").inner_text()
    other.cell(4).locator(".cm-content").click()
    other.page.keyboard.press("Control+z")
    one.page.locator("#nbprod-panel [data-rule=shift-into-future]").first.wait_for()
    assert "%%stage load" in one.cell(2).locator(".cm-content").inner_text()
    other.shot("together")

    # The server writes the shared document by itself
    other.command("docmanager:save")
    for _ in range(300):
        sources = ["".join(cell["source"]) for cell in json.loads(path.read_text())["cells"]]
        if sources == list(PIPELINE):
            break
        other.page.wait_for_timeout(100)
    assert sources == list(PIPELINE)
