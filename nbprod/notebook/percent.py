"""Edits of percent scripts: jupytext reads them, but would write its header into a script that has none."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_MARKER = re.compile(r"# ?%%(?=\s|\Z)")
_TAGS = re.compile(r"\s*\btags=\[[^\]]*\]")
_MAGIC = re.compile(r"\s*[%!]")


def with_tags(text: str, index: int, tags: Sequence[str]) -> str:
    """The script with the tags on the cell's `# %%` line replaced; a first cell without one is given one."""
    lines = text.split("\n")
    start = _starts(lines)[index]
    if not _MARKER.match(lines[start]):
        lines.insert(start, "# %%")
    bare = _TAGS.sub("", lines[start]).rstrip()
    lines[start] = f"{bare} tags={json.dumps(list(tags), ensure_ascii=False)}" if tags else bare
    return "\n".join(lines)


def with_source(text: str, index: int, source: str) -> str:
    """The script with the code cell's lines replaced; magic lines stand behind `# `, as jupytext writes them."""
    lines = text.split("\n")
    starts = [*_starts(lines), len(lines)]
    first = starts[index] + bool(_MARKER.match(lines[starts[index]]))
    last = starts[index + 1]
    while last > first and not lines[last - 1].strip():
        last -= 1
    lines[first:last] = [f"# {line}" if _MAGIC.match(line) else line for line in source.split("\n")]
    return "\n".join(lines)


def _starts(lines: list[str]) -> list[int]:
    """The line on which each cell starts: its marker, or the first line of code before any marker."""
    markers = [number for number, line in enumerate(lines) if _MARKER.match(line)]
    head = _after_header(lines)
    has_head_cell = any(line.strip() for line in lines[head : markers[0] if markers else None])
    return [head, *markers] if has_head_cell else markers


def _after_header(lines: list[str]) -> int:
    if lines[0] != "# ---":
        return 0
    return next((number + 1 for number, line in enumerate(lines) if number and line == "# ---"), 0)
