"""A run done again from what it kept, and how far what came out is the same."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping  # noqa: TC003  # `wire` reads the annotations at run time
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbprod import wire
from nbprod.artifacts.equality import NotComparableError, difference
from nbprod.errors import NbprodError
from nbprod.model import Record
from nbprod.running.place import Place
from nbprod.running.records import given_by
from nbprod.tracking.environments import built, environment_differences, needed_pins
from nbprod.tracking.restoring import parameters_file, restore
from nbprod.tracking.roles import roles_of
from nbprod.tracking.windows import held_out_window

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nbprod.model import Artifact
    from nbprod.settings import Production
    from nbprod.tracking.restoring import Restored

GOLDEN_ROWS = 10_000
TOLERANCE = 1e-9


class Level(StrEnum):
    """How far a value is the same, from the most to the least."""

    BYTES = "identical bytes"
    VALUES = "equal values"
    PREDICTIONS = "equal predictions"
    CLOSE_PREDICTIONS = "predictions within 1e-9"
    UNKNOWN = "different bytes"
    DIFFERENT = "different"
    MISSING = "missing"


_ORDER = tuple(Level)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """How far one value is the same as then; `why` says why no higher level is reached."""

    stage: str
    name: str
    level: Level
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reproduction:
    """What came of a reproduction. `cannot` was said before it ran; `level` is the least of all values'."""

    run: str
    folder: str
    again: Record
    level: Level
    values: tuple[Reached, ...] = ()
    cannot: tuple[str, ...] = ()
    environment: tuple[str, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)


def reproduce(
    record: Record,
    *,
    root: Path,
    folder: Path,
    store: str | None = None,
    fresh_environment: bool = False,
    replaced: Mapping[str, str] | None = None,
    said: Production | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> Reproduction:
    """Do a run again in a fresh folder and compare every value that its stages gave.

    `fresh_environment` builds the run's own versions first; `replaced` puts other versions in their place, by name.
    What can't be restored is told before anything runs.
    """
    place = Place(root=root, store_address=store)
    restored = restore(record, folder, store=place.store, ledger=place.ledger)
    pins = _pins(restored, replaced or {})
    differing = _differing(restored, pins, fresh=fresh_environment, replaced=replaced or {})
    for sentence in (*restored.cannot, *differing):
        tell(sentence)
    interpreter = Path(sys.executable)
    if fresh_environment:
        tell(f"Building an environment of {len(pins)} packages.")
        interpreter = built(folder / "environment", pins, python=restored.kept.machine.get("python", ""))
    again = _run_again(restored, interpreter)
    values = tuple(_compared(record, again, said=said, differing=differing))
    return Reproduction(
        run=record.id,
        folder=str(folder),
        again=again,
        level=max((one.level for one in values), key=_ORDER.index, default=Level.BYTES),
        values=values,
        cannot=restored.cannot,
        environment=differing,
        versions=again.versions,
    )


def _pins(restored: Restored, replaced: Mapping[str, str]) -> tuple[str, ...]:
    pins = dict(pin.split("==") for pin in needed_pins(restored.kept, restored.plan))
    unknown = [name for name in replaced if name not in pins]
    if unknown:
        raise NbprodError(f"The run doesn't use '{unknown[0]}'.", remedy="Replace a package that it uses.")
    return tuple(f"{name}=={version}" for name, version in (pins | dict(replaced)).items())


def _differing(
    restored: Restored, pins: tuple[str, ...], *, fresh: bool, replaced: Mapping[str, str]
) -> tuple[str, ...]:
    """What of the environment will not be as it was then, as far as the run uses it."""
    names = {pin.partition("==")[0] for pin in pins}
    if fresh:
        return tuple(f"{name} is {version} instead, on purpose." for name, version in replaced.items())
    found = environment_differences(restored.kept)
    return tuple(
        one for one in found if one.startswith(("Python", "The processor")) or one.split()[0] in names
    )


def _run_again(restored: Restored, interpreter: Path) -> Record:
    command = [
        *(str(interpreter), "-m", "nbprod", "run", str(restored.plan_folder)),
        *("--root", str(restored.root), "--parameters-file", str(parameters_file(restored)), "--json"),
    ]
    # Numbers of threads and the seed of hashes as they were; what the caller's environment says stands back.
    environment = {**os.environ, **restored.kept.environment}
    done = subprocess.run(  # noqa: S603 - our own command
        command, check=False, capture_output=True, text=True, env=environment, cwd=restored.root
    )
    if done.returncode not in (0, 1):
        raise NbprodError(
            f"The run could not be done again: {done.stderr.strip()[-600:]}",
            where=str(restored.plan_folder),
            remedy="Run the command there by hand to see more.",
        )
    return wire.noun(Record, json.loads(done.stdout), where=str(restored.root))


def _compared(
    record: Record, again: Record, *, said: Production | None, differing: tuple[str, ...]
) -> Iterator[Reached]:
    theirs = {(stage.stage, one.name): one for stage in again.stages for one in stage.artifacts}
    states = {stage.stage: stage for stage in again.stages}
    for stage in record.stages:
        for artifact in stage.artifacts:
            other = theirs.get((stage.stage, artifact.name))
            if other is None:
                now = states.get(stage.stage)
                why = f"Stage '{stage.stage}' {now.state}: {now.reason}" if now else "The stage did not run."
                yield Reached(stage=stage.stage, name=artifact.name, level=Level.MISSING, why=why)
            else:
                yield _reached(record, again, stage.stage, (artifact, other), said=said, differing=differing)


def _reached(
    record: Record,
    again: Record,
    stage: str,
    artifacts: tuple[Artifact, Artifact],
    *,
    said: Production | None,
    differing: tuple[str, ...],
) -> Reached:
    name = artifacts[0].name
    if artifacts[0].digest == artifacts[1].digest:
        return Reached(stage=stage, name=name, level=Level.BYTES)
    because = f" {differing[0]}" if differing else ""
    try:
        before, after = (given_by(one, {name: stage})[name] for one in (record, again))
        told = difference(before, after, name=name)
    except (NbprodError, NotComparableError) as error:
        why = f"Whether the values are equal can't be told: {error}{because}"
        return Reached(stage=stage, name=name, level=Level.UNKNOWN, why=why)
    if told is None:
        why = f"The values are equal, the bytes they are stored as are not.{because}"
        return Reached(stage=stage, name=name, level=Level.VALUES, why=why)
    level = _predicted_alike(record, before, after, said=said) if hasattr(before, "predict") else None
    return Reached(stage=stage, name=name, level=level or Level.DIFFERENT, why=f"{told}.{because}")


def _predicted_alike(record: Record, before: Any, after: Any, *, said: Production | None) -> Level | None:
    """Whether both models say the same of the rows that the run judged its own on."""
    import numpy as np

    from nbprod.tracking.entering import kept_plan_of
    from nbprod.tracking.scores import predictions, score_named

    rows = held_out_window(record, roles_of(kept_plan_of(record), said=said)).x[:GOLDEN_ROWS]
    one, two = (predictions(model, rows, score_named("mae")) for model in (before, after))
    if np.array_equal(one, two):
        return Level.PREDICTIONS
    is_number = np.issubdtype(one.dtype, np.number) and np.issubdtype(two.dtype, np.number)
    is_close = is_number and np.allclose(one, two, rtol=TOLERANCE, atol=TOLERANCE)
    return Level.CLOSE_PREDICTIONS if is_close else None
