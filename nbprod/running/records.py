"""Runs on disk: `runs/<id>/` with `record.json`, which is whole at every moment."""

from __future__ import annotations

import json
import platform
import secrets
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from nbprod import wire
from nbprod.artifacts.store import write_atomically
from nbprod.errors import StoreError
from nbprod.model import Record, State

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

RUNS = "runs"
RECORD = "record.json"


def new_run_folder(state: Path, *, now: datetime) -> Path:
    """A folder for a new run, named by the time to the millisecond, so that the names are in the order of the runs.

    Random digits follow: two runs never share one.
    """
    folder = state / RUNS / f"{now:%Y%m%d-%H%M%S}-{now.microsecond // 1000:03d}{secrets.token_hex(2)}"
    folder.mkdir(parents=True)
    return folder


def write_record(record: Record) -> None:
    """Write the record into its run's folder."""
    # Laid out in lines it takes several times as long to make: only the last one, for whoever opens the file.
    indent = None if record.state is State.RUNNING else 1
    write_atomically(Path(record.folder) / RECORD, json.dumps(wire.plain(record), indent=indent) + "\n")


def given_by(record: Record, names: Mapping[str, str]) -> dict[str, object]:
    """What the run's stages gave, by name: `names` says of each name which stage; one left unbound is missing.

    Hidden state among them is put back in place, as `take` does. Raises StoreError where something is missing.
    """
    from nbprod.artifacts.boundary import take

    return take(names, folder=str(Path(record.folder) / "artifacts"))


def read_record(folder: Path) -> Record:
    """The record of the run in a folder; raises StoreError where there is none."""
    path = folder / RECORD
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise StoreError("There is no run here.", where=str(folder), remedy="See `nbprod runs`.") from error
    except ValueError as error:
        raise StoreError(f"The record is damaged: {error}.", where=str(path)) from error
    return wire.noun(Record, raw, where=str(path))


def run_folders(state: Path) -> list[Path]:
    """The folders of all runs that have a record, the latest first."""
    return sorted((path.parent for path in (state / RUNS).glob(f"*/{RECORD}")), reverse=True)


def installed() -> tuple[str, ...]:
    """Every installed distribution as `name-version`, sorted: read from folder names, since metadata is slow."""
    found = {
        entry.name.removesuffix(".dist-info")
        for folder in sys.path
        if (path := Path(folder or ".")).is_dir() and path.name in ("site-packages", "dist-packages")
        for entry in path.iterdir()
        if entry.name.endswith(".dist-info")
    }
    return tuple(sorted(found))


_DISTRIBUTIONS = {"sklearn": "scikit-learn", "ibis": "ibis-framework", "yaml": "pyyaml", "PIL": "pillow"}


def versions_of(modules: Iterable[str]) -> dict[str, str]:
    """The versions that a record tells: Python, nbprod, papermill, and the distributions of these modules."""
    known = dict(_versions())
    tops = {name.partition(".")[0] for name in modules}
    names = {_normal(_DISTRIBUTIONS.get(name, name)) for name in (*tops, "nbprod", "papermill", "ipykernel")}
    return {
        "python": platform.python_version(),
        **{name: known[name] for name in sorted(names) if name in known},
    }


def _versions() -> Iterator[tuple[str, str]]:
    for one in installed():
        name, _, version = one.partition("-")
        yield _normal(name), version


def _normal(name: str) -> str:
    return name.replace("_", "-").lower()
