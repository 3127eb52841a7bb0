"""A model in production at a glance: its champion, what was decided, and what the monitor last saw of its batches.

All but what was seen is read from the ledger, at once; what was seen stands beside the monitor's page until it is
measured again.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping  # noqa: TC003  # `wire` reads the annotations at run time
from itertools import groupby
from math import isfinite
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from nbprod import wire
from nbprod.continuous.conditions import LARGE_PSI
from nbprod.continuous.decisions import Action, Book
from nbprod.continuous.monitoring import alarms, skew_said, span_said
from nbprod.errors import NbprodError
from nbprod.tracking.registry import CHALLENGER, CHAMPION, Moved

if TYPE_CHECKING:
    from pathlib import Path

    from nbprod.continuous.decisions import Decision
    from nbprod.continuous.monitoring import Monitor, Watched
    from nbprod.tracking.registry import AliasChange, Registry

FOLDER = "monitor"
_MOST_BATCHES = 60
_MOST_DECISIONS = 20


class ChampionNow(Struct, frozen=True, kw_only=True):
    """The version in use, since when and why; `metrics` are those that its run measured."""

    version: int
    since: str
    who: str
    why: str
    kind: Moved
    run: str
    trained_from: str | None
    trained_to: str | None
    metrics: Mapping[str, float] = field(default_factory=dict)


class DecisionTold(Struct, frozen=True, kw_only=True):
    """A turn of the loop: what led to it, what was done, and why; `times` joins turns in a row with nothing to do."""

    started: str
    action: Action
    reason: str
    triggers: tuple[str, ...] = ()
    challenger: int | None = None
    times: int = 1


class BatchSeen(Struct, frozen=True, kw_only=True):
    """One batch: from when to when its rows are, how far its features drifted, its metric live and as promised."""

    batch: int
    version: int
    rows: int
    said: str
    at: str
    drifted: tuple[str, ...]
    worst_psi: float | None
    metric: str
    promised: float | None
    live: float | None
    labelled: int


class Seen(Struct, frozen=True, kw_only=True):
    """What the monitor saw when it last looked; a PSI above `large_psi` is a large change.

    `skew` tells in a sentence how served features are, if any were given.
    """

    at: str
    last_batch: int
    alarms: tuple[str, ...]
    batches: tuple[BatchSeen, ...]
    labels: str = ""
    served: str = ""
    skew: str = ""
    has_skew: bool = False
    large_psi: float = LARGE_PSI


class Glance(Struct, frozen=True, kw_only=True):
    """What is known of a model without measuring; `unseen` batches were scored since the monitor looked."""

    model: str
    champion: ChampionNow | None = None
    challenger: int | None = None
    decisions: tuple[DecisionTold, ...] = ()
    seen: Seen | None = None
    unseen: int = 0


def glance(registry: Registry, model: str, *, state: Path) -> Glance:
    """What is known of a model; `state` is the project's own folder. Nothing is made where nothing is."""
    if not registry.ledger.path.is_file():
        return Glance(model=model)
    seen = _read(seen_file(state, model))
    return Glance(
        model=model,
        champion=_champion(registry, model),
        challenger=registry.aliases(model).get(CHALLENGER),
        decisions=told(Book(ledger=registry.ledger, model=model).all()),
        seen=seen,
        unseen=_scored_after(registry, model, seen.last_batch if seen else 0),
    )


def seen_file(state: Path, model: str) -> Path:
    """Where it stands what the monitor saw of a model; its page is beside it."""
    return state / FOLDER / f"{model}.json"


def seen_in(found: Monitor, *, at: str, labels: str = "", served: str = "") -> Seen:
    """The part of what the monitor found that a glance shows."""
    return Seen(
        at=at,
        last_batch=found.batches[-1].batch if found.batches else 0,
        alarms=tuple(alarms(found)),
        batches=tuple(_batch(one) for one in found.batches[-_MOST_BATCHES:]),
        labels=labels,
        served=served,
        skew=skew_said(found.skew) if found.skew else "",
        has_skew=found.skew is not None and not found.skew.holds,
    )


def told(decisions: tuple[Decision, ...]) -> tuple[DecisionTold, ...]:
    """The latest decisions, the latest first; turns in a row that had nothing to do are one."""
    joined: list[DecisionTold] = []
    for is_idle, turns in groupby(reversed(decisions), key=lambda one: one.action is Action.NOTHING):
        these = [_told(one) for one in turns]
        joined += [replace(these[0], times=len(these))] if is_idle else these
    return tuple(joined[:_MOST_DECISIONS])


def _told(one: Decision) -> DecisionTold:
    return DecisionTold(
        started=one.started,
        action=one.action,
        reason=one.reason,
        triggers=one.triggers,
        challenger=one.challenger,
    )


def _champion(registry: Registry, model: str) -> ChampionNow | None:
    version = registry.at(model, CHAMPION)
    changes = (one for one in registry.history(model) if one.alias == CHAMPION)
    change: AliasChange | None = next(changes, None)
    if version is None or change is None:
        return None
    metrics = version.facts.get("metrics")
    return ChampionNow(
        version=version.version,
        since=change.made,
        who=change.who,
        why=change.why,
        kind=change.kind,
        run=version.run,
        trained_from=version.trained_from,
        trained_to=version.trained_to,
        metrics={
            name: float(figure)
            for name, figure in (metrics.items() if isinstance(metrics, dict) else ())
            if isinstance(figure, int | float) and isfinite(figure)
        },
    )


def _batch(one: Watched) -> BatchSeen:
    return BatchSeen(
        batch=one.batch,
        version=one.version,
        rows=one.rows,
        said=span_said(one),
        at=one.span[1] if one.span else one.scored,
        drifted=tuple(column.column for column in one.alarms),
        worst_psi=_finite(max((column.psi for column in one.drift), default=0.0)),
        metric=one.metric,
        promised=_finite(one.promised),
        live=_finite(one.live),
        labelled=one.labelled,
    )


def _finite(figure: float | None) -> float | None:
    """JSON has no words for what is infinite or no number."""
    return figure if figure is not None and isfinite(figure) else None


def _read(file: Path) -> Seen | None:
    if not file.is_file():
        return None
    try:
        return wire.noun(Seen, json.loads(file.read_text(encoding="utf-8")), where=str(file))
    except (ValueError, NbprodError):
        # Of another version, or edited: looking again writes it anew.
        return None


def _scored_after(registry: Registry, model: str, batch: int) -> int:
    with registry.ledger.reading() as db:
        (count,) = db.execute(
            "select count(*) from batches where model = ? and id > ?", (model, batch)
        ).fetchone()
    return int(count)


def typescript() -> str:
    """The types of a glance as the sidebar has them."""
    return wire.typescript(Glance, stand_in="continuous/glance.py", made_by="nbprod.continuous.glance")


if __name__ == "__main__":
    sys.stdout.write(typescript())
