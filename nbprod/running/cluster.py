"""Stages as tasks of a Dask cluster: the scheduler carries notebooks and manifests, the store carries values.

A task may run twice when its worker dies; it writes only what it gives by content, so twice is as once.
"""

from __future__ import annotations

import tempfile
import threading
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import distributed
from msgspec import Struct, field

from nbprod.artifacts.manifest import text_of
from nbprod.artifacts.once import once
from nbprod.artifacts.store import write_atomically
from nbprod.errors import NbprodError
from nbprod.running.processes import Kernels
from nbprod.running.records import installed
from nbprod.running.stage import SPILL_SUFFIX, Attempt, Outcome, attempted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from nbprod.model import Json, PlannedStage

_CELLS = "nbprod-cells"
_ANSWER_SECONDS = 30


class Parcel(Struct, frozen=True, kw_only=True):
    """Everything that a worker needs to run a stage, and nothing that must lie on its disk but the project's folder."""

    id: str
    stage: PlannedStage
    notebook: str
    manifests: Mapping[str, str]
    cwd: str
    installed: tuple[str, ...]
    parameters: Mapping[str, Json] = field(default_factory=dict)
    secrets: Mapping[str, Json] = field(default_factory=dict)
    preload: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)


class Returned(Struct, frozen=True, kw_only=True):
    """What a worker sends back."""

    outcome: Outcome
    notebook: str
    report: str
    spilled: str = ""


_UNWANTED = Outcome(seconds=0.0, reason="The run was cancelled.")


class DaskEngine:
    """Runs attempts on a cluster: the one at an address, or worker processes on this machine."""

    def __init__(self, *, address: str, workers: int) -> None:
        self._cluster: Any = None
        if not address:
            self._cluster = distributed.LocalCluster(  # type: ignore[no-untyped-call]
                n_workers=max(1, workers), threads_per_worker=1, processes=True, dashboard_address=None
            )
        try:
            self._client: Any = distributed.Client(  # type: ignore[no-untyped-call]
                address or self._cluster, timeout=_ANSWER_SECONDS, set_as_default=False
            )
        except (OSError, TimeoutError) as error:
            raise NbprodError(
                f"No Dask scheduler answers at {address}.", remedy="Check the address and that it runs."
            ) from error
        self._listeners: dict[str, Callable[[int, int], None]] = {}
        self._futures: dict[str, Any] = {}
        self._lock = threading.Lock()
        self._client.subscribe_topic(_CELLS, self._heard)  # type: ignore[no-untyped-call]

    def attempted(
        self,
        attempt: Attempt,
        *,
        on_kernel: Callable[[int], None],
        on_cell: Callable[[int, int], None],
        is_cancelled: Callable[[], bool],
    ) -> Outcome:
        """Run the stage on some worker, and bring home its notebook, its manifest and what it has read."""
        del on_kernel  # it runs on another machine; `cancel` ends it there
        parcel = _parcel(attempt)
        with self._lock:
            # Once a run is cancelled nothing is sent; what was sent before is in the list that `cancel` reads.
            if is_cancelled():
                return _UNWANTED
            self._listeners[parcel.id] = on_cell
            key = f"{attempt.stage.name}-{parcel.id}"
            future = self._futures[parcel.id] = self._client.submit(performed, parcel, key=key, pure=False)
        try:
            returned: Returned = future.result()
        except (distributed.KilledWorker, distributed.CancelledError) as error:
            return _UNWANTED if is_cancelled() else Outcome(seconds=0.0, reason=f"Its worker died: {error}")
        finally:
            with self._lock:
                self._listeners.pop(parcel.id, None)
                self._futures.pop(parcel.id, None)
        write_atomically(attempt.output, returned.notebook)
        if returned.outcome.manifest is not None:
            manifest = attempt.artifacts / f"{attempt.stage.name}.json"
            write_atomically(manifest, text_of(returned.outcome.manifest))
        if returned.spilled:
            attempt.output.with_suffix(SPILL_SUFFIX).write_text(returned.spilled, encoding="utf-8")
        if attempt.report is not None and returned.report:
            attempt.report.write_text(returned.report, encoding="utf-8")
        return returned.outcome

    def cancel(self) -> None:
        """End every stage's kernel on every worker that this engine has sent one to, and withdraw what hasn't begun.

        A stage under way comes home by itself once its kernel has ended, with its notebook.
        """
        with self._lock:
            futures = dict(self._futures)
        answers = self._client.run(end_kernels, tuple(futures), on_error="ignore")
        begun = {parcel for found in answers.values() for parcel in found}
        self._client.cancel([future for parcel, future in futures.items() if parcel not in begun], force=True)

    def close(self) -> None:
        """Leave the cluster, and end it if it was made here."""
        self._client.close()
        if self._cluster is not None:
            self._cluster.close()

    def _heard(self, event: tuple[float, Any]) -> None:
        parcel, done, cells = event[1]
        with self._lock:
            listener = self._listeners.get(parcel)
        if listener is not None:
            listener(done, cells)


def _parcel(attempt: Attempt) -> Parcel:
    givers = {need.giver for need in attempt.stage.needs}
    manifests = {
        path.name: path.read_text(encoding="utf-8")
        for path in attempt.artifacts.iterdir()
        if path.name == "store" or path.stem in givers
    }
    return Parcel(
        id=uuid.uuid4().hex,
        stage=attempt.stage,
        notebook=attempt.notebook.read_text(encoding="utf-8"),
        manifests=manifests,
        cwd=str(attempt.cwd),
        installed=installed(),
        parameters=attempt.parameters,
        secrets=attempt.secrets,
        preload=attempt.preload,
        environment=attempt.environment,
    )


# On a worker


def performed(parcel: Parcel) -> Returned:
    """Run a parcel's stage in a folder of its own on this worker.

    Raises NbprodError where this worker has other packages than the driver, or not the project's folder.
    """
    kernels = _kernels().setdefault(parcel.id, Kernels())
    try:
        # Whoever withdraws it now finds it among those begun; whoever has done so already is seen here.
        if parcel.id in _withdrawn():
            return Returned(outcome=_UNWANTED, notebook=parcel.notebook, report="")
        _demand_same_packages(parcel)
        _demand_folder(parcel)
        return _performed(parcel, kernels)
    finally:
        _kernels().pop(parcel.id, None)


def _performed(parcel: Parcel, kernels: Kernels) -> Returned:
    with tempfile.TemporaryDirectory(prefix="nbprod-task-") as name:
        folder = Path(name)
        (folder / "artifacts").mkdir()
        for file, text in parcel.manifests.items():
            (folder / "artifacts" / file).write_text(text, encoding="utf-8")
        (folder / "in.ipynb").write_text(parcel.notebook, encoding="utf-8")
        attempt = Attempt(
            stage=parcel.stage,
            notebook=folder / "in.ipynb",
            output=folder / "out.ipynb",
            cwd=Path(parcel.cwd),
            artifacts=folder / "artifacts",
            parameters=parcel.parameters,
            secrets=parcel.secrets,
            preload=parcel.preload,
            environment=parcel.environment,
            report=folder / "seen.json",
        )
        outcome = attempted(
            attempt,
            on_kernel=lambda pid: kernels.started(parcel.id, pid),
            on_cell=lambda done, cells: _tell(parcel.id, done, cells),
            is_cancelled=kernels.cancelled.is_set,
        )
        return Returned(
            outcome=outcome,
            notebook=_text(attempt.output),
            report=_text(folder / "seen.json"),
            spilled=_text(attempt.output.with_suffix(SPILL_SUFFIX)),
        )


def end_kernels(parcels: tuple[str, ...]) -> tuple[str, ...]:
    """End the kernels of these parcels, as far as they run or start on this worker, and say which those are.

    The others do nothing when they come here: they may be on their way.
    """
    _withdrawn().update(parcels)
    begun = {parcel: kernels for parcel in parcels if (kernels := _kernels().get(parcel)) is not None}
    for kernels in begun.values():
        kernels.end_all()
    return tuple(begun)


def _demand_same_packages(parcel: Parcel) -> None:
    here, there = set(installed()), set(parcel.installed)
    if here == there:
        return
    differing = sorted(here ^ there)
    raise NbprodError(
        f"A worker has other packages than the driver: {', '.join(differing[:6])}"
        + (f" and {len(differing) - 6} more." if len(differing) > 6 else "."),
        where=_worker_name(),
        remedy="Install the same lock there.",
    )


def _demand_folder(parcel: Parcel) -> None:
    if Path(parcel.cwd).is_dir():
        return
    raise NbprodError(
        "A worker does not have the notebook's folder.",
        where=f"{_worker_name()}, {parcel.cwd}",
        remedy="Put the project at the same path there (a shared disk, or the container's image).",
    )


def _worker_name() -> str:
    return str(distributed.get_worker().address)


def _tell(parcel: str, done: int, cells: int) -> None:
    distributed.get_worker().log_event(_CELLS, (parcel, done, cells))


@once
def _kernels() -> dict[str, Kernels]:
    """The kernels that run in this worker's process now, by parcel."""
    return {}


@once
def _withdrawn() -> set[str]:
    """The parcels that no worker shall begin any more."""
    return set()


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""
