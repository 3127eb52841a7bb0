"""Times as SQL's dialects spell them: formats that cut a time to its month, modifiers that move it, casts of text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeAlias

from sqlglot import exp

from nbprod.leakage.sql_words import integer_of, period_of, period_spelled
from nbprod.leakage.terms import Period

if TYPE_CHECKING:
    from collections.abc import Mapping

Change: TypeAlias = "str | Period"
"""A unit to whose start a time is cut, or a period by which it is moved."""

_FORMATTING = frozenset(
    ("strftime", "date_format", "to_char", "format_date", "format_datetime", "format_timestamp")
)
_MODIFIED = frozenset(("date", "datetime", "time", "strftime"))
_COUNTING = frozenset(
    ("epoch", "epoch_ms", "epoch_us", "epoch_ns", "unix_timestamp", "to_unixtime", "to_seconds")
)
_COUNTED = frozenset(
    ("StrToUnix", "TimeToUnix", "TsOrDiToDi", "UnixSeconds", "UnixMillis", "UnixMicros", "Epoch")
)
_PARSED = frozenset(("TsOrDsToTimestamp", "TimeStrToTime", "TsOrDsToDatetime", "StrToTime", "TimeStrToDate"))
# the finest unit last; a format without a year names no point in time
_UNITS = ("year", "quarter", "month", "week", "day", "hour", "minute", "second")
_DIRECTIVES: Mapping[str, str] = {
    **dict.fromkeys("YyGC", "year"),
    **dict.fromkeys("mbBh", "month"),
    **dict.fromkeys("WUV", "week"),
    **dict.fromkeys("djFDxe", "day"),
    **dict.fromkeys("HIk", "hour"),
    **dict.fromkeys("MR", "minute"),
    **dict.fromkeys("STXcsfgn", "second"),
}
_PICTURES = (
    (re.compile(r"y+", re.IGNORECASE), "year"),
    (re.compile(r"Q"), "quarter"),
    (re.compile(r"MI|mm|mi"), "minute"),
    (re.compile(r"MM+|MON\w*|Mon\w*"), "month"),
    (re.compile(r"(IW|WW|ww)"), "week"),
    (re.compile(r"d+", re.IGNORECASE), "day"),
    (re.compile(r"HH\d*|hh\d*"), "hour"),
    (re.compile(r"ss", re.IGNORECASE), "second"),
)


def calendar_of(node: exp.Expr) -> tuple[exp.Expr, tuple[Change, ...]] | None:
    """The time that a call spells, cuts or moves, with what it does to it in order; None of any other call."""
    match node:
        case exp.TimeToStr() | exp.ToChar():
            return _formatted(node.this, node.args.get("format"))
        case exp.Anonymous() if node.name.lower() in _FORMATTING and len(node.expressions) >= 2:
            return _formatted(node.expressions[0], node.expressions[1], *node.expressions[2:])
        case exp.Anonymous() if node.name.lower() in _MODIFIED and len(node.expressions) >= 2:
            return _modified(node.expressions[0], node.expressions[1:])
        case exp.Datetime() if isinstance(node.expression, exp.Literal):
            return _modified(node.this, [node.expression])
        case exp.Date() if isinstance(node.args.get("zone"), exp.Literal):
            changes = _modified(node.this, [node.args["zone"], *node.expressions])
            return None if changes is None else (changes[0], (*changes[1], "day"))
        case exp.TsOrDsAdd():
            period = period_of(node.expression, unit=node.text("unit"))
            return None if period is None else (node.this, (period,))
        case exp.AddMonths() if (months := integer_of(node.expression)) is not None:
            return node.this, (Period(months=months),)
        case _ if type(node).__name__ in _PARSED:
            return node.this, ()
        case _:
            return None


def epoch_of(node: exp.Expr) -> exp.Expr | None:
    """The time that a call spells as a number of seconds or the like: it orders rows as the time itself does."""
    counted: exp.Expr | None = None
    match node:
        case exp.Anonymous() if node.name.lower() in _COUNTING and len(node.expressions) == 1:
            counted = node.expressions[0]
        case exp.Extract() if node.name.lower() in _COUNTING:
            counted = node.expression
        case _ if type(node).__name__ in _COUNTED:
            counted = node.this
        case _:
            pass
    return counted


def _formatted(
    one: exp.Expr, other: exp.Expr | None, *modifiers: exp.Expr
) -> tuple[exp.Expr, tuple[Change, ...]] | None:
    """SQLite gives the format first, the others last."""
    subject, spelled = (other, one) if isinstance(one, exp.Literal) else (one, other)
    if subject is None or not isinstance(spelled, exp.Literal):
        return None
    unit = unit_spelled(spelled.name)
    moved = _modified(subject, list(modifiers))
    return None if unit is None or moved is None else (subject, (*moved[1], unit))


def _modified(subject: exp.Expr, modifiers: list[exp.Expr]) -> tuple[exp.Expr, tuple[Change, ...]] | None:
    """SQLite's modifiers, in their order."""
    changes: list[Change] = []
    for modifier in modifiers:
        text = modifier.name.lower().strip() if isinstance(modifier, exp.Literal) else ""
        if text.startswith("start of "):
            changes.append(text.removeprefix("start of "))
        elif text not in ("utc", "localtime", "auto", "subsec"):
            period = period_spelled(text)
            if period is None:
                return None
            changes.append(period)
    return subject, tuple(changes)


def unit_spelled(text: str) -> str | None:
    """The finest unit of a time that a format writes out; None where it leaves the year out."""
    if "%" in text:
        found = {_DIRECTIVES.get(letter) for letter in re.findall(r"%[-#]?([A-Za-z])", text)}
    else:
        found = {unit for picture, unit in _PICTURES if picture.search(text)}
    units = [unit for unit in _UNITS if unit in found]
    dated = "year" in units or bool(re.search(r"%[FDxcs]", text))
    return units[-1] if units and dated and None not in found else None
