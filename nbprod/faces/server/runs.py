"""The runs that the server follows: one at a time, each in a process of its own that outlives the browser's page."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import tempfile
import uuid
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field
from msgspec.structs import replace

from nbprod import api, wire
from nbprod.faces.server.processes import lines_of, said_last
from nbprod.model import Record, StageRun, State

if TYPE_CHECKING:
    from asyncio import StreamReader
    from asyncio.subprocess import Process
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from nbprod.model import Json

PATIENCE_SECONDS = 10.0
LINE_LIMIT_BYTES = 64 * 2**20


class StageProgress(Struct, frozen=True, kw_only=True):
    """Where a stage stands: `cell` of its `cells` code cells have run."""

    stage: str
    state: State = State.WAITING
    cell: int = 0
    cells: int = 0
    seconds: float | None = None


class Order(Struct, frozen=True, kw_only=True):
    """What a run is asked to do."""

    parameters: Mapping[str, Json] = field(default_factory=dict)
    from_stage: str = ""
    is_forced: bool = False

    def options(self, parameters_file: str) -> list[str]:
        """The same in the words of `nbprod run`."""
        options = [f"--parameters-file={parameters_file}"] if self.parameters else []
        options += [f"--from={self.from_stage}"] if self.from_stage else []
        return [*options, "--force"] if self.is_forced else options


class Progress(Struct, frozen=True, kw_only=True):
    """A run as it is followed. `id` is the server's own, `record_id` that of its record once there is one.

    `turn` counts the states that it has been in; it `is_settled` once its process is gone, which after the record is
    written may still tell others of it.
    """

    id: str
    path: str
    state: State
    started: str
    stages: tuple[StageProgress, ...] = ()
    error: str = ""
    record_id: str = ""
    record: Record | None = None
    turn: int = 0
    is_settled: bool = False

    @property
    def so_far(self) -> Record:
        """Its record, or what a record would say by now."""
        return self.record or Record(
            id=self.id,
            pipeline="",
            source=self.path,
            folder="",
            state=self.state,
            started=self.started,
            stages=tuple(
                StageRun(stage=one.stage, state=one.state, seconds=one.seconds) for one in self.stages
            ),
        )


def progress_of(record: Record, *, path: str) -> Progress:
    """A run that has ended, from what it left."""
    return Progress(
        id=record.id,
        path=path,
        state=record.state,
        started=record.started,
        stages=tuple(
            StageProgress(stage=run.stage, state=run.state, seconds=run.seconds) for run in record.stages
        ),
        record_id=record.id,
        record=record,
        is_settled=True,
    )


class Runs:
    """Queue, processes and what is known of each run; `tell` hears of every run that begins."""

    def __init__(self, *, tell: Callable[[Progress], None]) -> None:
        self._tell = tell
        self._known: dict[str, Progress] = {}
        self._processes: dict[str, Process] = {}
        self._interrupted: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._turn = asyncio.Lock()
        self._moved = asyncio.Event()

    def known(self, run_id: str) -> Progress | None:
        """The run of that id, the server's or the record's."""
        found = self._known.get(run_id)
        return found or next(
            (one for one in self._known.values() if one.record and one.record.id == run_id), None
        )

    def of(self, path: str) -> tuple[Progress, ...]:
        """The runs of a notebook that this server started, the latest first."""
        return tuple(one for one in reversed(self._known.values()) if one.path == path)

    def start(self, path: str, notebook: Path, order: Order) -> Progress:
        """Queue a run of a notebook; its state can be followed from here on."""
        run = Progress(
            id=uuid.uuid4().hex[:12], path=path, state=State.WAITING, started=datetime.now(UTC).isoformat()
        )
        self._keep(run)
        run = self._known[run.id]
        self._tell(run)
        task = asyncio.get_running_loop().create_task(self._go(run.id, notebook, order))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return run

    async def after(self, run_id: str, turn: int, *, patience_seconds: float) -> Progress | None:
        """The run once it is past that turn; None if nothing changes for so long."""
        deadline = asyncio.get_running_loop().time() + patience_seconds
        while (run := self._known[run_id]).turn <= turn:
            left = deadline - asyncio.get_running_loop().time()
            try:
                await asyncio.wait_for(self._moved.wait(), left)
            except TimeoutError:
                return None
        return run

    async def cancel(self, run_id: str) -> Progress:
        """Interrupt a run, and kill it should it not end by itself; a queued one is taken from the queue."""
        run = self._known[run_id]
        process = self._processes.get(run_id)
        if process is None:
            if run.state is State.WAITING:
                self._keep(replace(run, state=State.CANCELLED, is_settled=True))
            return self._known[run_id]
        self._interrupted.add(run_id)
        process.send_signal(signal.SIGINT)
        try:
            await asyncio.wait_for(process.wait(), PATIENCE_SECONDS)
        except TimeoutError:
            os.killpg(process.pid, signal.SIGKILL)
        return self._known[run_id]

    async def stop(self) -> None:
        """Interrupt what runs: the server goes down."""
        for run_id in list(self._processes):
            await self.cancel(run_id)

    async def _go(self, run_id: str, notebook: Path, order: Order) -> None:
        async with self._turn:
            if self._known[run_id].state is not State.WAITING:
                return
            # On a command line, every process of the machine could read a secret.
            with parameters_file(order.parameters) as file:
                process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-m", "nbprod", "run", str(notebook), "--events", *order.options(file)),
                    stdout=asyncio.subprocess.PIPE,
                    stderr=asyncio.subprocess.PIPE,
                    limit=LINE_LIMIT_BYTES,
                    start_new_session=True,
                )
                self._processes[run_id] = process
                if self._known[run_id].state is State.WAITING:
                    self._keep(replace(self._known[run_id], state=State.RUNNING))
                else:
                    # Cancelled while its process was being made.
                    process.kill()
                try:
                    said, _ = await asyncio.gather(
                        said_last(process.stderr), self._follow(run_id, process.stdout)
                    )
                    await process.wait()
                finally:
                    del self._processes[run_id]
            self._end(run_id, process.returncode or 0, said)
            self._interrupted.discard(run_id)

    async def _follow(self, run_id: str, lines: StreamReader | None) -> None:
        async for line in lines_of(lines):
            self._keep(moved_on(self._known[run_id], json.loads(line)))

    def _end(self, run_id: str, exit_code: int, said: str) -> None:
        run = self._known[run_id]
        if run.state not in (State.RUNNING, State.WAITING):
            self._keep(replace(run, is_settled=True))
            return
        # Python that is interrupted before it has loaded its own modules leaves with 1 and a traceback.
        was_cancelled = run_id in self._interrupted or exit_code in (-signal.SIGINT, -signal.SIGKILL, 130)
        state = State.CANCELLED if was_cancelled else State.FAILED
        stages = tuple(
            replace(one, state=state if one.state is State.RUNNING else State.SKIPPED)
            if one.state in (State.RUNNING, State.WAITING)
            else one
            for one in run.stages
        )
        error = "" if was_cancelled else said or f"The run ended with exit code {exit_code}."
        self._keep(replace(run, state=state, stages=stages, error=error, is_settled=True))

    def _keep(self, run: Progress) -> None:
        before = self._known.get(run.id)
        self._known[run.id] = replace(run, turn=before.turn + 1 if before else 1)
        # Who waits on it wakes; who comes later waits for the next.
        self._moved.set()
        self._moved = asyncio.Event()


def moved_on(run: Progress, event: dict[str, Any]) -> Progress:
    """The run after an event, as `nbprod.model.Event` goes over the wire."""
    match event["kind"]:
        case "run started":
            stages = tuple(StageProgress(stage=name) for name in event["stages"])
            return replace(run, stages=stages, record_id=event["run"])
        case "stage started":
            return _with_stage(run, event["stage"], state=State.RUNNING, cell=0, cells=event["cells"])
        case "cell done":
            return _with_stage(run, event["stage"], cell=event["done"], cells=event["cells"])
        case "stage ended":
            ended = event["run"]
            return _with_stage(run, ended["stage"], state=State(ended["state"]), seconds=ended["seconds"])
        case "run ended":
            record = wire.noun(Record, event["record"], where="run event")
            ended = progress_of(record, path=run.path)
            return replace(ended, id=run.id, started=run.started, turn=run.turn, is_settled=False)
        case _:
            return run


@contextmanager
def parameters_file(parameters: Mapping[str, Json]) -> Iterator[str]:
    """The name of a file that holds the parameters and that only this user can read, while it is wanted."""
    handle, name = tempfile.mkstemp(prefix="nbprod-", suffix=".json")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(parameters, file)
        yield name
    finally:
        os.unlink(name)  # noqa: PTH108 - mkstemp gives a name


def _with_stage(run: Progress, name: str, **changes: Any) -> Progress:
    return replace(
        run, stages=tuple(replace(one, **changes) if one.stage == name else one for one in run.stages)
    )


def earlier_runs(notebook: Path, *, path: str) -> tuple[Progress, ...]:
    """The runs of a notebook that stand in its project's records, the latest first."""
    records = api.records(api.root_of(notebook))
    return tuple(progress_of(one, path=path) for one in records if one.pipeline == notebook.stem)
