"""A model in production at a glance: of real batches, of turns of the loop, and where there is nothing yet."""

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
from monitors import SKEW, decision, monitor, watched
from projects import project, ran, rows

from nbprod import api, wire
from nbprod.continuous.decisions import Action
from nbprod.continuous.glance import Glance, Seen, seen_in, told, typescript

NOW = "2026-09-01T12:00:00+00:00"


def test_where_nothing_is_nothing_is_made(tmp_path):
    assert (api.glance(tmp_path, "pipeline"), list(tmp_path.iterdir())) == (Glance(model="pipeline"), [])


@pytest.fixture(scope="module")
def watched_project(tmp_path_factory):
    """A champion with one scored batch that the monitor saw, and one that was scored after it had looked."""
    folder = tmp_path_factory.mktemp("glance")
    api.promote(folder, ran(project(folder)), why="the first", who="ada")
    before = api.glance(folder, "pipeline")
    rows(days=60, seed=5).to_parquet(folder / "batch.parquet")
    api.score(folder, folder / "batch.parquet", parameters={"day": 50}, since="2026-02-01")
    page = api.monitor(folder, page=folder / "elsewhere.html").page
    api.score(folder, folder / "batch.parquet", parameters={"day": 50}, since="2026-02-01")
    return folder, before, page


def test_the_champion_is_there_before_anything_was_scored(watched_project):
    _, before, _ = watched_project
    champion = before.champion
    assert (champion.version, champion.who, set(champion.metrics)) == (1, "ada", {"mae", "rows"})
    assert champion.why.startswith("the first")
    assert (before.seen, before.unseen) == (None, 0)


def test_what_was_seen_stays_and_later_batches_are_counted(watched_project):
    folder, _, page = watched_project
    found = api.glance(folder, "pipeline")
    (batch,) = found.seen.batches
    assert (batch.version, batch.metric, batch.live, found.unseen) == (1, "mae", None, 1)
    assert batch.promised == pytest.approx(found.champion.metrics["mae"])
    kept = api.monitor_page_at(folder, "pipeline")
    assert (page.name, kept.read_text()) == ("elsewhere.html", page.read_text())


def test_what_another_version_wrote_counts_as_not_seen(watched_project):
    folder, _, _ = watched_project
    file = folder / ".nbprod" / "monitor" / "pipeline.json"
    kept = file.read_text()
    try:
        file.write_text('{"at": 3}')
        assert (api.glance(folder, "pipeline").seen, api.glance(folder, "pipeline").unseen) == (None, 2)
    finally:
        file.write_text(kept)


def test_what_is_seen_goes_through_json_though_figures_are_infinite():
    batch = watched(3)
    endless = replace(batch, live=math.nan, drift=(replace(batch.drift[0], psi=math.inf),))
    seen = seen_in(replace(monitor(), batches=(endless,)), at=NOW, labels="a.parquet")
    text = json.dumps(wire.plain(seen), allow_nan=False)
    assert wire.noun(Seen, json.loads(text), where="here") == seen
    assert (seen.batches[0].live, seen.batches[0].worst_psi, seen.batches[0].drifted) == (
        None,
        None,
        ("delay",),
    )


def test_skew_is_told_in_a_sentence():
    both = seen_in(monitor(), at=NOW), seen_in(monitor(skew=None), at=NOW)
    assert [(one.has_skew, one.skew) for one in both] == [
        (
            True,
            "Of 3 features of 1,234 served rows 1 differ. Not served: seats. 2 served rows the model's run never saw.",
        ),
        (False, ""),
    ]
    assert seen_in(
        monitor(skew=replace(SKEW, skewed=(), missing_columns=(), missing_rows=0)), at=NOW
    ).skew.endswith("bit for bit.")


def test_turns_in_a_row_with_nothing_to_do_are_one():
    turns = (
        decision(1, Action.PROMOTED, "There is no champion yet."),
        decision(2, Action.NOTHING, "No reason."),
        decision(3, Action.NOTHING, "Still no reason."),
        decision(4, Action.KEPT, "It is worse.", trigger="PSI delay 0.75"),
    )
    assert [(one.action, one.reason, one.times, one.triggers) for one in told(turns)] == [
        (Action.KEPT, "It is worse.", 1, ("drift: PSI delay 0.75",)),
        (Action.NOTHING, "Still no reason.", 2, ()),
        (Action.PROMOTED, "There is no champion yet.", 1, ()),
    ]


def test_the_sidebars_types_are_current():
    written = Path(__file__).parents[2] / "extension" / "src" / "glance.ts"
    assert written.read_text(encoding="utf-8") == typescript()
