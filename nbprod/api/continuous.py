"""The production loop: retrain when there is a reason to, promote when it is better, watch what the champion does."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from nbprod import wire
from nbprod.api.models import registry_of, user
from nbprod.api.plans import plan, read_plan
from nbprod.api.project import root_of, settings_for
from nbprod.api.runs import mirror_if_wanted, run
from nbprod.api.studying import notebook_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from nbprod.api.studying import Source
    from nbprod.continuous.decisions import Decision
    from nbprod.continuous.glance import Glance
    from nbprod.continuous.monitoring import Monitor
    from nbprod.model import Event, Record


def retrain(
    source: Source,
    condition: str,
    *,
    root: str | os.PathLike[str] | None = None,
    parameters: Mapping[str, object] | None = None,
    allow: Mapping[str, str] | None = None,
    on_event: Callable[[Event], None] | None = None,
    tell: Callable[[str], None] = lambda _: None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Decision:
    """One turn of the loop on a notebook or a plan folder; gives what was decided and why, which the ledger keeps.

    Raises Busy where another turn is under way, and NbprodError for a condition that can't be read.
    """
    from nbprod.continuous.contest import Arena
    from nbprod.continuous.loop import Loop, turn
    from nbprod.running.place import Place

    is_plan = isinstance(source, str | os.PathLike) and Path(source).is_dir()
    found = (
        read_plan(source) if is_plan and isinstance(source, str | os.PathLike) else plan(source, allow=allow)
    )
    name = str(source) if isinstance(source, str | os.PathLike) else notebook_of(source).name
    home = Path(root) if root is not None else root_of(name)
    settings = settings_for(home)

    def ran(until: str | None) -> Record:
        return run(source, root=home, parameters=parameters, allow=allow, until=until, on_event=on_event)

    loop = Loop(
        model=found.name,
        plan=found,
        run=ran,
        asked={
            "source": str(Path(name).absolute()),
            "parameters": json.loads(json.dumps(dict(parameters or {}), default=str)),
        },
        arena=Arena(root=home, settings=settings),
        place=Place(root=home, store_address=settings.store),
        registry=registry_of(home),
        who=user(),
        now=now,
        tell=tell,
    )
    decision = turn(loop, condition)
    mirror_if_wanted(home)
    return decision


def decisions(root: str | os.PathLike[str], model: str) -> tuple[Decision, ...]:
    """Every decision about a model, the earliest first."""
    from nbprod.continuous.decisions import Book

    return Book(ledger=registry_of(root).ledger, model=model).all()


def seconds_of(duration: str) -> float:
    """The seconds of a duration as people write it (`10min`, `1h`, `7d`); raises NbprodError."""
    from nbprod.continuous.conditions import seconds_of as read

    return read(duration)


class Watching(Struct, frozen=True, kw_only=True):
    """What the monitor saw, what wants attention, and the page that shows it."""

    monitor: Monitor
    news: tuple[str, ...]
    page: Path


def monitor(
    root: str | os.PathLike[str],
    model: str = "champion",
    *,
    labels: str | os.PathLike[str] | None = None,
    served: str | os.PathLike[str] | None = None,
    page: str | os.PathLike[str] | None = None,
) -> Watching:
    """Hold the batches that a model scored against what it learned from, and write the page that shows it.

    What was seen stands in the project until the next time, for `glance`; `page` is one more place for the page.
    `served` is a parquet file of features that were served, which are held against the training's own.
    """
    from nbprod.api.scoring import skew
    from nbprod.artifacts.store import write_atomically
    from nbprod.continuous.contest import Arena
    from nbprod.continuous.glance import seen_file, seen_in
    from nbprod.continuous.monitor_page import monitor_page
    from nbprod.continuous.monitoring import monitored, news
    from nbprod.running.place import Place

    home = Path(root)
    settings = settings_for(home)
    registry = registry_of(home)
    version = registry.named(model)
    place = Place(root=home, store_address=settings.store)
    found = monitored(
        version,
        place=place,
        arena=Arena(root=home, settings=settings),
        registry=registry,
        labels=Path(labels) if labels else None,
        skew=skew(home, served, model=model) if served else None,
    )
    given = {
        name: str(Path(said).resolve()) for name, said in (("labels", labels), ("served", served)) if said
    }
    seen = seen_in(found, at=datetime.now(UTC).isoformat(), **given)
    shown, file = monitor_page(found), seen_file(place.state, version.model).with_suffix(".html")
    write_atomically(seen_file(place.state, version.model), json.dumps(wire.plain(seen)) + "\n")
    for each in {file, Path(page or file)}:
        write_atomically(each, shown)
    return Watching(monitor=found, news=tuple(news(found)), page=Path(page or file))


def glance(root: str | os.PathLike[str], model: str) -> Glance:
    """What is known of a model in production without measuring: its champion, decisions, and what `monitor` last saw."""
    from nbprod.continuous.glance import glance as glanced
    from nbprod.running.place import Place

    return glanced(registry_of(root), model, state=Place(root=Path(root)).state)


def monitor_page_at(root: str | os.PathLike[str], model: str) -> Path | None:
    """The page that `monitor` last made of a model, if there is one."""
    from nbprod.continuous.glance import seen_file
    from nbprod.running.place import Place

    file = seen_file(Place(root=Path(root)).state, model).with_suffix(".html")
    return file if file.is_file() else None
