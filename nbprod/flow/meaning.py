"""What of a cell's text the analysis can tell: a comment behind the last statement means nothing, nor do blanks."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

from nbprod.errors import NotebookError
from nbprod.flow.ipython import parsed, python_text
from nbprod.flow.stages import INJECTED_TAG
from nbprod.notebook import ExpectLine, body_of, code_points, is_parameters, magic_line

if TYPE_CHECKING:
    from nbprod.model import Cell

Meaning: TypeAlias = tuple[int | None, str, tuple[str, ...]]


# Whoever types a comment or a blank changes no cell's meaning, and a study comes with every keystroke.
@lru_cache(maxsize=4096)
def meaning_of(cell: Cell) -> Meaning:
    """Equal for cells that nobody who reads their statements could tell apart; where in doubt it is all of the text."""
    return cell.position, cell.source[: _end(cell)], cell.tags


def _end(cell: Cell) -> int | None:
    """Where the text of the last statement ends; None where what stands behind it may matter."""
    try:
        line = magic_line(cell)
        tree = parsed(body_of(cell), cell.position)
    except (NotebookError, SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    is_read_otherwise = isinstance(line, ExpectLine) or is_parameters(cell) or INJECTED_TAG in cell.tags
    if is_read_otherwise or not tree.body or not _is_plain(cell):
        return None
    last = tree.body[-1]
    lines = cell.source.split("\n")
    number = last.end_lineno or last.lineno
    column = code_points(lines[number - 1], last.end_col_offset or 0)
    return sum(len(one) + 1 for one in lines[: number - 1]) + column


def _is_plain(cell: Cell) -> bool:
    """Whether the cell has none of IPython's syntax, and lines that end as Python's do."""
    body = body_of(cell)
    return python_text(body) == body and "\r" not in body and "\f" not in body
