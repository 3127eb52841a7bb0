"""Findings as the workflow commands by which GitHub shows annotations beside a diff."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbprod.faces.file_lines import file_lines_of, line_in_file
from nbprod.model import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nbprod.model import Finding, Notebook, Study

COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


def annotations_of(notebook: Notebook, study: Study) -> Iterator[str]:
    """One command a finding, placed on the line of the notebook's file where it stands."""
    lines = file_lines_of(notebook) if study.findings else ()
    for finding in study.findings:
        line = line_in_file(lines, finding.span) if finding.span else 1
        place = f"file={_property(notebook.name)},line={line},title={_property(finding.rule)}"
        yield f"::{COMMANDS[finding.severity]} {place}::{_data(_said(finding))}"


def _said(finding: Finding) -> str:
    where = f"{finding.span}: " if finding.span else ""
    steps = [f"-> {step.span}: {step.says}" for step in finding.path]
    return "\n".join([f"{where}{finding.message}", *steps, *([finding.remedy] if finding.remedy else [])])


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
