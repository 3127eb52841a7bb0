"""What a run was made of, put back into a fresh folder: code, project modules, data by digest, parameters."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from msgspec import Struct, field

from nbprod.artifacts.store import digest_of, write_atomically
from nbprod.errors import NbprodError, StoreError
from nbprod.running.cache import source_digest
from nbprod.running.keeping import Kept, Source, kept_of
from nbprod.tracking.entering import kept_plan_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nbprod.artifacts.store import Store
    from nbprod.model import Json, Plan, Record
    from nbprod.running.ledger import Ledger

_DATA = "data"


class Restored(Struct, frozen=True, kw_only=True):
    """A folder in which a run can be done again. `cannot` says what isn't as it was then, one sentence each."""

    root: Path
    plan_folder: Path
    plan: Plan
    kept: Kept
    parameters: dict[str, Json] = field(default_factory=dict)
    cannot: tuple[str, ...] = ()


def restore(record: Record, root: Path, *, store: Store, ledger: Ledger) -> Restored:
    """Put everything that the run was made of into a folder that is empty or missing.

    Raises NbprodError where the run kept no plan, or the folder holds something.
    """
    if root.exists() and any(root.iterdir()):
        raise NbprodError("The folder is not empty.", where=str(root), remedy="Name a fresh one.")
    plan = kept_plan_of(record)
    kept = kept_of(Path(record.folder))
    if kept is None:  # a plan that was kept stands in what was kept
        raise NbprodError(f"Run {record.id} kept nothing.", where=record.folder)
    plan_folder, cwd = _places(plan, root)
    for name, text in kept.plan.items():
        write_atomically(plan_folder / name, text, durable=False)
    cannot = []
    for name, text in kept.modules.items():
        if name.startswith(".."):
            cannot.append(f"Module {name} stood outside the notebook's folder and is used as it is now.")
        else:
            write_atomically(cwd / name, text, durable=False)
    parameters = dict(record.parameters)
    for source in kept.sources or ():
        problem = _put_back(source, kept, cwd=cwd, root=root, store=store, parameters=parameters)
        cannot += [problem] if problem else []
    cannot += [*_unknown(record, plan, kept, ledger)]
    secret = {one.name for one in plan.parameters if one.secret}
    return Restored(
        root=root,
        plan_folder=plan_folder,
        plan=plan,
        kept=kept,
        parameters={name: value for name, value in parameters.items() if name not in secret},
        cannot=tuple(cannot),
    )


def _places(plan: Plan, root: Path) -> tuple[Path, Path]:
    """The plan's folder and the notebook's, as far from each other as they were when the plan was made."""
    parts = PurePosixPath(plan.source).parts
    ups = sum(part == ".." for part in parts)
    return root.joinpath(*["plan"] * ups), root.joinpath(*parts[ups:-1])


def _put_back(
    source: Source, kept: Kept, *, cwd: Path, root: Path, store: Store, parameters: dict[str, Json]
) -> str:
    """Put a file back where the code looks for it; what is wrong, if it can't be had as it was."""
    path = Path(source.path)
    relative = os.path.relpath(path, kept.cwd)
    is_inside = not relative.startswith("..")
    is_as_it_was = source_digest(path) == source.digest
    if is_as_it_was and not is_inside:
        return ""
    if path.is_dir():
        return _folder_put_back(path, cwd / relative, is_as_it_was=is_as_it_was)
    original = path if is_as_it_was else _from_store(source, store)
    if original is None:
        why = "is gone" if not path.exists() else "has changed"
        return f"File {path} {why} since, and the store doesn't have it as it was."
    if is_inside:
        _copy(original, cwd / relative)
        return ""
    named = [name for name, value in parameters.items() if value == source.path]
    if not named:
        return (
            f"File {path} has changed since; the code names it by this very path, so it is read as it is now."
        )
    target = root / _DATA / f"{source.digest[:12]}-{path.name}"
    _copy(original, target)
    parameters.update(dict.fromkeys(named, str(target)))
    return ""


def _folder_put_back(path: Path, target: Path, *, is_as_it_was: bool) -> str:
    if not is_as_it_was:
        return f"Folder {path} has changed since, and folders aren't kept."
    shutil.copytree(path, target, dirs_exist_ok=True)
    return ""


def _from_store(source: Source, store: Store) -> Path | None:
    try:
        return store.path(source.digest) if source.is_kept else None
    except StoreError:
        return None


def _copy(original: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.exists() or digest_of(target) != digest_of(original):
        shutil.copyfile(original, target)


def _unknown(record: Record, plan: Plan, kept: Kept, ledger: Ledger) -> Iterator[str]:
    if kept.sources is None:
        yield "The run was stopped before it could keep the files that it read: they are used as they are now."
    for stage in record.stages:
        result = ledger.result(stage.key) if stage.key else None
        if result is not None and result.reads is None:
            yield f"Stage '{stage.stage}' read from the network: what it got then is not kept."
    for one in plan.parameters:
        if one.secret:
            yield f"Parameter '{one.name}' is a secret: it is taken from where secrets come from now."


def parameters_file(restored: Restored) -> Path:
    """The parameters as a file in the folder."""
    path = restored.root / "parameters.json"
    write_atomically(path, json.dumps(restored.parameters), durable=False)
    return path
