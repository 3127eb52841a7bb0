"""What an artifact format is: a way to put values of some types into one file and get equal ones back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class NotExact(Exception):  # noqa: N818 - a refusal that the next format answers, never an error for people
    """This format cannot give the value back equal; the message says why."""


class CannotHold(Exception):  # noqa: N818 - becomes a BoundaryError once the value's name is known
    """No format can carry the value, and pickle would change it unseen; the message says why."""


class Shape(Struct, frozen=True, kw_only=True):
    """How many rows a value has and what its columns are called, where that means anything."""

    rows: int | None = None
    columns: tuple[str, ...] = ()


def no_shape(_: object) -> Shape:
    """The shape of what has neither rows nor columns."""
    return Shape()


class Format(Struct, frozen=True, kw_only=True):
    """One format. `takes` is cheap and loads no library; `write` raises NotExact rather than change a value.

    `is_table` says that the file is parquet, so that it can be judged without loading the value.
    """

    name: str
    takes: Callable[[object], bool]
    write: Callable[[object, Path], None]
    read: Callable[[Path], object]
    shape: Callable[[object], Shape] = no_shape
    is_table: bool = False
