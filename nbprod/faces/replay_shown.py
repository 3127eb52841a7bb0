"""What a replay has found, as it stands under its cell: findings with their witnesses and pictures, and its power."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbprod.faces.html import findings_html
from nbprod.faces.text import finding_text
from nbprod.faces.words import count_said
from nbprod.model import Proof

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nbprod.api import Replayed
    from nbprod.model import Finding
    from nbprod.replaying.report import Replay


def replayed_text(found: Replayed) -> str:
    """The findings that say something of the cell, each with its witness, then what was tried."""
    return "\n".join([*map(finding_text, told(found.findings)), *summary(found.report)])


def replayed_html(found: Replayed) -> str:
    """As `replayed_text`, with a picture of each column that changed."""
    pictures = {one.witness: one.plot for one in found.report.confirmed if one.witness is not None}
    return findings_html(told(found.findings), pictures=pictures, foot=summary(found.report))


def told(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings on leakage that a reader of the cell should see: what is wrong, and what replay refuted."""
    silent = (None, Proof.PROVED_CLEAN, Proof.UNPROVED)
    return tuple(one for one in findings if one.verdict not in silent)


def summary(report: Replay) -> list[str]:
    """One line that says what came of it and how hard it was tried; then what was not assessed, and notes."""
    confirmed = len(report.confirmed)
    silent = sum(one.verdict is Proof.NOT_REPRODUCED for one in report.columns)
    counts = [f"{count_said(confirmed, 'column')} read the future" if confirmed else ""]
    counts.append(f"{count_said(silent, 'column')} did not change" if silent else "")
    said = "; ".join(filter(None, counts)) or "No column could be assessed"
    lines = [f"Replay: {said} ({count_said(report.runs, 'run')}; {report.power})."]
    reasons = {one.reason: one for one in report.columns if one.verdict is Proof.UNPROVED}
    if report.runs == 0 and reasons:
        return [f"Not replayed: {'; '.join(reasons)}.", *_notes(report)]
    lines += [
        f"Not assessed: '{one.column}' of '{one.output}', because {why}." for why, one in reasons.items()
    ]
    return [*lines, *_notes(report)]


def _notes(report: Replay) -> list[str]:
    return [f"{note[0].upper()}{note[1:]}." for note in report.notes if note]
