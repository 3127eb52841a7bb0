"""Small phrases that several renderings say in the same words."""

from __future__ import annotations

import json
from itertools import groupby
from typing import TYPE_CHECKING

from nbprod.errors import SuiteError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nbprod.model import Expectation, Json


def count_said(count: int, noun: str) -> str:
    """`1 stage`, `3 stages`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def cells_said(positions: Iterable[int]) -> str:
    """Positions among the code cells as people count them: `cell 3`, `cells 1, 4-6`."""
    cells = sorted({position + 1 for position in positions})
    runs = [
        [cell for _, cell in group]
        for _, group in groupby(enumerate(cells), key=lambda pair: pair[1] - pair[0])
    ]
    ranges = ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)
    return f"{'cell' if len(cells) == 1 else 'cells'} {ranges}" if cells else "no cells"


def seconds_said(seconds: float) -> str:
    """`0.3 s`, `12 s`, `3 min 05 s`, `2 h 04 min`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"


def bytes_said(count: int) -> str:
    """`512 B`, `1.4 MB`: decimal units, as file managers show them."""
    size = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" or size >= 100 else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def clipped(text: str, room: int) -> str:
    """The text on one line, cut to `room` characters with an ellipsis."""
    line = " ".join(safe(text).split())
    return line if len(line) <= room else f"{line[: room - 1]}…"


def safe(text: str) -> str:
    """The text without the control characters by which a notebook could steer the terminal that shows it."""
    if text.isprintable():
        return text
    return "".join(char for char in text if char in "\n\t" or char.isprintable())


def value_said(value: Json) -> str:
    """A JSON value as a table shows it: text bare, missing as `null`, the rest as JSON."""
    match value:
        case str():
            return clipped(value, 40)
        case float() if value.is_integer() and abs(value) < 1e15:
            return f"{value:.1f}"
        case float():
            return f"{value:.6g}"
        case _:
            return clipped(json.dumps(value, ensure_ascii=False, default=str), 60)


def expectation_said(expectation: Expectation) -> str:
    """The expectation as a `%%expect` cell writes it, on one line."""
    from nbprod.expectations import expectation_text

    try:
        first, *rest = [line.strip() for line in expectation_text(expectation).split("\n")]
        return first + " ".join(rest).removesuffix(", )") + ")" if rest else first
    except SuiteError:  # a class of the user's own, which the catalogue doesn't know
        arguments = ", ".join(f"{name}={value!r}" for name, value in expectation.arguments.items())
        return f"{expectation.type}({arguments})"


def horizon_said(horizon: str) -> str:
    """How far a finding's horizon reaches, as one says it: `reads 1 row ahead`, `known only from 'landed' on`."""
    return horizon if horizon.startswith("known") else f"reads {horizon}"
