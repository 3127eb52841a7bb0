"""Findings as SARIF 2.1.0, which code hosts and editors read.

Source: OASIS, Static Analysis Results Interchange Format (SARIF) Version 2.1.0.
"""

from __future__ import annotations

import hashlib
from pathlib import PurePath
from types import MappingProxyType
from typing import TYPE_CHECKING
from urllib.parse import quote

from nbprod import __version__
from nbprod.faces.file_lines import file_lines_of, line_in_file
from nbprod.faces.manual import manual_markdown, manual_text
from nbprod.faces.words import safe
from nbprod.model import Severity

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nbprod.leakage.rules import Rule
    from nbprod.model import Finding, Json, Notebook, Span, Study

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
LEVELS: dict[Severity, str] = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "note"}


def sarif_log(
    judged: Sequence[tuple[Notebook, Study]], *, manuals: Mapping[str, Rule] = MappingProxyType({})
) -> dict[str, Json]:
    """One run with all findings; `manuals` are the rules that have one. Regions are lines of the notebook's file."""
    rules = sorted({finding.rule for _, study in judged for finding in study.findings})
    results = [
        _result(finding, rules.index(finding.rule), notebook.name, lines)
        for notebook, study in judged
        if study.findings
        for lines in [file_lines_of(notebook)]
        for finding in study.findings
    ]
    driver: dict[str, Json] = {
        "name": "nbprod",
        "version": __version__,
        "rules": [_rule(rule, manuals.get(rule)) for rule in rules],
    }
    run: dict[str, Json] = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": list(results),
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(name: str, manual: Rule | None) -> dict[str, Json]:
    described: dict[str, Json] = {"id": name, "name": "".join(word.title() for word in name.split("-"))}
    if manual is not None:
        described["shortDescription"] = {"text": manual.title}
        described["fullDescription"] = {"text": manual.prose or manual.title}
        described["help"] = {"text": manual_text(manual), "markdown": manual_markdown(manual)}
        described["defaultConfiguration"] = {"level": LEVELS[manual.severity]}
    return described


def _result(
    finding: Finding, rule_index: int, file: str, lines: tuple[tuple[int, ...], ...]
) -> dict[str, Json]:
    remedy = f"\n{finding.remedy}" if finding.remedy else ""
    result: dict[str, Json] = {
        "ruleId": finding.rule,
        "ruleIndex": rule_index,
        "level": LEVELS[finding.severity],
        "message": {"text": safe(f"{finding.message}{remedy}")},
        "locations": [_location(file, finding.span, lines)],
        "partialFingerprints": {"nbprod/v1": _fingerprint(finding, file)},
    }
    if finding.path:
        steps: list[Json] = [
            {"location": {**_location(file, step.span, lines), "message": {"text": safe(step.says)}}}
            for step in finding.path
        ]
        result["codeFlows"] = [{"threadFlows": [{"locations": steps}]}]
    properties: dict[str, Json] = {}
    if finding.verdict:
        properties["verdict"] = finding.verdict.value
    if finding.horizon:
        properties["horizon"] = finding.horizon
    if finding.column_names:
        properties["columns"] = list(finding.column_names)
    if properties:
        result["properties"] = properties
    return result


def _location(file: str, span: Span | None, lines: tuple[tuple[int, ...], ...]) -> dict[str, Json]:
    physical: dict[str, Json] = {"artifactLocation": {"uri": _uri(file)}}
    if span is None:
        return {"physicalLocation": physical}
    physical["region"] = {"startLine": line_in_file(lines, span)}
    return {
        "physicalLocation": physical,
        "logicalLocations": [{"name": str(span), "kind": "module"}],
    }


def _uri(file: str) -> str:
    path = PurePath(file)
    return path.as_uri() if path.is_absolute() else quote(path.as_posix())


def _fingerprint(finding: Finding, file: str) -> str:
    """Equal for the same mistake in the same file, wherever its cell has moved to."""
    said = "\n".join([file, finding.rule, finding.message, *finding.column_names])
    return hashlib.sha256(said.encode()).hexdigest()[:32]
