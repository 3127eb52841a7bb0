"""What one stage gave: a small JSON file beside its siblings, written last, by which everything else is found."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from nbprod.artifacts.store import Store, store_at, write_atomically
from nbprod.errors import StoreError
from nbprod.model import Artifact

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

VERSION = 1
PICKLE = "pickle"


class Given(Struct, frozen=True, kw_only=True):
    """One value as a stage gave it.

    `origin` names the object itself (stage and name that first gave it) and `version` counts how often it was
    given since, so that two names for one object come back as one, in its latest state. `why` says why a value
    is pickled.
    """

    artifact: Artifact
    origin: str
    version: int = 1
    bundle: str = ""
    why: str = ""


class Part(Struct, frozen=True, kw_only=True):
    """Something that a bundle keeps outside its pickle."""

    digest: str
    format: str


class Bundle(Struct, frozen=True, kw_only=True):
    """Names that share objects: the digest of their pickle and its parts by number."""

    digest: str
    names: tuple[str, ...]
    parts: tuple[Part, ...] = ()


class Manifest(Struct, frozen=True, kw_only=True):
    """Everything one stage gave; `absent` are the names that its cells left unbound, this time.

    `left` pairs outcomes that no stage needs with the reason why they could not be stored.
    """

    stage: str
    given: tuple[Given, ...] = ()
    bundles: tuple[Bundle, ...] = ()
    absent: tuple[str, ...] = ()
    left: tuple[tuple[str, str], ...] = ()

    @property
    def artifacts(self) -> tuple[Artifact, ...]:
        """The artifacts, in the order in which they were given."""
        return tuple(one.artifact for one in self.given)

    def named(self, name: str) -> Given | None:
        """What was given under that name, if anything."""
        return next((one for one in self.given if one.artifact.name == name), None)

    def bundle(self, digest: str) -> Bundle:
        """The bundle of that digest."""
        return next(one for one in self.bundles if one.digest == digest)

    def digests(self) -> Iterator[str]:
        """Every stored object that this manifest needs."""
        yield from (one.artifact.digest for one in self.given)
        for bundle in self.bundles:
            yield bundle.digest
            yield from (part.digest for part in bundle.parts)


def store_of(folder: Path) -> Store:
    """The store that a folder of manifests keeps its objects in: its own, or the one that its file `store` names."""
    pointer = folder / "store"
    return store_at(pointer.read_text(encoding="utf-8").strip() if pointer.is_file() else str(folder))


def manifest_path(folder: Path, stage: str) -> Path:
    """Where the manifest of a stage lies."""
    return folder / f"{stage}.json"


def write_manifest(manifest: Manifest, *, folder: Path, durable: bool = True) -> None:
    """Bind the stage's names to what it gave, all at once."""
    write_atomically(manifest_path(folder, manifest.stage), text_of(manifest), durable=durable)


def read_manifest(folder: Path, stage: str) -> Manifest:
    """The manifest of a stage; raises StoreError where it is missing or damaged."""
    path = manifest_path(folder, stage)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise StoreError(
            f"Stage '{stage}' has given nothing yet.", where=str(path), remedy=f"Run stage '{stage}' first."
        ) from None
    return manifest_from(text, where=str(path))


def text_of(manifest: Manifest) -> str:
    """The manifest as JSON."""
    return json.dumps({"version": VERSION, **msgspec.to_builtins(manifest)}, indent=1) + "\n"


def manifest_from(text: str, *, where: str) -> Manifest:
    """The manifest that `text_of` wrote; raises StoreError where it is damaged."""
    try:
        raw: dict[str, Any] = json.loads(text)
        if raw["version"] != VERSION:
            raise StoreError(
                f"The manifest is of format {raw['version']}; this nbprod reads {VERSION}.",
                where=where,
                remedy="Run the stage again.",
            )
        return Manifest(
            stage=raw["stage"],
            given=tuple(_given(one) for one in raw["given"]),
            bundles=tuple(_bundle(one) for one in raw["bundles"]),
            absent=tuple(raw["absent"]),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(
            f"The manifest is damaged: {error}.", where=where, remedy="Run the stage again."
        ) from error


def _given(raw: dict[str, Any]) -> Given:
    artifact = raw["artifact"]
    lists = {key: tuple(artifact[key]) for key in ("columns", "bundle")}
    return Given(**{**raw, "artifact": Artifact(**{**artifact, **lists})})


def _bundle(raw: dict[str, Any]) -> Bundle:
    return Bundle(
        digest=raw["digest"], names=tuple(raw["names"]), parts=tuple(Part(**one) for one in raw["parts"])
    )
