"""The monitor's routes on a real champion: known at once, looked at in another process, its page without powers."""

from __future__ import annotations

import time
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest
from monitors import keep
from notebooks import write_notebook
from servers import Server, assert_described, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

NOTEBOOK = "production/pipeline.ipynb"
OTHER = "production/other.ipynb"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server over a project whose champion has scored batches that the monitor saw."""
    with serving(tmp_path_factory.mktemp("monitored")) as found:
        folder = found.root / "production"
        folder.mkdir()
        write_notebook(folder / "pipeline.ipynb", "%%stage load\nx = 1")
        (folder / "labels.parquet").write_text("no parquet")
        keep(folder, "pipeline")
        yield found


def looked(server: Server, **given: str) -> dict[str, Any]:
    """What is known once the monitor has looked."""
    status, begun = server.ask("monitor", {"path": NOTEBOOK, **given})
    assert (status, begun["is_looking"]) == (202, True)
    assert_described(begun, status, "/monitor", "post")
    for _ in range(900):
        found = server.ask(f"monitor?path={NOTEBOOK}")[1]
        if not found["is_looking"]:
            return found
        time.sleep(0.2)
    raise AssertionError(found)


def test_what_is_known_is_told_at_once_and_as_described(server):
    status, found = server.ask(f"monitor?path={NOTEBOOK}")
    assert_described(found, status, "/monitor", "get")
    glance, seen = found["glance"], found["glance"]["seen"]
    assert (glance["champion"]["version"], glance["champion"]["kind"]) == (1, "rollback")
    assert [one["action"] for one in glance["decisions"]] == ["kept", "nothing", "stopped", "promoted"]
    assert (len(seen["batches"]), seen["labels"], found["is_looking"]) == (
        4,
        "production/labels.parquet",
        False,
    )


def test_page_comes_without_powers_in_the_theme_that_is_asked_for(server):
    request = server.request(f"monitor/page?path={NOTEBOOK}&theme=dark")
    with urllib.request.urlopen(request, timeout=30) as reply:  # noqa: S310
        policy, page = reply.headers["Content-Security-Policy"], reply.read().decode()
    assert policy.startswith("sandbox; default-src 'none';")
    assert '<html style="color-scheme: dark" lang="en">' in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script" not in page


def test_look_that_comes_to_nothing_says_why_and_leaves_what_was_seen(server):
    before = server.ask(f"monitor?path={NOTEBOOK}")[1]
    found = looked(server, labels="production/labels.parquet")
    # Its run was never here
    assert "20260101-0600" in found["problem"]
    assert not found["problem"].startswith("error:")
    assert found["glance"] == before["glance"]


def test_notebook_without_a_champion_has_none(server):
    (server.root / OTHER).write_text((server.root / NOTEBOOK).read_text())
    status, found = server.ask(f"monitor?path={OTHER}")
    assert (status, found["glance"]["model"], found["glance"]["champion"]) == (200, "other", None)
