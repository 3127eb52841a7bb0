"""Schedules as cron lines of five fields, which every scheduler here understands; presets are spelt out."""

from __future__ import annotations

import re

from nbprod.errors import NbprodError, did_you_mean

_PRESETS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
}
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
# Name, least, greatest, and words for the numbers from the least on.
_FIELDS: tuple[tuple[str, int, int, tuple[str, ...]], ...] = (
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day of the month", 1, 31, ()),
    ("month", 1, 12, _MONTHS),
    ("day of the week", 0, 7, _DAYS),
)
_PIECE = re.compile(r"(?P<first>\*|\w+)(?:-(?P<last>\w+))?(?:/(?P<step>\d+))?\Z")
_REMEDY = "Write five fields (minute, hour, day, month, day of the week), as in '0 6 * * 1-5', or @daily."


def schedule_from(text: str) -> str:
    """The cron line of a schedule, presets spelt out and blanks single; raises NbprodError naming the wrong field.

    Source: POSIX.1-2024, crontab; steps and names as in Vixie cron.
    """
    if text.startswith("@"):
        if text not in _PRESETS:
            raise NbprodError(f"There is no schedule '{text}'.", remedy=did_you_mean(text, _PRESETS))
        return _PRESETS[text]
    fields = text.split()
    if len(fields) != len(_FIELDS):
        raise NbprodError(f"The schedule '{text}' has {len(fields)} fields.", remedy=_REMEDY)
    for written, (name, least, greatest, words) in zip(fields, _FIELDS, strict=True):
        if not all(_is_piece(piece, least, greatest, words) for piece in written.split(",")):
            raise NbprodError(f"'{written}' is no {name} of a schedule.", where=text, remedy=_REMEDY)
    return " ".join(fields)


def _is_piece(piece: str, least: int, greatest: int, words: tuple[str, ...]) -> bool:
    found = _PIECE.match(piece)
    if found is None or (found["step"] is not None and int(found["step"]) < 1):
        return False
    if found["first"] == "*":
        return found["last"] is None
    first = _number(found["first"], least, words)
    last = first if found["last"] is None else _number(found["last"], least, words)
    return first is not None and last is not None and least <= first <= last <= greatest


def _number(text: str, least: int, words: tuple[str, ...]) -> int | None:
    if text.isascii() and text.isdecimal():
        return int(text)
    return least + words.index(text.lower()) if text.lower() in words else None
