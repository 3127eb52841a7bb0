"""Where a cell's lines stand in the notebook's file: what code hosts want, since they know nothing of cells."""

from __future__ import annotations

import json
from json.decoder import scanstring  # type: ignore[attr-defined]
from json.scanner import py_make_scanner  # type: ignore[attr-defined]
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nbprod.model import Notebook, Span


class _PlacedText(str):
    """A string of the JSON that remembers where its opening quote stands."""

    __slots__ = ("at",)
    at: int


class _PlacingDecoder(json.JSONDecoder):
    """Decodes strings with their places; the scanner in C can't be told to."""

    def __init__(self) -> None:
        super().__init__()
        self.parse_string = _placed_string
        self.scan_once = py_make_scanner(self)


def file_lines_of(notebook: Notebook) -> tuple[tuple[int, ...], ...]:
    """For each code cell, the line in the notebook's file, from 1, of each of its source's lines.

    Lines that the file doesn't show one by one (a source written as a single string) share a line. Empty for a
    notebook that came from no file, and for one that was upgraded from an older format.
    """
    if not notebook.text:
        return ()
    if notebook.name.endswith(".py"):
        return tuple(_lines_in_script(notebook))
    cells = _PlacingDecoder().decode(notebook.text).get("cells", [])
    return tuple(
        tuple(_lines_in_json(cell.get("source", ""), notebook.text))
        for cell in cells
        if cell.get("cell_type") == "code"
    )


def line_in_file(lines: tuple[tuple[int, ...], ...], span: Span) -> int:
    """The file's line on which the span starts; 1 where it can't be told."""
    if span.cell >= len(lines) or not lines[span.cell]:
        return 1
    own = lines[span.cell]
    return own[min(span.line, len(own)) - 1]


def _placed_string(text: str, end: int, strict: bool) -> tuple[_PlacedText, int]:  # noqa: FBT001
    value, after = scanstring(text, end, strict)
    placed = _PlacedText(value)
    placed.at = end - 1
    return placed, after


def _lines_in_json(source: Any, text: str) -> Iterator[int]:
    """One file line for each line that the strings of a `source` hold."""
    strings = source if isinstance(source, list) else [source]
    for string in strings:
        line = text.count("\n", 0, string.at) + 1
        yield from [line] * max(1, len(string.splitlines()))


def _lines_in_script(notebook: Notebook) -> Iterator[tuple[int, ...]]:
    script = notebook.text.split("\n")
    at = 0
    for cell in notebook.code:
        source = cell.source.split("\n")
        # Magic lines stand behind `# ` in a script.
        wanted = {source[0], f"# {source[0]}"}
        at = next((line for line in range(at, len(script)) if script[line] in wanted), at)
        yield tuple(range(at + 1, at + 1 + len(source)))
        at += len(source)
