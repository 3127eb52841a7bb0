"""What the champion does in production: its batches against what it learned from, its metric against what it promised."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from nbprod import wire
from nbprod.continuous.arriving import table_in
from nbprod.continuous.conditions import LARGE_PSI
from nbprod.continuous.decisions import Book, Decision
from nbprod.continuous.observing import drift_of
from nbprod.errors import NbprodError
from nbprod.expectations.profile import Profile
from nbprod.tracking.registry import CHAMPION, AliasChange
from nbprod.tracking.scoring import PREDICTION, batches, candidate_at
from nbprod.tracking.windows import held_out_window

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from nbprod.continuous.contest import Arena
    from nbprod.expectations.drift import ColumnDrift
    from nbprod.running.place import Place
    from nbprod.tracking.entering import Candidate
    from nbprod.tracking.parity import Parity
    from nbprod.tracking.registry import Registry, Version
    from nbprod.tracking.scoring import Batch


class Watched(Struct, frozen=True, kw_only=True):
    """One batch: how its features drifted from what its version learned from, and the mean of what was predicted.

    `live` is the metric once labels have arrived, `promised` the one on the version's own held-out rows.
    """

    batch: int
    version: int
    scored: str
    source: str
    rows: int
    span: tuple[str, str] | None
    drift: tuple[ColumnDrift, ...]
    predicted_mean: float | None
    metric: str
    promised: float | None
    live: float | None = None
    labelled: int = 0

    @property
    def alarms(self) -> tuple[ColumnDrift, ...]:
        """The columns that drifted surely and much."""
        return tuple(one for one in self.drift if one.has_drifted and one.psi > LARGE_PSI)


class Monitor(Struct, frozen=True, kw_only=True):
    """Everything about a model in production, in order of time."""

    model: str
    champion: int
    batches: tuple[Watched, ...]
    decisions: tuple[Decision, ...]
    changes: tuple[AliasChange, ...]
    skew: Parity | None = None


def monitored(
    version: Version,
    *,
    place: Place,
    arena: Arena,
    registry: Registry,
    labels: Path | None = None,
    skew: Parity | None = None,
) -> Monitor:
    """All batches that the model's versions scored, each against the version that scored it.

    `labels` is a parquet file with columns of the scores that together tell rows apart, and the label; `skew` is what
    features that were served showed.
    """
    known = {one.version: one for one in registry.versions(version.model)}
    held: dict[int, Candidate] = {}
    found = []
    for batch in batches(registry, version.model):
        if batch.version not in held:
            held[batch.version] = candidate_at(known[batch.version], place=place, settings=arena.settings)
        found.append(_watched(batch, held[batch.version], place=place, arena=arena, labels=labels))
    champion = registry.at(version.model, CHAMPION)
    return Monitor(
        model=version.model,
        champion=champion.version if champion else version.version,
        batches=tuple(found),
        decisions=Book(ledger=registry.ledger, model=version.model).all(),
        changes=tuple(reversed(registry.history(version.model))),
        skew=skew,
    )


def _watched(
    batch: Batch, candidate: Candidate, *, place: Place, arena: Arena, labels: Path | None
) -> Watched:
    profile = wire.noun(Profile, batch.facts["profile"], where=f"batch {batch.id}")
    span: Any = batch.facts.get("span")
    score = arena.score(candidate.model)
    live, labelled = _live(batch, candidate, arena, labels) if labels else (None, 0)
    return Watched(
        batch=batch.id,
        version=batch.version,
        scored=batch.scored,
        source=batch.source,
        rows=batch.rows,
        span=(span[0], span[1]) if span else None,
        drift=drift_of(profile, candidate, place=place, said=arena.settings.production),
        predicted_mean=_mean(profile),
        metric=score.name,
        promised=_promised(candidate, arena),
        live=live,
        labelled=labelled,
    )


def _mean(profile: Profile) -> float | None:
    column = profile.column(PREDICTION)
    return sum(column.ladder) / len(column.ladder) if column and column.ladder else None


def _promised(candidate: Candidate, arena: Arena) -> float | None:
    import numpy as np

    from nbprod.tracking.scores import predictions

    model = candidate.model
    score = arena.score(model)
    try:
        window = held_out_window(candidate.record, candidate.roles)
    except NbprodError:
        # A model may be promoted by force without rows of its own to be judged on.
        return None
    return score.of(np.asarray(window.y), predictions(model, window.x, score))


def _live(batch: Batch, candidate: Candidate, arena: Arena, labels: Path) -> tuple[float | None, int]:
    import numpy as np
    import pandas as pd

    known, scored = table_in(labels, what="labels"), pd.read_parquet(batch.file)
    keys, label = _columns_of_labels(known, scored, labels)
    both = scored[[*keys, PREDICTION]].merge(known[[*keys, label]].dropna(subset=[label]), on=keys)
    if not len(both):
        return None, 0
    score = arena.score(candidate.model)
    return score.of(np.asarray(both[label]), np.asarray(both[PREDICTION])), len(both)


def _columns_of_labels(known: Any, scored: Any, labels: Path) -> tuple[list[str], str]:
    shared = [name for name in known.columns if name in scored.columns]
    others = [name for name in known.columns if name not in scored.columns]
    if not shared or len(others) != 1 or known.duplicated(shared).any():
        raise NbprodError(
            f"The labels' file holds the columns {', '.join(known.columns)}.",
            where=str(labels),
            remedy="It should hold columns of the scores that together tell rows apart, and the label.",
        )
    return shared, others[0]


def news(found: Monitor) -> Iterator[str]:
    """What is to be told of the latest batch, one sentence each."""
    if not found.batches:
        yield "Nothing has been scored yet."
        return
    yield from alarms(found)
    last = found.batches[-1]
    if last.live is not None and last.promised is not None:
        yield f"{last.metric} is {last.live:.4g} on {last.labelled:,} labelled rows; {last.promised:.4g} was promised."


def alarms(found: Monitor) -> Iterator[str]:
    """What wants attention, one sentence each: drift in the latest batch, and skew."""
    for last in found.batches[-1:]:
        for one in last.alarms:
            yield f"{one.column} drifted (PSI {one.psi:.2f}) in the latest batch, {span_said(last)}."
    if found.skew is not None and not found.skew.holds:
        names = [one.column for one in found.skew.skewed] + list(found.skew.missing_columns)
        yield f"What is served is not what was trained on: {', '.join(names) or 'other rows'}."


def span_said(one: Watched) -> str:
    """From when to when a batch's rows are, or when it was scored."""
    return f"{one.span[0][:10]} to {one.span[1][:10]}" if one.span else f"scored {one.scored[:10]}"


def skew_said(found: Parity) -> str:
    """Whether features that were served are the training's."""
    compared = f"{found.columns} features of {found.rows:,} served rows"
    if found.holds:
        return f"{compared} are the same as the training's, bit for bit."
    parts = [f"Of {compared} {len(found.skewed)} differ."]
    if found.missing_columns:
        parts.append(f"Not served: {', '.join(found.missing_columns)}.")
    if found.missing_rows:
        parts.append(f"{found.missing_rows:,} served rows the model's run never saw.")
    return " ".join(parts)
