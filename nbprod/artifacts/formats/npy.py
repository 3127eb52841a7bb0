"""npy: NumPy arrays, with exact dtype, order and byte order; which of them may be written to, their format tells."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from nbprod.artifacts.format import Format, NotExact, Shape

if TYPE_CHECKING:
    from pathlib import Path


def _takes(value: object) -> bool:
    return _is_array(value, writeable=True)


def _takes_read_only(value: object) -> bool:
    return _is_array(value, writeable=False)


def _is_array(value: Any, *, writeable: bool) -> bool:
    numpy = sys.modules.get("numpy")
    return numpy is not None and type(value) is numpy.ndarray and value.flags.writeable is writeable


def _write(value: Any, path: Path) -> None:
    import numpy as np

    dtype = value.dtype
    if dtype.hasobject or dtype.isbuiltin == 2 or dtype.kind == "T":
        raise NotExact(f"npy cannot hold {dtype}")
    if np.lib.format.descr_to_dtype(np.lib.format.dtype_to_descr(dtype)) != dtype or dtype.metadata:
        raise NotExact(f"npy would change {dtype}")
    with path.open("wb") as file:
        np.lib.format.write_array(file, value, allow_pickle=False)


def _read(path: Path) -> object:
    import numpy as np

    with path.open("rb") as file:
        array: object = np.lib.format.read_array(file, allow_pickle=False)
    return array


def _read_only(path: Path) -> object:
    array: Any = _read(path)
    array.flags.writeable = False
    return array


def _shape(value: Any) -> Shape:
    return Shape(rows=int(value.shape[0]) if value.ndim else None)


FORMAT = Format(name="npy", takes=_takes, write=_write, read=_read, shape=_shape)
# What pandas lends of a frame's columns may not be written to, and stays so.
READ_ONLY = Format(name="npy-read-only", takes=_takes_read_only, write=_write, read=_read_only, shape=_shape)
