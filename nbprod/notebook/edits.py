"""Edits of a notebook's text that leave every byte they don't change: values are spliced into the JSON as it stands.

All functions are pure, `text -> text`; writing the file is the caller's. `index` counts all cells from 0.
"""

from __future__ import annotations

import json
from json.decoder import JSONDecoder, scanstring  # type: ignore[attr-defined]
from typing import TYPE_CHECKING

from msgspec import Struct

from nbprod.notebook import percent
from nbprod.notebook.lines import STAGE_TAG, stage_line
from nbprod.notebook.reading import parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from nbprod.model import Edit, Json

_DECODER = JSONDecoder()
_SPACE = " \t\r\n"


def with_stage(text: str, index: int, stage: str | None, *, name: str) -> str:
    """The notebook with the cell moved to `stage`, or to none: its magic line edited if it has one, else its tags."""
    cell = parse(text, name=name).cells[index]
    line = stage_line(cell)
    if line is None:
        kept = [tag for tag in cell.tags if not tag.startswith(STAGE_TAG)]
        return with_tags(text, index, [*kept, f"{STAGE_TAG}{stage}"] if stage else kept, name=name)
    if stage is None:
        rest = cell.source.split("\n")[line.span.line :]
        return with_source(text, index, "\n".join(rest), name=name)
    head, tail = cell.source.split("%%stage", 1)
    before_name = tail[: tail.index(line.stage)]
    after_name = tail[len(before_name) + len(line.stage) :]
    return with_source(text, index, f"{head}%%stage{before_name}{stage}{after_name}", name=name)


def with_magics_as_tags(text: str, *, name: str) -> str:
    """The notebook with each `%%stage` line without options turned into a tag.

    A line with options stays: only it survives every converter (a notebook's own metadata does not).
    """
    for cell in parse(text, name=name).cells:
        line = stage_line(cell) if cell.position is not None else None
        if line is not None and cell.source.split("\n")[line.span.line - 1].split()[1:] == [line.stage]:
            text = with_stage(text, cell.index, None, name=name)
            text = with_stage(text, cell.index, line.stage, name=name)
    return text


def with_tags(text: str, index: int, tags: Sequence[str], *, name: str) -> str:
    """The notebook with the cell's `metadata.tags` replaced."""
    if name.endswith(".py"):
        return percent.with_tags(text, index, tags)
    return _with_member(text, ("cells", index, "metadata"), "tags", list(tags))


def with_source(text: str, index: int, source: str, *, name: str) -> str:
    """The notebook with the cell's source replaced, as a list of lines as nbformat writes it."""
    if name.endswith(".py"):
        return percent.with_source(text, index, source)
    return _with_member(text, ("cells", index), "source", list(source.splitlines(keepends=True)))


def with_stage_options(text: str, stage: str, options: dict[str, Json]) -> str:
    """The notebook with `metadata.nbprod.stages.STAGE` replaced; for ipynb text only."""
    raw = json.loads(text)["metadata"].get("nbprod", {})
    stages = {**raw.get("stages", {}), stage: options}
    return _with_member(text, ("metadata",), "nbprod", {**raw, "stages": stages})


def with_edits(source: str, edits: Iterable[Edit]) -> str:
    """A cell's source with the edits made; they must not overlap."""
    lines = source.split("\n")
    for edit in sorted(edits, key=lambda one: (one.span.line, one.span.column), reverse=True):
        span = edit.span
        head, tail = lines[span.line - 1][: span.column], lines[span.end_line - 1][span.end_column :]
        lines[span.line - 1 : span.end_line] = (head + edit.replacement + tail).split("\n")
    return "\n".join(lines)


def upgraded(text: str) -> str:
    """The notebook as nbformat 4.5, with cell ids; the only edit that writes a whole file anew."""
    import nbformat

    return str(nbformat.writes(nbformat.reads(text, as_version=4))) + "\n"


# JSON spliced as text


class _Place(Struct, frozen=True, kw_only=True):
    start: int
    end: int
    depth: int


def _with_member(text: str, path: tuple[str | int, ...], key: str, value: Json) -> str:
    """The JSON text with `key` of the object at `path` set; a missing object on the path's end is made."""
    try:
        at = _place(text, (*path, key))
    except KeyError:
        return _with_new_member(text, path, key, value)
    return text[: at.start] + _written(text, value, depth=at.depth) + text[at.end :]


def _with_new_member(text: str, path: tuple[str | int, ...], key: str, value: Json) -> str:
    try:
        at = _place(text, path)
    except KeyError:
        return _with_member(text, path[:-1], str(path[-1]), {key: value})
    unit = _indent_of(text)
    is_empty = not text[at.start + 1 : at.end - 1].strip(_SPACE)
    last = at.end - 1
    while text[last - 1] in _SPACE:
        last -= 1
    separator = "" if is_empty else ","
    member = f"{json.dumps(key)}: {_written(text, value, depth=at.depth + 1)}"
    if unit is None:
        return f"{text[:last]}{separator}{' ' if separator else ''}{member}{text[at.end - 1 :]}"
    newline = "\n" + unit * (at.depth + 1)
    return f"{text[:last]}{separator}{newline}{member}\n{unit * at.depth}{text[at.end - 1 :]}"


def _place(text: str, path: tuple[str | int, ...]) -> _Place:
    """Where the value at `path` stands in the text; KeyError if there is none."""
    at = _skipped(text, 0)
    for step in path:
        at = _member(text, at, step) if isinstance(step, str) else _element(text, at, step)
    return _Place(start=at, end=_end(text, at), depth=len(path))


def _member(text: str, at: int, key: str) -> int:
    if text[at] != "{":
        raise KeyError(key)
    at = _skipped(text, at + 1)
    while text[at] != "}":
        found, at = scanstring(text, at + 1)
        at = _skipped(text, _skipped(text, at) + 1)
        if found == key:
            return at
        at = _after_comma(text, _end(text, at))
    raise KeyError(key)


def _element(text: str, at: int, index: int) -> int:
    if text[at] != "[":
        raise KeyError(index)
    at = _skipped(text, at + 1)
    for _ in range(index):
        at = _after_comma(text, _end(text, at))
    if text[at] == "]":
        raise KeyError(index)
    return at


def _after_comma(text: str, at: int) -> int:
    at = _skipped(text, at)
    return _skipped(text, at + 1) if text[at] == "," else at


def _end(text: str, at: int) -> int:
    return _DECODER.raw_decode(text, at)[1]


def _skipped(text: str, at: int) -> int:
    while text[at] in _SPACE:
        at += 1
    return at


def _indent_of(text: str) -> str | None:
    """The indentation of the text's first member; None where the JSON stands on one line."""
    first = text[text.index("{") + 1 :]
    head = first[: len(first) - len(first.lstrip(_SPACE))]
    return head.rpartition("\n")[2] if "\n" in head else None


def _written(text: str, value: Json, *, depth: int) -> str:
    unit = _indent_of(text)
    if unit is None:
        return json.dumps(value, ensure_ascii=False)
    written = json.dumps(value, indent=unit, ensure_ascii=False)
    return written.replace("\n", "\n" + unit * depth)
