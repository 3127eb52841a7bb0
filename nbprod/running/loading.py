"""Loading papermill without what a run on this machine never uses, which is half of what it costs."""

from __future__ import annotations

import contextlib
import gc
import importlib
import sys
import threading
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Formats of text that jsonschema can check and no notebook's schema has, and clients of stores elsewhere.
_UNUSED = (
    "fqdn",
    "isoduration",
    "rfc3339_validator",
    "rfc3986_validator",
    "rfc3987_syntax",
    "uri_template",
    "webcolors",
    "boto3",
    "pyarrow",
    "pyarrow.fs",
)
# What papermill loads at once and uses for notebooks on the web and for its command line only.
_LATER = ("requests", "click")
# What papermill names after these clients, and where it would have found it.
_DOORS = {"S3": "papermill.s3", "HadoopFileSystem": "pyarrow.fs", "FileSelector": "pyarrow.fs"}


def loaded_papermill() -> Any:
    """Papermill; its readers of S3 and Hadoop load their clients when they are first used."""
    if "papermill.iorw" in sys.modules:
        return importlib.import_module("papermill")
    with _not_collecting(), _without(_UNUSED), _deferred(_LATER), _finding_entry_points_once():
        papermill = importlib.import_module("papermill")
        # Its engine is what a stage needs next, and loads the rest of the client.
        importlib.import_module("nbprod.running.engine")
        _factory().KernelProvisionerFactory.instance()
    iorw = importlib.import_module("papermill.iorw")
    for name, module in _DOORS.items():
        setattr(iorw, name, _later(iorw, name, module))
    return papermill


def _factory() -> Any:
    return importlib.import_module("jupyter_client.provisioning.factory")


@contextlib.contextmanager
def _finding_entry_points_once() -> Iterator[None]:
    """Papermill looks through all installed packages twice, and Jupyter's client once more: here all share one look."""
    finder: Any = importlib.import_module("entrypoints")
    factory = _factory()
    found = importlib.import_module("importlib.metadata").entry_points()
    before = finder.get_group_all, factory.entry_points
    finder.get_group_all = lambda group, *_: list(found.select(group=group))
    factory.entry_points = found.select
    try:
        yield
    finally:
        finder.get_group_all, factory.entry_points = before


def _later(iorw: Any, name: str, module: str) -> Callable[..., Any]:
    """What stands for a client until it is called for the first time."""
    missing = getattr(iorw, name, None)

    def made(*arguments: Any, **options: Any) -> Any:
        try:
            client = getattr(importlib.import_module(module), name)
        except ImportError:
            if missing is None:
                raise
            client = missing
        setattr(iorw, name, client)
        return client(*arguments, **options)

    return made


class _Refusal(MetaPathFinder):
    """Says of some modules that they are not there, to one thread: others may be loading them."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self._names = names
        self._thread = threading.get_ident()

    def find_spec(self, name: str, *_: object) -> None:
        if name in self._names and threading.get_ident() == self._thread:
            raise ModuleNotFoundError(f"No module named '{name}'", name=name)


@contextlib.contextmanager
def _without(names: tuple[str, ...]) -> Iterator[None]:
    refusal = _Refusal(names)
    sys.meta_path.insert(0, refusal)
    try:
        yield
    finally:
        sys.meta_path.remove(refusal)


class _Deferred(ModuleType):
    """Stands for a module until something of it is asked for."""

    def __getattr__(self, name: str) -> Any:
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(importlib.import_module(self.__name__), name)


class _Deferral(MetaPathFinder, Loader):
    """Gives one thread the first time what stands for a module, and the second time the module itself."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self._names = set(names)
        self._thread = threading.get_ident()

    def find_spec(self, name: str, *_: object) -> ModuleSpec | None:
        if name not in self._names or threading.get_ident() != self._thread:
            return None
        self._names.remove(name)
        return ModuleSpec(name, self)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return ModuleType(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        # Not before: the import system itself asks a new module for attributes that it may lack.
        module.__class__ = _Deferred


@contextlib.contextmanager
def _deferred(names: tuple[str, ...]) -> Iterator[None]:
    """Whoever imports one of these modules meanwhile has it load when it is used; later importers have it at once."""
    deferral = _Deferral(names)
    sys.meta_path.insert(0, deferral)
    try:
        yield
    finally:
        sys.meta_path.remove(deferral)
        for name in names:
            if isinstance(sys.modules.get(name), _Deferred):
                del sys.modules[name]


@contextlib.contextmanager
def _not_collecting() -> Iterator[None]:
    """Nearly all that is made while loading stays: looking for what could go costs a tenth of it."""
    was_collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_collecting:
            gc.enable()
