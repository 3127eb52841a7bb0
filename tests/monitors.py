"""A monitor's findings made by hand: four months of batches, a drift, a change of version, decisions of each sort."""

import json
from pathlib import Path

from msgspec.structs import replace

from nbprod import wire
from nbprod.continuous.decisions import Action, Book, Decision
from nbprod.continuous.glance import seen_file, seen_in
from nbprod.continuous.monitor_page import monitor_page
from nbprod.continuous.monitoring import Monitor, Watched
from nbprod.expectations.drift import ColumnDrift
from nbprod.running.place import Place
from nbprod.tracking.parity import ColumnSkew, Parity
from nbprod.tracking.registry import AliasChange, Moved, Registry, Version
from nbprod.tracking.scoring import Batch, enter_batch

LONG = "a_feature_with_a_name_that_is_longer_than_what_a_narrow_window_has_room_for"
SKEW = Parity(
    rows=1234,
    columns=3,
    skewed=(ColumnSkew(column="distance", rows=17, first="r9", trained="100.0", served="160.9"),),
    missing_columns=("seats",),
    missing_rows=2,
)
ROWS = {1: 9000, 2: 9100, 3: 8900, 4: 9200}
LIVE = {1: 12.5, 2: 12.75, 3: 20.25, 4: None}
PSI = {1: 0.01, 2: 0.02, 3: 0.75, 4: 0.5}


def watched(month: int) -> Watched:
    columns = (
        ColumnDrift(
            column="delay",
            p_value=1e-12,
            psi=PSI[month],
            jensen_shannon=0.1,
            nulls_batch=0.125,
            has_drifted=month >= 3,
        ),
        ColumnDrift(column=LONG, p_value=0.5, psi=0.001, jensen_shannon=0.0),
    )
    return Watched(
        batch=month,
        version=1 if month < 4 else 2,
        scored=f"2026-0{month + 1}-01T04:00:00+00:00",
        source="rows.parquet",
        rows=ROWS[month],
        span=(f"2026-0{month}-01T00:00:00", f"2026-0{month}-28T23:00:00"),
        drift=columns,
        predicted_mean=5.5 + month,
        metric="mae",
        promised=13.0 if month < 4 else 11.0,
        live=LIVE[month],
        labelled=8000,
    )


def decision(number: int, action: Action, reason: str, *, trigger: str = "") -> Decision:
    judged = [{"text": "drift", "says": trigger, "holds": True, "was_acted_on": False}] if trigger else []
    return Decision(
        id=number,
        model="flights",
        started=f"2026-0{number}-01T05:00:00+00:00",
        ended="2026-08-01T05:01:00+00:00",
        condition="drift",
        action=action,
        reason=reason,
        champion=1 if number > 1 else None,
        challenger=number if trigger else None,
        facts={"judged": judged},
    )


def monitor(*, months: int = 4, skew: Parity | None = SKEW) -> Monitor:
    """As it stands after so many months."""
    decisions = (
        decision(1, Action.PROMOTED, "There is no champion yet."),
        decision(2, Action.STOPPED, "The data breaks flights.carrier <script>alert(1)</script>."),
        decision(3, Action.NOTHING, "No reason to train."),
        decision(4, Action.KEPT, "It is worse by 0.5, where more than 0 is asked.", trigger="PSI delay 0.75"),
    )
    change = AliasChange(
        model="flights",
        alias="champion",
        was=2,
        version=1,
        made="2026-05-02T00:00:00+00:00",
        who="ada",
        why="a drill",
        kind=Moved.ROLLBACK,
    )
    return Monitor(
        model="flights",
        champion=1,
        batches=tuple(map(watched, range(1, months + 1))),
        decisions=decisions if months else (),
        changes=(change,) if months else (),
        skew=skew,
    )


def keep(root: Path, model: str) -> None:
    """Enter the same into a project's ledger, as if it had happened there, with the monitor's page and what it saw."""
    place = Place(root=root)
    registry, book = Registry(ledger=place.ledger), Book(ledger=place.ledger, model=model)
    _reign(registry, model)
    found = replace(monitor(), model=model)
    for one in found.decisions:
        begun = book.begin(condition=one.condition, facts=one.facts, now=one.started)
        book.end(begun, action=one.action, reason=one.reason, now=one.ended or one.started)
    numbers = [score_once(root, model, one) for one in found.batches]
    batches = tuple(replace(one, batch=number) for one, number in zip(found.batches, numbers, strict=True))
    seen = seen_in(
        replace(found, batches=batches), at="2026-06-01T04:30:00+00:00", labels=str(root / "labels.parquet")
    )
    file = seen_file(place.state, model)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(wire.plain(seen)), encoding="utf-8")
    file.with_suffix(".html").write_text(monitor_page(found), encoding="utf-8")


def score_once(root: Path, model: str, one: Watched) -> int:
    """Enter a batch as scored; gives its number."""
    batch = Batch(
        model=model,
        version=one.version,
        scored=one.scored,
        source=one.source,
        run="r1",
        rows=one.rows,
        file="-",
    )
    return enter_batch(Registry(ledger=Place(root=root).ledger), batch).id


def _reign(registry: Registry, model: str) -> None:
    """Two promotions, and back to the first."""
    for number, why in ((1, WHYS[0]), (2, WHYS[1])):
        held = registry.aliases(model).get("champion")
        made = f"2026-0{number}-02T09:00:00+00:00"
        registry.move(
            "champion", registry.enter(version(model, number)), expected=held, who="ada", why=why, made=made
        )
    registry.rollback(model, who="ada", why=WHYS[2], made="2026-03-02T09:00:00+00:00")


WHYS = (
    "The first model. There is no champion to beat.",
    "It is better by 1.8 (at least 0.9 at 95 %), where more than 0.1 is asked.",
    "A drill: can we go back?",
)


def version(model: str, number: int) -> Version:
    return Version(
        model=model,
        run=f"2026010{number}-0600",
        stage="train",
        value="model",
        digest=str(number),
        made=f"2026-0{number}-01T06:00:00+00:00",
        trained_from="2025-01-01T00:00:00",
        trained_to="2025-12-31T23:00:00",
        facts={"metrics": {"mae": 13.0, "rows": 9000}},
    )
