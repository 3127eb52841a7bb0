"""Reading a notebook and saying everything that can be known without running it."""

from __future__ import annotations

import os
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, TypeAlias

from msgspec.structs import replace

from nbprod.api.project import settings_for
from nbprod.errors import NotebookError, did_you_mean
from nbprod.model import Finding, Notebook, Severity, StageOptions, Study
from nbprod.notebook import SKIP_TAG, ExpectLine, magic_line, options_from, parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from nbprod.model import Cell, Flow, Suggestion, Suite
    from nbprod.settings import Settings

Source: TypeAlias = str | os.PathLike[str] | Notebook


def read(path: str | os.PathLike[str]) -> Notebook:
    """The notebook in a file; raises NotebookError where there is none that nbprod can read."""
    return parse(_text(Path(path)), name=os.fspath(path))


class StudyMemory:
    """What is known of a notebook's cells, so that a study after an edit looks only at what the edit reaches.

    It belongs to one notebook. The studies that use it wait for each other.
    """

    def __init__(self) -> None:
        from nbprod.flow import Latest, StepMemory
        from nbprod.leakage import Memory

        self.lock = Lock()
        self.readable: dict[str, str] = {}
        self.suites = Latest()
        self.steps = StepMemory()
        self.cells = Memory()


def study(source: Source, *, leakage: bool = True, memory: StudyMemory | None = None) -> Study:
    """Everything known about a notebook without running it: its flow, its suites, and the findings of all rules.

    With a memory the study is the same, and sooner there where the notebook was studied with it before.
    """
    with memory.lock if memory else nullcontext():
        return _studied(notebook_of(source), leakage=leakage, memory=memory)


def study_in_writing(source: Source, *, memory: StudyMemory) -> Study:
    """As `study`, but a cell that is no Python at the moment counts as it last was when it was.

    Half a line would else take away all that the cell makes, and the notebook would be full of errors for as long.
    """
    notebook = notebook_of(source)
    with memory.lock:
        whole, problems = _readable(notebook, memory)
        found = _studied(whole, leakage=True, memory=memory)
    if not problems:
        return found
    return replace(found, findings=tuple(sorted((*found.findings, *problems), key=_place)))


def _readable(notebook: Notebook, memory: StudyMemory) -> tuple[Notebook, list[Finding]]:
    from nbprod.flow import syntax_problem

    cells, problems = list(notebook.cells), []
    for cell in notebook.code:
        problem = syntax_problem(cell)
        before = memory.readable.get(cell.id)
        if problem is None:
            memory.readable[cell.id] = cell.source
        elif before is not None and _magic_kind(cell) == _magic_kind(replace(cell, source=before)):
            cells[cell.index] = replace(cell, source=before)
            problems.append(problem)
    memory.readable = {
        cell.id: memory.readable[cell.id] for cell in notebook.code if cell.id in memory.readable
    }
    return replace(notebook, cells=tuple(cells)), problems


def _magic_kind(cell: Cell) -> object:
    """What nbprod's own line makes of the cell; a cell of expectations is read for itself, and never as it was."""
    try:
        line = magic_line(cell)
    except NotebookError as error:
        return str(error)
    is_apart = isinstance(line, ExpectLine) or SKIP_TAG in cell.tags
    return cell if is_apart else line


def _studied(notebook: Notebook, *, leakage: bool, memory: StudyMemory | None) -> Study:
    from nbprod.expectations import suites_of
    from nbprod.flow import flow_of

    settings = settings_for(notebook.name)
    if not notebook.code:
        raise NotebookError(
            "The notebook has no code cells.",
            where=notebook.name,
            remedy="Write some, then tag them as stages.",
        )
    steps, cells = (memory.steps, memory.cells) if memory else (None, None)
    flow, findings = flow_of(notebook, overrides=_overrides(settings), memory=steps)
    suites, suite_findings = (
        memory.suites.of(_expecting(notebook), partial(suites_of, notebook))
        if memory
        else suites_of(notebook)
    )
    findings += (*suite_findings, *_of_nothing(suites, flow))
    if leakage:
        from nbprod.leakage import check

        findings += check(notebook, flow, memory=cells)
    from nbprod.tracking.repeatable import unrepeatable

    findings += unrepeatable(notebook, flow)
    return Study(notebook=notebook.name, flow=flow, suites=suites, findings=_weighed(findings, settings))


def _expecting(notebook: Notebook) -> list[Cell]:
    """The cells that may hold expectations."""
    return [cell for cell in notebook.code if "%%expect" in cell.source]


def _of_nothing(suites: Iterable[Suite], flow: Flow) -> Iterator[Finding]:
    """Suites on values that no stage gives, or not the stage that they name: they would never be judged."""
    givers: dict[str, list[str]] = {}
    for one in flow.stages:
        for name in one.gives:
            givers.setdefault(name, []).append(one.name)
    for suite in suites if flow.stages else ():
        known = givers.get(suite.value, [])
        if known and suite.stage in (None, *known):
            continue
        who = f"Stage '{suite.stage}' doesn't give" if known else "No stage gives"
        near = did_you_mean(suite.stage or "", known) if known else did_you_mean(suite.value, givers)
        yield Finding(
            rule="suite-of-nothing",
            severity=Severity.ERROR,
            message=f"{who} '{suite.value}', of which this cell expects something.",
            span=suite.span,
            remedy=near or "Make the value in a stage, or take the cell out.",
        )


def suggest(source: Source) -> Suggestion:
    """The stages, kinds, parameters and time columns that an untagged notebook might have, with reasons."""
    from nbprod.flow import suggest as suggested

    return suggested(notebook_of(source))


def notebook_of(source: Source) -> Notebook:
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
            is_same = severity == finding.severity
            kept.append(finding if is_same else replace(finding, severity=Severity(severity)))
    return tuple(sorted(kept, key=_place))


def _place(finding: Finding) -> tuple[int, int, int, str, tuple[str, ...]]:
    span = finding.span
    at = (span.cell, span.line, span.column) if span else (-1, 0, 0)
    return (*at, finding.rule, finding.column_names)


def _overrides(settings: Settings) -> dict[str, StageOptions]:
    return {
        stage: options_from(raw, where=f"[tool.nbprod.stages.{stage}]")
        for stage, raw in settings.stages.items()
    }
