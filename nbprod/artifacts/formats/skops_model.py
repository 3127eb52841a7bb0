"""skops: scikit-learn estimators, in a canonical form so that equal models have equal digests.

skops names objects by their address in memory and stamps its files with the time; here they are numbered in
order of appearance and the stamp is constant. Types that skops doesn't trust by itself are trusted on the way
back because the record vouches for the file by digest.
"""

from __future__ import annotations

import io
import json
import sys
import zipfile
from typing import TYPE_CHECKING, Any

from nbprod.artifacts.format import Format, NotExact

if TYPE_CHECKING:
    from pathlib import Path

_EPOCH = (1980, 1, 1, 0, 0, 0)
_SCHEMA = "schema.json"


def _takes(value: object) -> bool:
    learn = sys.modules.get("sklearn.base")
    return learn is not None and isinstance(value, learn.BaseEstimator)


def _write(value: object, path: Path) -> None:
    if type(value).__module__ == "__main__":
        raise NotExact("skops holds no class of a notebook")
    written = _canonical(_dumped(value))
    if _untrusted(written):
        # Only what skops itself answers for is taken on trust: reading back costs as much as writing.
        _demand_exact(written)
    path.write_bytes(written)


def _demand_exact(written: bytes) -> None:
    try:
        back = _loaded(written)
    except (TypeError, ValueError, AttributeError, ImportError, KeyError) as error:
        raise NotExact(f"skops cannot read it back: {error}") from error
    if _canonical(_dumped(back)) != written:
        raise NotExact("skops would change it")


def _read(path: Path) -> object:
    return _loaded(path.read_bytes())


def _dumped(value: object) -> bytes:
    from skops import io as skops_io

    try:
        dumped: bytes = skops_io.dumps(value)
    except (TypeError, ValueError, AttributeError, NotImplementedError, RecursionError, KeyError) as error:
        raise NotExact(f"skops cannot hold it: {error}") from error
    return dumped


def _untrusted(data: bytes) -> list[str]:
    from skops import io as skops_io

    types: list[str] = skops_io.get_untrusted_types(data=data)
    return types


def _loaded(data: bytes) -> object:
    from skops import io as skops_io

    value: object = skops_io.loads(data, trusted=_untrusted(data))
    return value


def _canonical(data: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as old:
        files = {name: old.read(name) for name in old.namelist()}
    numbers, names = _Numbers(), _Numbers()
    schema = _renumbered(json.loads(files.pop(_SCHEMA)), numbers, names)
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as new:
        new.writestr(zipfile.ZipInfo(_SCHEMA, _EPOCH), json.dumps(schema))
        for name in sorted(files, key=names.of):
            new.writestr(zipfile.ZipInfo(_file(name, names), _EPOCH), _without_gaps(name, files[name]))
    return sink.getvalue()


def _without_gaps(name: str, data: bytes) -> bytes:
    """An array's file with zeros between its fields: what stands there (in the nodes of trees) is an accident."""
    import numpy as np

    if not name.endswith(".npy"):
        return data
    array = np.load(io.BytesIO(data), allow_pickle=False)
    if array.dtype.names is None:
        return data
    clean = np.zeros(array.shape, dtype=array.dtype)
    for field in array.dtype.names:
        clean[field] = array[field]
    sink = io.BytesIO()
    np.save(sink, clean, allow_pickle=False)
    return sink.getvalue()


class _Numbers:
    """Numbers things in the order in which they are first asked for."""

    def __init__(self) -> None:
        self._known: dict[object, int] = {}

    def of(self, thing: object) -> int:
        return self._known.setdefault(thing, len(self._known))

    def fresh(self) -> int:
        return self.of(object())


def _renumbered(node: Any, numbers: _Numbers, names: _Numbers) -> Any:
    match node:
        case dict():
            return {key: _member(key, one, node, numbers, names) for key, one in node.items()}
        case list():
            return [_renumbered(one, numbers, names) for one in node]
        case _:
            return node


def _member(key: str, one: Any, node: dict[str, Any], numbers: _Numbers, names: _Numbers) -> Any:
    if key == "__id__" and "__loader__" in node:
        # Whether two equal constants are one object is an accident of the interpreter.
        return numbers.fresh() if node["__loader__"] == "JsonNode" else numbers.of(one)
    if key == "file" and "__loader__" in node:
        return _file(one, names)
    return _renumbered(one, numbers, names)


def _file(name: str, names: _Numbers) -> str:
    return f"{names.of(name)}.{name.rpartition('.')[2]}"


FORMAT = Format(name="skops", takes=_takes, write=_write, read=_read)
