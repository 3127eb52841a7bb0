"""The verb: a plan run stage by stage, its record true at every moment."""

from __future__ import annotations

import queue
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from nbprod.artifacts.store import write_atomically
from nbprod.errors import NbprodError, PlanError
from nbprod.model import Kind, Record, RunEnded, RunStarted, StageEnded, StageRun, State
from nbprod.running.backend import scheme_of
from nbprod.running.budget import Budget
from nbprod.running.engines import engine_named
from nbprod.running.keeping import keep, keep_sources
from nbprod.running.parameters import masked, typed
from nbprod.running.place import Place, pinned_environment, surroundings_of
from nbprod.running.processes import Kernels
from nbprod.running.records import new_run_folder, versions_of, write_record
from nbprod.running.schedule import dependencies, selected, upstream
from nbprod.running.sources import code_of, used_modules
from nbprod.running.warm import companions
from nbprod.running.working import Worked, Workshop, fetched, worked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from nbprod.artifacts.manifest import Manifest
    from nbprod.model import Event, Plan
    from nbprod.running.judging import Judge
    from nbprod.running.stage import Engine

# A main thread that waits without end may sleep through Ctrl-C where another thread gets the signal [s].
INTERRUPT_POLL = 0.2


def run(
    plan: Plan,
    *,
    plan_folder: Path,
    root: Path,
    parameters: Mapping[str, object] | None = None,
    judge: Judge | None = None,
    on_event: Callable[[Event], None] | None = None,
    workers: int = 1,
    only: Iterable[str] = (),
    from_: str | None = None,
    until: str | None = None,
    force: bool = False,
    store: str | None = None,
    engine: str | Engine = "local",
    backend: str = "",
    kernels: Kernels | None = None,
    budget: Budget | None = None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Record:
    """Run a plan and give the record of the run; stages whose result is known already are not run again.

    A failed cell, a broken expectation and a cancelled run (Ctrl-C) are told by the record. Events are told in the
    calling thread. `force` runs the selected stages whatever is known; `engine` is `local`, `dask`,
    `dask=ADDRESS` or one that is open already; `backend` is what Ibis uses where the notebook names nothing, as in
    `[tool.nbprod]`; `kernels` lets a caller cancel from elsewhere;
    `budget` limits the memory of stages that run at once, by what they needed in earlier runs.
    Raises ParameterError and PlanError before anything is written.
    """
    values = typed(parameters or {}, plan.parameters)
    secrets = {one.name: values[one.name] for one in plan.parameters if one.secret}
    chosen = selected(plan, only=only, from_=from_, until=until)
    plan_folder = Path(plan_folder).absolute()
    working_engine = engine_named(engine, workers=workers) if isinstance(engine, str) else engine
    place = Place(root=Path(root), store_address=store)
    folder = new_run_folder(place.state, now=now())
    events: queue.SimpleQueue[Event | tuple[str, Worked | NbprodError]] = queue.SimpleQueue()
    modules, more = _modules(plan)
    shop = Workshop(
        around=surroundings_of(plan, plan_folder=plan_folder, values=values, backend=backend),
        plan_folder=plan_folder,
        folder=folder,
        store=place.store,
        ledger=place.ledger,
        judge=judge,
        secrets=secrets,
        preload=(*modules, *more),
        environment=pinned_environment(),
        kernels=kernels or Kernels(),
        engine=working_engine,
        tell=events.put,
        now=now,
    )
    write_atomically(shop.artifacts / "store", f"{place.address}\n")
    keep(shop.around, environment=shop.environment, folder=folder)
    record = Record(
        id=folder.name,
        pipeline=plan.name,
        source=plan.source,
        folder=str(folder),
        state=State.RUNNING,
        started=now().isoformat(),
        parameters=masked(values, plan.parameters),
        digests={stage.notebook: stage.digest for stage in plan.stages},
        versions={
            **versions_of(modules),
            **({"backend": scheme_of(backend)} if backend else {}),
            **shop.environment,
        },
        stages=tuple(StageRun(stage=name) for name in chosen),
    )
    running = _Running(
        shop=shop,
        events=events,
        tell=on_event or _silent,
        record=record,
        chosen=chosen,
        force=force,
        budget=budget or Budget(),
        peaks=place.ledger.peaks(plan.name) if budget else {},
        givers=dependencies(plan),
    )
    try:
        return running.to_the_end(workers=max(1, workers))
    finally:
        if isinstance(engine, str):
            working_engine.close()


class _Running(Struct, kw_only=True):
    """A run under way. Its record is the one thing here that changes."""

    shop: Workshop
    events: queue.SimpleQueue[Event | tuple[str, Worked | NbprodError]]
    tell: Callable[[Event], None]
    record: Record
    chosen: tuple[str, ...]
    force: bool
    budget: Budget
    peaks: Mapping[str, int]
    givers: Mapping[str, tuple[str, ...]]
    manifests: dict[str, Manifest] = field(default_factory=dict)
    fetched: dict[str, StageRun] = field(default_factory=dict)
    begun: float = field(default_factory=time.monotonic)

    def to_the_end(self, *, workers: int) -> Record:
        with self.shop.ledger.kept_open():
            return self._to_the_end(workers=workers)

    def _to_the_end(self, *, workers: int) -> Record:
        self._keep()
        self.tell(RunStarted(run=self.record.id, folder=self.record.folder, stages=self.chosen))
        try:
            self._fetch_earlier()
            with ThreadPoolExecutor(max_workers=workers, thread_name_prefix="stage") as pool:
                self._work_through(pool, workers)
        except BaseException:
            self._close(State.FAILED)
            raise
        return self._close(None)

    def _work_through(self, pool: ThreadPoolExecutor, workers: int) -> None:
        under_way: set[str] = set()
        while True:
            try:
                self._skip_hopeless()
                ready = self._ready(under_way)
                for name in self._affordable(ready, workers - len(under_way)):
                    under_way.add(name)
                    self._put(replace(self._stage_run(name), state=State.RUNNING))
                    pool.submit(self._work_on, name)
                if not under_way and not ready:
                    return
                if (message := self._next_event()) is not None:
                    self._hear(message, under_way)
            except KeyboardInterrupt:
                self._cancel()

    def _next_event(self) -> Event | tuple[str, Worked | NbprodError] | None:
        with suppress(queue.Empty):
            return self.events.get(timeout=INTERRUPT_POLL)
        return None

    def _affordable(self, ready: list[str], most: int) -> Iterator[str]:
        """As many of the stages that are ready as may begin now, what they need of memory set aside."""
        begun = 0
        for name in ready:
            if begun == most:
                return
            if self.budget.take(f"{self.record.id}/{name}", self.peaks.get(name)):
                begun += 1
                yield name

    def _work_on(self, name: str) -> None:
        """In a thread of the pool: whatever happens, the run hears of it."""
        stage = self.shop.around.plan.stage(name)
        given = {giver: self.manifests[giver] for giver in self._before(name) if giver in self.manifests}
        try:
            done: Worked | NbprodError = worked(stage, self.shop, given=given, force=self.force)
        except NbprodError as error:
            done = error
        except BaseException as error:
            self.events.put((name, NbprodError(f"{type(error).__name__}: {error}", where=f"stage '{name}'")))
            raise
        self.events.put((name, done))

    def _hear(self, message: Event | tuple[str, Worked | NbprodError], under_way: set[str]) -> None:
        if isinstance(message, tuple):
            self.budget.give_back(f"{self.record.id}/{message[0]}")
        match message:
            case (str(name), NbprodError() as error):
                under_way.discard(name)
                # A kernel killed while it started fails with its starter's own words.
                is_cancelled = self.shop.kernels.cancelled.is_set()
                state, reason = (
                    (State.CANCELLED, "The run was cancelled.")
                    if is_cancelled
                    else (State.FAILED, str(error))
                )
                self._end(replace(self._stage_run(name), state=state, reason=reason))
            case (str(name), Worked() as work):
                under_way.discard(name)
                self._enter(work)
            case tuple():
                raise TypeError(f"unknown message {message!r}")
            case event:
                self.tell(event)

    def _enter(self, work: Worked) -> None:
        for artifact, suite, verdicts in work.verdicts:
            self.shop.ledger.put_verdicts(artifact, suite, verdicts)
        if work.manifest is not None:
            self.manifests[work.run.stage] = work.manifest
        if work.result is not None:
            self.shop.ledger.put_stage(self.record.id, work.run, result=work.result)
        self._end(work.run, entered=work.result is not None)

    def _fetch_earlier(self) -> None:
        """Bring what the chosen stages need of stages that were not chosen, from earlier runs."""
        for name in upstream(self.shop.around.plan, self.chosen):
            given = {giver: self.manifests[giver] for giver in self._before(name) if giver in self.manifests}
            found = fetched(self.shop.around.plan.stage(name), self.shop, given=given)
            if found is None or found.manifest is None:
                raise PlanError(
                    f"Stage '{name}' must come first, and no earlier run with the same code and parameters gave it.",
                    where=self.record.pipeline,
                    remedy=f"Run with --from {name}, or the whole pipeline.",
                )
            self.manifests[name] = found.manifest
            self.fetched[name] = found.run

    def _ready(self, under_way: set[str]) -> list[str]:
        if self.shop.kernels.cancelled.is_set():
            return []
        return [
            name
            for name in self.chosen
            if self._stage_run(name).state is State.WAITING
            and name not in under_way
            and all(self._is_good(giver) for giver in self._before(name))
        ]

    def _skip_hopeless(self) -> None:
        for name in self.chosen:
            if self._stage_run(name).state is not State.WAITING:
                continue
            if self.shop.kernels.cancelled.is_set():
                self._end(StageRun(stage=name, state=State.CANCELLED, reason="The run was cancelled."))
                continue
            for giver in self._before(name):
                state = self._stage_run(giver).state
                if state in (State.FAILED, State.BROKEN, State.SKIPPED, State.CANCELLED):
                    reason = f"It needs stage '{giver}', which {_ENDS[state]}."
                    self._end(StageRun(stage=name, state=State.SKIPPED, reason=reason))
                    break

    def _cancel(self) -> None:
        self.shop.kernels.end_all()
        self.shop.engine.cancel()

    def _before(self, name: str) -> tuple[str, ...]:
        return self.givers[name]

    def _is_good(self, name: str) -> bool:
        return self._stage_run(name).state.is_good

    def _stage_run(self, name: str) -> StageRun:
        if name in self.fetched:
            return self.fetched[name]
        return next(one for one in self.record.stages if one.stage == name)

    def _put(self, stage: StageRun) -> None:
        stages = tuple(stage if one.stage == stage.stage else one for one in self.record.stages)
        self.record = replace(self.record, stages=stages)

    def _end(self, stage: StageRun, *, entered: bool = False) -> None:
        self._put(stage)
        if stage.state is not State.CACHED:
            # What was taken from an earlier run is safe already; twenty such stages shall not cost twenty syncs.
            write_record(self.record)
        if not entered:
            self.shop.ledger.put_stage(self.record.id, stage)
        self.tell(StageEnded(run=stage))

    def _keep(self) -> None:
        write_record(self.record)
        self.shop.ledger.put_run(self.record)

    def _close(self, state: State | None) -> Record:
        seconds = round(time.monotonic() - self.begun, 3)
        self.record = replace(self.record, state=state or _state_of(self.record.stages), seconds=seconds)
        shop = self.shop
        keep_sources(
            self.record.stages,
            ledger=shop.ledger,
            store=shop.store,
            cwd=shop.around.cwd,
            folder=shop.folder,
        )
        self._keep()
        self.tell(RunEnded(record=self.record))
        return self.record


_ENDS = {
    State.FAILED: "failed",
    State.BROKEN: "broke an expectation",
    State.SKIPPED: "was skipped",
    State.CANCELLED: "was cancelled",
}


def _state_of(stages: tuple[StageRun, ...]) -> State:
    states = {one.state for one in stages}
    for worst in (State.CANCELLED, State.FAILED, State.BROKEN, State.SKIPPED):
        if worst in states:
            return worst
    return State.CACHED if states == {State.CACHED} else State.DONE


def _modules(plan: Plan) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The modules that the plan's stages import and what storing models needs, and what those in use load more."""
    notebooks = [plan.files[stage.notebook] for stage in plan.stages]
    imported = {name for text in notebooks for name in code_of(text, parameters={}).modules}
    models = {"skops.io"} if any(stage.kind is Kind.TRAIN for stage in plan.stages) else set()
    return tuple(sorted(imported | models)), companions(
        {name for text in notebooks for name in used_modules(text)}
    )


def _silent(_: Event) -> None:
    return
