"""nbprod's own magic lines and tags: one grammar for the magics, the sidebar and the analysis.

A magic line is the first line of a cell that isn't blank: `%%stage NAME [options]`, `%%expect VALUE` or
`%%parameters`. The tags are `stage:NAME`, `parameters` (papermill's) and `skip`.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from functools import lru_cache
from typing import TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from nbprod.errors import NotebookError, did_you_mean
from nbprod.model import Cell, Kind, OnBroken, Span, StageOptions

STAGE_TAG = "stage:"
SKIP_TAG = "skip"
PARAMETERS_TAG = "parameters"

STAGE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*\Z")
_LINE = re.compile(r"\s*%%(stage|expect|parameters)(?=\s|\Z)[ \t]*([^\n]*)")


class StageLine(Struct, frozen=True, kw_only=True):
    """`%%stage NAME [options]`; `replay` asks the magics to prove the cell's features by replay."""

    stage: str
    options: StageOptions
    replay: bool = False
    span: Span


class ExpectLine(Struct, frozen=True, kw_only=True):
    """`%%expect VALUE [--stage NAME] [--on-broken WHAT]`: the rest of the cell holds expectations on that value.

    `on_broken` is None where the line doesn't say, so that another cell on the value may.
    """

    value: str
    stage: str | None
    on_broken: OnBroken | None = None
    span: Span


class ParametersLine(Struct, frozen=True, kw_only=True):
    """`%%parameters`: the rest of the cell assigns the pipeline's parameters."""

    span: Span


MagicLine: TypeAlias = StageLine | ExpectLine | ParametersLine


def magic_line(cell: Cell) -> MagicLine | None:
    """The magic line of nbprod's that the cell starts with.

    Raises NotebookError where the line's options can't be understood.
    """
    return _magic_line(cell.source, cell.position)


# A study asks for every cell's line a few times, and a study comes with every keystroke.
@lru_cache(maxsize=4096)
def _magic_line(source: str, position: int | None) -> MagicLine | None:
    found = _LINE.match(source)
    if found is None:
        return None
    span = _span_of(source, position, found)
    match found.group(1):
        case "stage":
            return parse_stage_line(found.group(2), span=span)
        case "expect":
            return _expect_line(found.group(2), span)
        case _:
            return ParametersLine(span=span)


def stage_line(cell: Cell) -> StageLine | None:
    """The cell's `%%stage` line, if it starts with one."""
    line = magic_line(cell)
    return line if isinstance(line, StageLine) else None


def stage_tags(cell: Cell) -> tuple[str, ...]:
    """The stages that the cell's tags name."""
    return tuple(tag.removeprefix(STAGE_TAG) for tag in cell.tags if tag.startswith(STAGE_TAG))


def is_parameters(cell: Cell) -> bool:
    """Whether the cell assigns the pipeline's parameters."""
    return PARAMETERS_TAG in cell.tags or isinstance(magic_line(cell), ParametersLine)


def body_of(cell: Cell) -> str:
    """The cell's source with nbprod's own magic line blanked, so that lines keep their numbers."""
    found = _LINE.match(cell.source)
    if found is None:
        return cell.source
    line_start = cell.source.index("%%")
    return cell.source[:line_start] + cell.source[found.end() :]


def parse_stage_line(text: str, *, span: Span) -> StageLine:
    """What stands after `%%stage`; raises NotebookError naming the option that is wrong."""
    words = _words(text, span)
    name, words = _leading_name(words, "stage", span)
    if not STAGE_NAME.match(name):
        raise NotebookError(
            f"'{name}' is no stage name.",
            where=str(span),
            remedy="A name starts with a letter and holds letters, digits, '_' and '-', as in `%%stage features`.",
        )
    options, flags = StageOptions(), set()
    pending = list(words)
    while pending:
        word = pending.pop(0)
        key, has_value, value = word.partition("=")
        if key == "--replay":
            flags.add("replay")
            continue
        if not key.startswith("--"):
            raise NotebookError(
                f"'{word}' after the stage's name is no option.",
                where=str(span),
                remedy="Options look like `--kind features --time dep_time`.",
            )
        if not has_value:
            if not pending or pending[0].startswith("--"):
                raise NotebookError(f"{key} wants a value.", where=str(span), remedy=_USAGE)
            value = pending.pop(0)
        options = _with_option(options, key.removeprefix("--"), value, where=str(span))
    return StageLine(stage=name, options=options, replay="replay" in flags, span=span)


def options_from(raw: object, *, where: str) -> StageOptions:
    """Stage options from `metadata.nbprod.stages.NAME` or `[tool.nbprod.stages.NAME]`: the magic line's words as keys.

    Raises NotebookError naming the key that is wrong.
    """
    if not isinstance(raw, Mapping):
        raise NotebookError(
            f"A stage's options are a table, not {raw!r}.", where=where, remedy='As in {"time": "dep_time"}.'
        )
    options = StageOptions()
    for key, value in raw.items():
        for one in _each(value):
            options = _with_option(options, str(key), one, where=where)
    return options


_USAGE = (
    "Usage: %%stage NAME [--kind KIND] [--time COLUMN] [--entity COLUMN] [--known COLUMN=TIME_COLUMN]"
    " [--retries N] [--timeout SECONDS] [--cell-timeout SECONDS] [--replay]."
)
OPTION_NAMES = ("kind", "time", "entity", "known", "retries", "timeout", "cell-timeout")


def _with_option(options: StageOptions, key: str, value: str, *, where: str) -> StageOptions:
    match key:
        case "kind":
            return replace(options, kind=_kind(value, where))
        case "time":
            return replace(options, time=value)
        case "entity":
            return replace(options, entity=value)
        case "known":
            return replace(options, known=(*options.known, *_known(value, where)))
        case "retries" if value.isdecimal():
            return replace(options, retries=int(value))
        case "timeout" if re.fullmatch(r"\d+(\.\d+)?s?", value):
            return replace(options, timeout_seconds=float(value.rstrip("s")))
        case "cell-timeout" if re.fullmatch(r"\d+(\.\d+)?s?", value):
            return replace(options, cell_timeout_seconds=float(value.rstrip("s")))
        case "retries" | "timeout" | "cell-timeout":
            raise NotebookError(f"--{key} wants a number, not '{value}'.", where=where, remedy=_USAGE)
        case _:
            near = did_you_mean(key, OPTION_NAMES)
            raise NotebookError(f"A stage has no option '{key}'.", where=where, remedy=near or _USAGE)


def _kind(value: str, where: str) -> Kind:
    try:
        return Kind(value)
    except ValueError as error:
        raise NotebookError(
            f"'{value}' is no kind of stage.", where=where, remedy=f"One of {', '.join(Kind)}."
        ) from error


def _known(value: str, where: str) -> tuple[tuple[str, str], ...]:
    pairs = []
    for pair in value.split(","):
        column, equals, time = pair.partition("=")
        if not (column and equals and time):
            raise NotebookError(
                f"--known wants COLUMN=TIME_COLUMN, not '{pair}'.",
                where=where,
                remedy="As in `--known arr_delay=arr_time`: arr_delay is known from arr_time on.",
            )
        pairs.append((column, time))
    return tuple(pairs)


def _each(value: object) -> tuple[str, ...]:
    match value:
        case Mapping():
            return tuple(f"{column}={time}" for column, time in value.items())
        case list() | tuple():
            return tuple(str(one) for one in value)
        case _:
            return (str(value),)


_EXPECT_OPTIONS = ("--stage", "--on-broken")
_EXPECT_USAGE = f"Usage: %%expect VALUE [--stage NAME] [--on-broken {'|'.join(OnBroken)}]."


def _expect_line(text: str, span: Span) -> ExpectLine:
    words = _words(text, span)
    value, words = _leading_name(words, "expect", span)
    if not value.isidentifier():
        raise NotebookError(
            f"'{value}' is no name of a value.", where=str(span), remedy="As in `%%expect flights`."
        )
    said: dict[str, str] = {}
    while words:
        word, *words = words
        key, has_value, option = word.partition("=")
        if key not in _EXPECT_OPTIONS or key in said:
            near = "" if key in said else did_you_mean(key, _EXPECT_OPTIONS)
            raise NotebookError(
                f"'{' '.join([word, *words])}' is not understood.",
                where=str(span),
                remedy=f"{near} {_EXPECT_USAGE}".strip(),
            )
        if not has_value:
            if not words or words[0].startswith("--"):
                raise NotebookError(f"{key} wants a value.", where=str(span), remedy=_EXPECT_USAGE)
            option, *words = words
        said[key] = option
    on_broken = said.get("--on-broken")
    return ExpectLine(
        value=value,
        stage=said.get("--stage"),
        on_broken=None if on_broken is None else _on_broken(on_broken, span),
        span=span,
    )


def _on_broken(word: str, span: Span) -> OnBroken:
    try:
        return OnBroken(word)
    except ValueError as error:
        raise NotebookError(
            f"--on-broken knows no '{word}'.", where=str(span), remedy=f"One of {', '.join(OnBroken)}."
        ) from error


def _leading_name(words: list[str], magic: str, span: Span) -> tuple[str, list[str]]:
    if not words or words[0].startswith("--"):
        raise NotebookError(
            f"%%{magic} wants a name.", where=str(span), remedy=f"As in `%%{magic} features`."
        )
    return words[0], words[1:]


def _words(text: str, span: Span) -> list[str]:
    try:
        return shlex.split(text, comments=True)
    except ValueError as error:
        raise NotebookError(
            f"The magic line can't be split into words: {error}.", where=str(span), remedy="Check its quotes."
        ) from error


def _span_of(source: str, position: int | None, found: re.Match[str]) -> Span:
    start = source.index("%%")
    line = source.count("\n", 0, start) + 1
    column = start - (source.rfind("\n", 0, start) + 1)
    return Span(
        cell=position or 0,
        line=line,
        column=column,
        end_line=line,
        end_column=column + found.end() - start,
    )
