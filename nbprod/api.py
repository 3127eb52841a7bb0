"""The verbs of nbprod: what every face calls. Nouns in, nouns out; bad input raises `NbprodError`.

A notebook or plan may be given as a path. What runs leave stands under `ROOT/.nbprod`, where ROOT is the nearest
folder above the notebook that holds a `pyproject.toml` or a `.git`, else the notebook's own folder.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from nbprod.errors import NbprodError, NotebookError, PlanError
from nbprod.model import Notebook, Severity, StageOptions, Study
from nbprod.notebook import options_from, parse
from nbprod.settings import Settings, settings_from

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from nbprod.model import Event, Finding, Json, Plan, Record, Suggestion, Suite, Verdict

Source: TypeAlias = str | os.PathLike[str] | Notebook

STATE_FOLDER = ".nbprod"
PLAN_SUFFIX = ".plan"


# Reading and judging


def read(path: str | os.PathLike[str]) -> Notebook:
    """The notebook in a file; raises NotebookError where there is none that nbprod can read."""
    return parse(_text(Path(path)), name=os.fspath(path))


def study(source: Source, *, leakage: bool = True) -> Study:
    """Everything known about a notebook without running it: its flow, its suites, and the findings of all rules."""
    from nbprod.expectations import suites_of
    from nbprod.flow import flow_of

    notebook = _notebook(source)
    settings = settings_for(notebook.name)
    if not notebook.code:
        raise NotebookError(
            "The notebook has no code cells.",
            where=notebook.name,
            remedy="Write some, then tag them as stages.",
        )
    flow, findings = flow_of(notebook, overrides=_overrides(settings))
    suites, suite_findings = suites_of(notebook)
    findings += suite_findings
    if leakage:
        from nbprod.leakage import check

        findings += check(notebook, flow)
    return Study(notebook=notebook.name, flow=flow, suites=suites, findings=_weighed(findings, settings))


def suggest(source: Source) -> Suggestion:
    """The stages, kinds, parameters and time columns that an untagged notebook might have, with reasons."""
    from nbprod.flow import suggest as suggested

    return suggested(_notebook(source))


def _notebook(source: Source) -> Notebook:
    return source if isinstance(source, Notebook) else read(source)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise NotebookError("There is no such file.", where=str(path), remedy="Check the path.") from error
    except IsADirectoryError as error:
        raise NotebookError("This is a folder.", where=str(path), remedy="Give a notebook in it.") from error
    except UnicodeDecodeError as error:
        raise NotebookError(
            "This file is not text in UTF-8.", where=str(path), remedy="Give a .ipynb or a percent .py file."
        ) from error
    except OSError as error:
        raise NotebookError(f"The file can't be read: {error.strerror}.", where=str(path)) from error


def _weighed(findings: Iterable[Finding], settings: Settings) -> tuple[Finding, ...]:
    """The findings with the severities that the settings give their rules, in the order of the cells."""
    kept = []
    for finding in findings:
        severity = settings.severity.get(finding.rule, finding.severity)
        if severity != "off":
            kept.append(replace(finding, severity=Severity(severity)))
    return tuple(sorted(kept, key=_place))


def _place(finding: Finding) -> tuple[int, int, int, str, tuple[str, ...]]:
    span = finding.span
    at = (span.cell, span.line, span.column) if span else (-1, 0, 0)
    return (*at, finding.rule, finding.column_names)


# Settings and folders


def root_of(path: str | os.PathLike[str]) -> Path:
    """The project folder that a notebook or plan belongs to."""
    start = Path(path).absolute()
    start = start if start.is_dir() else start.parent
    for folder in (start, *start.parents):
        if (folder / "pyproject.toml").is_file() or (folder / ".git").exists():
            return folder
    return start


def settings_for(path: str | os.PathLike[str]) -> Settings:
    """The settings of the project that a notebook or plan belongs to."""
    file = root_of(path) / "pyproject.toml"
    return settings_from(file.read_text(encoding="utf-8"), where=str(file)) if file.is_file() else Settings()


def _overrides(settings: Settings) -> dict[str, StageOptions]:
    return {
        stage: options_from(raw, where=f"[tool.nbprod.stages.{stage}]")
        for stage, raw in settings.stages.items()
    }


# Extracting


def plan(source: Source, *, allow: Mapping[str, str] | None = None, keep_all: bool = False) -> Plan:
    """The plan of a notebook, as text only: nothing is written.

    Raises BlockedError where findings of severity error aren't allowed.
    """
    from nbprod.extract import plan_of

    notebook = _notebook(source)
    name = Path(notebook.name).name
    return plan_of(notebook, study(notebook), source=f"../{name}", allow=allow, keep_all=keep_all)


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
    notebook = _notebook(source)
    target = Path(folder) if folder is not None else Path(notebook.name).with_suffix(PLAN_SUFFIX)
    new = plan(notebook, allow=allow, keep_all=keep_all)
    relative = os.path.relpath(Path(notebook.name).absolute(), target.absolute())
    if Path(relative).as_posix() != new.source:
        from nbprod.extract import plan_of

        new = plan_of(
            notebook, study(notebook), source=Path(relative).as_posix(), allow=allow, keep_all=keep_all
        )
    _write_plan(new, target, force=force)
    return new


def read_plan(folder: str | os.PathLike[str]) -> Plan:
    """The plan in a folder; raises PlanError where there is none or its files were edited by hand."""
    from nbprod.extract import edited_files, plan_from

    files = _plan_files(Path(folder))
    found = plan_from(files, where=os.fspath(folder))
    edited = edited_files(files, where=os.fspath(folder))
    if edited:
        raise _edited_by_hand(edited, Path(folder))
    return found


def _write_plan(new: Plan, folder: Path, *, force: bool) -> None:
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


def write_atomically(path: Path, text: str) -> None:
    """Write a file so that a reader, or a crash, sees the old text or the new one and nothing between."""
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        scratch.write_text(text, encoding="utf-8")
        scratch.replace(path)
    except OSError as error:
        scratch.unlink(missing_ok=True)
        raise NbprodError(f"The file can't be written: {error.strerror}.", where=str(path)) from error


# Running


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

    folder = _plan_folder(source, allow=allow)
    found = read_plan(folder)
    project = Path(root) if root is not None else root_of(folder)
    settings = settings_for(project)
    return run_plan(
        found,
        plan_folder=folder,
        root=project,
        parameters=dict(parameters or {}),
        judge=_judge,
        workers=workers or settings.workers,
        only=tuple(only),
        from_=from_,
        until=until,
        force=force,
        on_event=on_event,
    )


def _plan_folder(source: Source, *, allow: Mapping[str, str] | None) -> Path:
    if not isinstance(source, Notebook) and Path(source).is_dir():
        return Path(source)
    notebook = _notebook(source)
    folder = root_of(notebook.name) / STATE_FOLDER / "plans" / Path(notebook.name).stem
    extract(notebook, folder, allow=allow, force=True)
    return folder


def _judge(table: object, suite: Suite, **about: Json) -> tuple[Verdict, ...]:
    from nbprod.validating import judge

    return judge(table, suite, **about)
