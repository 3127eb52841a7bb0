"""Removing from the store what neither a run's manifests nor a result in the ledger refers to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nbprod.artifacts.manifest import manifest_from
from nbprod.running.place import Place

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# A stage that runs now has stored objects that no manifest names yet.
_GRACE_SECONDS = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """How much was removed, and how many objects are kept."""

    removed: int
    bytes: int
    kept: int


def collect(*, root: Path, store: str | None = None, grace_seconds: float = _GRACE_SECONDS) -> Collected:
    """Remove every object that nothing refers to and that is older than `grace_seconds`.

    Raises StoreError where a manifest is damaged: what it refers to is not known then, and nothing is removed.
    """
    place = Place(root=root, store_address=store)
    shelf = place.store
    kept = set(_referred(place))
    removed = size = 0
    present = list(shelf.digests())
    for digest in present:
        if digest not in kept and shelf.age_seconds(digest) > grace_seconds:
            size += shelf.remove(digest)
            removed += 1
    size += shelf.sweep(older_than_seconds=grace_seconds)
    return Collected(removed=removed, bytes=size, kept=len(present) - removed)


def _referred(place: Place) -> Iterator[str]:
    for path in place.state.glob("runs/*/artifacts/*.json"):
        yield from manifest_from(path.read_text(encoding="utf-8"), where=str(path)).digests()
    for result in place.ledger.results():
        yield from manifest_from(result.manifest, where=str(place.ledger.path)).digests()
