"""Ending processes, with everything that they started."""

from __future__ import annotations

import contextlib
import os
import signal


def kill_group(pid: int) -> None:
    """End the process and those of its group at once, where it leads one; nothing if it is gone already."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg") and os.getpgid(pid) == pid:
            os.killpg(pid, signal.SIGKILL)
        else:
            os.kill(pid, getattr(signal, "SIGKILL", signal.SIGTERM))
