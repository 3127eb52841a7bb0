"""JupyterLab on this machine in headless Chromium, with notebooks of its own; screenshots go to tests/output/lab."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from notebooks import write_notebook

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).parents[2]
SHOTS = ROOT / "tests" / "output" / "lab"
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium")
# As root in a closed network, Chromium must neither sandbox itself nor look for updates.
ARGUMENTS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
CONFIG = """
c = get_config()
c.ServerApp.ip = "127.0.0.1"
c.ServerApp.open_browser = False
c.ServerApp.allow_root = True
c.IdentityProvider.token = ""
c.ServerApp.disable_check_xsrf = True
c.LabApp.expose_app_in_browser = True
c.LabApp.news_url = None
c.LabApp.check_for_updates_class = "jupyterlab.NeverCheckForUpdate"
c.LabApp.extension_manager = "readonly"
"""
NEWS = '{"fetchNews": "false", "checkForUpdates": false}'

PIPELINE = (
    "rows = 40",
    "import pandas as pd",
    "%%stage load\nsales = pd.DataFrame({'day': pd.date_range('2024-01-01', periods=rows), 'sold': range(rows)})",
    '%%expect sales\nColumnValuesToNotBeNull(column="sold")',
    "%%stage features --time day\nfeatures = sales.copy()\nfeatures['before'] = features['sold'].shift(-1)",
    (
        "%%stage train\nfrom sklearn.linear_model import LinearRegression\n"
        "known = features.dropna()\nmodel = LinearRegression().fit(known[['before']], known['sold'])"
    ),
    "%%stage evaluate\nmetrics = {'score': float(model.score(known[['before']], known['sold']))}",
)
PLAIN = (
    "import pandas as pd\nshops = pd.DataFrame({'shop': list('abc'), 'sold': [3, 1, 2]})",
    "shops['share'] = shops['sold'] / shops['sold'].sum()",
    "from sklearn.linear_model import LinearRegression\nmodel = LinearRegression().fit(shops[['share']], shops['sold'])",
)


@dataclass(frozen=True, slots=True)
class Lab:
    url: str
    root: Path


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    home = tmp_path_factory.mktemp("lab")
    root = home / "root"
    root.mkdir()
    (home / "config.py").write_text(CONFIG)
    notification = home / "settings" / "@jupyterlab" / "apputils-extension"
    notification.mkdir(parents=True)
    (notification / "notification.jupyterlab-settings").write_text(NEWS)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        *(sys.executable, "-m", "jupyterlab", f"--config={home / 'config.py'}", f"--ServerApp.port={port}"),
        *(f"--ServerApp.root_dir={root}", f"--LabApp.user_settings_dir={home / 'settings'}"),
        f"--LabApp.workspaces_dir={home / 'workspaces'}",
    ]
    environment = {
        **os.environ,
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_RUNTIME_DIR": str(home / "run"),
    }
    url = f"http://127.0.0.1:{port}"
    with (home / "log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
        try:
            _wait_for(url, process, home / "log")
            yield Lab(url=url, root=root)
        finally:
            process.terminate()
            process.wait(30)


def _wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(600):
        try:
            urllib.request.urlopen(f"{url}/api", timeout=2).read()  # noqa: S310
        except OSError:
            assert process.poll() is None, log.read_text()
            time.sleep(0.2)
        else:
            return
    raise AssertionError(log.read_text())


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
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
    context.set_default_timeout(60_000)
    yield context.new_page()
    context.close()


@dataclass(frozen=True, slots=True)
class Opened:
    """A notebook open in a page, with the sidebar shown."""

    page: Page
    path: Path

    def command(self, command: str, **arguments: str) -> None:
        self.page.evaluate(
            "([id, given]) => window.jupyterapp.commands.execute(id, given)", [command, arguments]
        )

    def section(self, title: str):
        """The sidebar's section of that title, unfolded."""
        header = self.page.locator("#nbprod-panel .lm-AccordionPanel-title", has_text=title)
        if header.get_attribute("aria-expanded") == "false":
            header.click()
        titles = self.page.locator("#nbprod-panel .lm-AccordionPanel-title").all_text_contents()
        return self.page.locator("#nbprod-panel .jp-nbprod-section").nth(titles.index(title))

    def fold(self, *titles: str) -> None:
        """Fold the sections of these titles, so that others have room."""
        for title in titles:
            header = self.page.locator("#nbprod-panel .lm-AccordionPanel-title", has_text=title)
            if header.get_attribute("aria-expanded") == "true":
                header.click()

    def cell(self, position: int):
        return self.page.locator(".jp-Notebook .jp-CodeCell").nth(position)

    def save(self) -> str:
        self.command("docmanager:save")
        self.page.wait_for_function(
            "() => ![...window.jupyterapp.shell.widgets('main')].some(w => w.context?.model.dirty)"
        )
        return self.path.read_text(encoding="utf-8")

    def shot(self, name: str) -> None:
        SHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SHOTS / f"{name}.png")


@pytest.fixture
def opened(page: Page, lab: Lab):
    """Opens a notebook made of these sources in JupyterLab."""

    def open_notebook(name: str, *sources: str, theme: str = "") -> Opened:
        path = write_notebook(
            lab.root / name, *sources, tags={0: ["parameters"]} if sources == PIPELINE else None
        )
        return look(page, lab, path, theme=theme)

    return open_notebook


def look(page: Page, lab: Lab, path: Path, *, theme: str = "") -> Opened:
    page.goto(f"{lab.url}/lab/tree/{path.name}?reset", wait_until="domcontentloaded")
    page.wait_for_function("window.jupyterapp && window.jupyterapp.restored")
    page.evaluate("window.jupyterapp.restored.then(() => true)")
    page.locator("#jupyterlab-splash").wait_for(state="detached")
    page.locator(".jp-Notebook .jp-Cell").first.wait_for()
    page.wait_for_function(
        "path => [...window.jupyterapp.shell.widgets('main')].some(w => w.context?.path === path"
        " && w.sessionContext.session?.kernel?.status === 'idle')",
        arg=path.name,
    )
    found = Opened(page, path)
    if theme:
        found.command("apputils:change-theme", theme=theme)
    found.command("nbprod:show")
    page.locator("#nbprod-panel").wait_for()
    return found
