"""One attempt at one stage: papermill runs its notebook, and what happened is told as a value."""

from __future__ import annotations

import json
import os
import sys
import time
from typing import TYPE_CHECKING, Any, Protocol

from msgspec import Struct, field

from nbprod.artifacts.manifest import read_manifest
from nbprod.errors import NbprodError, StoreError
from nbprod.model import CellFailure
from nbprod.running.backend import APPLY, VARIABLE
from nbprod.running.loading import loaded_papermill
from nbprod.running.parameters import MASK

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from nbprod.artifacts.manifest import Manifest
    from nbprod.model import Json, PlannedStage

# Beside an executed notebook: what it printed and could not hold.
SPILL_SUFFIX = ".output.txt"
_WATCH = "__import__('nbprod.artifacts.watching', fromlist=['watch']).watch()"
_REPORT = "__import__('nbprod.artifacts.watching', fromlist=['report']).report({path!r})"


class Attempt(Struct, frozen=True, kw_only=True):
    """What to run: the notebook, where its executed copy goes, in which folder and with which values.

    `report` is where the kernel says what it read and wrote.
    """

    stage: PlannedStage
    notebook: Path
    output: Path
    cwd: Path
    artifacts: Path
    parameters: Mapping[str, Json] = field(default_factory=dict)
    secrets: Mapping[str, Json] = field(default_factory=dict)
    preload: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    report: Path | None = None


class Outcome(Struct, frozen=True, kw_only=True):
    """What became of an attempt: a manifest, or a failure with its reason."""

    seconds: float
    manifest: Manifest | None = None
    failure: CellFailure | None = None
    reason: str = ""


class Engine(Protocol):
    """What runs attempts: this machine, or a cluster."""

    def attempted(
        self,
        attempt: Attempt,
        *,
        on_kernel: Callable[[int], None],
        on_cell: Callable[[int, int], None],
        is_cancelled: Callable[[], bool],
    ) -> Outcome:
        """Run the stage's notebook and say what came of it."""

    def cancel(self) -> None:
        """End what this engine runs elsewhere; kernels on this machine are ended by whoever heard of them."""

    def close(self) -> None:
        """Give back what the engine holds."""


class LocalEngine:
    """Runs attempts here."""

    def attempted(
        self,
        attempt: Attempt,
        *,
        on_kernel: Callable[[int], None],
        on_cell: Callable[[int, int], None],
        is_cancelled: Callable[[], bool],
    ) -> Outcome:
        return attempted(attempt, on_kernel=on_kernel, on_cell=on_cell, is_cancelled=is_cancelled)

    def cancel(self) -> None:
        return

    def close(self) -> None:
        return


def attempted(
    attempt: Attempt,
    *,
    on_kernel: Callable[[int], None] | None = None,
    on_cell: Callable[[int, int], None] | None = None,
    is_cancelled: Callable[[], bool] = bool,
) -> Outcome:
    """Run the stage's notebook and say what came of it; the executed notebook is kept whatever that is.

    Where `is_cancelled`, a kernel that was ended while it started is not replaced by another. Raises NbprodError where no kernel can be started.
    """
    # Papermill costs half a second to import: only where a stage has to run.
    if "papermill" not in sys.modules:
        _begin_fork_server(attempt)
    papermill = loaded_papermill()
    from jupyter_client.kernelspec import NoSuchKernel
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from papermill.exceptions import PapermillExecutionError

    from nbprod.running.engine import NAME, NbprodEngine, Wishes

    papermill.engines.papermill_engines.register(NAME, NbprodEngine)
    wishes = Wishes(
        cwd=str(attempt.cwd),
        preload=attempt.preload,
        timeout_seconds=attempt.stage.options.timeout_seconds,
        cell_timeout_seconds=attempt.stage.options.cell_timeout_seconds,
        hidden=attempt.secrets,
        watch=_WATCH if attempt.report else "",
        needed=APPLY if VARIABLE in attempt.environment else "",
        after=_REPORT.format(path=str(attempt.report)) if attempt.report else "",
        environment=attempt.environment,
        on_kernel=on_kernel,
        on_cell=on_cell,
        is_cancelled=is_cancelled,
    )
    begun = time.monotonic()

    def ended(**what: Any) -> Outcome:
        return Outcome(seconds=round(time.monotonic() - begun, 3), **what)

    masks = dict.fromkeys(attempt.secrets, MASK)
    try:
        papermill.execute_notebook(
            str(attempt.notebook),
            str(attempt.output),
            parameters={**attempt.parameters, **masks, "nbprod_folder": str(attempt.artifacts)},
            engine_name=NAME,
            progress_bar=False,
            wishes=wishes,
        )
    except PapermillExecutionError as error:
        failure = _failure(
            attempt, error=error.ename, message=error.evalue, traceback="\n".join(error.traceback)
        )
        return ended(failure=failure, reason=f"{error.ename}: {error.evalue}")
    except CellTimeoutError:
        message = _too_long(attempt, seconds=time.monotonic() - begun)
        return ended(failure=_failure(attempt, error="TimeoutError", message=message), reason=message)
    except DeadKernelError:
        message = "The kernel died: out of memory, or crashed by a library."
        return ended(failure=_failure(attempt, error="DeadKernelError", message=message), reason=message)
    except NoSuchKernel as error:
        raise NbprodError(
            f"There is no kernel '{error.name}' on this machine.",
            where=str(attempt.notebook),
            remedy="Install it, or choose another kernel for the notebook and extract again.",
        ) from error
    finally:
        _close_loop()
    try:
        return ended(manifest=read_manifest(attempt.artifacts, attempt.stage.name))
    except StoreError as error:
        return ended(reason=str(error))


def _begin_fork_server(attempt: Attempt) -> None:
    """Let the server that the kernel will be forked from load while this process loads papermill."""
    from jupyter_client.kernelspec import NoSuchKernel

    from nbprod.running.kernels import Specs
    from nbprod.running.warm import can_fork, preloadable, servers

    metadata = json.loads(attempt.notebook.read_text(encoding="utf-8")).get("metadata", {})
    try:
        spec = Specs().get_kernel_spec(metadata.get("kernelspec", {}).get("name", ""))
    except NoSuchKernel:
        return
    if can_fork(spec.argv):
        environment = {**os.environ, **attempt.environment}
        servers().server(preload=preloadable(attempt.preload), environment=environment)


def _too_long(attempt: Attempt, *, seconds: float) -> str:
    stage, cell = attempt.stage.options.timeout_seconds, attempt.stage.options.cell_timeout_seconds
    if stage is not None and (cell is None or seconds >= stage):
        return f"The stage took longer than its {stage:g} seconds."
    return f"The cell took longer than its {cell:g} seconds."


def _close_loop() -> None:
    """Close the event loop that Jupyter's client has made for this thread and would leave open."""
    import asyncio

    from jupyter_core.utils import ensure_event_loop

    loop = ensure_event_loop()
    if not loop.is_running():
        # A cell that took too long leaves the client listening for what it prints.
        listening = asyncio.all_tasks(loop)
        for task in listening:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*listening, return_exceptions=True))
        loop.close()
        asyncio.set_event_loop(None)


def _failure(attempt: Attempt, *, error: str, message: str, traceback: str = "") -> CellFailure:
    cell = _failed_cell(attempt.output)
    metadata = cell.get("metadata", {}) if cell else {}
    return CellFailure(
        cell=metadata.get("nbprod", {}).get("cell"),
        source=cell["source"] if cell else "",
        error=error,
        message=message,
        traceback=traceback,
    )


def _failed_cell(notebook: Path) -> Any:
    import nbformat

    if not notebook.exists():
        return None
    cells = nbformat.read(notebook, as_version=4).cells
    return next((cell for cell in cells if cell.metadata.get("papermill", {}).get("exception")), None)
