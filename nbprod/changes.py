"""Two plans of one notebook compared: which stages an edit touches, and which must run again because of it."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nbprod.model import Expectation, Plan, PlannedStage


class Change(StrEnum):
    """What became of a stage between two plans; an affected one is the same but takes what a changed one gives."""

    SAME = "same"
    CHANGED = "changed"
    ADDED = "added"
    REMOVED = "removed"
    AFFECTED = "affected"


class StageChange(Struct, frozen=True, kw_only=True):
    """What became of a stage; `says` holds one sentence a difference."""

    stage: str
    change: Change
    says: tuple[str, ...] = ()

    @property
    def must_run(self) -> bool:
        """Whether its earlier result no longer serves."""
        return self.change in (Change.CHANGED, Change.ADDED, Change.AFFECTED)


def changes(old: Plan, new: Plan) -> tuple[StageChange, ...]:
    """What became of each stage, in the new plan's order; removed ones last."""
    before = {stage.name: stage for stage in old.stages}
    found: dict[str, StageChange] = {}
    for stage in new.stages:
        found[stage.name] = _change(before.get(stage.name), stage, old=old, new=new, sooner=found)
    removed = (name for name in before if name not in found)
    return (*found.values(), *(StageChange(stage=name, change=Change.REMOVED) for name in removed))


def _change(
    before: PlannedStage | None, stage: PlannedStage, *, old: Plan, new: Plan, sooner: dict[str, StageChange]
) -> StageChange:
    if before is None:
        return StageChange(stage=stage.name, change=Change.ADDED)
    says = tuple(_differences(before, stage, old=old, new=new))
    if says:
        return StageChange(stage=stage.name, change=Change.CHANGED, says=says)
    causes = [giver for giver in stage.after if giver in sooner and sooner[giver].must_run]
    if causes:
        return StageChange(
            stage=stage.name, change=Change.AFFECTED, says=(f"It comes after {', '.join(causes)}.",)
        )
    return StageChange(stage=stage.name, change=Change.SAME)


def _differences(before: PlannedStage, stage: PlannedStage, *, old: Plan, new: Plan) -> Iterator[str]:
    cells = [code_cells(plan.files[one.notebook]) for plan, one in ((old, before), (new, stage))]
    for cell in [*cells[0], *(cell for cell in cells[1] if cell not in cells[0])]:
        here, there = cells[0].get(cell), cells[1].get(cell)
        if here != there:
            verb = "is new" if here is None else "is gone" if there is None else "changed"
            yield f"{_cell_said(cell)} {verb}."
    if before.options != stage.options:
        yield "Its options changed."
    judged = [_expected(plan, stage) for plan in (old, new)]
    if judged[0] != judged[1]:
        yield "What is expected of its values changed."


def _expected(plan: Plan, stage: PlannedStage) -> dict[str, list[Expectation]]:
    """What the plan's suites expect of what the stage gives, wherever their cells stand."""
    return {
        suite.value: [replace(one, span=None) for one in suite.expectations]
        for suite in plan.suites
        if suite.value in stage.gives
    }


def code_cells(text: str) -> dict[str, str]:
    """The sources of a stage notebook's code cells, by their ids."""
    cells: list[dict[str, Any]] = json.loads(text)["cells"]
    return {cell["id"]: "".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"}


_OWN = {
    "nbprod-parameters": "The parameters",
    "nbprod-definitions": "A definition that it uses",
    "nbprod-inputs": "What it takes",
    "nbprod-outputs": "What it gives",
}


def _cell_said(cell: str) -> str:
    return _OWN.get(cell, f"Cell '{cell}'")
