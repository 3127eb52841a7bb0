"""The monitor's routes on a real champion: known at once, looked at in another process, its page without powers."""

from __future__ import annotations

import time
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest
from projects import project, ran, rows
from servers import Server, assert_described, serving

from nbprod import api

if TYPE_CHECKING:
    from collections.abc import Iterator

NOTEBOOK = "production/pipeline.ipynb"
OTHER = "production/other.ipynb"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server over a project whose champion has scored a batch."""
    with serving(tmp_path_factory.mktemp("monitored")) as found:
        folder = found.root / "production"
        api.promote(folder, ran(project(folder, expect="")), why="the first <b>one</b>", who="ada")
        later = rows(days=60, seed=5)
        later.to_parquet(folder / "batch.parquet")
        api.score(folder, folder / "batch.parquet", parameters={"day": 50}, since="2026-02-01")
        later[["time", "x", "y"]].to_parquet(folder / "labels.parquet")
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


@pytest.fixture(scope="module")
def before_and_after(server) -> tuple[dict[str, Any], dict[str, Any]]:
    """What is known before the first look and after it."""
    status, before = server.ask(f"monitor?path={NOTEBOOK}")
    assert_described(before, status, "/monitor", "get")
    return before, looked(server, labels="production/labels.parquet")


def test_champion_is_told_at_once_and_a_look_tells_of_its_batches(before_and_after):
    before, after = (one["glance"] for one in before_and_after)
    assert (before["champion"]["version"], before["seen"], before["unseen"]) == (1, None, 1)
    assert_described(before_and_after[1], 200, "/monitor", "get")
    assert (after["unseen"], after["seen"]["labels"]) == (0, "production/labels.parquet")
    (batch,) = after["seen"]["batches"]
    assert batch["live"] == pytest.approx(batch["promised"], rel=0.2)


@pytest.mark.usefixtures("before_and_after")
def test_page_comes_without_powers_in_the_theme_that_is_asked_for(server):
    request = server.request(f"monitor/page?path={NOTEBOOK}&theme=dark")
    with urllib.request.urlopen(request, timeout=30) as reply:  # noqa: S310
        policy, page = reply.headers["Content-Security-Policy"], reply.read().decode()
    assert policy.startswith("sandbox; default-src 'none';")
    assert '<html style="color-scheme: dark" lang="en">' in page
    assert "the first &lt;b&gt;one" in page
    assert "<script" not in page


def test_look_that_comes_to_nothing_says_why_and_leaves_what_was_seen(server, before_and_after):
    found = looked(server, labels="production/pyproject.toml")
    assert "The labels can't be read" in found["problem"]
    assert not found["problem"].startswith("error:")
    assert found["glance"]["seen"] == before_and_after[1]["glance"]["seen"]


def test_notebook_without_a_champion_has_none(server):
    (server.root / OTHER).write_text((server.root / NOTEBOOK).read_text())
    status, found = server.ask(f"monitor?path={OTHER}")
    assert (status, found["glance"]["model"], found["glance"]["champion"]) == (200, "other", None)
