"""Names of columns that the code itself treats as points in time: compared with dates, met as of, windowed by.

Read of the trees alone, before anything is followed: what a later cell says of a column holds for the earlier ones.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_DATE = re.compile(r"\d{4}-\d{2}(-\d{2}([ T]\d{2}.*)?)?")
_MAKES_DATES = frozenset(("date", "datetime", "Timestamp", "to_datetime", "timestamp", "datetime64"))
_NAMES_A_COLUMN = frozenset(("col", "column"))
_AS_OF = frozenset(("merge_asof", "join_asof"))
_BY_TIME = frozenset(("index_column", "parse_dates"))
_KEYS_OF_TIME = frozenset(("on", "left_on", "right_on"))
_INTO_TIMES = frozenset(("to_datetime", "to_timestamp"))
TELLING = (ast.Compare, ast.Call)


def is_date_text(text: object) -> bool:
    """Whether a text spells a date, with or without a time of day."""
    return isinstance(text, str) and _DATE.fullmatch(text) is not None


def is_date(node: ast.AST) -> bool:
    """Whether an expression is a literal point in time."""
    match node:
        case ast.Constant(value=text):
            return is_date_text(text)
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=[ast.Constant(), *_]):
            return name in _MAKES_DATES
        case _:
            return False


def column_named(node: ast.AST) -> str | None:
    """The column that an expression takes from a table: `df["x"]`, `pl.col("x")`, `_.x`."""
    match node:
        case ast.Subscript(slice=ast.Constant(value=str(name))):
            return name
        case ast.Call(
            func=ast.Name(id=called) | ast.Attribute(attr=called), args=[ast.Constant(value=str(name))]
        ):
            return name if called in _NAMES_A_COLUMN else None
        case ast.Attribute(attr=name, value=ast.Name() | ast.Attribute()):
            return name
        case _:
            return None


def dated_in(node: ast.AST) -> Iterator[tuple[str, str]]:
    """Columns that a node treats as times, each with the name of the date that it is compared with, if it is one."""
    match node:
        case ast.Compare(left=left, comparators=[right]):
            yield from _compared(left, right)
            yield from _compared(right, left)
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
            yield from _called(node, name)
        case _:
            return


def _compared(column: ast.AST, other: ast.AST) -> Iterator[tuple[str, str]]:
    name = column_named(column)
    if name is None:
        return
    if is_date(other):
        yield name, ""
    elif isinstance(other, ast.Name):
        yield name, other.id


def _called(node: ast.Call, name: str) -> Iterator[tuple[str, str]]:
    for keyword in node.keywords:
        if keyword.arg in _BY_TIME or (name in _AS_OF and keyword.arg in _KEYS_OF_TIME):
            yield from ((text, "") for text in _texts(keyword.value))
    if name in _INTO_TIMES and node.args and (column := column_named(node.args[0])) is not None:
        yield column, ""


def _texts(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.List(elts=items) | ast.Tuple(elts=items):
            for item in items:
                yield from _texts(item)
        case _:
            return
