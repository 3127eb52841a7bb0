"""Loading papermill without what a run on this machine never uses, which is half of what it costs."""

from __future__ import annotations

import contextlib
import gc
import importlib
import sys
import threading
from importlib.abc import MetaPathFinder
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# A grammar for addresses that jsonschema compiles and no notebook's schema uses, and clients of stores elsewhere.
_UNUSED = ("rfc3987_syntax", "boto3", "pyarrow.fs")
# What papermill names after these clients, and where it would have found it.
_DOORS = {"S3": "papermill.s3", "HadoopFileSystem": "pyarrow.fs", "FileSelector": "pyarrow.fs"}


def loaded_papermill() -> Any:
    """Papermill; its readers of S3 and Hadoop load their clients when they are first used."""
    if "papermill.iorw" in sys.modules:
        return importlib.import_module("papermill")
    with _not_collecting(), _without(_UNUSED):
        papermill = importlib.import_module("papermill")
        # Its engine is what a stage needs next, and loads the rest of the client.
        importlib.import_module("nbprod.running.engine")
    iorw = importlib.import_module("papermill.iorw")
    for name, module in _DOORS.items():
        setattr(iorw, name, _later(iorw, name, module))
    return papermill


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
