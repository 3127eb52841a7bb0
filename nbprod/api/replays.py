"""Replaying a feature stage without its future: the proof of a leak, or the evidence that there is none."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from nbprod.api.runs import run
from nbprod.api.studying import Source, notebook_of, study
from nbprod.errors import FlowError, NbprodError, did_you_mean
from nbprod.model import Kind, Severity
from nbprod.trees import module_tree

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Mapping

    from nbprod.model import Event, Finding, Flow, Notebook, Record, Stage, Study
    from nbprod.replaying import Chunk, OnRun, Replay


class Replayed(Struct, frozen=True, kw_only=True):
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


class Taken(Struct, frozen=True, kw_only=True):
    """What one cell takes, copied before it ran: all that its replay needs.

    `refused` is the sentence that says why it can't be replayed, or empty.
    """

    cell: int
    stage: Stage
    chunks: tuple[Chunk, ...]
    values: Mapping[str, object]
    refused: str = ""


def take(source: Source, *, cell: int, values: Mapping[str, object]) -> Taken:
    """Copies of the live values that a cell of a stage is about to read, with the definitions that it uses.

    Nothing that the cell then does to the values reaches the copies. Raises FlowError where the cell is in no stage.
    """
    from nbprod.flow import every_cell, flow_of, flow_with
    from nbprod.replaying import chunks_of, taken

    notebook = notebook_of(source)
    flow, _ = flow_of(notebook)
    stage = next((one for one in flow.stages if cell in one.cells), None)
    if stage is None:
        raise FlowError("The cell is in no stage.", where=notebook.name, remedy="Give it a `%%stage` line.")
    alone, _ = flow_with(notebook, every_cell(notebook))
    chunks = next((chunks_of(notebook, one) for one in alone.stages if cell in one.cells), ())
    copies, unfit = taken({name: values[name] for name in _names_read(chunks) if name in values})
    return Taken(cell=cell, stage=stage, chunks=chunks, values=copies, refused="; ".join(unfit.values()))


def replay_taken(
    source: Source,
    taken: Taken,
    *,
    cuts: int | None = None,
    seed: int = 0,
    folder: str | os.PathLike[str] = ".",
    on_run: OnRun | None = None,
) -> Replayed:
    """Replay a cell that has run from what it took, and join what changed to the findings on that cell.

    Raises NbprodError with the reason where the cell can't be replayed.
    """
    from nbprod.replaying import DEFAULT_CUTS, declarations_of, joined, labels_of
    from nbprod.replaying import replay as replayed

    if taken.refused:
        raise NbprodError(f"{taken.refused}.")
    notebook = notebook_of(source)
    report = replayed(
        taken.chunks,
        taken.values,
        declarations_of(taken.stage.options, labels=labels_of(notebook)),
        cuts=DEFAULT_CUTS if cuts is None else cuts,
        seed=seed,
        stage=taken.stage.name,
        folder=Path(folder),
        on_run=on_run,
    )
    here = tuple(one for one in study(notebook).findings if one.span and one.span.cell == taken.cell)
    return Replayed(report=report, findings=joined(here, report, chunks=taken.chunks))


def _names_read(chunks: Iterable[Chunk]) -> tuple[str, ...]:
    """Every name that the source mentions: what it doesn't read from outside costs a copy, and no more."""
    trees = [module_tree(chunk.source) for chunk in chunks]
    names = (node.id for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Name))
    return tuple(dict.fromkeys(names))


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
    from nbprod.running.records import given_by

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
    return given_by(record, needs)


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
