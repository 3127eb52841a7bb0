"""The work on one stage, in a thread of its own: the cache, the attempts, the verdicts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from nbprod.artifacts.manifest import Manifest, manifest_path, text_of, write_manifest
from nbprod.model import CellDone, StageRun, StageStarted, State
from nbprod.running.backend import VARIABLE
from nbprod.running.cache import key_of, named_files, source_digest
from nbprod.running.judging import Judge, broken_reason, judged
from nbprod.running.ledger import Ledger, Result
from nbprod.running.looking import Found, Memory
from nbprod.running.sources import code_cells, code_of, imports_ibis
from nbprod.running.stage import Attempt, Engine, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from nbprod.artifacts.store import Store
    from nbprod.model import Event, Json, PlannedStage, Verdict
    from nbprod.running.cache import Surroundings
    from nbprod.running.processes import Kernels

_FIRST_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 60.0


class Workshop(Struct, frozen=True, kw_only=True):
    """What the work on every stage of a run needs."""

    around: Surroundings
    plan_folder: Path
    folder: Path
    store: Store
    ledger: Ledger
    judge: Judge | None
    secrets: Mapping[str, Json]
    preload: tuple[str, ...]
    environment: Mapping[str, str]
    kernels: Kernels
    engine: Engine
    tell: Callable[[Event], None]
    now: Callable[[], datetime]

    @property
    def memory(self) -> Memory:
        """What earlier runs left."""
        return Memory(around=self.around, ledger=self.ledger, store=self.store)

    @property
    def artifacts(self) -> Path:
        """Where the manifests of this run lie."""
        return self.folder / "artifacts"


class Worked(Struct, frozen=True, kw_only=True):
    """What came of a stage; what the ledger shall keep stands beside it, since only the driver writes there."""

    run: StageRun
    manifest: Manifest | None = None
    result: Result | None = None
    verdicts: tuple[tuple[str, str, tuple[Verdict, ...]], ...] = ()


def fetched(stage: PlannedStage, shop: Workshop, *, given: Mapping[str, Manifest]) -> Worked | None:
    """What an earlier run gave for the same key, if it is all there, whether or not the stage would run again."""
    found = shop.memory.found(stage, given=given, as_it_was=True)
    return _again(stage, found, shop) if isinstance(found, Found) else None


def worked(stage: PlannedStage, shop: Workshop, *, given: Mapping[str, Manifest], force: bool) -> Worked:
    """Take the stage's result from an earlier run where nothing changed, else run it; then judge what it gave."""
    found = "It was to run again whatever there was." if force else shop.memory.found(stage, given=given)
    return (
        _again(stage, found, shop) if isinstance(found, Found) else _ran(stage, shop, given=given, why=found)
    )


def _again(stage: PlannedStage, found: Found, shop: Workshop) -> Worked:
    result, manifest = found.result, found.manifest
    # The ledger holds the same: this copy need not outlast a loss of power.
    write_manifest(manifest, folder=shop.artifacts, durable=False)
    run = StageRun(
        stage=stage.name,
        state=State.CACHED,
        started=shop.now().isoformat(),
        seconds=0.0,
        notebook=result.notebook or None,
        key=result.key,
        artifacts=manifest.artifacts,
        reason=f"Nothing has changed since run {result.run}.",
    )
    return _with_verdicts(Worked(run=run, manifest=manifest), manifest, shop)


def _ran(stage: PlannedStage, shop: Workshop, *, given: Mapping[str, Manifest], why: str) -> Worked:
    started = shop.now().isoformat()
    named = named_files(stage, around=shop.around)
    outcome, number = _attempts(stage, shop)
    run = StageRun(
        stage=stage.name,
        started=started,
        seconds=outcome.seconds,
        notebook=_output(stage, shop, attempt=number).name,
        attempt=number,
        reason=why,
    )
    if shop.kernels.cancelled.is_set():
        return Worked(run=replace(run, state=State.CANCELLED, reason="The run was cancelled."))
    manifest = outcome.manifest
    if manifest is None:
        reason = outcome.reason or "The stage ended without giving anything."
        return Worked(run=replace(run, state=State.FAILED, failure=outcome.failure, reason=reason))
    seen = _report_of(stage, shop)
    reads, written = _seen(seen, stage, shop, named)
    known = shop.memory.written(stage) | written.keys()
    ingredients = shop.memory.ingredients(stage, given=given, written=known)
    result = Result(
        key=key_of(ingredients),
        pipeline=shop.around.plan.name,
        stage=stage.name,
        run=shop.folder.name,
        notebook=f"../{shop.folder.name}/{run.notebook}",
        made=started,
        manifest=text_of(manifest),
        ingredients=ingredients,
        reads=reads,
        written=written,
    )
    run = replace(
        run,
        state=State.DONE,
        key=result.key,
        artifacts=manifest.artifacts,
        peak_bytes=seen.get("peak_bytes"),
    )
    return _with_verdicts(Worked(run=run, manifest=manifest, result=result), manifest, shop)


def _attempts(stage: PlannedStage, shop: Workshop) -> tuple[Outcome, int]:
    """The first attempt that succeeds, or the last one; each keeps its notebook, with a growing pause between."""
    pause = _FIRST_PAUSE_SECONDS
    number = 0
    while True:
        number += 1
        outcome = _attempt(stage, shop, number)
        if outcome.manifest is not None or number > stage.options.retries or shop.kernels.cancelled.is_set():
            return outcome, number
        shop.kernels.cancelled.wait(pause)
        pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)


def _attempt(stage: PlannedStage, shop: Workshop, number: int) -> Outcome:
    # Papermill adds one for the parameters that it injects.
    cells = 1 + code_cells(shop.around.plan.files[stage.notebook])
    shop.tell(StageStarted(stage=stage.name, cells=cells, attempt=number))
    manifest_path(shop.artifacts, stage.name).unlink(missing_ok=True)
    attempt = Attempt(
        stage=stage,
        notebook=shop.plan_folder / stage.notebook,
        output=_output(stage, shop, attempt=number),
        cwd=shop.around.cwd,
        artifacts=shop.artifacts,
        parameters={
            name: shop.around.parameters[name] for name in stage.reads if name in shop.around.parameters
        },
        secrets={name: shop.secrets[name] for name in stage.reads if name in shop.secrets},
        preload=shop.preload,
        environment={**shop.environment, **_backend(stage, shop)},
        report=_report(stage, shop),
    )
    try:
        return shop.engine.attempted(
            attempt,
            on_kernel=lambda pid: shop.kernels.started(f"{shop.folder.name}/{stage.name}", pid),
            on_cell=lambda done, of: shop.tell(CellDone(stage=stage.name, done=done, cells=of)),
            is_cancelled=shop.kernels.cancelled.is_set,
        )
    finally:
        shop.kernels.ended(f"{shop.folder.name}/{stage.name}")


def _backend(stage: PlannedStage, shop: Workshop) -> dict[str, str]:
    """What tells the stage's kernel which database Ibis shall use; nothing where the stage has no use for one."""
    code = code_of(shop.around.plan.files[stage.notebook], parameters={})
    return {VARIABLE: shop.around.backend} if shop.around.backend and imports_ibis(code) else {}


def _with_verdicts(work: Worked, manifest: Manifest, shop: Workshop) -> Worked:
    found = judged(
        manifest,
        plan=shop.around.plan,
        parameters=shop.around.parameters,
        store=shop.store,
        ledger=shop.ledger,
        judge=shop.judge,
    )
    run = replace(work.run, verdicts=found.verdicts)
    if found.manifest is not None:
        # Rows were set aside: what goes on are the others. The ledger keeps what the stage itself gave.
        manifest = found.manifest
        write_manifest(manifest, folder=shop.artifacts)
        run = replace(run, artifacts=manifest.artifacts)
    if found.broken:
        run = replace(run, state=State.BROKEN, reason=f"{broken_reason(found.broken)}.")
    return replace(work, run=run, manifest=manifest, verdicts=found.new)


def _report_of(stage: PlannedStage, shop: Workshop) -> dict[str, Any]:
    """What the kernel says it has read and written, and how much memory it had."""
    path = _report(stage, shop)
    try:
        seen: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        # Another kernel than Python's, or one without nbprod: only what the code names is known.
        seen = {"files": [], "written": [], "network": False}
    path.unlink(missing_ok=True)
    return seen


def _seen(
    seen: Mapping[str, Any], stage: PlannedStage, shop: Workshop, named: Mapping[str, str]
) -> tuple[dict[str, str] | None, dict[str, str]]:
    """The files that the stage read, by digest (None where it read from the network), and those that it wrote."""
    after = named_files(stage, around=shop.around)
    wrote = {*seen["written"], *(name for name, digest in after.items() if named.get(name) != digest)}
    ours = str(shop.folder.parent.parent)
    written = {name: source_digest(Path(name)) for name in sorted(wrote) if not name.startswith(ours)}
    read = {name for name in seen["files"] if not name.startswith(ours)} - wrote
    files = {name: digest for name in sorted(read) if (digest := source_digest(Path(name)))}
    kept = {name: digest for name, digest in written.items() if digest}
    return (None if seen["network"] else {**files, **kept}), kept


def _output(stage: PlannedStage, shop: Workshop, *, attempt: int) -> Path:
    name = Path(stage.notebook)
    return shop.folder / (name.name if attempt == 1 else f"{name.stem}.attempt-{attempt}.ipynb")


def _report(stage: PlannedStage, shop: Workshop) -> Path:
    return shop.folder / f".{stage.name}.seen"
