"""Plans: a notebook's stages written to a folder, and read back from one; and the tags that make them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from nbprod.api.studying import Source, notebook_of, read, study
from nbprod.errors import NotebookError, PlanError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nbprod.changes import StageChange
    from nbprod.model import Notebook, Plan, Suggestion

PLAN_SUFFIX = ".plan"


def plan(
    source: Source,
    *,
    folder: str | os.PathLike[str] | None = None,
    allow: Mapping[str, str] | None = None,
    keep_all: bool = False,
) -> Plan:
    """The plan of a notebook as it would stand in `folder`, as text only: nothing is written.

    `keep_all` keeps the cells that serve no stage. Raises BlockedError where findings of severity error aren't in
    `allow`, which maps rules to reasons.
    """
    from nbprod.extract import plan_of

    notebook = notebook_of(source)
    target = Path(folder) if folder is not None else default_folder(notebook)
    relative = Path(os.path.relpath(Path(notebook.name).absolute(), target.absolute())).as_posix()
    return plan_of(notebook, study(notebook), source=relative, allow=allow, keep_all=keep_all)


def extract(
    source: Source,
    folder: str | os.PathLike[str] | None = None,
    *,
    allow: Mapping[str, str] | None = None,
    keep_all: bool = False,
    force: bool = False,
) -> Plan:
    """Write a notebook's plan to a folder, `NAME.plan` beside the notebook unless said, and give the plan.

    Only files whose text changes are written. A file that was edited by hand since it was extracted stops the
    extract with PlanError, unless `force`.
    """
    notebook = notebook_of(source)
    target = Path(folder) if folder is not None else default_folder(notebook)
    new = plan(notebook, folder=target, allow=allow, keep_all=keep_all)
    write_plan(new, target, force=force)
    return new


def default_folder(notebook: Notebook) -> Path:
    """Where a notebook's plan goes unless another folder is named: beside it."""
    return Path(notebook.name).with_suffix(PLAN_SUFFIX)


def tag(path: str | os.PathLike[str], cell: int, stage: str | None) -> None:
    """Move a code cell (by position) of a notebook's file to a stage, or out of its stage.

    A `%%stage` line is edited where the cell has one, else its tags are. Every other byte of the file stays.
    """
    from nbprod.artifacts.store import write_atomically
    from nbprod.notebook.edits import with_stage
    from nbprod.notebook.lines import STAGE_NAME

    notebook = read(path)
    where = os.fspath(path)
    if not 0 <= cell < len(notebook.code):
        raise NotebookError(
            f"There is no code cell {cell + 1}.",
            where=where,
            remedy=f"It has {len(notebook.code)} code cells.",
        )
    if stage is not None and not STAGE_NAME.match(stage):
        raise NotebookError(
            f"'{stage}' is no stage name.",
            where=where,
            remedy="A name starts with a letter and holds letters, digits, '_' and '-'.",
        )
    write_atomically(Path(path), with_stage(notebook.text, notebook.code[cell].index, stage, name=where))


def accepted(notebook: Notebook, suggestion: Suggestion) -> str:
    """The notebook's text with a suggestion taken: tags on its cells, kinds and time columns as stage options.

    A percent script has no place for stage options; there only the tags are written.
    """
    from nbprod.notebook.edits import with_stage, with_stage_options, with_tags
    from nbprod.notebook.lines import PARAMETERS_TAG

    text, name = notebook.text, notebook.name
    for stage in suggestion.stages:
        for position in stage.cells:
            text = with_stage(text, notebook.code[position].index, stage.name, name=name)
        if not name.endswith(".py"):
            time = {"time": stage.time} if stage.time else {}
            text = with_stage_options(text, stage.name, {"kind": stage.kind.value, **time})
    for position in suggestion.parameter_cells:
        cell = notebook.code[position]
        text = with_tags(text, cell.index, [*cell.tags, PARAMETERS_TAG], name=name)
    return text


def read_plan(folder: str | os.PathLike[str]) -> Plan:
    """The plan in a folder; raises PlanError where there is none or its files were edited by hand."""
    from nbprod.extract import edited_files, plan_from

    files = _plan_files(Path(folder))
    found = plan_from(files, where=os.fspath(folder))
    edited = edited_files(files, where=os.fspath(folder))
    if edited:
        raise _edited_by_hand(edited, Path(folder))
    return found


def write_plan(new: Plan, folder: Path, *, force: bool = False) -> None:
    """Write a plan's files: those whose text changes, `pipeline.yaml` last; see `extract`."""
    from nbprod.artifacts.store import write_atomically
    from nbprod.extract import PIPELINE_FILE, edited_files

    if folder.exists() and not folder.is_dir():
        raise PlanError("This is a file, not a folder.", where=str(folder), remedy="Name another folder.")
    old = _plan_files(folder) if folder.is_dir() else {}
    if old and PIPELINE_FILE not in old:
        raise PlanError(
            f"The folder holds other files and no {PIPELINE_FILE}.",
            where=str(folder),
            remedy="Name an empty folder.",
        )
    if old and not force and (edited := edited_files(old, where=str(folder))):
        raise _edited_by_hand(edited, folder)
    # `pipeline.yaml` goes last: until it is there, the folder is still the old plan, or none.
    for name, text in sorted(new.files.items(), key=lambda item: item[0] == PIPELINE_FILE):
        if old.get(name) != text:
            write_atomically(folder / name, text)
    for name in set(old) - set(new.files):
        (folder / name).unlink()


def _plan_files(folder: Path) -> dict[str, str]:
    if not folder.is_dir():
        raise PlanError(
            "There is no such folder.", where=str(folder), remedy="Make a plan with `nbprod extract`."
        )
    paths = [*folder.glob("*.ipynb"), *folder.glob("*.yaml"), *folder.glob("suites/*.json")]
    return {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in sorted(paths)}


def _edited_by_hand(edited: tuple[str, ...], folder: Path) -> PlanError:
    return PlanError(
        f"Edited by hand since it was extracted: {', '.join(edited)}.",
        where=str(folder),
        remedy="Make the change in the notebook and extract again with --force, which overwrites these files.",
    )


def diff(source: Source, folder: str | os.PathLike[str] | None = None) -> tuple[StageChange, ...]:
    """What a notebook's edits since it was extracted to a folder do to each stage; nothing is written."""
    from nbprod.changes import changes
    from nbprod.extract import plan_from

    notebook = notebook_of(source)
    target = Path(folder) if folder is not None else default_folder(notebook)
    old = plan_from(_plan_files(target), where=os.fspath(target))
    return changes(old, plan(notebook, folder=target, allow=old.allowed))
