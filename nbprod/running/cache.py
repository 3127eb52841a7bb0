"""When a stage need not run again: its key, what the key is made of, and what changed since the last time."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import platform
import stat
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from nbprod.artifacts.manifest import VERSION as MANIFEST_VERSION
from nbprod.artifacts.store import digest_of
from nbprod.running.backend import scheme_of
from nbprod.running.records import installed
from nbprod.running.sources import code_of, imports_ibis, project_files

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from nbprod.artifacts.manifest import Manifest
    from nbprod.model import Json, Plan, PlannedStage

# Raise it where a change here makes results of an older nbprod wrong.
KEY_FORMAT = 1
_FILES_IN_A_FOLDER = 10_000
_NOT_DATA = frozenset({".nbprod", ".git", "__pycache__", ".ipynb_checkpoints"})
_SYSTEM = ("/proc", "/sys", "/dev", "/etc", "/usr", "/bin", "/lib", "/run", "/boot", "/sbin")


class Surroundings(Struct, frozen=True, kw_only=True):
    """What all stages of a run share: the plan, where it runs, with which values, in which environment.

    Secrets are not among the parameters: a key is written down, and a credential does not change a result. `backend`
    is the address of the database that Ibis uses by default, which may hold one too.
    """

    plan: Plan
    cwd: Path
    parameters: Mapping[str, Json]
    environment: str
    backend: str = ""


def environment_fingerprint() -> str:
    """A digest of the interpreter, the processor's kind and every installed distribution's version."""
    return _digest([sys.version, platform.machine(), sys.platform, *installed()])


def ingredients_of(
    stage: PlannedStage, *, around: Surroundings, given: Mapping[str, Manifest], written: Collection[str] = ()
) -> dict[str, str]:
    """Everything that the stage's result depends on, by name.

    `given` holds the manifests of the stages before it; `written` names files that the stage itself writes.
    """
    code = code_of(around.plan.files[stage.notebook], parameters=around.parameters)
    files = named_files(stage, around=around)
    return {
        "format": f"{KEY_FORMAT}.{MANIFEST_VERSION}",
        "code": _digest(code.normal),
        "gives": _digest(stage.gives),
        "environment": around.environment,
        **({"backend": scheme_of(around.backend)} if around.backend and imports_ibis(code) else {}),
        **{
            f"parameter {name}": json.dumps(around.parameters.get(name), sort_keys=True)
            for name in stage.reads
        },
        **{
            f"value {need.name} of {need.giver}": _identity(given[need.giver], need.name)
            for need in stage.needs
        },
        **{
            f"module {_shown(path, around.cwd)}": digest_of(path)
            for path in project_files(code.modules, folder=around.cwd)
        },
        **{
            f"file {_shown(Path(path), around.cwd)}": digest
            for path, digest in files.items()
            if path not in written
        },
    }


def named_files(stage: PlannedStage, *, around: Surroundings) -> dict[str, str]:
    """The files and folders that the stage's code or its parameters name, each with its digest."""
    code = code_of(around.plan.files[stage.notebook], parameters=around.parameters)
    read = [value for name in stage.reads if isinstance(value := around.parameters.get(name), str)]
    paths = {path for text in (*code.texts, *read) if (path := _path(text, around.cwd))}
    return {str(path): digest for path in sorted(paths) if (digest := source_digest(path))}


def key_of(ingredients: Mapping[str, str]) -> str:
    """The key that stands for these ingredients."""
    return _digest([json.dumps(ingredients, sort_keys=True)])


def changes(before: Mapping[str, str], now: Mapping[str, str]) -> tuple[str, ...]:
    """What differs between two sets of ingredients, in words, sorted."""
    return tuple(_words(before, now))


def source_digest(path: Path) -> str:
    """The digest of a file's bytes, or of everything in a folder; nothing where there is neither or it can't be read.

    Devices are not read. In a folder of more than ten thousand files only the first ten thousand count.
    """
    try:
        kind = path.stat().st_mode
        if stat.S_ISREG(kind):
            return digest_of(path)
        if not stat.S_ISDIR(kind):
            return ""
    except (OSError, ValueError):
        return ""
    files = itertools.islice(_files_in(path), _FILES_IN_A_FOLDER)
    return _digest(f"{os.path.relpath(one, path)}:{source_digest(Path(one))}" for one in files)


def _files_in(folder: Path) -> Iterator[str]:
    for root, folders, files in os.walk(folder):
        folders[:] = sorted(set(folders) - _NOT_DATA)
        yield from (os.path.join(root, name) for name in sorted(files))  # noqa: PTH118 - ten thousand times


def unchanged(reads: Mapping[str, str]) -> bool:
    """Whether the files that a stage was seen to read are what they were."""
    return all(source_digest(Path(path)) == digest for path, digest in reads.items())


def _path(text: str, folder: Path) -> Path | None:
    """The file or folder that a text in the code names, if there is one and it could be data."""
    if not text or len(text) > 1000 or "\0" in text or "\n" in text or text in (".", "..", "/"):
        return None
    path = folder / os.path.expanduser(text)  # noqa: PTH111 - expanduser of pathlib raises where there is no such user
    if str(path).startswith(_SYSTEM) or path in (Path(path.anchor), Path.home(), Path(tempfile.gettempdir())):
        return None
    try:
        # A bare word in code is rarely the name of a folder.
        return path if path.is_file() or (os.sep in text and path.is_dir()) else None
    except OSError:
        return None


def _identity(manifest: Manifest, name: str) -> str:
    """What tells one value from another: its bytes, those of what it is stored with, and which object it is."""
    chosen = [one for one in manifest.given if one.artifact.name == name]
    return _digest(f"{one.artifact.digest} {one.bundle} {one.origin} {one.version}" for one in chosen)


def _shown(path: Path, folder: Path) -> str:
    return os.path.relpath(path, folder)


def _words(before: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    for name in sorted({*before, *now}):
        if name not in before:
            yield f"{name} is new"
        elif name not in now:
            yield f"{name} is gone"
        elif before[name] != now[name]:
            was = f" (was {before[name]}, is {now[name]})" if name.startswith("parameter ") else ""
            yield f"{name} changed{was}"


def _digest(pieces: Iterable[str]) -> str:
    sha = hashlib.sha256()
    for piece in pieces:
        data = piece.encode("utf-8", errors="surrogatepass")
        sha.update(len(data).to_bytes(8, "big") + data)
    return sha.hexdigest()
