"""The two questions of this room, with a worker process around them."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from nbprod.model import Proof, Witness
from nbprod.replaying.answer import witness_of
from nbprod.replaying.compare import EXISTENCE
from nbprod.replaying.course import tried
from nbprod.replaying.evidence import known_stamps
from nbprod.replaying.report import ColumnReplay, Replay
from nbprod.replaying.stamps import stamp_of
from nbprod.replaying.trial import Trial, question_of
from nbprod.replaying.withhold import probe_of
from nbprod.replaying.workers import Worker

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nbprod.replaying.report import Chunk, Declarations, OnRun

_NO_TIME = "no input has a time column: name it with --time"


def asked(
    chunks: Sequence[Chunk],
    inputs: Mapping[str, Any],
    declarations: Declarations,
    *,
    outputs: tuple[str, ...],
    cuts: int,
    seed: int,
    timeout_seconds: float,
    stage: str,
    folder: str,
    worker: Worker | None,
    on_run: OnRun | None,
) -> Replay:
    """See `replay`."""
    question, notes = question_of(
        chunks,
        inputs,
        declarations,
        outputs=outputs,
        stage=stage,
        folder=folder,
        seed=seed,
        timeout_seconds=timeout_seconds,
    )
    if question is None:
        unassessed = [
            ColumnReplay(output=name, column=EXISTENCE, verdict=Proof.UNPROVED, reason=_NO_TIME)
            for name in outputs or ("*",)
        ]
        return Replay(stage=stage, columns=tuple(unassessed), notes=notes)
    with nullcontext(worker) if worker is not None else Worker() as running:
        return tried(question, running, cuts=cuts, notes=notes, on_run=on_run)


def asked_again(
    witness: Witness,
    chunks: Sequence[Chunk],
    inputs: Mapping[str, Any],
    declarations: Declarations,
    *,
    seed: int,
    timeout_seconds: float,
    folder: str,
    worker: Worker | None,
) -> Witness | None:
    """See `reproduced`."""
    question, _notes = question_of(
        chunks,
        inputs,
        declarations,
        outputs=(witness.output,),
        stage=witness.stage,
        folder=folder,
        seed=seed,
        timeout_seconds=timeout_seconds,
    )
    if question is None:
        return None
    probe = probe_of(witness.probe, cut=stamp_of(witness.cut, axis=question.timetable.axis))
    with nullcontext(worker) if worker is not None else Worker() as running:
        running.load(question.load())
        stamps = known_stamps(question.timetable)
        trial = Trial(question=question, worker=running, budget=3, stamps=stamps)
        reading = trial.read(probe) if trial.begin() else None
    sighting = None if reading is None else reading.sightings.get((witness.output, witness.column))
    return None if sighting is None else witness_of(sighting, question)
