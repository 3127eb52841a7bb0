"""The process that kernels are forked from: it imports once what every stage imports, then forks on request.

Run as `python forkserver.py SOCKET MODULE,MODULE`: as a script, since its package belongs to the process that asks
and costs a tenth of a second. A request is a JSON line with the kernel's
arguments, environment and working folder; the answer is a JSON line with its process id, and a second one with
its exit code when it ends. A requester that goes away takes its kernel with it, and the server ends when the
process that started it does. Linux and macOS only.

The order of things (import, freeze the garbage collector's generations, fork, start a kernel application) is that
of CPython's `multiprocessing.forkserver`.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import itertools
import json
import os
import selectors
import signal
import socket
import sys
import threading
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Iterator

# A stage is never debugged; loading the debugger costs a third of a second a kernel.
_NEVER = ("debugpy",)
_KERNEL_MODULES = (
    "ipykernel.kernelapp",
    "ipykernel.zmqshell",
    "ipykernel.debugger",
    "IPython.core.completer",
    "IPython.core.completerlib",
    "IPython.core.debugger",
    "IPython.core.logger",
    "IPython.core.magics",
    "IPython.core.oinspect",
    "IPython.extensions.storemagic",
    "sqlite3",
    "tornado.locks",
    "tornado.platform.asyncio",
    "tornado.queues",
    "zmq.eventloop.zmqstream",
    "nbprod.artifacts.boundary",
    "nbprod.artifacts.giving",
    "nbprod.artifacts.taking",
    "nbprod.artifacts.watching",
)
_SECONDS_BETWEEN_LOOKS = 1.0


class Server:
    """Listens, forks, and reports ends. One thread only: forking a process with several is unsafe."""

    def __init__(self, address: str) -> None:
        self._listener = socket.socket(socket.AF_UNIX)
        mask = os.umask(0o177)
        self._listener.bind(address)
        os.umask(mask)
        self._listener.listen(64)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._woken, self._waker = socket.socketpair()
        self._woken.setblocking(False)
        self._waker.setblocking(False)
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._requesters: dict[int, socket.socket] = {}
        self._modules = _Modules()

    def serve(self) -> None:
        """Fork kernels until the process that started this one is gone."""
        signal.signal(signal.SIGCHLD, lambda *_: None)
        # A signal that arrives between two system calls must still end the wait.
        signal.set_wakeup_fd(self._waker.fileno())
        parent = os.getppid()
        while os.getppid() == parent:
            for key, _ in self._selector.select(_SECONDS_BETWEEN_LOOKS):
                self._attend(key.fileobj)
            self._reap()
        for pid in list(self._requesters):
            _kill(pid)

    def _attend(self, ready: Any) -> None:
        if ready is self._listener:
            self._accept()
        elif ready is self._woken:
            with contextlib.suppress(BlockingIOError):
                self._woken.recv(4096)
        else:
            self._hear(ready)

    def _accept(self) -> None:
        connection, _ = self._listener.accept()
        with connection.makefile("r", encoding="utf-8") as lines:
            line = lines.readline()
        if not line:
            connection.close()
            return
        if threading.active_count() > 1:
            _send(connection, {"refused": "a preloaded module has started a thread"})
            connection.close()
            return
        pid = os.fork()
        if pid == 0:
            self._become_kernel(json.loads(line), connection)
        self._requesters[pid] = connection
        self._selector.register(connection, selectors.EVENT_READ)
        _send(connection, {"pid": pid})

    def _hear(self, connection: socket.socket) -> None:
        """A requester says nothing more: if there is something to read, it has gone away."""
        with contextlib.suppress(OSError):
            if connection.recv(1):
                return
        self._selector.unregister(connection)
        pid = next(pid for pid, one in self._requesters.items() if one is connection)
        connection.close()
        _kill(pid)

    def _reap(self) -> None:
        while self._requesters:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            connection = self._requesters.pop(pid, None)
            if connection is None or connection.fileno() < 0:
                continue
            self._selector.unregister(connection)
            _send(connection, {"exit": os.waitstatus_to_exitcode(status)})
            connection.close()

    def _become_kernel(self, request: dict[str, Any], connection: socket.socket) -> NoReturn:
        code = 1
        try:
            os.setsid()
            signal.set_wakeup_fd(-1)
            for number in (signal.SIGCHLD, signal.SIGTERM):
                signal.signal(number, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            self._selector.close()
            for one in (*self._requesters.values(), connection, self._listener, self._woken, self._waker):
                one.close()
            _run_kernel(request, self._modules)
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0
        except BaseException:  # noqa: BLE001 - the child must never return into the server's loop
            import traceback

            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)


def _run_kernel(request: dict[str, Any], modules: _Modules) -> None:
    os.environ.clear()
    os.environ.update(request["environment"])
    os.environ["JPY_PARENT_PID"] = str(os.getppid())
    os.chdir(request["cwd"])
    sys.argv = ["ipykernel_launcher", *request["arguments"]]
    time.tzset()
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    _part_from_siblings()
    # What was loaded before the fork stays frozen: looking through it would copy its pages to every kernel.
    gc.enable()
    from ipykernel.kernelapp import IPKernelApp

    IPKernelApp.clear_instance()
    # ipykernel reads the parent's id when it is imported, and ends when the parent does.
    application: Any = IPKernelApp.instance(parent_handle=os.getppid())
    with _sparing(modules):
        application.initialize(request["arguments"])
    if request["watches"]:
        # Now costs nothing; a message that asks for it costs a hundredth of a second.
        from nbprod.artifacts import watching

        watching.watch()
    application.start()


class _OtherModules:
    """`sys` as it is, but for its table of modules."""

    def __init__(self, modules: Mapping[str, object]) -> None:
        vars(self)["modules"] = modules

    def __getattr__(self, name: str) -> Any:
        return getattr(sys, name)

    def __setattr__(self, name: str, value: object) -> None:
        setattr(sys, name, value)


class _Modules(Mapping[str, object]):
    """The table of modules, their names told by copies that lie side by side.

    A look at each of the names themselves, which lie where their modules do, would copy a page of memory for most.
    """

    def __init__(self) -> None:
        self._names = {name.encode().decode(): None for name in sys.modules}

    def __iter__(self) -> Iterator[str]:
        # Modules stand in the order in which they were loaded.
        new = itertools.takewhile(lambda name: name not in self._names, reversed(sys.modules))
        return itertools.chain(self._names, new)

    def __len__(self) -> int:
        return len(sys.modules)

    def __getitem__(self, name: str) -> object:
        return sys.modules[name]


@contextlib.contextmanager
def _sparing(modules: _Modules) -> Iterator[None]:
    """Keeps ipykernel and IPython from looking at every module, which would copy a third of the pages copied.

    The one asks each for its file, for a debugger that isn't there; the other notes their names.
    """
    ipkernel: Any = importlib.import_module("ipykernel.ipkernel")
    shellapp: Any = importlib.import_module("IPython.core.shellapp")
    ipkernel.sys, shellapp.sys = _OtherModules({}), _OtherModules(modules)
    try:
        yield
    finally:
        ipkernel.sys = shellapp.sys = sys


def _part_from_siblings() -> None:
    """What a fork would share with its siblings and a fresh process would not: generators and the start's record.

    Python reseeds its own `random` after a fork, NumPy doesn't.
    """
    numpy = sys.modules.get("numpy")
    if numpy is not None and "numpy.random" in sys.modules:
        numpy.random.seed()
    from nbprod.artifacts import hidden_state

    hidden_state.begin_here()


def _load(modules: list[str]) -> dict[str, str]:
    for name in _NEVER:
        sys.modules[name] = None  # type: ignore[assignment] # how Python itself marks what may not be imported
    failed = {}
    for name in (*_KERNEL_MODULES, *modules):
        try:
            importlib.import_module(name)
        except Exception as error:  # noqa: BLE001 - a module that cannot be preloaded fails in its own stage, or not
            failed[name] = f"{type(error).__name__}: {error}"
    _settle_classes()
    return failed


def _settle_classes() -> None:
    """Have done what the first socket of each kernel would do to the classes it is made of.

    zmq looks for annotations at each of them. A class that has none is given an empty table by that, whereupon Python
    forgets what it knows of it and of all its subclasses; those of `typing.Generic` fill hundreds of pages.
    """
    zmq: Any = importlib.import_module("zmq")
    for one in (*zmq.Socket.mro(), *zmq.Context.mro()):
        getattr(one, "__annotations__", None)


def _send(connection: socket.socket, message: dict[str, Any]) -> None:
    with contextlib.suppress(OSError):
        connection.sendall(json.dumps(message).encode() + b"\n")


def _kill(pid: int) -> None:
    with contextlib.suppress(OSError):
        os.killpg(pid, signal.SIGKILL)


def main() -> None:
    """Load, say so, serve."""
    address, modules = sys.argv[1:]
    # IPython puts a kernel's own folder on its path; the server's, and that of this script, must not stand there.
    if not sys.flags.safe_path:
        del sys.path[0]
    sys.path[:] = [path for path in sys.path if path not in ("", os.sep)]
    # What a kernel sets for itself comes too late for a matplotlib that is loaded already.
    os.environ.setdefault("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    # Nearly all that is made while loading stays: looking for what could go costs a tenth of it.
    gc.disable()
    failed = _load([name for name in modules.split(",") if name])
    server = Server(address)
    gc.freeze()
    sys.stdout.write(json.dumps({"ready": True, "failed": failed}) + "\n")
    sys.stdout.flush()
    # Nobody reads the pipe from here on: a kernel that writes to it would fill it and wait for ever.
    os.dup2(2, 1)
    server.serve()


if __name__ == "__main__":
    main()
