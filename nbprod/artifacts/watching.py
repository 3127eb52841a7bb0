"""Seeing, inside a stage's kernel, which files its code reads and whether it speaks to the network."""

from __future__ import annotations

import json
import os
import sys
import sysconfig
from pathlib import Path
from typing import Any

_SYSTEM = ("/proc/", "/sys/", "/dev/", "/etc/", "/usr/", "/lib/", "/run/")
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT


def watch() -> None:
    """Begin to note what is read. Lasts as long as the process: Python has no way to take an audit hook back."""
    sys.addaudithook(_watcher)


def report(path: str) -> None:
    """Write what was seen: files read, and whether an address outside this machine was called."""
    seen = {
        "files": sorted(_watcher.files - _watcher.written),
        "written": sorted(_watcher.written),
        "network": _watcher.network,
        "peak_bytes": _peak_bytes(),
    }
    Path(path).write_text(json.dumps(seen), encoding="utf-8")


def _peak_bytes() -> int | None:
    """The most memory that this process had at once; None where the system doesn't say."""
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Linux counts in kibibytes, macOS in bytes.
    return peak if sys.platform == "darwin" else peak * 1024


class _Watcher:
    """An audit hook: called for each of the interpreter's events, so it does little for most."""

    def __init__(self) -> None:
        self.files: set[str] = set()
        self.written: set[str] = set()
        self.network = False
        paths = {sys.prefix, sys.base_prefix, *sysconfig.get_paths().values()}
        self._installed = tuple(f"{path}{os.sep}" for path in paths) + _SYSTEM
        self._home = (
            str(Path.home() / ".ipython"),
            str(Path.home() / ".cache"),
            str(Path.home() / ".config"),
        )

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            self._opened(*arguments)
        elif event == "socket.connect":
            self.network = self.network or not (_is_local(arguments[1]) or _is_for_the_store())

    def _opened(self, path: object, mode: object, flags: object) -> None:
        if not isinstance(path, str | bytes | os.PathLike):
            return
        name = os.path.abspath(os.fsdecode(path))  # noqa: PTH100 - resolving would itself open things
        if name.startswith((*self._installed, *self._home)) or name.endswith((".py", ".pyc", ".so")):
            return
        writes = (isinstance(flags, int) and flags & _WRITES) or (
            isinstance(mode, str) and set(mode) & set("wax+")
        )
        (self.written if writes else self.files).add(name)


def _is_local(address: object) -> bool:
    if not isinstance(address, tuple):
        return True
    return str(address[0]) in ("127.0.0.1", "0.0.0.0", "::1", "localhost", "")  # noqa: S104 - compared, not bound


def _is_for_the_store() -> bool:
    remote = sys.modules.get("nbprod.artifacts.remote")
    return remote is not None and remote.own_traffic.depth > 0


_watcher = _Watcher()
