"""JupyterLab on this machine in headless Chromium, with notebooks of its own."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from labs import PIPELINE, Lab, Opened, look
from notebooks import write_notebook

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

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


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """One server for all tests that need nothing of their own; each opens notebooks of its own name."""
    with serving(tmp_path_factory.mktemp("lab"), "c.YDocExtension.disable_rtc = True\n") as found:
        yield found


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
    for _ in range(600):
        try:
            urllib.request.urlopen(f"{url}/api", timeout=2).read()  # noqa: S310
        except OSError:
            assert process.poll() is None, log.read_text()
            time.sleep(0.2)
        else:
            return
    raise AssertionError(log.read_text())


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
    context.set_default_timeout(60_000)
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
