"""The server extension's routes: the token, the folder, the body, and a run from start to end."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from notebooks import notebook_text, write_notebook

from nbprod.faces import server as server_package
from nbprod.faces.server.handlers import BODY_LIMIT_BYTES, ROUTES

if TYPE_CHECKING:
    from collections.abc import Iterator

TOKEN = "a-token-for-tests"  # noqa: S105 - of a server that lives for these tests
SOURCES = (
    "rows = 3",
    "%%stage load\nimport pandas as pd\ntable = pd.DataFrame({'x': range(rows)})",
    '%%expect table\nColumnValuesToBeBetween(column="x", max_value=1, severity="warning")',
    "%%stage sum\ntotal = int(table['x'].sum())",
)
OPENAPI = Path(server_package.__file__).with_name("openapi.yaml")


@dataclass(frozen=True, slots=True)
class Server:
    url: str
    root: Path

    def ask(
        self, path: str, body: object = None, *, token: str = TOKEN, method: str | None = None
    ) -> tuple[int, Any]:
        """The status and the answer, as JSON where it is JSON."""
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/nbprod/api/v1/{path}", data=data, method=method)  # noqa: S310
        if token:
            request.add_header("Authorization", f"token {token}")
        try:
            with urllib.request.urlopen(request, timeout=60) as reply:  # noqa: S310
                return reply.status, _read(reply.read())
        except urllib.error.HTTPError as error:
            with error:
                return error.code, _read(error.read())


def _read(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        return data.decode()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("server")
    root = home / "root"
    root.mkdir()
    write_notebook(root / "small.ipynb", *SOURCES, tags={0: ["parameters"]})
    write_notebook(home / "outside.ipynb", "x = 1")
    (root / "link.ipynb").symlink_to(home / "outside.ipynb")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        *(sys.executable, "-m", "jupyter_server", "--allow-root", "--no-browser", f"--port={port}"),
        *(f"--ServerApp.root_dir={root}", f"--IdentityProvider.token={TOKEN}", "--ServerApp.ip=127.0.0.1"),
    ]
    environment = {
        **os.environ,
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_RUNTIME_DIR": str(home / "run"),
    }
    with (home / "log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
        try:
            found = Server(url=f"http://127.0.0.1:{port}", root=root)
            _wait_for(found, process, home / "log")
            yield found
        finally:
            process.terminate()
            process.wait(20)


def _wait_for(server: Server, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(300):
        try:
            if server.ask("version")[0] == 200:
                return
        except urllib.error.URLError:
            pass
        assert process.poll() is None, log.read_text()
        time.sleep(0.2)
    raise AssertionError(log.read_text())


def follow(server: Server, run_id: str) -> dict[str, Any]:
    for _ in range(600):
        run = server.ask(f"runs/{run_id}")[1]
        if run["state"] not in ("waiting", "running"):
            return run
        time.sleep(0.2)
    raise AssertionError(run)


ASKED = [
    ("version", None),
    ("study", {"path": "small.ipynb"}),
    ("suggest", {"path": "small.ipynb"}),
    ("infer", {"path": "small.ipynb", "value": "table"}),
    ("extract", {"path": "small.ipynb"}),
    ("runs?path=small.ipynb", None),
    ("runs", {"path": "small.ipynb"}),
    ("runs/abc", None),
    ("runs/abc/files/record.json", None),
]


@pytest.mark.parametrize(("path", "body"), ASKED, ids=[path for path, _ in ASKED])
def test_no_route_answers_without_the_token(server, path, body):
    assert server.ask(path, body, token="")[0] in (302, 403)


REFUSED = {
    "a path with ..": ("study", {"path": "../outside.ipynb"}, 400, "leads out of the folder"),
    "an absolute path": ("study", {"path": "/etc/passwd"}, 400, "leads out of the folder"),
    "a link that leads out": ("study", {"path": "link.ipynb"}, 400, "is a link that leads out"),
    "no path": ("study", {}, 400, "None is no path"),
    "a body that is no JSON": ("study", b"{", 400, "The body is no JSON"),
    "a body that is no object": ("study", b"[]", 400, "The body is no JSON object"),
    "a notebook that is no object": (
        "study",
        {"path": "small.ipynb", "notebook": 3},
        400,
        "'notebook' is no JSON",
    ),
    "a notebook that is none": (
        "study",
        {"path": "small.ipynb", "notebook": {"cells": []}},
        400,
        "it has no 'nbformat' number",
    ),
    "a file that is not there": ("runs", {"path": "none.ipynb"}, 400, "There is no such file"),
    "options of a wrong type": ("runs", {"path": "small.ipynb", "parameters": 3}, 400, "'parameters' is 3"),
    "an unknown run": ("runs/none", None, 404, "There is no run 'none'"),
    "a file of an unknown run": ("runs/none/files/a", None, 404, "There is no run 'none'"),
}


@pytest.mark.parametrize(("path", "body", "status", "says"), REFUSED.values(), ids=REFUSED)
def test_bad_input_is_refused_with_words(server, path, body, status, says):
    found, answer = server.ask(path, body)
    assert found == status
    assert says in answer["message"]


def test_body_beyond_the_limit_is_refused(server):
    assert server.ask("study", b" " * (BODY_LIMIT_BYTES + 1))[0] == 413


def test_study_is_of_the_notebook_as_it_stands_in_the_browser(server):
    unsaved = json.loads(notebook_text("%%stage only\nx = 1\nx"))
    status, answer = server.ask("study", {"path": "small.ipynb", "notebook": unsaved})
    assert status == 200
    assert [stage["name"] for stage in answer["study"]["flow"]["stages"]] == ["only"]
    assert 'data-stage="only"' in answer["picture"]


def test_run_goes_to_its_end_and_is_found_again(server):
    status, started = server.ask("runs", {"path": "small.ipynb", "parameters": {"rows": 4}})
    assert (status, started["state"]) == (201, "waiting")
    run = follow(server, started["id"])
    assert (run["state"], run["error"]) == ("done", "")
    assert [(one["stage"], one["state"]) for one in run["stages"]] == [("load", "done"), ("sum", "done")]
    broken = [one for stage in run["record"]["stages"] for one in stage["verdicts"] if not one["success"]]
    assert [one["broken_count"] for one in broken] == [2]
    listed = server.ask("runs?path=small.ipynb")[1]["runs"]
    assert started["id"] in [one["id"] for one in listed]
    notebook = run["record"]["stages"][0]["notebook"]
    status, page = server.ask(f"runs/{started['id']}/files/{notebook}")
    assert status == 200
    assert "<html" in page
    assert server.ask("infer", {"path": "small.ipynb", "value": "table"})[1]["cell"].startswith(
        "%%expect table"
    )


def test_parameter_that_does_not_exist_is_told_with_the_near_miss(server):
    _, started = server.ask("runs", {"path": "small.ipynb", "parameters": {"row": 4}})
    run = follow(server, started["id"])
    assert run["state"] == "failed"
    assert "Did you mean 'rows'?" in run["error"]


def test_cancelled_run_ends_at_once(server):
    write_notebook(server.root / "slow.ipynb", "%%stage wait\nimport time\ntime.sleep(600)\nx = 1\nx")
    _, started = server.ask("runs", {"path": "slow.ipynb"})
    while server.ask(f"runs/{started['id']}")[1]["state"] == "waiting":
        time.sleep(0.1)
    status, run = server.ask(f"runs/{started['id']}", method="DELETE")
    assert (status, follow(server, run["id"])["state"]) == (200, "cancelled")


def test_description_names_every_route():
    described = yaml.safe_load(OPENAPI.read_text(encoding="utf-8"))["paths"]
    routes = {path.replace(r"([\w-]+)", "{run}").replace("(.+)", "{file}") for path, _ in ROUTES}
    assert set(described) == routes
