"""The notebook as one papermill notebook, top to bottom, with a comparison after each stage's last cell."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from nbprod.extract import FOLDER_PARAMETER, code_cell, without_magic_line
from nbprod.notebook import SKIP_TAG, ExpectLine, is_parameters, magic_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nbprod.model import Cell, Flow, Notebook, Stage

STAGE = "whole"


def whole_notebook(notebook: Notebook, flow: Flow, *, compare_with: str, report: str) -> str:
    """The notebook's text with cells that compare what each stage gives with what lies in `compare_with`.

    What is given is kept as well, so that a second run can be compared with the first.
    """
    last = {max(stage.cells): stage for stage in flow.stages}
    cells = [code_cell("nbprod-parameters", f'{FOLDER_PARAMETER} = ""', tags=["parameters"])]
    for cell in notebook.code:
        cells.extend(_run(cell))
        if stage := last.get(cell.position or 0):
            cells.append(_comparison(stage, compare_with=compare_with, report=report))
    cells.append(
        code_cell("nbprod-outputs", _GIVE.format(names=[], stage=STAGE, folder=FOLDER_PARAMETER), tags=[])
    )
    metadata = {
        "kernelspec": {"display_name": notebook.kernel, "language": "python", "name": notebook.kernel}
    }
    return json.dumps({"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5})


_GIVE = "__import__('nbprod.artifacts.boundary').artifacts.boundary.give({names}, globals(), stage={stage!r}, folder={folder}, outcomes={names})"
_COMPARE = (
    "__import__('nbprod.artifacts.comparing').artifacts.comparing.compare"
    "({names}, globals(), stage={stage!r}, folder={folder!r}, report={report!r})"
)


def _run(cell: Cell) -> Iterator[dict[str, Any]]:
    if SKIP_TAG in cell.tags or isinstance(magic_line(cell), ExpectLine):
        return
    tags = [tag for tag in cell.tags if tag != "parameters"]
    yield code_cell(cell.id, without_magic_line(cell), tags=tags if not is_parameters(cell) else [])


def _comparison(stage: Stage, *, compare_with: str, report: str) -> dict[str, Any]:
    names = [name for name in stage.gives if "." not in name]
    compare = _COMPARE.format(names=names, stage=stage.name, folder=compare_with, report=report)
    give = _GIVE.format(names=names, stage=stage.name, folder=FOLDER_PARAMETER)
    return code_cell(f"nbprod-{stage.name}", f"{compare}\n{give}", tags=[])
