"""Ending processes, with everything that they started."""

from __future__ import annotations

import contextlib
import os
import signal
import threading


def kill_group(pid: int) -> None:
    """End the process and those of its group at once, where it leads one; nothing if it is gone already."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg") and os.getpgid(pid) == pid:
            os.killpg(pid, signal.SIGKILL)
        else:
            os.kill(pid, getattr(signal, "SIGKILL", signal.SIGTERM))


class Kernels:
    """The kernels that run now, so that a cancelled run can end them."""

    def __init__(self) -> None:
        self._pids: dict[str, int] = {}
        self._lock = threading.Lock()
        self.cancelled = threading.Event()

    def started(self, stage: str, pid: int) -> None:
        with self._lock:
            self._pids[stage] = pid
        if self.cancelled.is_set():
            self.end_all()

    def ended(self, stage: str) -> None:
        with self._lock:
            self._pids.pop(stage, None)

    def end_all(self) -> None:
        self.cancelled.set()
        with self._lock:
            pids = list(self._pids.values())
        for pid in pids:
            kill_group(pid)
