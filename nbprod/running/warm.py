"""Fork servers as this process has started them, and kernels asked of them."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from nbprod.artifacts.once import once
from nbprod.errors import NbprodError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

# Importing these starts no thread that a fork would lose, no JVM, no gRPC and no CUDA.
_SAFE = frozenset(
    {
        "numpy",
        "pandas",
        "scipy",
        "sklearn",
        "matplotlib",
        "seaborn",
        "pyarrow",
        "ibis",
        "duckdb",
        "statsmodels",
        "sqlglot",
        "skops",
        "cloudpickle",
        "patsy",
        "yaml",
        "PIL",
        "fsspec",
    }
)
# What the first use of a library imports besides what its name does.
_WITH = {
    "pandas": ("pyarrow.parquet", "pyarrow.pandas_compat"),
    "ibis": ("ibis.backends.duckdb", "sqlglot", "pyarrow.parquet"),
}
_SERVER = Path(__file__).with_name("forkserver.py")
_DECISIVE = ("OMP_", "OPENBLAS_", "MKL_", "PYTHON", "LD_", "DYLD_", "MPL", "MALLOC_")


class WarmError(NbprodError):
    """A fork server that cannot give a kernel; an ordinary kernel can."""


def preloadable(modules: Iterable[str]) -> tuple[str, ...]:
    """Which of these modules a fork server may load, sorted."""
    return tuple(sorted({name for name in modules if name.partition(".")[0] in _SAFE}))


def companions(modules: Iterable[str]) -> tuple[str, ...]:
    """What these libraries load besides themselves when they are put to use, sorted."""
    tops = {name.partition(".")[0] for name in modules}
    return tuple(sorted({extra for top in tops for extra in _WITH.get(top, ())}))


def can_fork(command: Sequence[str]) -> bool:
    """Whether this command starts a Python kernel that a fork of this very interpreter can replace."""
    return hasattr(os, "fork") and "ipykernel_launcher" in command and _is_this_python(command[0])


def _is_this_python(command: str) -> bool:
    if command in (
        "python",
        f"python{sys.version_info[0]}",
        f"python{sys.version_info[0]}.{sys.version_info[1]}",
    ):
        # jupyter_client puts its own interpreter in the place of these.
        return True
    path, own = Path(command), Path(sys.executable)
    return path.is_absolute() and path.parent == own.parent and path.resolve() == own.resolve()


class ForkedProcess:
    """A forked kernel with the manners of `subprocess.Popen`, as jupyter_client wants them."""

    stdin = stdout = stderr = None

    def __init__(
        self,
        server: ForkServer,
        *,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        cwd: str,
        watches: bool = False,
    ) -> None:
        self._connection = server.connected()
        request = {
            "arguments": list(arguments),
            "environment": dict(environment),
            "cwd": cwd,
            "watches": watches,
        }
        self._connection.sendall(json.dumps(request).encode() + b"\n")
        self._lines = self._connection.makefile("r", encoding="utf-8")
        answer = json.loads(self._lines.readline() or '{"refused": "the fork server has died"}')
        if "pid" not in answer:
            self._connection.close()
            raise WarmError(f"No kernel could be forked: {answer['refused']}.")
        self.pid: int = answer["pid"]
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """The exit code, or None while the kernel runs."""
        if self.returncode is None and self._has_word():
            self._take_exit_code()
        return self.returncode

    def _has_word(self) -> bool:
        """Whether the server has said, or can no longer say, how the kernel ended."""
        return bool(select.select([self._connection], [], [], 0)[0])

    def wait(self) -> int:
        """Wait for the end."""
        self._take_exit_code()
        return self.returncode if self.returncode is not None else -signal.SIGKILL

    def send_signal(self, number: int) -> None:
        """Send the kernel a signal."""
        if self.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def _take_exit_code(self) -> None:
        if self.returncode is not None:
            return
        try:
            line = self._lines.readline()
        except OSError:
            line = ""
        self.returncode = json.loads(line)["exit"] if line else -signal.SIGKILL
        self._lines.close()
        self._connection.close()


class ForkServer:
    """One fork server: a process and the socket where it listens; it loads while others do something else."""

    def __init__(self, *, preload: tuple[str, ...], environment: Mapping[str, str]) -> None:
        # A socket's path may hold about a hundred bytes: the system's folder for temporary files is short.
        self._folder = tempfile.mkdtemp(prefix="nbprod-")
        self._address = str(Path(self._folder) / "forks")
        self.process = subprocess.Popen(  # noqa: S603 - this interpreter with a module of ours
            [sys.executable, str(_SERVER), self._address, ",".join(preload)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            env=dict(environment),
            cwd="/",
            start_new_session=True,
        )
        self._is_ready = False
        self._lock = threading.Lock()

    def _await(self) -> None:
        """Wait until it has loaded and listens."""
        with self._lock:
            if not self._is_ready and (self.process.stdout is None or not self.process.stdout.readline()):
                self.end()
                raise WarmError("The fork server did not start.")
            self._is_ready = True

    def connected(self) -> socket.socket:
        """A connection to the server, once it can answer."""
        self._await()
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(self._address)
        except OSError as error:
            connection.close()
            raise WarmError(f"The fork server does not answer: {error}.") from error
        return connection

    @property
    def is_alive(self) -> bool:
        """Whether it can be asked."""
        return self.process.poll() is None

    def end(self) -> None:
        """End the server and with it the kernels forked from it."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()
        shutil.rmtree(self._folder, ignore_errors=True)


class Servers:
    """The fork servers of this process, one for each set of modules and each environment that changes imports."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, object], ForkServer] = {}
        self._lock = threading.Lock()
        atexit.register(self.end_all)

    def server(self, *, preload: tuple[str, ...], environment: Mapping[str, str]) -> ForkServer:
        """A living server with these modules."""
        decisive = tuple(
            sorted((key, value) for key, value in environment.items() if key.startswith(_DECISIVE))
        )
        # A server of this process must not outlive it in a fork of it.
        key = (os.getpid(), (preload, decisive))
        with self._lock:
            known = self._known.get(key)
            if known is None or not known.is_alive:
                if known is not None:
                    known.end()
                known = ForkServer(preload=preload, environment=environment)
                self._known[key] = known
            return known

    def end_all(self) -> None:
        """End them all."""
        with self._lock:
            for (pid, _), server in self._known.items():
                if pid == os.getpid():
                    server.end()
            self._known.clear()


@once
def servers() -> Servers:
    """This process's servers."""
    return Servers()
