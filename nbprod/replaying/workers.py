"""The worker process as its parent sees it: started when first asked, started again after it fell silent."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from threading import Timer
from typing import IO, TYPE_CHECKING, Self

from msgspec import Struct

from nbprod.replaying.worker import Load, Outcome, Run, received, send

if TYPE_CHECKING:
    from nbprod.replaying.withhold import Probe

_PATIENCE_SECONDS = 30.0
_ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "POLARS_MAX_THREADS": "1",
    "MPLBACKEND": "Agg",
}


class Worker(Struct):
    """A context that holds one worker process; several replays may share it, one after the other."""

    _process: subprocess.Popen[bytes] | None = None
    _load: Load | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    def load(self, load: Load) -> None:
        """Hand over a stage and its inputs for the runs that follow."""
        self._load = load
        try:
            send(self._started(), load)
        except BrokenPipeError:
            self.stop()  # it died while nothing was asked of it; a run starts another

    def run(self, probe: Probe, *, timeout_seconds: float, with_rows: bool = False) -> Outcome:
        """One run of the loaded stage."""
        try:
            if self._process is None and self._load is not None:
                send(self._started(), self._load)
            send(self._started(), Run(probe=probe, timeout_seconds=timeout_seconds, with_rows=with_rows))
            outcome = self._answer(timeout_seconds)
        except BrokenPipeError:
            outcome = None
        if outcome is None or not hasattr(os, "fork"):
            # without a fork a run leaves its traces in the process
            self.stop()
        if outcome is None:
            return Outcome(outputs={}, error="the worker process ended or fell silent")
        return outcome

    def stop(self) -> None:
        """End the worker process."""
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with suppress(BrokenPipeError):  # what was never read needs no reader any more
                    stream.close()
        self._process = None

    def _started(self) -> IO[bytes]:
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "nbprod.replaying"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env={**os.environ, **_ONE_THREAD, "PYTHONHASHSEED": "0"},
            )
        if self._process.stdin is None:  # pragma: no cover - asked for above
            raise BrokenPipeError
        return self._process.stdin

    def _answer(self, timeout_seconds: float) -> Outcome | None:
        """The worker's answer, or None if it dies or says nothing well past the run's own limit."""
        process = self._process
        if process is None or process.stdout is None:  # pragma: no cover - started by the caller
            return None
        watch = Timer(timeout_seconds + _PATIENCE_SECONDS, process.kill)
        watch.start()
        try:
            answer = received(process.stdout)
        finally:
            watch.cancel()
        return answer if isinstance(answer, Outcome) else None
