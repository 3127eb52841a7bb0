"""Two runs compared: parameters, code by cell, data, environment, metrics, verdicts."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from nbprod.changes import Change, StageChange, changes, code_cells
from nbprod.running.keeping import kept_of, plan_kept
from nbprod.tracking.metrics import metrics_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from nbprod.model import Artifact, Json, Plan, Record, Verdict

_NOT_CODE = frozenset({"nbprod-parameters", "nbprod-inputs", "nbprod-outputs"})


class Difference(Struct, frozen=True, kw_only=True):
    """Something that two runs do not have in common; None stands for what one of them lacks."""

    name: str
    before: Json
    after: Json


class CellChange(Struct, frozen=True, kw_only=True):
    """A cell of a stage's code that differs, as a unified diff."""

    stage: str
    cell: str
    diff: str


class RunComparison(Struct, frozen=True, kw_only=True):
    """How one run differs from an earlier one; `unknown` says what can't be told, one sentence each.

    `data` holds the files that were read and `values` what the stages gave, both by digest.
    """

    before: str
    after: str
    parameters: tuple[Difference, ...] = ()
    code: tuple[StageChange, ...] = ()
    cells: tuple[CellChange, ...] = ()
    data: tuple[Difference, ...] = ()
    values: tuple[Difference, ...] = ()
    environment: tuple[Difference, ...] = ()
    metrics: tuple[Difference, ...] = ()
    verdicts: tuple[Difference, ...] = ()
    states: tuple[Difference, ...] = ()
    unknown: tuple[str, ...] = ()

    @property
    def is_same(self) -> bool:
        """Whether nothing differs, as far as can be told."""
        return not any(
            (
                self.parameters,
                self.code,
                self.data,
                self.values,
                self.environment,
                self.metrics,
                self.verdicts,
                self.states,
            )
        )


def compare_runs(before: Record, after: Record) -> RunComparison:
    """What differs between two runs, of one pipeline or of two."""
    plans = plan_kept(Path(before.folder)), plan_kept(Path(after.folder))
    found = RunComparison(
        before=before.id,
        after=after.id,
        parameters=differences(before.parameters, after.parameters),
        values=differences(_values(before), _values(after)),
        environment=differences(_environment(before), _environment(after)),
        metrics=differences(metrics_of(before), metrics_of(after)),
        verdicts=differences(_verdicts(before), _verdicts(after)),
        states=differences(_states(before), _states(after)),
    )
    return _with_data(_with_code(found, before, after, plans), before, after)


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Difference, ...]:
    """What two mappings do not have in common, by name."""
    names = dict.fromkeys([*before, *after])
    return tuple(
        Difference(name=name, before=before.get(name), after=after.get(name))
        for name in names
        if before.get(name) != after.get(name) or (name in before) != (name in after)
    )


def _with_code(
    found: RunComparison, before: Record, after: Record, plans: tuple[Plan | None, Plan | None]
) -> RunComparison:
    old, new = plans
    if old is None or new is None:
        lacking = before if old is None else after
        changed = differences(before.digests, after.digests)
        stages = tuple(StageChange(stage=one.name, change=Change.CHANGED) for one in changed)
        return replace(
            found,
            code=stages,
            unknown=(*found.unknown, f"Run {lacking.id} kept no code: cells can't be compared."),
        )
    stages = tuple(one for one in changes(old, new) if one.change not in (Change.SAME, Change.AFFECTED))
    return replace(found, code=stages, cells=tuple(_cell_changes(old, new)))


def _cell_changes(old: Plan, new: Plan) -> Iterator[CellChange]:
    before = {stage.name: _cells(old.files[stage.notebook]) for stage in old.stages}
    after = {stage.name: _cells(new.files[stage.notebook]) for stage in new.stages}
    for stage in dict.fromkeys([*after, *before]):
        here, there = before.get(stage, {}), after.get(stage, {})
        for cell in dict.fromkeys([*there, *here]):
            if here.get(cell) != there.get(cell):
                yield CellChange(stage=stage, cell=cell, diff=_diff(here.get(cell, ""), there.get(cell, "")))


def _cells(notebook: str) -> dict[str, str]:
    return {cell: source for cell, source in code_cells(notebook).items() if cell not in _NOT_CODE}


def _diff(before: str, after: str) -> str:
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), n=1, lineterm="")
    return "\n".join(line for line in lines if not line.startswith(("---", "+++")))


def _with_data(found: RunComparison, before: Record, after: Record) -> RunComparison:
    sources = []
    for record in (before, after):
        kept = kept_of(Path(record.folder))
        if kept is None or kept.sources is None:
            said = f"Run {record.id} kept no list of the files that it read."
            return replace(found, unknown=(*found.unknown, said))
        sources.append({one.path: one.digest for one in kept.sources})
    return replace(found, data=differences(*sources))


def _values(record: Record) -> dict[str, Json]:
    """What the stages gave, by digest; a figure is told by its number elsewhere."""
    return {
        f"{stage.stage}.{one.name}": f"{_size(one)} {one.digest[:12]}"
        for stage in record.stages
        for one in stage.artifacts
    }


def _size(artifact: Artifact) -> str:
    return f"{artifact.rows:,} rows" if artifact.rows is not None else f"{artifact.bytes:,} bytes"


def _environment(record: Record) -> dict[str, str]:
    """Every distribution's version where the run kept them, else those that its record tells."""
    kept = kept_of(Path(record.folder))
    if kept is None:
        return dict(record.versions)
    installed = (one.partition("-") for one in kept.installed)
    return {**kept.machine, **kept.environment, **{name: version for name, _, version in installed}}


def _verdicts(record: Record) -> dict[str, str]:
    found = {}
    for stage in record.stages:
        for one in stage.verdicts:
            found[f"{one.value}: {_said(one)}"] = "held" if one.success else "broke"
    return found


def _said(verdict: Verdict) -> str:
    arguments = ", ".join(f"{name}={value!r}" for name, value in verdict.expectation.arguments.items())
    return f"{verdict.expectation.type.removeprefix('expect_')}({arguments})"


def _states(record: Record) -> dict[str, str]:
    # Whether a stage ran or was taken from the cache makes no difference to what it gave.
    return {one.stage: "good" if one.state.is_good else str(one.state) for one in record.stages}
