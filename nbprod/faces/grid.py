"""Text in columns: cells padded to equal width as terminals show it."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING
from unicodedata import combining, east_asian_width

from nbprod.faces.paint import no_paint

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from nbprod.faces.paint import Paint


def grid(
    rows: Iterable[Sequence[str]],
    *,
    head: Sequence[str] = (),
    indent: str = "",
    roles: Sequence[str] = (),
    paint: Paint = no_paint,
) -> list[str]:
    """Lines of aligned columns; `roles` says how each row's first column is painted."""
    body = [list(row) for row in rows]
    widths = [max(map(width_of, column)) for column in zip_longest(head, *body, fillvalue="")]
    lines = []
    if head:
        lines.append(indent + paint("soft", _padded(head, widths)))
    for number, row in enumerate(body):
        role = roles[number] if number < len(roles) else ""
        first, rest = _padded(row, widths), ""
        if role and row:
            room = len(_fitted(row[0], widths[0]))
            first, rest = first[:room], first[room:]
        lines.append(indent + (paint(role, first) + rest if role else first))
    return [line.rstrip() for line in lines]


def width_of(text: str) -> int:
    """The columns a terminal gives the text: two for wide characters, none for combining ones."""
    if text.isascii():
        return len(text)
    return sum(0 if combining(char) else 2 if east_asian_width(char) in "WF" else 1 for char in text)


def _padded(row: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(_fitted(cell, width) for cell, width in zip(row, widths, strict=False)).rstrip()


def _fitted(cell: str, width: int) -> str:
    return cell + " " * (width - width_of(cell))
