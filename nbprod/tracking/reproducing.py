"""A run done again from what it kept, and how far what came out is the same."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from collections.abc import Mapping  # noqa: TC003  # `wire` reads the annotations at run time
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from nbprod import wire
from nbprod.artifacts.equality import NotComparableError, difference
from nbprod.errors import NbprodError
from nbprod.model import Record
from nbprod.running.place import Place
from nbprod.tracking.entering import kept_plan_of
from nbprod.tracking.environments import built, environment_differences, needed_pins
from nbprod.tracking.golden import UNREADABLE, said
from nbprod.tracking.restoring import parameters_file, restore
from nbprod.tracking.roles import Roles, Value, roles_of
from nbprod.tracking.windows import value_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nbprod.model import Artifact
    from nbprod.settings import Production
    from nbprod.tracking.restoring import Restored

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


class Reached(Struct, frozen=True, kw_only=True):
    """How far one value is the same as then; `why` says why no higher level is reached."""

    stage: str
    name: str
    level: Level
    why: str = ""


class Reproduction(Struct, frozen=True, kw_only=True):
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
    settled: Production | None = None,
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
    comparing = Comparing(
        before=record,
        after=again,
        interpreter=interpreter,
        settled=settled,
        because=" ".join(differing[:3]),
    )
    values = tuple(comparing.values())
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


class Comparing(Struct, frozen=True, kw_only=True):
    """Two runs held against each other; `interpreter` is the one that did the run again."""

    before: Record
    after: Record
    interpreter: Path
    settled: Production | None = None
    because: str = ""

    def values(self) -> Iterator[Reached]:
        """How far each value is the same, in the order of the stages."""
        theirs = {(stage.stage, one.name): one for stage in self.after.stages for one in stage.artifacts}
        states = {stage.stage: stage for stage in self.after.stages}
        for stage in self.before.stages:
            for artifact in stage.artifacts:
                value = Value(name=artifact.name, stage=stage.stage)
                other = theirs.get((stage.stage, artifact.name))
                if other is None:
                    now = states.get(stage.stage)
                    why = (
                        f"Stage '{stage.stage}' {now.state}: {now.reason}"
                        if now
                        else "The stage did not run."
                    )
                    yield _at(value, Level.MISSING, why)
                else:
                    yield self._reached(value, artifact, other)

    def _reached(self, value: Value, artifact: Artifact, other: Artifact) -> Reached:
        if artifact.digest == other.digest:
            return _at(value, Level.BYTES)
        roles = self._roles()
        model_roles = roles if roles is not None and value == roles.model else None
        try:
            before, after = (_loaded(one, value) for one in (self.before, self.after))
            told = difference(before, after, name=value.name)
        except (NbprodError, NotComparableError) as error:
            if model_roles is not None:
                return self._model_reached(value, model_roles)
            return _at(
                value, Level.UNKNOWN, self._why(f"Whether the values are equal can't be told: {error}")
            )
        if told is None:
            return _at(
                value, Level.VALUES, self._why("The values are equal, the bytes they are stored as are not.")
            )
        if model_roles is not None:
            return self._model_reached(value, model_roles)
        return _at(value, Level.DIFFERENT, self._why(f"{told}."))

    def _model_reached(self, value: Value, roles: Roles) -> Reached:
        """A model is what it says of the rows that it was judged on, each asked where it was made."""
        import numpy as np

        try:
            one, two = (self._predictions(run, value, roles) for run in (self.before, self.after))
        except NbprodError as error:
            return _at(value, Level.UNKNOWN, self._why(f"Its predictions can't be had: {error}"))
        stored = "The bytes that it is stored as are not the same."
        if np.array_equal(one, two):
            return _at(value, Level.PREDICTIONS, self._why(f"{stored} All {len(one):,} predictions are."))
        told = _apart(one, two)
        is_number = np.issubdtype(one.dtype, np.number) and np.issubdtype(two.dtype, np.number)
        is_close = (
            is_number and one.shape == two.shape and np.allclose(one, two, rtol=TOLERANCE, atol=TOLERANCE)
        )
        return _at(value, Level.CLOSE_PREDICTIONS if is_close else Level.DIFFERENT, self._why(told))

    def _predictions(self, run: Record, model: Value, roles: Roles) -> Any:
        if roles.test_x is None:
            raise NbprodError("The plan does not say which rows the model was judged on.")
        own, other = Path(sys.executable), self.interpreter
        first = (own, other) if run is self.before else (other, own)
        return said(run, model, roles.test_x, rows_of=self._rows_from(roles.test_x), interpreters=first)

    def _rows_from(self, rows: Value) -> Record:
        """The same rows are asked of both: those of then, or of now where they are the same and then's are gone."""
        digests = [_digest(one, rows) for one in (self.before, self.after)]
        return self.after if digests[0] == digests[1] else self.before

    def _roles(self) -> Roles | None:
        try:
            return roles_of(kept_plan_of(self.before), said=self.settled)
        except NbprodError:
            return None

    def _why(self, what: str) -> str:
        return f"{what} {self.because}".rstrip()


def _loaded(record: Record, value: Value) -> Any:
    """A value of a run; raises NbprodError where it is gone, or of versions that can't be read here."""
    try:
        with warnings.catch_warnings():
            # That it is of another version is what is being told, in our own words.
            warnings.simplefilter("ignore")
            return value_of(record, value)
    except UNREADABLE as error:
        raise NbprodError(f"It can't be loaded here ({type(error).__name__}: {error}).") from error


def _apart(one: Any, two: Any) -> str:
    if one.shape != two.shape:
        return f"Predictions of shape {one.shape} then and {two.shape} now."
    places = (one != two).reshape(len(one), -1).any(axis=1).nonzero()[0]
    first = places[0]
    return f"{len(places):,} of {len(one):,} predictions differ, first that of row {first}: {one[first]} then, {two[first]} now."


def _digest(record: Record, value: Value) -> str:
    stages = (one for one in record.stages if one.stage == value.stage)
    return next((one.digest for stage in stages for one in stage.artifacts if one.name == value.name), "")


def _at(value: Value, level: Level, why: str = "") -> Reached:
    return Reached(stage=value.stage, name=value.name, level=level, why=why)
