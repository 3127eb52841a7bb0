"""What the store holds and who refers to it; removing what neither a run nor a result in the ledger does."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING

from msgspec import Struct

from nbprod.artifacts.manifest import manifest_from
from nbprod.running.keeping import kept_digests
from nbprod.running.place import Place
from nbprod.running.records import RECORD, RUNS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from nbprod.artifacts.manifest import Manifest

# A stage that runs now has stored objects that no manifest names yet.
_GRACE_SECONDS = 3600.0


class Collected(Struct, frozen=True, kw_only=True):
    """How much was removed, or would be, and how many objects are kept."""

    removed: int
    bytes: int
    kept: int


class Stored(Struct, frozen=True, kw_only=True):
    """One object of the store: what it is as `STAGE.NAME`, in which format, and the runs that gave or took it.

    An object without names is one that nothing refers to.
    """

    digest: str
    bytes: int
    age_seconds: float
    names: tuple[str, ...] = ()
    formats: tuple[str, ...] = ()
    runs: tuple[str, ...] = ()


def collect(
    *, root: Path, store: str | None = None, grace_seconds: float = _GRACE_SECONDS, dry_run: bool = False
) -> Collected:
    """Remove every object that nothing refers to and that is older than `grace_seconds`; `dry_run` only counts.

    What the cache knows of a run whose folder is gone refers to nothing, and is forgotten with what it needs.
    Raises StoreError where a manifest is damaged: what it refers to is not known then, and nothing is removed.
    """
    place = Place(root=root, store_address=store)
    shelf = place.store
    kept = {digest for _, manifest in _manifests(place) for digest in manifest.digests()}
    for folder in place.state.glob(f"{RUNS}/*"):
        kept |= {*kept_digests(folder), *_set_aside(folder)}
    if not dry_run:
        _forget_lost(place, kept)
    removed = size = 0
    present = list(shelf.digests())
    for digest in present:
        if digest not in kept and shelf.age_seconds(digest) > grace_seconds:
            size += shelf.bytes_of(digest) if dry_run else shelf.remove(digest)
            removed += 1
    size += shelf.sweep(older_than_seconds=grace_seconds, dry_run=dry_run)
    return Collected(removed=removed, bytes=size, kept=len(present) - removed)


def stored(*, root: Path, store: str | None = None) -> tuple[Stored, ...]:
    """Everything in the store, the largest first.

    Raises StoreError where a manifest is damaged.
    """
    place = Place(root=root, store_address=store)
    names, formats, runs = defaultdict(set), defaultdict(set), defaultdict(set)
    for run, manifest in _manifests(place):
        for digest, name, file_format in _parts(manifest):
            names[digest].add(name)
            formats[digest].add(file_format)
            runs[digest].add(run)
    shelf = place.store
    found = [
        Stored(
            digest=digest,
            bytes=shelf.bytes_of(digest),
            age_seconds=round(shelf.age_seconds(digest), 1),
            names=tuple(sorted(names.get(digest, ()))),
            formats=tuple(sorted(formats.get(digest, ()))),
            runs=tuple(sorted(runs.get(digest, ()))),
        )
        for digest in shelf.digests()
    ]
    return tuple(sorted(found, key=lambda one: (-one.bytes, one.digest)))


def _manifests(place: Place) -> Iterator[tuple[str, Manifest]]:
    """Each manifest that is kept, with the run that it is of: those in runs' folders, and the cache's of such runs."""
    for path in place.state.glob(f"{RUNS}/*/artifacts/*.json"):
        run = path.parent.parent.name
        yield run, manifest_from(path.read_text(encoding="utf-8"), where=str(path))
    with_models = place.ledger.runs_with_models()
    for result in place.ledger.results():
        if result.run in with_models or (place.state / RUNS / result.run).is_dir():
            yield result.run, manifest_from(result.manifest, where=str(place.ledger.path))


def _set_aside(folder: Path) -> Iterator[str]:
    """The stored rows that a run set aside; a record that can't be read names none."""
    try:
        raw = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return
    for stage in raw["stages"]:
        for verdict in stage["verdicts"]:
            aside = verdict.get("quarantine") or {}
            yield from (aside[part]["digest"] for part in ("kept", "taken") if aside.get(part))


def _forget_lost(place: Place, kept: set[str]) -> None:
    """Drop from the cache what needs objects that are about to go."""
    for result in place.ledger.results():
        needed = set(manifest_from(result.manifest, where=str(place.ledger.path)).digests())
        if not needed <= kept:
            place.ledger.forget_result(result.key)


def _parts(manifest: Manifest) -> Iterator[tuple[str, str, str]]:
    for given in manifest.given:
        yield given.artifact.digest, f"{manifest.stage}.{given.artifact.name}", given.artifact.format
    for bundle in manifest.bundles:
        shown = f"{manifest.stage}.{'+'.join(bundle.names)}"
        yield bundle.digest, shown, "bundle"
        yield from ((part.digest, shown, part.format) for part in bundle.parts)
