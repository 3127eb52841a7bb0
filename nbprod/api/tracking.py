"""What is kept of runs, put to use: two of them compared, one of them done again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from nbprod.api.models import registry_of
from nbprod.api.project import settings_for

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping

    from nbprod.model import Record
    from nbprod.tracking.comparing import RunComparison
    from nbprod.tracking.mirror import Mirrored
    from nbprod.tracking.reproducing import Reproduction


def diff_runs(before: Record, after: Record) -> RunComparison:
    """How a run differs from an earlier one: parameters, code by cell, data, environment, metrics, verdicts."""
    from nbprod.tracking.comparing import compare_runs

    return compare_runs(before, after)


def reproduce(
    root: str | os.PathLike[str],
    record: Record,
    *,
    folder: str | os.PathLike[str] | None = None,
    fresh_environment: bool = False,
    replaced: Mapping[str, str] | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> Reproduction:
    """Do a run again from what it kept, in a fresh folder, and say of every value how far it is the same.

    `fresh_environment` builds the versions that the run had, with those in `replaced` in their place. What can't be
    restored is told before anything runs.
    """
    import tempfile

    from nbprod.tracking.reproducing import reproduce as reproduced

    settings = settings_for(root)
    return reproduced(
        record,
        root=Path(root),
        folder=Path(folder).absolute() if folder else Path(tempfile.mkdtemp(prefix=f"nbprod-{record.id}-")),
        store=settings.store,
        fresh_environment=fresh_environment,
        replaced=replaced,
        settled=settings.production,
        tell=tell,
    )


def mirror(root: str | os.PathLike[str]) -> Mirrored:
    """Bring to MLflow what the ledger has and it hasn't: a SQLite file unless settings or environment say another."""
    from nbprod.running.place import Place
    from nbprod.tracking.mirror import mirror as mirrored

    settings = settings_for(root)
    place = Place(root=Path(root), store_address=settings.store)
    return mirrored(place=place, settings=settings, registry=registry_of(root))


def mirrored_at(root: str | os.PathLike[str]) -> dict[str, str]:
    """The pages of MLflow's server that show the project's runs, by the ids of their records."""
    from nbprod.running.place import Place
    from nbprod.tracking.mirror import shown_at

    settings = settings_for(root)
    return shown_at(Place(root=Path(root), store_address=settings.store), settings)
