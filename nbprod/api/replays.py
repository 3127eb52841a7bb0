"""Replaying a feature stage without its future: the proof of a leak, or the evidence that there is none."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nbprod.api.runs import run
from nbprod.api.studying import Source, notebook_of, study
from nbprod.errors import FlowError, NbprodError, did_you_mean
from nbprod.model import Kind, Severity

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    from nbprod.model import Event, Finding, Flow, Notebook, Record, Stage, Study
    from nbprod.replaying import Replay


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What came of a replay: the report by column, and the notebook's findings with its verdicts joined in."""

    report: Replay
    findings: tuple[Finding, ...]


def replay(
    source: Source,
    *,
    stage: str | None = None,
    cuts: int | None = None,
    root: str | os.PathLike[str] | None = None,
    parameters: dict[str, object] | None = None,
    seed: int = 0,
    on_event: Callable[[Event], None] | None = None,
) -> Replayed:
    """Run a feature stage again with the future withheld, and join what changed to the notebook's findings.

    The stage is the first of kind features unless named. What it needs comes from the stages before it, which are
    run first where no earlier run serves; it itself runs in worker processes, at most `runs_at_most(cuts)` times.
    """
    from nbprod.replaying import DEFAULT_CUTS, chunks_of, declarations_of, joined, labels_of
    from nbprod.replaying import replay as replayed

    notebook = notebook_of(source)
    found = study(notebook)
    wanted = _stage(found.flow, stage, where=notebook.name)
    chunks = chunks_of(notebook, wanted)
    values = _parameters(found.flow, wanted, parameters or {})
    report = replayed(
        chunks,
        values | _inputs(notebook, found, wanted, root=root, parameters=parameters, on_event=on_event),
        declarations_of(wanted.options, labels=labels_of(notebook)),
        outputs=tuple(name for name in wanted.gives if "." not in name),
        cuts=DEFAULT_CUTS if cuts is None else cuts,
        seed=seed,
        stage=wanted.name,
        folder=Path(notebook.name).resolve().parent,
    )
    return Replayed(report=report, findings=joined(found.findings, report, chunks=chunks))


def _stage(flow: Flow, name: str | None, *, where: str) -> Stage:
    if name is None:
        features = [stage for stage in flow.stages if stage.kind is Kind.FEATURES]
        if not features:
            raise FlowError("No stage is of kind features.", where=where, remedy="Name a stage with --stage.")
        return features[0]
    known = [stage.name for stage in flow.stages]
    if name not in known:
        raise FlowError(f"There is no stage '{name}'.", where=where, remedy=did_you_mean(name, known))
    return flow.stage(name)


def _parameters(flow: Flow, stage: Stage, given: dict[str, object]) -> dict[str, object]:
    """The parameters that the stage reads, as given or as the notebook has them."""
    return {one.name: given.get(one.name, one.default) for one in flow.parameters if one.name in stage.reads}


def _inputs(
    notebook: Notebook,
    found: Study,
    stage: Stage,
    *,
    root: str | os.PathLike[str] | None,
    parameters: dict[str, object] | None,
    on_event: Callable[[Event], None] | None,
) -> dict[str, object]:
    from nbprod.artifacts.boundary import take

    needs = {need.name: need.giver for need in stage.needs if "." not in need.name}
    if not needs:
        return {}
    # Leaks are what a replay is for: they must not stop the stages before it.
    allow = {one.rule: "replayed" for one in found.findings if one.severity is Severity.ERROR}
    record = run(
        notebook,
        root=root,
        parameters=parameters,
        allow=allow,
        only=_before(found.flow, set(needs.values())),
        on_event=on_event,
    )
    _refuse_failure(record, stage)
    return take(needs, folder=str(Path(record.folder) / "artifacts"))


def _before(flow: Flow, givers: set[str]) -> tuple[str, ...]:
    """The givers and all that must run before them."""
    wanted = set(givers)
    for stage in reversed(flow.stages):
        if stage.name in wanted:
            wanted |= {link.giver for link in flow.links if link.taker == stage.name}
    return tuple(stage.name for stage in flow.stages if stage.name in wanted)


def _refuse_failure(record: Record, stage: Stage) -> None:
    failed = next((one for one in record.stages if not one.state.is_good), None)
    if failed is not None:
        raise NbprodError(
            f"Stage '{failed.stage}', before '{stage.name}', did not end well: {failed.reason}",
            where=record.folder,
            remedy="Run the pipeline first and mend it.",
        )
