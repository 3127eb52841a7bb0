"""Colour for terminals that want it: a paint takes a role and a text and gives the text, coloured or as it is."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import IO, TypeAlias

Paint: TypeAlias = Callable[[str, str], str]

_CODES = {
    "strong": "1",
    "soft": "2",
    "error": "31;1",
    "warning": "33",
    "note": "36",
    "good": "32",
    "bad": "31",
    "busy": "34",
    "code": "36",
}


def no_paint(_role: str, text: str) -> str:
    """The text as it is."""
    return text


def ansi_paint(role: str, text: str) -> str:
    """The text in the role's colour, which stays readable on dark and on light."""
    code = _CODES.get(role)
    return f"\x1b[{code}m{text}\x1b[0m" if code and text else text


def paint_for(stream: IO[str]) -> Paint:
    """Colour on a terminal only, and never where NO_COLOR is set (no-color.org); FORCE_COLOR insists."""
    if os.environ.get("NO_COLOR"):
        return no_paint
    if os.environ.get("FORCE_COLOR"):
        return ansi_paint
    return ansi_paint if stream.isatty() and os.environ.get("TERM") != "dumb" else no_paint
