"""JupyterLab on this machine in headless Chromium, with notebooks of its own."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest
from labs import PATIENCE_MILLISECONDS, PIPELINE, Lab, Opened, look, serving
from notebooks import write_notebook

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium")
# As root in a closed network, Chromium must neither sandbox itself nor look for updates.
ARGUMENTS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """One server for all tests that need nothing of their own; each opens notebooks of its own name."""
    with serving(tmp_path_factory.mktemp("lab"), "c.YDocExtension.disable_rtc = True\n") as found:
        yield found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    # Closed with the module: while Playwright's loop runs, an interrupt does not reach the main thread.
    if CHROMIUM is None:
        missing = "Chromium is missing: install Debian's package chromium, or name it in CHROMIUM."
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield found
        found.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
    context.set_default_timeout(PATIENCE_MILLISECONDS)
    yield context.new_page()
    context.close()


@pytest.fixture
def opened(page: Page, lab: Lab):
    """Opens a notebook made of these sources in JupyterLab."""

    def open_notebook(name: str, *sources: str, theme: str = "") -> Opened:
        path = write_notebook(
            lab.root / name, *sources, tags={0: ["parameters"]} if sources[0] == PIPELINE[0] else None
        )
        return look(page, lab, path, theme=theme)

    return open_notebook
