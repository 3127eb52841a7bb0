"""Running a pipeline, and the records that runs leave."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from nbprod.api.plans import extract, read_plan
from nbprod.api.project import STATE_FOLDER, root_of, settings_for
from nbprod.api.studying import Source, notebook_of
from nbprod.errors import NotebookError, did_you_mean
from nbprod.model import Notebook

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Mapping

    from nbprod.model import Event, Record
    from nbprod.verifying.verify import Verification


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
    on_event: Callable[[Event], None] | None = None,
) -> Record:
    """Run a notebook's pipeline, or a plan folder's, and give the record of the run.

    A notebook is extracted first, into `ROOT/.nbprod/plans/NAME`. Stages run in the folder of the notebook that the
    plan comes from. A failed cell or a broken expectation is told by the record, not raised.
    """
    from nbprod.running import run as run_plan
    from nbprod.validating import judge

    folder = _plan_folder(source, allow=allow)
    found = read_plan(folder)
    project = Path(root) if root is not None else root_of(folder / found.source)
    settings = settings_for(project)
    record = run_plan(
        found,
        plan_folder=folder,
        root=project,
        parameters=dict(parameters or {}),
        judge=judge,
        workers=workers or settings.workers,
        only=tuple(only),
        from_=from_,
        until=until,
        force=force,
        on_event=on_event,
        store=settings.store,
    )
    # Great Expectations costs seconds to load: pages are built where it had to judge, else by `docs` when asked for.
    if "great_expectations" in sys.modules:
        docs(record)
    return record


def docs(record: Record) -> Path | None:
    """The first page of Data Docs on all verdicts of a run, built in the run's folder; None if nothing was judged."""
    from nbprod.validating import record_docs

    return record_docs(record)


def _plan_folder(source: Source, *, allow: Mapping[str, str] | None) -> Path:
    if not isinstance(source, Notebook) and Path(source).is_dir():
        return Path(source)
    notebook = notebook_of(source)
    _refuse_missing_kernel(notebook)
    folder = root_of(notebook.name) / STATE_FOLDER / "plans" / Path(notebook.name).stem
    extract(notebook, folder, allow=allow, force=True)
    return folder


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
