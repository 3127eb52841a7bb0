"""Running a pipeline, and the records that runs leave."""

from __future__ import annotations

import os
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from nbprod.api.plans import extract, plan, read_plan
from nbprod.api.project import STATE_FOLDER, root_of, settings_for
from nbprod.api.studying import Source, notebook_of
from nbprod.errors import NbprodError, NotebookError, did_you_mean
from nbprod.model import Notebook

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from nbprod.model import Event, Json, Parameter, Plan, Record
    from nbprod.running import Collected, Filled, Stored, Why
    from nbprod.settings import Settings
    from nbprod.verifying.verify import Verification

# Where a secret is taken from that nobody gave: on a command line, every process of the machine could read it.
VARIABLE = "NBPROD_SECRET_{name}"


def run(
    source: Source,
    *,
    root: str | os.PathLike[str] | None = None,
    parameters: Mapping[str, object] | None = None,
    allow: Mapping[str, str] | None = None,
    workers: int | None = None,
    only: Iterable[str] = (),
    from_: str | None = None,
    until: str | None = None,
    force: bool = False,
    engine: str | None = None,
    memory: str | None = None,
    retries: bool = True,
    on_event: Callable[[Event], None] | None = None,
) -> Record:
    """Run a notebook's pipeline, or a plan folder's, and give the record of the run.

    A notebook is extracted first, into `ROOT/.nbprod/plans/NAME`. Stages run in the folder of the notebook that the
    plan comes from. A failed cell or a broken expectation is told by the record, not raised. `engine` is `local`,
    `dask` or `dask=ADDRESS`; `memory` (`4GB`) is what stages that run at once may need together; without `retries` a
    stage is tried once, whatever its options say. A secret parameter that isn't given is taken from the environment
    variable `NBPROD_SECRET_` and its name in capitals.
    """
    from nbprod.running import Budget
    from nbprod.running import run as run_plan
    from nbprod.validating import judge

    here = _ready(source, root=root, allow=allow)
    most = _bytes(memory or here.settings.memory)
    record = run_plan(
        here.plan if retries else _without_retries(here.plan),
        plan_folder=here.folder,
        root=here.root,
        parameters=_with_secrets(parameters, here.plan.parameters),
        judge=judge,
        workers=workers or here.settings.workers,
        only=tuple(only),
        from_=from_,
        until=until,
        force=force,
        on_event=on_event,
        store=here.settings.store,
        engine=engine or here.settings.engine,
        backend=_backend(here.settings),
        budget=Budget(bytes=most) if most else None,
    )
    # Great Expectations costs seconds to load: pages are built where it had to judge, else by `docs` when asked for.
    if "great_expectations" in sys.modules:
        docs(record)
    mirror_if_wanted(here.root)
    return record


def backfill(
    source: Source,
    *,
    over: Mapping[str, str],
    root: str | os.PathLike[str] | None = None,
    parameters: Mapping[str, object] | None = None,
    allow: Mapping[str, str] | None = None,
    workers: int | None = None,
    force: bool = False,
    engine: str | None = None,
    memory: str | None = None,
    on_event: Callable[[Mapping[str, Json], Event], None] | None = None,
) -> tuple[Filled, ...]:
    """Run a pipeline once for every combination of the values that `over` spells, as in `{"month": "1..12"}`.

    Runs that are done are taken from the cache, so that the same call again runs only those that failed. Events come
    with the values of the run that they belong to. Raises ParameterError before anything runs.
    """
    from nbprod.running import backfill as filled
    from nbprod.validating import judge

    here = _ready(source, root=root, allow=allow)
    return filled(
        here.plan,
        over=over,
        plan_folder=here.folder,
        root=here.root,
        parameters=_with_secrets(parameters, here.plan.parameters),
        judge=judge,
        on_event=on_event,
        workers=workers or here.settings.workers,
        force=force,
        store=here.settings.store,
        engine=engine or here.settings.engine,
        backend=_backend(here.settings),
        memory_bytes=_bytes(memory or here.settings.memory),
    )


def why(
    source: Source,
    stages: Iterable[str] = (),
    *,
    root: str | os.PathLike[str] | None = None,
    parameters: Mapping[str, object] | None = None,
) -> tuple[Why, ...]:
    """Whether stages (all, if none is named) would run now, and what changed since they last did; nothing runs.

    A notebook's plan is made in memory only.
    """
    from nbprod.running import whys

    if not isinstance(source, Notebook) and Path(source).is_dir():
        folder = Path(source)
        found = read_plan(folder)
    else:
        notebook = notebook_of(source)
        folder = _own_plan_folder(notebook)
        found = plan(notebook, folder=folder)
    project = Path(root) if root is not None else root_of(folder / found.source)
    return whys(
        found,
        stages=tuple(stages),
        plan_folder=folder,
        root=project,
        parameters=_with_secrets(parameters, found.parameters),
        store=settings_for(project).store,
        backend=_backend(settings_for(project)),
    )


def stored(root: str | os.PathLike[str]) -> tuple[Stored, ...]:
    """What the store of a project holds, the largest first, with the names and runs that refer to it."""
    from nbprod.running import stored as found

    return found(root=Path(root), store=settings_for(root).store)


def collect(
    root: str | os.PathLike[str], *, grace_seconds: float = 3600.0, dry_run: bool = False
) -> Collected:
    """Remove from a project's store what no run's record refers to; `dry_run` only says how much that is.

    What is younger than `grace_seconds` stays: it may belong to a run that goes on.
    """
    from nbprod.running import collect as collected

    return collected(
        root=Path(root), store=settings_for(root).store, grace_seconds=grace_seconds, dry_run=dry_run
    )


def mirror_if_wanted(root: Path) -> None:
    """Bring what is new to MLflow where settings or environment ask for it; a server that is down stops nothing."""
    settings = settings_for(root)
    if not (settings.mlflow or os.environ.get("MLFLOW_TRACKING_URI")):
        return
    from nbprod.api.tracking import mirror

    try:
        mirror(root)
    except NbprodError as error:
        warnings.warn(f"MLflow was not told: {error}", stacklevel=2)


def docs(record: Record) -> Path | None:
    """The first page of Data Docs on all verdicts of a run, built in the run's folder; None if nothing was judged."""
    from nbprod.validating import record_docs

    return record_docs(record)


class _Ready(Struct, frozen=True, kw_only=True):
    """A plan on disk, and the project that it belongs to."""

    plan: Plan
    folder: Path
    root: Path
    settings: Settings


def _ready(source: Source, *, root: str | os.PathLike[str] | None, allow: Mapping[str, str] | None) -> _Ready:
    folder = _plan_folder(source, allow=allow)
    found = read_plan(folder)
    project = Path(root) if root is not None else root_of(folder / found.source)
    return _Ready(plan=found, folder=folder, root=project, settings=settings_for(project))


def _plan_folder(source: Source, *, allow: Mapping[str, str] | None) -> Path:
    if not isinstance(source, Notebook) and Path(source).is_dir():
        return Path(source)
    notebook = notebook_of(source)
    _refuse_missing_kernel(notebook)
    folder = _own_plan_folder(notebook)
    extract(notebook, folder, allow=allow, force=True)
    return folder


def _bytes(memory: str) -> int | None:
    from nbprod.running import bytes_from

    return bytes_from(memory) if memory else None


def _own_plan_folder(notebook: Notebook) -> Path:
    """Where the plan of a notebook that is run as it stands is kept."""
    return root_of(notebook.name) / STATE_FOLDER / "plans" / Path(notebook.name).stem


def _without_retries(found: Plan) -> Plan:
    stages = tuple(replace(one, options=replace(one.options, retries=0)) for one in found.stages)
    return replace(found, stages=stages)


def _with_secrets(given: Mapping[str, object] | None, known: tuple[Parameter, ...]) -> dict[str, object]:
    """The parameters given, and secrets that the environment holds."""
    variables = {one.name: VARIABLE.format(name=one.name.upper()) for one in known if one.secret}
    held = {name: os.environ[variable] for name, variable in variables.items() if variable in os.environ}
    return {**held, **(given or {})}


def _backend(settings: Settings) -> str:
    """The database for Ibis: the environment's, which may hold a credential, else the settings'."""
    return os.environ.get("NBPROD_BACKEND") or settings.backend


def _refuse_missing_kernel(notebook: Notebook) -> None:
    from jupyter_client.kernelspec import KernelSpecManager

    known = KernelSpecManager().find_kernel_specs()
    if notebook.kernel not in known:
        raise NotebookError(
            f"There is no kernel '{notebook.kernel}' here.",
            where=notebook.name,
            remedy=f"Install it, or choose another in Jupyter. {did_you_mean(notebook.kernel, known)}".rstrip(),
        )


# Records


def records(root: str | os.PathLike[str]) -> tuple[Record, ...]:
    """The records of a project's runs, the latest first."""
    from nbprod.running.records import read_record, run_folders

    return tuple(read_record(folder) for folder in run_folders(Path(root) / STATE_FOLDER))


def record(root: str | os.PathLike[str], run_id: str) -> Record:
    """The record of one run; raises StoreError where there is none."""
    from nbprod.running.records import read_record

    return read_record(Path(root) / STATE_FOLDER / "runs" / run_id)


def record_within(folder: Path, run_id: str) -> Record | None:
    """The record of a run in a folder's own project, or in one of the projects below it."""
    from nbprod.running.records import read_record

    places = [root_of(folder) / STATE_FOLDER, *folder.glob(f"**/{STATE_FOLDER}")]
    found = (place / "runs" / run_id for place in places)
    return next((read_record(one) for one in found if (one / "record.json").is_file()), None)


# Proof


def verify(
    source: Source, *, cut: str = "stages", on_event: Callable[[Event], None] | None = None
) -> Verification:
    """Run a notebook top to bottom and as a plan, and compare every value that a stage gives.

    `cut` is `stages` (as tagged), `suggested` or `every-cell`. What both runs leave is thrown away.
    """
    from tempfile import TemporaryDirectory

    from nbprod.verifying import Cut
    from nbprod.verifying import verify as verified

    notebook = notebook_of(source)
    cwd = Path(notebook.name).resolve().parent
    with TemporaryDirectory(prefix="nbprod-verify-") as folder:
        return verified(notebook, cut=Cut(cut), folder=Path(folder), cwd=cwd, on_event=on_event)
