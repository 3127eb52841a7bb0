"""Mechanical remedies: the edits that findings offer, made in the notebook's text."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from nbprod.notebook import parse
from nbprod.notebook.edits import with_edits, with_source

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from nbprod.model import Edit, Finding, Notebook


class Fixed(Struct, frozen=True, kw_only=True):
    """A notebook's text with edits made, cell by cell as a unified diff, and the findings whose edits these are."""

    text: str
    diff: str = ""
    findings: tuple[Finding, ...] = ()


def fixed(notebook: Notebook, findings: Iterable[Finding]) -> Fixed:
    """The notebook with the findings' edits made; of two that touch the same text, the first is made."""
    taken: list[Edit] = []
    served: list[Finding] = []
    for finding in findings:
        if finding.edits and not any(_overlap(one, other) for one in finding.edits for other in taken):
            taken.extend(finding.edits)
            served.append(finding)
    text = notebook.text
    diffs: list[str] = []
    for position in sorted({edit.span.cell for edit in taken}):
        cell = notebook.code[position]
        source = with_edits(cell.source, (edit for edit in taken if edit.span.cell == position))
        diffs.extend(_diff(cell.source, source, name=f"cell {position + 1}"))
        text = with_source(text, cell.index, source, name=notebook.name)
    return Fixed(text=text, diff="\n".join(diffs), findings=tuple(served))


def write_fixed(notebook: Notebook, fix: Fixed) -> None:
    """Write the fixed text to the notebook's file, once it is sure that it can be read back."""
    from nbprod.artifacts.store import write_atomically

    parse(fix.text, name=notebook.name)
    write_atomically(Path(notebook.name), fix.text)


def _overlap(one: Edit, other: Edit) -> bool:
    if one.span.cell != other.span.cell:
        return False
    starts = [(edit.span.line, edit.span.column) for edit in (one, other)]
    ends = [(edit.span.end_line, edit.span.end_column) for edit in (one, other)]
    return max(starts) < min(ends) or starts[0] == starts[1]


def _diff(before: str, after: str, *, name: str) -> Iterator[str]:
    return difflib.unified_diff(
        before.splitlines(), after.splitlines(), fromfile=name, tofile=f"{name}, fixed", lineterm=""
    )
