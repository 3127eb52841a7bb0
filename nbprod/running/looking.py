"""Looking for a stage's result among those of earlier runs, and saying why none serves."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from nbprod.artifacts.manifest import manifest_from
from nbprod.errors import StoreError
from nbprod.running.cache import changes, ingredients_of, key_of, source_digest, unchanged
from nbprod.running.parameters import typed
from nbprod.running.place import Place, surroundings_of
from nbprod.running.schedule import dependencies, selected, upstream

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from nbprod.artifacts.manifest import Manifest
    from nbprod.artifacts.store import Store
    from nbprod.model import Plan, PlannedStage
    from nbprod.running.cache import Surroundings
    from nbprod.running.ledger import Ledger, Result


class Found(Struct, frozen=True, kw_only=True):
    """An earlier result with its manifest, all of whose objects are in the store."""

    result: Result
    manifest: Manifest


class Why(Struct, frozen=True, kw_only=True):
    """Whether a stage would run now, and each reason in words."""

    stage: str
    would_run: bool
    reasons: tuple[str, ...]


class Memory(Struct, frozen=True, kw_only=True):
    """What earlier runs left: their results and the store with what they gave."""

    around: Surroundings
    ledger: Ledger
    store: Store

    def found(
        self, stage: PlannedStage, *, given: Mapping[str, Manifest], as_it_was: bool = False
    ) -> Found | str:
        """A result that serves in place of running the stage, or why there is none.

        `as_it_was` takes what the stage gave for this code and these values even if files that it read have
        changed since, or the network may have.
        """
        now = self.ingredients(stage, given=given, written=self.written(stage))
        result = self.ledger.result(key_of(now))
        if result is None:
            return self._what_changed(stage, now)
        if not as_it_was:
            if result.reads is None:
                return "It reads from the network, where nothing tells whether something changed."
            if not unchanged(result.reads):
                return f"file {self._moved(result)} changed."
        manifest = self._intact(result)
        return (
            "What it gave is missing from the store or damaged."
            if manifest is None
            else Found(result=result, manifest=manifest)
        )

    def ingredients(
        self, stage: PlannedStage, *, given: Mapping[str, Manifest], written: frozenset[str]
    ) -> dict[str, str]:
        """What the stage's key is made of; files that it is known to write are none of it."""
        return ingredients_of(stage, around=self.around, given=given, written=written)

    def written(self, stage: PlannedStage) -> frozenset[str]:
        """The files that the stage wrote in earlier runs."""
        return self.ledger.written(self.around.plan.name, stage.name)

    def _what_changed(self, stage: PlannedStage, now: Mapping[str, str]) -> str:
        last = self.ledger.last_result(self.around.plan.name, stage.name)
        if last is None:
            return "It has not run before."
        changed = changes(last.ingredients, now)
        return f"{'; '.join(changed)}." if changed else "Its last result has been removed."

    def _moved(self, result: Result) -> str:
        for name, digest in (result.reads or {}).items():
            path = Path(name)
            if source_digest(path) != digest:
                return (
                    str(path.relative_to(self.around.cwd)) if path.is_relative_to(self.around.cwd) else name
                )
        return ""

    def _intact(self, result: Result) -> Manifest | None:
        try:
            manifest = manifest_from(result.manifest, where=str(self.ledger.path))
        except StoreError:
            return None
        return manifest if all(self.store.is_intact(one) for one in set(manifest.digests())) else None


def why(
    plan: Plan,
    stage: str,
    *,
    plan_folder: Path,
    root: Path,
    parameters: Mapping[str, object] | None = None,
    store: str | None = None,
) -> Why:
    """Whether the stage would run now and why, its givers looked at first; nothing runs.

    Raises PlanError for a stage that the plan doesn't have.
    """
    (found,) = whys(
        plan, stages=[stage], plan_folder=plan_folder, root=root, parameters=parameters, store=store
    )
    return found


def whys(
    plan: Plan,
    *,
    stages: Iterable[str] = (),
    plan_folder: Path,
    root: Path,
    parameters: Mapping[str, object] | None = None,
    store: str | None = None,
    backend: str = "",
) -> tuple[Why, ...]:
    """The same for several stages, or for all where none is named, in the plan's order."""
    asked = selected(plan, only=stages)
    place = Place(root=Path(root), store_address=store)
    values = typed(parameters or {}, plan.parameters)
    around = surroundings_of(plan, plan_folder=Path(plan_folder).absolute(), values=values, backend=backend)
    memory = Memory(around=around, ledger=place.ledger, store=place.store)
    looked = {*asked, *upstream(plan, asked)}
    running = _would_run(plan, memory, [one.name for one in plan.stages if one.name in looked])
    return tuple(
        Why(stage=name, would_run=True, reasons=tuple(running[name].rstrip(".").split("; ")))
        if name in running
        else Why(stage=name, would_run=False, reasons=("Nothing has changed since it last ran.",))
        for name in asked
    )


def _would_run(plan: Plan, memory: Memory, names: Iterable[str]) -> dict[str, str]:
    """The stages among these that would run, each with its reason; givers stand before those that take."""
    before = dependencies(plan)
    manifests: dict[str, Manifest] = {}
    running: dict[str, str] = {}
    for name in names:
        stale = [giver for giver in before[name] if giver in running]
        if stale:
            running[name] = "; ".join(
                f"stage {giver} would run: {running[giver].rstrip('.')}" for giver in stale
            )
            continue
        found = memory.found(plan.stage(name), given={one: manifests[one] for one in before[name]})
        if isinstance(found, Found):
            manifests[name] = found.manifest
        else:
            running[name] = found
    return running
