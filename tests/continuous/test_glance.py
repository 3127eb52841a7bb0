"""A model in production at a glance: of real batches, of turns of the loop, and where there is nothing yet."""

import json
import math
from pathlib import Path

import pytest
from monitors import SKEW, decision, keep, monitor, score_once, watched
from msgspec.structs import replace

from nbprod import api, wire
from nbprod.continuous.decisions import Action
from nbprod.continuous.glance import Glance, Seen, seen_in, told, typescript
from nbprod.tracking.registry import Moved

NOW = "2026-09-01T12:00:00+00:00"


def test_where_nothing_is_nothing_is_made(tmp_path):
    assert (api.glance(tmp_path, "pipeline"), list(tmp_path.iterdir())) == (Glance(model="pipeline"), [])


@pytest.fixture
def kept(tmp_path):
    """A project whose model was rolled back to its first version, with four batches that the monitor saw."""
    keep(tmp_path, "flights")
    return tmp_path


def test_the_champion_is_told_with_the_reason_of_its_last_change(kept):
    found = api.glance(kept, "flights")
    champion = found.champion
    assert (champion.version, champion.kind, champion.who, champion.why) == (
        1,
        Moved.ROLLBACK,
        "ada",
        "A drill: can we go back?",
    )
    assert (champion.since, champion.metrics) == ("2026-03-02T09:00:00+00:00", {"mae": 13.0, "rows": 9000})
    assert api.glance(kept, "another") == Glance(model="another")


def test_batches_scored_since_the_monitor_looked_are_counted(kept):
    before = api.glance(kept, "flights")
    score_once(kept, "flights", watched(4))
    after = api.glance(kept, "flights")
    assert (before.unseen, after.unseen, after.seen) == (0, 1, before.seen)
    assert [one.live for one in after.seen.batches] == [12.5, 12.75, 20.25, None]


@pytest.mark.parametrize("text", ['{"at": 3}', "{", "[]"])
def test_what_another_version_wrote_counts_as_not_seen(kept, text):
    (kept / ".nbprod" / "monitor" / "flights.json").write_text(text)
    assert (api.glance(kept, "flights").seen, api.glance(kept, "flights").unseen) == (None, 4)


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
