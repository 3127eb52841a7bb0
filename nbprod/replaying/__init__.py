"""Dynamic proof of look-ahead: a feature stage is run again without its future, and what changed is the witness.

    answer = replay(source, {"df": df}, Declarations(time="ts"), outputs=("df",))
    answer.confirmed[0].witness      row, column, cut, value with and without the future

Nothing heavy is imported before a replay is asked for.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbprod.replaying.labels import labels_of
from nbprod.replaying.report import (
    DEFAULT_CUTS,
    MOST_CUTS,
    Chunk,
    ColumnReplay,
    Declarations,
    OnRun,
    Power,
    Replay,
    runs_at_most,
)
from nbprod.replaying.stage import chunks_of, declarations_of
from nbprod.replaying.verdicts import findings_of, joined

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nbprod.model import Witness
    from nbprod.replaying.workers import Worker

__all__ = [
    "DEFAULT_CUTS",
    "MOST_CUTS",
    "Chunk",
    "ColumnReplay",
    "Declarations",
    "OnRun",
    "Power",
    "Replay",
    "chunks_of",
    "declarations_of",
    "findings_of",
    "joined",
    "labels_of",
    "replay",
    "reproduced",
    "runs_at_most",
    "taken",
]


def replay(
    stage_source: str | Sequence[str | Chunk],
    inputs: Mapping[str, Any],
    declarations: Declarations,
    *,
    outputs: tuple[str, ...] = (),
    cuts: int = DEFAULT_CUTS,
    seed: int = 0,
    timeout_seconds: float = 60.0,
    stage: str = "features",
    folder: str | Path = ".",
    worker: Worker | None = None,
    on_run: OnRun | None = None,
) -> Replay:
    """Whether columns that a stage gives depend on what was not yet known at their rows.

    `stage_source` is plain Python: one text, or texts and `Chunk`s in the order of their running. `outputs` are
    names or `name.column`; without any, every frame that the stage makes or changes is looked at. A replay costs
    at most `runs_at_most(cuts)` runs, each at most `timeout_seconds` long. `folder` is where relative paths
    lead; a `worker` may be shared by several replays; `on_run` is told before each run its number and the most there
    will be.
    """
    from nbprod.replaying.asked import asked

    return asked(
        _chunks(stage_source),
        inputs,
        declarations,
        outputs=outputs,
        cuts=min(max(cuts, 1), MOST_CUTS),
        seed=seed,
        timeout_seconds=timeout_seconds,
        stage=stage,
        folder=str(Path(folder).resolve()),
        worker=worker,
        on_run=on_run,
    )


def taken(values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Copies of values that may stand as the inputs of a replay, and for each that can't be copied, why.

    What happens to the values afterwards doesn't reach the copies.
    """
    from nbprod.replaying.tables import packed_apart

    return packed_apart(values)


def reproduced(
    witness: Witness,
    stage_source: str | Sequence[str | Chunk],
    inputs: Mapping[str, Any],
    declarations: Declarations,
    *,
    seed: int = 0,
    timeout_seconds: float = 60.0,
    folder: str | Path = ".",
    worker: Worker | None = None,
) -> Witness | None:
    """The witness as it comes out of the two runs that its record describes, or None if nothing changes there."""
    from nbprod.replaying.asked import asked_again

    return asked_again(
        witness,
        _chunks(stage_source),
        inputs,
        declarations,
        seed=seed,
        timeout_seconds=timeout_seconds,
        folder=str(Path(folder).resolve()),
        worker=worker,
    )


def _chunks(stage_source: str | Sequence[str | Chunk]) -> tuple[Chunk, ...]:
    parts = [stage_source] if isinstance(stage_source, str) else stage_source
    return tuple(part if isinstance(part, Chunk) else Chunk(source=part) for part in parts)
