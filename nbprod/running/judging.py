"""Suites judged on what a stage gave, outside its kernel; a verdict is remembered by artifact and suite."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from msgspec import Struct
from msgspec.structs import replace

from nbprod import wire
from nbprod.artifacts.formats import format_named
from nbprod.artifacts.manifest import PICKLE, Given
from nbprod.artifacts.taking import Taking
from nbprod.expectations import parameters_of, row_name
from nbprod.model import Artifact, OnBroken, Quarantine

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from nbprod.artifacts.manifest import Manifest
    from nbprod.artifacts.store import Store
    from nbprod.model import Json, Plan, Suite, Verdict
    from nbprod.running.ledger import Ledger


# What follows a value's name in the name of the rows that were set aside of it.
QUARANTINE = "quarantine"


class Judge(Protocol):
    """What says whether a value meets a suite: a table as the path of a parquet file, anything else as itself."""

    def __call__(
        self, table: object, suite: Suite, *, stage: str, digest: str, parameters: Mapping[str, Json]
    ) -> tuple[Verdict, ...]:
        """One verdict for each expectation of the suite."""


class Parts(Protocol):
    """A value parted in two: what keeps a suite, and the rows that don't as Arrow's table; `named` as verdicts are."""

    @property
    def kept(self) -> object: ...
    @property
    def taken(self) -> object: ...
    @property
    def quarantine(self) -> Quarantine: ...
    @property
    def named(self) -> frozenset[str]: ...


@runtime_checkable
class Parting(Protocol):
    """A judge that can also say which rows break a suite."""

    def parted(self, value: object, suite: Suite, *, parameters: Mapping[str, Json]) -> Parts:
        """The value without the rows that break the suite, and those rows."""


class Judged(Struct, frozen=True, kw_only=True):
    """Verdicts on what a stage gave; `new` are those that were not known before, by artifact and suite digest.

    `manifest` is what the stage gives on: without the rows that a suite set aside, which stand beside it.
    """

    verdicts: tuple[Verdict, ...] = ()
    broken: tuple[Verdict, ...] = ()
    new: tuple[tuple[str, str, tuple[Verdict, ...]], ...] = ()
    manifest: Manifest | None = None


def judged(
    manifest: Manifest,
    *,
    plan: Plan,
    parameters: Mapping[str, Json],
    store: Store,
    ledger: Ledger,
    judge: Judge | None,
) -> Judged:
    """What the plan's suites say of what a stage gave; `broken` are those that stop what depends on it."""
    if judge is None:
        return Judged()
    verdicts: list[Verdict] = []
    broken: list[Verdict] = []
    new: list[tuple[str, str, tuple[Verdict, ...]]] = []
    goes_on = manifest
    for suite in suites_on(manifest.stage, plan):
        given = manifest.named(suite.value)
        if given is None:
            continue
        meant = {name: parameters[name] for name in sorted(parameters_of(suite)) if name in parameters}
        artifact, digest = given.artifact, suite_digest(suite, meant)
        known = found = ledger.verdicts(artifact.digest, digest)
        if found is None:
            table = _table(given, manifest=manifest, store=store)
            found = judge(table, suite, stage=manifest.stage, digest=artifact.digest, parameters=meant)
        found = _set_aside(found, given, suite, manifest=manifest, parameters=meant, store=store, judge=judge)
        if found != known:
            new.append((artifact.digest, digest, found))
        placed = tuple(_placed(one, manifest.stage, artifact) for one in found)
        verdicts.extend(placed)
        goes_on = _without(goes_on, suite.value, placed)
        if suite.on_broken is not OnBroken.WARN:
            broken.extend(one for one in placed if _stops(one))
    return Judged(
        verdicts=tuple(verdicts),
        broken=tuple(broken),
        new=tuple(new),
        manifest=None if goes_on is manifest else goes_on,
    )


def suites_on(stage: str, plan: Plan) -> tuple[Suite, ...]:
    """The suites that speak of what this stage gives: of its own, or of a value that it is the last to give."""
    last = {name: one.name for one in plan.stages for name in one.gives}
    return tuple(suite for suite in plan.suites if (suite.stage or last.get(suite.value)) == stage)


def suite_digest(suite: Suite, parameters: Mapping[str, Json]) -> str:
    """sha256 of what the suite says with these parameters, wherever in a notebook it stands."""
    bare = replace(
        suite, span=None, expectations=tuple(replace(one, span=None) for one in suite.expectations)
    )
    return hashlib.sha256(
        json.dumps([wire.plain(bare), dict(parameters)], sort_keys=True).encode()
    ).hexdigest()


def broken_reason(broken: tuple[Verdict, ...]) -> str:
    """In one sentence what broke."""
    first = broken[0]
    column = first.expectation.arguments.get("column")
    about = f"'{first.value}'" + (f" column '{column}'" if column else "")
    more = f" (and {len(broken) - 1} more)" if len(broken) > 1 else ""
    return f"{about} breaks {first.expectation.type}{more}"


def _set_aside(
    found: tuple[Verdict, ...],
    given: Given,
    suite: Suite,
    *,
    manifest: Manifest,
    parameters: Mapping[str, Json],
    store: Store,
    judge: Judge,
) -> tuple[Verdict, ...]:
    """The verdicts, saying what was set aside where the suite asks for it; what is still stored isn't parted again."""
    failing = tuple(one for one in found if one.fails)
    if suite.on_broken is not OnBroken.QUARANTINE or not failing or not isinstance(judge, Parting):
        return found
    if not _is_table(given) or all(_is_stored(one.quarantine, store) for one in failing):
        return found
    value = Taking(manifests=(manifest,), store=store).values({"value": given})["value"]
    asked = replace(suite, expectations=tuple(one.expectation for one in failing))
    parts = judge.parted(value, asked, parameters=parameters)
    if not parts.quarantine.rows_taken:
        return found
    done = replace(
        parts.quarantine,
        kept=_stored(parts.kept, given.artifact.name, given.artifact.format, store),
        taken=_stored_rows(parts.taken, f"{given.artifact.name}.{QUARANTINE}", store),
    )
    return tuple(
        replace(one, quarantine=done) if one.fails and done.broke.get(row_name(one.expectation)) else one
        for one in found
    )


def _is_stored(quarantine: Quarantine | None, store: Store) -> bool:
    return quarantine is not None and all(
        one is not None and store.is_intact(one.digest) for one in (quarantine.kept, quarantine.taken)
    )


def _stored(value: object, name: str, form: str, store: Store) -> Artifact:
    held = format_named(form)
    digest, size = store.put(lambda path: held.write(value, path))
    shape = held.shape(value)
    kind = f"{type(value).__module__.partition('.')[0]}.{type(value).__name__}"
    return Artifact(
        name=name, digest=digest, format=form, type=kind, bytes=size, rows=shape.rows, columns=shape.columns
    )


def _stored_rows(table: Any, name: str, store: Store) -> Artifact:
    def write(path: Path) -> None:
        import pyarrow.parquet as pq

        pq.write_table(table, path, compression="zstd")

    digest, size = store.put(write)
    return Artifact(
        name=name,
        digest=digest,
        format="parquet",
        type="pandas.DataFrame",
        bytes=size,
        rows=table.num_rows,
        columns=tuple(table.column_names),
    )


def _without(manifest: Manifest, value: str, verdicts: tuple[Verdict, ...]) -> Manifest:
    """The manifest with what a suite kept in the value's place, and what it set aside beside it."""
    done = next((one.quarantine for one in verdicts if one.quarantine is not None), None)
    given = manifest.named(value)
    if done is None or done.kept is None or done.taken is None or given is None:
        return manifest
    kept = replace(
        given, artifact=replace(done.kept, type=given.artifact.type), version=given.version + 1, bundle=""
    )
    aside = Given(artifact=done.taken, origin=f"{manifest.stage}.{done.taken.name}")
    others = tuple(one for one in manifest.given if one.artifact.name != done.taken.name)
    return replace(manifest, given=(*(kept if one is given else one for one in others), aside))


def _is_table(given: Given) -> bool:
    return given.artifact.format != PICKLE and format_named(given.artifact.format).is_table


def _table(given: Given, *, manifest: Manifest, store: Store) -> object:
    if _is_table(given):
        return store.path(given.artifact.digest)
    return Taking(manifests=(manifest,), store=store).values({"value": given})["value"]


def _placed(verdict: Verdict, stage: str, artifact: Artifact) -> Verdict:
    return replace(verdict, stage=stage, digest=artifact.digest)


def _stops(verdict: Verdict) -> bool:
    return verdict.fails and (verdict.quarantine is None or verdict.quarantine.kept is None)
