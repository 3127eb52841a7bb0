"""Tables that other installed packages bring, by entry points of the group `nbprod.libraries`."""

from __future__ import annotations

import sys
from importlib.machinery import PathFinder
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_GROUP = "nbprod.libraries"


def brought() -> Iterator[object]:
    """The modules of tables that other packages bring."""
    if not _may_be_brought():
        return
    from importlib.metadata import entry_points

    for point in entry_points(group=_GROUP):
        yield point.load()


def _may_be_brought() -> bool:
    """Whether a package in a folder names the group, or packages come from anywhere but folders.

    `importlib.metadata` knows better, and takes a tenth of a whole `nbprod check` to load and to answer.
    """
    finders = [finder for finder in sys.meta_path if hasattr(finder, "find_distributions")]
    if finders != [PathFinder]:
        return True
    return any(_names_group(Path(folder)) for folder in sys.path)


def _names_group(folder: Path) -> bool:
    if folder.suffix == ".egg" or folder.is_file():
        return True
    return any(f"[{_GROUP}]".encode() in file.read_bytes() for file in folder.glob("*-info/entry_points.txt"))
