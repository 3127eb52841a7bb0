"""Suites judged on what a stage gave, outside its kernel; a verdict is remembered by artifact and suite."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from nbprod import wire
from nbprod.artifacts.formats import format_named
from nbprod.artifacts.manifest import PICKLE
from nbprod.artifacts.taking import Taking
from nbprod.expectations import parameters_of
from nbprod.model import Importance, OnBroken

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nbprod.artifacts.manifest import Given, Manifest
    from nbprod.artifacts.store import Store
    from nbprod.model import Artifact, Json, Plan, Suite, Verdict
    from nbprod.running.ledger import Ledger


class Judge(Protocol):
    """What says whether a value meets a suite: a table as the path of a parquet file, anything else as itself."""

    def __call__(
        self, table: object, suite: Suite, *, stage: str, digest: str, parameters: Mapping[str, Json]
    ) -> tuple[Verdict, ...]:
        """One verdict for each expectation of the suite."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """Verdicts on what a stage gave; `new` are those that were not known before, by artifact and suite digest."""

    verdicts: tuple[Verdict, ...] = ()
    broken: tuple[Verdict, ...] = ()
    new: tuple[tuple[str, str, tuple[Verdict, ...]], ...] = ()


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
    for suite in suites_on(manifest.stage, plan):
        given = manifest.named(suite.value)
        if given is None:
            continue
        meant = {name: parameters[name] for name in sorted(parameters_of(suite)) if name in parameters}
        artifact, digest = given.artifact, suite_digest(suite, meant)
        found = ledger.verdicts(artifact.digest, digest)
        if found is None:
            table = _table(given, manifest=manifest, store=store)
            found = judge(table, suite, stage=manifest.stage, digest=artifact.digest, parameters=meant)
            new.append((artifact.digest, digest, found))
        placed = tuple(_placed(one, manifest.stage, artifact) for one in found)
        verdicts.extend(placed)
        if suite.on_broken is not OnBroken.WARN:
            broken.extend(one for one in placed if _stops(one))
    return Judged(verdicts=tuple(verdicts), broken=tuple(broken), new=tuple(new))


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


def _table(given: Given, *, manifest: Manifest, store: Store) -> object:
    if given.artifact.format != PICKLE and format_named(given.artifact.format).is_table:
        return store.path(given.artifact.digest)
    return Taking(manifests=(manifest,), store=store).values({"value": given})["value"]


def _placed(verdict: Verdict, stage: str, artifact: Artifact) -> Verdict:
    return replace(verdict, stage=stage, digest=artifact.digest)


def _stops(verdict: Verdict) -> bool:
    return not verdict.success and verdict.expectation.importance is Importance.CRITICAL
