"""The server extension's routes: the token, the folder, the body, and a run from start to end."""

from __future__ import annotations

import http.cookiejar
import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest
from notebooks import notebook_text, write_notebook
from servers import DESCRIBED, TOKEN, Server, assert_described, serving

from nbprod.faces.server.answering import BODY_LIMIT_BYTES
from nbprod.faces.server.handlers import ROUTES

if TYPE_CHECKING:
    from collections.abc import Iterator

SOURCES = (
    "rows = 3",
    "%%stage load\nimport pandas as pd\ntable = pd.DataFrame({'x': range(rows)})",
    '%%expect table\nColumnValuesToBeBetween(column="x", max_value=1, severity="warning")',
    "%%stage sum\ntotal = int(table['x'].sum())",
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("server")
    with serving(home) as found:
        write_notebook(found.root / "small.ipynb", *SOURCES, tags={0: ["parameters"]})
        # Great Expectations, which a run with expectations loads, costs more than all else of a run.
        write_notebook(found.root / "unjudged.ipynb", SOURCES[0], SOURCES[1], tags={0: ["parameters"]})
        write_notebook(home / "outside.ipynb", "x = 1")
        (found.root / "link.ipynb").symlink_to(home / "outside.ipynb")
        yield found


def follow(server: Server, run_id: str) -> dict[str, Any]:
    for _ in range(2400):
        run = server.ask(f"runs/{run_id}")[1]
        if run["state"] not in ("waiting", "running"):
            return run
        time.sleep(0.05)
    raise AssertionError(run)


ASKED = [
    ("version", None),
    ("study", {"path": "small.ipynb"}),
    ("suggest", {"path": "small.ipynb"}),
    ("infer", {"path": "small.ipynb", "value": "table"}),
    ("extract", {"path": "small.ipynb"}),
    ("runs?path=small.ipynb", None),
    ("runs", {"path": "small.ipynb"}),
    ("picture?path=small.ipynb", None),
    ("monitor?path=small.ipynb", None),
    ("monitor", {"path": "small.ipynb"}),
    ("monitor/page?path=small.ipynb", None),
    ("runs/abc", None),
    ("runs/abc/events", None),
    ("runs/abc/docs", None),
    ("runs/abc/since/def", None),
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
    "a picture of a path that leads out": (
        "picture?path=../outside.ipynb",
        None,
        400,
        "leads out of the folder",
    ),
    "a picture with an unknown run": (
        "picture?path=small.ipynb&run=none",
        None,
        404,
        "There is no run 'none'",
    ),
    "a study with an unknown run": (
        "study",
        {"path": "small.ipynb", "run": "none"},
        404,
        "There is no run 'none'",
    ),
    "a study with a run that is no id": ("study", {"path": "small.ipynb", "run": 3}, 400, "'run' is 3"),
    "an unknown run": ("runs/none", None, 404, "There is no run 'none'"),
    "events of an unknown run": ("runs/none/events", None, 404, "There is no run 'none'"),
    "Data Docs of an unknown run": ("runs/none/docs", None, 404, "There is no run 'none'"),
    "unknown runs compared": ("runs/none/since/nothing", None, 404, "There is no run 'nothing'"),
    "a run looked for outside": ("runs/none/docs?path=../x.ipynb", None, 400, "leads out of the folder"),
    "a monitor of a path that leads out": (
        "monitor?path=../outside.ipynb",
        None,
        400,
        "leads out of the folder",
    ),
    "a look at a path that leads out": ("monitor", {"path": "link.ipynb"}, 400, "is a link that leads out"),
    "labels from outside": (
        "monitor",
        {"path": "small.ipynb", "labels": "../outside.ipynb"},
        400,
        "leads out of the folder",
    ),
    "labels that are no path": ("monitor", {"path": "small.ipynb", "labels": 3}, 400, "3 is no path"),
    "labels that are not there": (
        "monitor",
        {"path": "small.ipynb", "labels": "none.parquet"},
        400,
        "There is no such file for the labels",
    ),
    "a monitor's page that leads out": (
        "monitor/page?path=/etc/passwd",
        None,
        400,
        "leads out of the folder",
    ),
    "a monitor's page before it looked": (
        "monitor/page?path=small.ipynb",
        None,
        404,
        "has not looked at 'small' yet",
    ),
    "a monitor's page in a theme that is none": (
        "monitor/page?path=small.ipynb&theme=%22%3E",
        None,
        400,
        "There is no theme",
    ),
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


def stream(server: Server, run_id: str, *, after: str = "", limit: int = 1000) -> list[dict[str, Any]]:
    """The states that the run's stream tells until it ends, or until there are `limit` of them."""
    headers = {"Last_Event_ID": after} if after else {}
    states: list[dict[str, Any]] = []
    with urllib.request.urlopen(server.request(f"runs/{run_id}/events", **headers), timeout=60) as reply:  # noqa: S310
        assert reply.headers["Content-Type"] == "text/event-stream"
        for line in reply:
            if line.startswith(b"data: "):
                states.append(json.loads(line.removeprefix(b"data: ")))
            if len(states) == limit:
                break
    return states


@pytest.fixture(scope="module")
def followed(server) -> tuple[int, dict[str, Any], list[dict[str, Any]]]:
    """What the order of a run is answered, and what the run's stream tells."""
    status, started = server.ask("runs", {"path": "small.ipynb", "parameters": {"rows": 6}})
    return status, started, stream(server, started["id"])


@pytest.fixture(scope="module")
def two_runs(server, followed) -> tuple[dict[str, Any], dict[str, Any]]:
    other = server.ask("runs", {"path": "small.ipynb", "parameters": {"rows": 7}})[1]["id"]
    return followed[2][-1], follow(server, other)


def test_run_is_followed_to_its_end_and_found_again(server, followed):
    status, started, states = followed
    assert (status, started["state"]) == (201, "waiting")
    run = states[-1]
    assert [one["turn"] for one in states] == sorted({one["turn"] for one in states})
    assert {one["state"] for one in states} >= {"running", "done"}
    assert run == server.ask(f"runs/{started['id']}")[1]
    assert (run["state"], run["error"]) == ("done", "")
    assert [(one["stage"], one["state"]) for one in run["stages"]] == [("load", "done"), ("sum", "done")]
    broken = [one for stage in run["record"]["stages"] for one in stage["verdicts"] if not one["success"]]
    assert [one["broken_count"] for one in broken] == [4]
    listed = server.ask("runs?path=small.ipynb")[1]["runs"]
    assert started["id"] in [one["id"] for one in listed]
    assert server.ask("infer", {"path": "small.ipynb", "value": "table"})[1]["cell"].startswith(
        "%%expect table"
    )


def test_reader_that_comes_back_misses_nothing(server):
    _, started = server.ask("runs", {"path": "unjudged.ipynb", "parameters": {"rows": 5}})
    first = stream(server, started["id"], limit=1)[0]
    follow(server, started["id"])
    missed = stream(server, started["id"], after=str(first["turn"]))[-1]
    assert missed["state"] == "done"
    assert missed["turn"] > first["turn"]


def test_two_runs_are_compared(server, two_runs):
    before, after = two_runs
    status, found = server.ask(f"runs/{after['id']}/since/{before['id']}")
    assert status == 200
    assert found["parameters"] == [{"name": "rows", "before": 6, "after": 7}]
    assert {"name": "total", "before": 15.0, "after": 21.0} in found["metrics"]


def test_picture_shows_the_states_of_a_run(server, two_runs):
    run = two_runs[1]["id"]
    assert "✓ done" in server.ask("study", {"path": "small.ipynb", "run": run})[1]["picture"]
    record = two_runs[1]["record_id"]
    assert "✓ done" in server.ask("study", {"path": "small.ipynb", "run": record})[1]["picture"]
    assert "done" not in server.ask("study", {"path": "small.ipynb"})[1]["picture"]
    assert "✓ done" in server.ask(f"picture?path=small.ipynb&run={run}")[1]["picture"]


def test_executed_notebook_and_data_docs_open_as_pages(server, two_runs):
    run = two_runs[1]
    notebook = run["record"]["stages"][0]["notebook"]
    for page in (f"files/{notebook}", "docs?path=small.ipynb"):
        with urllib.request.urlopen(server.request(f"runs/{run['record_id']}/{page}"), timeout=120) as reply:  # noqa: S310
            assert reply.headers["Content-Type"].startswith("text/html")
            assert "sandbox" in reply.headers["Content-Security-Policy"]
            assert b"<html" in reply.read()


def test_accepting_a_suggestion_is_what_the_command_line_writes(server):
    sources = (
        "limit = 5",
        "import pandas as pd\nshops = pd.read_csv('shops.csv')",
        "shops['half'] = shops['sold'] / 2",
    )
    file = write_notebook(server.root / "untagged.ipynb", *sources)
    proposal = server.ask("suggest", {"path": "untagged.ipynb"})[1]
    subprocess.run([sys.executable, "-m", "nbprod", "tag", str(file), "--suggest", "--write"], check=True)
    written = json.loads(file.read_text())
    tags = {
        str(at): cell["metadata"]["tags"]
        for at, cell in enumerate(written["cells"])
        if "tags" in cell["metadata"]
    }
    assert (proposal["tags"], proposal["options"]) == (tags, written["metadata"].get("nbprod"))
    assert tags


def test_request_by_cookie_wants_the_xsrf_token(server):
    jar = http.cookiejar.CookieJar()
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    with opener.open(f"{server.url}/nbprod/api/v1/version?token={TOKEN}", timeout=30) as reply:
        assert reply.status == 200
    with opener.open(f"{server.url}/nbprod/api/v1/version", timeout=30) as reply:
        assert reply.status == 200
    with (
        pytest.raises(urllib.error.HTTPError) as refused,
        opener.open(server.request("runs", SOURCES, token="")),
    ):
        pass
    with refused.value as error:
        assert error.code == 403
        assert b"_xsrf" in error.read()


def test_parameter_that_does_not_exist_is_told_with_the_near_miss(server):
    _, started = server.ask("runs", {"path": "small.ipynb", "parameters": {"row": 4}})
    run = follow(server, started["id"])
    assert run["state"] == "failed"
    assert "Did you mean 'rows'?" in run["error"]


def test_cancelled_run_ends_at_once(server):
    write_notebook(server.root / "slow.ipynb", "%%stage wait\nimport time\ntime.sleep(600)\nx = 1\nx")
    _, started = server.ask("runs", {"path": "slow.ipynb"})
    while server.ask(f"runs/{started['id']}")[1]["state"] == "waiting":
        time.sleep(0.05)
    status, run = server.ask(f"runs/{started['id']}", method="DELETE")
    ended = follow(server, run["id"])
    assert (status, ended["state"], ended["error"]) == (200, "cancelled", "")


def test_description_names_every_route_and_method():
    described = {
        (path, method)
        for path, methods in DESCRIBED["paths"].items()
        for method in methods
        if method != "parameters"
    }
    routes = set()
    for path, handler in ROUTES:
        named = (
            path.replace(r"([\w-]+)", "{run}", 1).replace(r"([\w-]+)", "{earlier}").replace("(.+)", "{file}")
        )
        routes |= {(named, method) for method in ("get", "post", "put", "delete") if method in vars(handler)}
    assert described == routes


ANSWERS = [
    ("version", None, "/version", "get"),
    ("study", {"path": "small.ipynb"}, "/study", "post"),
    ("study", {"path": "../small.ipynb"}, "/study", "post"),
    ("suggest", {"path": "small.ipynb"}, "/suggest", "post"),
    ("extract", {"path": "small.ipynb"}, "/extract", "post"),
    ("picture?path=small.ipynb", None, "/picture", "get"),
    ("infer", {"path": "small.ipynb", "value": "table"}, "/infer", "post"),
    ("infer", {"path": "small.ipynb", "value": "nothing"}, "/infer", "post"),
    ("monitor?path=small.ipynb", None, "/monitor", "get"),
    ("monitor", {"path": "../small.ipynb"}, "/monitor", "post"),
    ("monitor/page?path=small.ipynb", None, "/monitor/page", "get"),
    ("runs?path=small.ipynb", None, "/runs", "get"),
    ("runs", {"path": "small.ipynb", "parameters": {"rows": 6}}, "/runs", "post"),
    ("runs/{after}", None, "/runs/{run}", "get"),
    ("runs/none", None, "/runs/{run}", "get"),
    ("runs/{after}/since/{before}", None, "/runs/{run}/since/{earlier}", "get"),
]


@pytest.mark.parametrize("asked", ANSWERS, ids=[f"{one[0]} {one[1]}" for one in ANSWERS])
def test_answers_are_as_described(server, two_runs, asked):
    path, body, route, method = asked
    filled = path.replace("{before}", two_runs[0]["id"]).replace("{after}", two_runs[1]["id"])
    status, answer = server.ask(filled, body)
    assert_described(answer, status, route, method)


DENYING = """
from jupyter_server.auth import Authorizer

class Denying(Authorizer):
    def is_authorized(self, handler, user, action, resource):
        return resource != "nbprod"
"""


def test_no_route_answers_whom_the_authorizer_denies(tmp_path):
    (tmp_path / "denying.py").write_text(DENYING)
    extra = ["--ServerApp.authorizer_class=denying.Denying"]
    with serving(tmp_path, *extra, python_path=str(tmp_path)) as server:
        refused = {path: server.ask(path, body)[0] for path, body in ASKED}
    assert set(refused.values()) == {403}
