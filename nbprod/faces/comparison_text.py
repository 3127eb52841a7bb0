"""Two runs compared, as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbprod.faces.grid import grid
from nbprod.faces.paint import no_paint
from nbprod.faces.words import clipped, safe, value_said

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nbprod.faces.paint import Paint
    from nbprod.model import Json
    from nbprod.tracking.comparing import CellChange, Difference, RunComparison

_MISSING = "none"


def comparison_text(found: RunComparison, *, paint: Paint = no_paint) -> str:
    """One part for each thing that differs; cells as unified diffs."""
    lines = [f"{paint('strong', found.before)} before, {paint('strong', found.after)} after"]
    parts = (
        ("parameters", found.parameters),
        ("data that was read", found.data),
        ("what the stages gave", found.values),
        ("environment", found.environment),
        ("metrics", found.metrics),
        ("verdicts", found.verdicts),
        ("states", found.states),
    )
    lines += _code_lines(found, paint)
    for title, differences in parts:
        lines += _part(title, differences, paint)
    if found.is_same:
        lines.append("Nothing differs.")
    return "\n".join([*lines, *(paint("soft", one) for one in found.unknown)])


def _part(title: str, differences: Sequence[Difference], paint: Paint) -> Iterator[str]:
    if differences:
        rows = [(clipped(one.name, 70), _said(one.before), "→", _said(one.after)) for one in differences]
        yield from ("", paint("strong", title), *grid(rows, indent="  "))


def _said(value: Json) -> str:
    return _MISSING if value is None else value_said(value)


def _code_lines(found: RunComparison, paint: Paint) -> Iterator[str]:
    if not found.code:
        return
    rows = [(str(one.change), one.stage, "; ".join(one.says)) for one in found.code]
    yield from ("", paint("strong", "code"), *grid(rows, indent="  "))
    for cell in found.cells:
        yield from _cell_lines(cell, paint)


def _cell_lines(cell: CellChange, paint: Paint) -> Iterator[str]:
    yield f"  {cell.stage}, cell '{cell.cell}'"
    roles = {"+": "good", "-": "bad", "@": "soft"}
    for line in safe(cell.diff).splitlines():
        yield f"    {paint(roles.get(line[:1], ''), line)}"
