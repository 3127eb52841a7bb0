"""The ways in which a notebook can be cut into stages for the proof."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from msgspec.structs import replace

from nbprod.flow import every_cell, flow_of, flow_with, suggest
from nbprod.notebook import STAGE_TAG, stage_line, stage_tags

if TYPE_CHECKING:
    from nbprod.model import Cell, Finding, Flow, Notebook, Suggestion


class Cut(StrEnum):
    """As tagged, as suggested, or one stage a cell: the hardest."""

    STAGES = "stages"
    SUGGESTED = "suggested"
    EVERY_CELL = "every-cell"


def flow_cut(notebook: Notebook, cut: Cut) -> tuple[Flow, tuple[Finding, ...]]:
    """The notebook's flow under a cut, and what speaks against extracting it."""
    match cut:
        case Cut.STAGES:
            return flow_of(notebook)
        case Cut.SUGGESTED:
            return flow_of(accepted(notebook, suggest(notebook)))
        case Cut.EVERY_CELL:
            return flow_with(notebook, every_cell(notebook))


def accepted(notebook: Notebook, suggestion: Suggestion) -> Notebook:
    """The notebook as it would be with the suggestion's tags; cells that are in a stage stay there."""
    tags = {cell: f"{STAGE_TAG}{stage.name}" for stage in suggestion.stages for cell in stage.cells}
    tags |= dict.fromkeys(suggestion.parameter_cells, "parameters")

    def tagged(cell: Cell) -> Cell:
        tag = tags.get(cell.position) if cell.position is not None else None
        is_told = stage_line(cell) is not None or stage_tags(cell)
        return cell if tag is None or is_told or tag in cell.tags else replace(cell, tags=(*cell.tags, tag))

    return replace(notebook, cells=tuple(tagged(cell) for cell in notebook.cells))
