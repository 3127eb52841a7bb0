"""npy of no dimensions: NumPy's scalars, which are no Python numbers and must not become such."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from nbprod.artifacts.format import Format, NotExact

if TYPE_CHECKING:
    from pathlib import Path


def _takes(value: object) -> bool:
    numpy = sys.modules.get("numpy")
    return numpy is not None and isinstance(value, numpy.generic)


def _write(value: Any, path: Path) -> None:
    import numpy as np

    array = np.asarray(value)
    if (
        array.dtype.hasobject
        or array.dtype.names
        or array.dtype.kind == "T"
        or type(array[()]) is not type(value)
    ):
        raise NotExact(f"npy would change {type(value).__name__}")
    with path.open("wb") as file:
        np.lib.format.write_array(file, array, allow_pickle=False)


def _read(path: Path) -> object:
    import numpy as np

    with path.open("rb") as file:
        scalar: object = np.lib.format.read_array(file, allow_pickle=False)[()]
    return scalar


FORMAT = Format(name="npy-scalar", takes=_takes, write=_write, read=_read)
