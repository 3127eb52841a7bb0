"""JupyterLab in a page, as its tests speak of it; screenshots go to tests/output/lab."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

# Machines that test are loaded; who waits for a bug can wait less.
PATIENCE_MILLISECONDS = 1000 * int(os.environ.get("LAB_PATIENCE", "60"))
SHOTS = Path(__file__).parents[1] / "output" / "lab"
# The docs' own pictures, taken anew: LAB_PICTURES=1
PICTURES = bool(os.environ.get("LAB_PICTURES"))
IMAGES = Path(__file__).parents[2] / "docs" / "images"
# Every test in another theme: LAB_THEME="JupyterLab Dark"
THEME = os.environ.get("LAB_THEME", "")

CONFIG = """
c = get_config()
c.ServerApp.ip = "127.0.0.1"
c.ServerApp.open_browser = False
c.ServerApp.allow_root = True
c.IdentityProvider.token = ""
c.ServerApp.disable_check_xsrf = True
c.LabApp.expose_app_in_browser = True
c.JupyterNotebookApp.expose_app_in_browser = True
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
SECTIONS = ("Flow", "Findings", "Expectations", "Runs", "Stages", "Monitor")
PLAIN = (
    "import pandas as pd\nshops = pd.DataFrame({'shop': list('abc'), 'sold': [3, 1, 2]})",
    "shops['share'] = shops['sold'] / shops['sold'].sum()",
    "from sklearn.linear_model import LinearRegression\nmodel = LinearRegression().fit(shops[['share']], shops['sold'])",
)


class Lab(Struct, frozen=True):
    url: str
    root: Path


class Opened(Struct, frozen=True):
    """A notebook open in a page, with the sidebar shown."""

    page: Page
    path: Path

    def command(self, command: str, **arguments: str) -> None:
        """Start a command; what it does is waited for where it is looked for."""
        self.page.evaluate(
            "([id, given]) => void window.jupyterapp.commands.execute(id, given)", [command, arguments]
        )

    def only(self, title: str):
        """The sidebar's section of that title, unfolded, and all others folded."""
        self.fold(*(one for one in SECTIONS if one != title))
        return self.section(title)

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

    def pose(self) -> None:
        """Make room for what a picture for the docs should show, where pictures are asked for."""
        if not PICTURES:
            return
        self.page.set_viewport_size({"width": 1280, "height": 800})
        self.command("application:toggle-left-area")
        handle = self.page.locator("#jp-main-split-panel > .lm-SplitPanel-handle:visible").last.bounding_box()
        self.page.mouse.move(handle["x"] + 2, handle["y"] + 200)
        self.page.mouse.down()
        self.page.mouse.move(handle["x"] - 110, handle["y"] + 200, steps=5)
        self.page.mouse.up()

    def picture(self, name: str) -> None:
        """Take a picture for the docs, where pictures are asked for."""
        if PICTURES:
            self.page.screenshot(path=IMAGES / f"{name}.png")

    def shot(self, name: str) -> None:
        SHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SHOTS / f"{name}{'-dark' if THEME else ''}.png")


@contextmanager
def serving(home: Path, more: str = "") -> Iterator[Lab]:
    """A Jupyter server on an empty folder, with more lines in its configuration."""
    root = home / "root"
    root.mkdir()
    (home / "config.py").write_text(CONFIG + more)
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
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": str(home / "run"),
    }
    url = f"http://127.0.0.1:{port}"
    with (home / "log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment, cwd=home)
        try:
            _wait_for(url, process, home / "log")
            yield Lab(url=url, root=root)
        finally:
            process.terminate()
            process.wait(30)


def _wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(2400):
        try:
            urllib.request.urlopen(f"{url}/api", timeout=2).read()  # noqa: S310
        except OSError:
            assert process.poll() is None, log.read_text()
            time.sleep(0.05)
        else:
            return
    raise AssertionError(log.read_text())


def look(page: Page, lab: Lab, path: Path, *, theme: str = "") -> Opened:
    """The notebook in JupyterLab."""
    page.goto(f"{lab.url}/lab/tree/{_within(lab, path)}?reset", wait_until="domcontentloaded")
    page.wait_for_function("window.jupyterapp && window.jupyterapp.restored", polling=50)
    page.evaluate("window.jupyterapp.restored.then(() => true)")
    page.locator("#jupyterlab-splash").wait_for(state="detached")
    return _shown(page, lab, path, theme=theme)


def look_in_notebook(page: Page, lab: Lab, path: Path, *, theme: str = "") -> Opened:
    """The notebook in Notebook 7."""
    page.goto(f"{lab.url}/notebooks/{_within(lab, path)}", wait_until="domcontentloaded")
    page.wait_for_function("window.jupyterapp && window.jupyterapp.restored", polling=50)
    return _shown(page, lab, path, theme=theme)


def _within(lab: Lab, path: Path) -> str:
    """The notebook's path as the page names it."""
    return path.relative_to(lab.root).as_posix()


def _shown(page: Page, lab: Lab, path: Path, *, theme: str) -> Opened:
    page.locator(".jp-Notebook .jp-Cell").first.wait_for()
    page.wait_for_function(
        "path => [...window.jupyterapp.shell.widgets('main')].some(w => w.context?.path.split(':').pop() === path"
        " && w.sessionContext.session?.kernel?.status === 'idle')",
        arg=_within(lab, path),
        polling=50,
    )
    found = Opened(page, path)
    if theme or THEME:
        found.command("apputils:change-theme", theme=theme or THEME)
        page.locator(f"body[data-jp-theme-name='{theme or THEME}']").wait_for(state="attached")
    found.command("nbprod:show")
    page.locator("#nbprod-panel").wait_for()
    return found
