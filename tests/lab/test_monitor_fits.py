"""The monitor's page in a browser: nothing is cut, in no window and no colours, and it asks for nothing."""

import pytest
from monitors import monitor

from nbprod.continuous.monitor_page import monitor_page


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 400])
def test_the_page_fits_its_window(browser, tmp_path, scheme, width):
    file = tmp_path / "monitor.html"
    file.write_text(monitor_page(monitor()), encoding="utf-8")
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page, asked, said = context.new_page(), [], []
    page.on("request", lambda one: asked.append(one.url))
    page.on("console", lambda one: said.append(one.text))
    page.goto(file.as_uri())
    widest = page.evaluate("document.documentElement.scrollWidth")
    seen = page.locator("svg:visible").count()
    reason = page.locator("td.said").first
    edge = reason.bounding_box()
    context.close()
    assert (widest <= width, seen, asked, said) == (True, 5, [file.as_uri()], [])
    assert edge is not None
    assert edge["x"] + edge["width"] <= width
