"""What a run folder keeps so that the run can be done again when notebook, data and environment have moved on."""

from __future__ import annotations

import json
import os
import platform
import shutil
import sys
from collections.abc import Mapping  # noqa: TC003  # `wire` reads the annotations at run time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from nbprod import wire
from nbprod.artifacts.store import write_atomically
from nbprod.errors import StoreError
from nbprod.running.records import installed
from nbprod.running.sources import code_of, project_files

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nbprod.artifacts.store import Store
    from nbprod.model import Plan, StageRun
    from nbprod.running.cache import Surroundings
    from nbprod.running.ledger import Ledger, Result

KEPT = "kept.json"
SOURCES = "sources.json"
_NAMED = "file "
# A larger file is known by its digest alone: it is looked for where it was.
LARGEST_SOURCE_BYTES = 256 * 1024 * 1024


class Source(Struct, frozen=True, kw_only=True):
    """A file that a run read, as it was then; `is_kept` says that the store has these bytes."""

    path: str
    digest: str
    is_kept: bool = False


class Kept(Struct, frozen=True, kw_only=True):
    """What a run was made of besides what its stages gave.

    `plan` holds the plan folder's files, `modules` the project's own Python files by their path from `cwd`,
    `installed` every distribution as `name-version`, `machine` the interpreter and processor.
    """

    cwd: str
    plan: Mapping[str, str]
    modules: Mapping[str, str] = field(default_factory=dict)
    installed: tuple[str, ...] = ()
    machine: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    sources: tuple[Source, ...] | None = None


def keep(around: Surroundings, *, environment: Mapping[str, str], folder: Path) -> None:
    """Write into a run's folder what it is made of, before anything runs."""
    kept = Kept(
        cwd=str(around.cwd),
        plan=around.plan.files,
        modules=_modules(around),
        installed=installed(),
        machine={
            "python": sys.version,
            "implementation": sys.implementation.name,
            "machine": platform.machine(),
            "system": sys.platform,
            "processors": str(os.cpu_count() or 1),
        },
        environment=environment,
    )
    write_atomically(folder / KEPT, json.dumps(wire.plain(kept)) + "\n", durable=False)


def keep_sources(
    stages: Iterable[StageRun], *, ledger: Ledger, store: Store, cwd: Path, folder: Path
) -> None:
    """Store the files that the stages' code names or that they were seen to read, to be had again by digest.

    Files of installed packages are not kept: the environment's versions stand for them.
    """
    reads: dict[str, str] = {}
    for stage in stages:
        result = ledger.result(stage.key) if stage.key else None
        reads |= _read_by(result, cwd) if result else {}
    sources = [_kept_source(Path(path), digest, store) for path, digest in sorted(reads.items())]
    write_atomically(folder / SOURCES, json.dumps(wire.plain(sources)) + "\n", durable=False)


def _read_by(result: Result, cwd: Path) -> dict[str, str]:
    named = {
        os.path.normpath(cwd / name.removeprefix(_NAMED)): digest
        for name, digest in result.ingredients.items()
        if name.startswith(_NAMED)
    }
    return {**named, **(result.reads or {})}


def kept_of(folder: Path) -> Kept | None:
    """What the run in a folder kept; None where it was made by a version that kept nothing, or is damaged."""
    raw = _read(folder / KEPT)
    if raw is None:
        return None
    return wire.noun(Kept, {**raw, "sources": _read(folder / SOURCES)}, where=str(folder / KEPT))


def plan_kept(folder: Path) -> Plan | None:
    """The plan that a run ran, as it was then; None where the run kept none."""
    # Only here: a run that keeps its plan does not read one.
    from nbprod.extract import plan_from

    kept = kept_of(folder)
    return None if kept is None or not kept.plan else plan_from(kept.plan, where=str(folder / KEPT))


def kept_digests(folder: Path) -> Iterable[str]:
    """The stored objects that a run's sources need."""
    return (one["digest"] for one in _read(folder / SOURCES) or () if one["is_kept"])


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _modules(around: Surroundings) -> dict[str, str]:
    names = {
        name
        for stage in around.plan.stages
        for name in code_of(around.plan.files[stage.notebook], parameters={}).modules
    }
    return {
        os.path.relpath(path, around.cwd): path.read_text(encoding="utf-8", errors="replace")
        for path in project_files(sorted(names), folder=around.cwd)
    }


def _kept_source(path: Path, digest: str, store: Store) -> Source:
    if "site-packages" in path.parts or "dist-packages" in path.parts:
        return Source(path=str(path), digest=digest)
    try:
        if not path.is_file() or path.stat().st_size > LARGEST_SOURCE_BYTES:
            return Source(path=str(path), digest=digest)
        if store.is_intact(digest):
            return Source(path=str(path), digest=digest, is_kept=True)
        stored, _ = store.put(lambda scratch: _copy(path, scratch))
    except (OSError, StoreError):
        return Source(path=str(path), digest=digest)
    return Source(path=str(path), digest=digest, is_kept=stored == digest)


def _copy(path: Path, target: Path) -> None:
    shutil.copyfile(path, target)
