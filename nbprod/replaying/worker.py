"""The process that runs stages: started fresh, it loads libraries once and forks for each run.

Run as `python -m nbprod.replaying`. It reads requests from its standard input and writes answers to its
standard output, each a pickle behind its length in eight bytes: `Load` (no answer), `Run` (an `Outcome`).
A fork starts with nothing but imported modules, so no run sees what another has done, and none a library's threads.
"""

from __future__ import annotations

import ast
import contextlib
import importlib
import os
import pickle
import random
import select
import shutil
import signal
import sys
import tempfile
import time
import traceback
import types
import warnings
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from msgspec import Struct

from nbprod.replaying.known import knowledge_of
from nbprod.replaying.sandbox import STAGE, ForbiddenError, Sandbox
from nbprod.replaying.tables import (
    ROW,
    Family,
    Packed,
    copied,
    packed,
    reassembled,
    snapshot,
    unpacked,
    with_column,
)
from nbprod.replaying.withhold import Probe, probed, rows_left
from nbprod.trees import module_tree_if_any

if TYPE_CHECKING:
    from nbprod.replaying.known import Timetable
    from nbprod.replaying.report import Chunk, Declarations
    from nbprod.replaying.tables import Snapshot

_LIBRARIES = frozenset(
    [
        "numpy",
        "pandas",
        "polars",
        "pyarrow",
        "duckdb",
        "ibis",
        "sklearn",
        "scipy",
        "statsmodels",
        "lightgbm",
        "xgboost",
        "imblearn",
        "math",
        "datetime",
        "re",
        "itertools",
        "functools",
        "collections",
        "statistics",
        "joblib",
        "matplotlib",
    ]
)
_MODULES = {
    Family.POLARS: "polars",
    Family.COLUMN: "polars",
    Family.LAZY: "polars",
    Family.IBIS: "ibis",
    Family.RELATION: "duckdb",
}
_LENGTH_BYTES = 8


class Load(Struct, frozen=True, kw_only=True):
    """A stage and its inputs, kept for the runs to come. `outputs` are the names to look at; none means all."""

    chunks: tuple[Chunk, ...]
    inputs: dict[str, Packed]
    timetable: Timetable
    declarations: Declarations
    outputs: tuple[str, ...]
    folder: str
    seed: int


class Run(Struct, frozen=True, kw_only=True):
    """One run of the stage that was loaded; `with_rows` lets a hidden row number ride along."""

    probe: Probe
    timeout_seconds: float
    with_rows: bool = False


class Outcome(Struct, frozen=True, kw_only=True):
    """What a run gave, or the one sentence that says why it gave nothing."""

    outputs: dict[str, Snapshot]
    error: str = ""
    notes: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()


def main() -> None:
    """Serve requests until standard input closes."""
    # the stage's own prints must not mix with the answers
    answers = os.fdopen(os.dup(1), "wb")
    requests = os.fdopen(os.dup(0), "rb")
    silent = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(silent, stream)
    load: Load | None = None
    while (request := received(requests)) is not None:
        if isinstance(request, Load):
            load = request
            _import_what(load)
        elif isinstance(request, Run) and load is not None:
            send(answers, _forked(load, request))


def send(stream: IO[bytes], message: object) -> None:
    """Write one message."""
    _send_bytes(stream, pickle.dumps(message))


def received(stream: IO[bytes]) -> Any:
    """The next message, or None when the other side is gone."""
    head = stream.read(_LENGTH_BYTES)
    if len(head) < _LENGTH_BYTES:
        return None
    body = stream.read(int.from_bytes(head))
    return pickle.loads(body)  # noqa: S301 - from the process at the other end of our own pipe


def _send_bytes(stream: IO[bytes], body: bytes) -> None:
    stream.write(len(body).to_bytes(_LENGTH_BYTES))
    stream.write(body)
    stream.flush()


def _import_what(load: Load) -> None:
    """Import what the stage will, so that its runs need not: only libraries that start no threads by it."""
    if load.folder not in sys.path:
        sys.path.insert(0, load.folder)
    for name in sorted(_modules_of(load)):
        if name.partition(".")[0] in _LIBRARIES:
            _try_import(name)


def _modules_of(load: Load) -> set[str]:
    """The modules that a stage names or that its inputs come from."""
    names = {_MODULES[value.family] for value in load.inputs.values() if value.family in _MODULES}
    names |= {value.payload for value in load.inputs.values() if value.family is Family.MODULE}
    for chunk in load.chunks:
        names |= _imports_in(chunk.source)
    # Ibis imports its engine only when it first connects
    return names | ({"ibis.backends.duckdb"} if any(name.startswith("ibis") for name in names) else set())


def _imports_in(source: str) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(module_tree_if_any(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {node.module}
    return names


def _try_import(name: str) -> None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            importlib.import_module(name)
    except ImportError:
        return


def _forked(load: Load, run: Run) -> Outcome:
    if not hasattr(os, "fork"):
        # the parent keeps the time and starts another worker when this one takes too long
        scratch = Path(tempfile.mkdtemp(prefix="nbprod-replay-"))
        return _ran(load, run, scratch)
    reading, writing = os.pipe()
    scratch = Path(tempfile.mkdtemp(prefix="nbprod-replay-"))
    child = os.fork()
    if child == 0:
        os.close(reading)
        os.setsid()
        with os.fdopen(writing, "wb") as stream:
            send(stream, _ran(load, run, scratch))
            os._exit(0)
    os.close(writing)
    try:
        return _awaited(reading, seconds=run.timeout_seconds)
    finally:
        # here and not in the child, which may be killed at any time
        _ended(child)
        shutil.rmtree(scratch, ignore_errors=True)


def _awaited(reading: int, *, seconds: float) -> Outcome:
    deadline = time.monotonic() + seconds
    body = bytearray()
    with os.fdopen(reading, "rb", buffering=0) as stream:
        while (left := deadline - time.monotonic()) > 0:
            if not select.select([stream], [], [], left)[0]:
                break
            part = stream.read(1 << 20)
            if not part:
                return _outcome_in(bytes(body))
            body += part
    return Outcome(outputs={}, error=f"a run took longer than {seconds:g} seconds")


def _outcome_in(body: bytes) -> Outcome:
    if len(body) <= _LENGTH_BYTES or len(body) != _LENGTH_BYTES + int.from_bytes(body[:_LENGTH_BYTES]):
        return Outcome(outputs={}, error="a run ended its process")
    outcome: Outcome = pickle.loads(body[_LENGTH_BYTES:])  # noqa: S301 - from our own fork
    return outcome


def _ended(child: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)


def _ran(load: Load, run: Run, scratch: Path) -> Outcome:
    sandbox = Sandbox(
        folder=Path(load.folder),
        scratch=scratch,
        cut=lambda table, name: _cut_read(table, name, load=load, run=run, sandbox=sandbox),
    )
    sandbox.enter()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _seed(load)
            names = _namespace(load, run)
            for chunk in load.chunks:
                sandbox.look_for_files_in(chunk.source)
                _execute(chunk, names)
            outputs = _outputs(load, names)
    # a stage raises what it likes, SystemExit included; the answer is a sentence
    except BaseException as error:  # noqa: BLE001
        return Outcome(outputs={}, error=_sentence(error), unseen=tuple(sandbox.unseen))
    return Outcome(outputs=outputs, notes=tuple(sandbox.notes), unseen=tuple(sandbox.unseen))


def _cut_read(table: Any, name: str, *, load: Load, run: Run, sandbox: Sandbox) -> Any:
    """A table that the stage reads from a file, with the future taken from it as from the inputs."""
    try:
        crossing = packed(table)
    except Exception as error:  # noqa: BLE001 - lazy readers raise anything
        sandbox.unseen.append(f"'{name}' can't be cut ({type(error).__name__})")
        return table
    known = load.timetable
    knowledge = (
        knowledge_of(
            crossing.payload, name=name, time=known.time, axis=known.axis, declarations=load.declarations
        )
        if crossing.is_table and crossing.family is not Family.NUMPY
        else None
    )
    if knowledge is None:
        sandbox.notes.append(f"'{name}' has no declared time: it was taken as known in advance")
        return table
    payload = probed(crossing.payload, knowledge, run.probe, entity=known.entity, keys=known.keys)
    return unpacked(Packed(family=crossing.family, payload=payload))


def _namespace(load: Load, run: Run) -> dict[str, Any]:
    module = types.ModuleType("__main__")
    sys.modules["__main__"] = module
    names = module.__dict__
    names[STAGE] = True
    names["display"] = lambda *_values, **_options: None
    names["get_ipython"] = _Shell
    values = {
        # the stage may change what it takes; what it was is asked for when it is done
        name: unpacked(copied(_probed(name, value, load=load, run=run)))
        for name, value in load.inputs.items()
        if value.family is not Family.CONTAINER
    }
    members: set[str] = set()
    for name, value in load.inputs.items():
        if value.family is Family.CONTAINER:
            names[name] = reassembled(value, values)
            members |= {member for member, _key in value.payload[1]}
    names |= {name: value for name, value in values.items() if name not in members}
    return names


def _probed(name: str, value: Packed, *, load: Load, run: Run) -> Packed:
    knowledge = load.timetable.tables.get(name)
    if knowledge is None:
        return value
    payload = probed(
        value.payload, knowledge, run.probe, entity=load.timetable.entity, keys=load.timetable.keys
    )
    if run.with_rows and name == load.timetable.main:
        payload = with_column(payload, ROW, rows_left(knowledge, run.probe))
    return Packed(family=value.family, payload=payload)


class _Shell:
    """Stands where a stage asks for IPython: every magic does nothing and gives nothing."""

    def __getattr__(self, _name: str) -> Any:
        return lambda *_values, **_options: None


def _seed(load: Load) -> None:
    """One state of every global generator and one thread for every engine: equal runs give equal bits."""
    random.seed(load.seed)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(load.seed)
        _seed_new_generators(sys.modules["numpy"], load.seed)
    if "polars" in sys.modules:
        sys.modules["polars"].set_random_seed(load.seed)
    modules = {name.partition(".")[0] for name in _modules_of(load)}
    if "duckdb" in modules and "duckdb" in sys.modules:
        duckdb: Any = sys.modules["duckdb"]
        duckdb.execute("SET threads = 1")
        duckdb.execute("SET file_search_path = '" + load.folder.replace("'", "''") + "'")
    if "ibis" in modules and "ibis" in sys.modules:
        ibis: Any = sys.modules["ibis"]
        ibis.set_backend(ibis.duckdb.connect(threads=1, file_search_path=load.folder))


def _seed_new_generators(numpy: Any, seed: int) -> None:
    real = numpy.random.default_rng
    fixed = seed

    def default_rng(seed: Any = None) -> Any:
        return real(fixed if seed is None else seed)

    numpy.random.default_rng = default_rng


def _execute(chunk: Chunk, names: dict[str, Any]) -> None:
    cell = "a snippet" if chunk.cell is None else f"cell {chunk.cell + 1}"
    padding = "\n" * (chunk.first_line - 1)
    exec(compile(padding + chunk.source, f"<{cell}>", "exec"), names)  # noqa: S102 - running the stage is the point


def _outputs(load: Load, names: dict[str, Any]) -> dict[str, Snapshot]:
    wanted = load.outputs or tuple(
        name for name in names if not name.startswith("_") and name not in _unchanged(load, names)
    )
    found = {name: snapshot(names[name]) for name in wanted if name in names}
    return {name: value for name, value in found.items() if value is not None}


def _unchanged(load: Load, names: dict[str, Any]) -> set[str]:
    """Inputs that the whole run left as they were; arrays and modules are never looked at unasked."""
    same = {name for name, value in names.items() if isinstance(value, types.ModuleType)}
    for name, value in load.inputs.items():
        if not value.is_table:
            same.add(name)
            continue
        before, after = snapshot(unpacked(value)), snapshot(names.get(name))
        if before is None or after is None:
            continue
        if before.frame.equals(after.frame.drop(columns=ROW, errors="ignore")):
            same.add(name)
    return same


def _sentence(error: BaseException) -> str:
    if isinstance(error, ForbiddenError):
        return str(error)
    place = ""
    for step in traceback.extract_tb(error.__traceback__):
        if step.filename.startswith("<") and step.filename != "<string>":
            place = f"{step.filename[1:-1]}, line {step.lineno}: "
    return f"{place}{type(error).__name__}: {str(error)[:300]}"
