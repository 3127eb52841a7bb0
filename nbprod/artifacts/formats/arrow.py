"""Arrow IPC: pyarrow tables and record batches, chunks and metadata included."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from nbprod.artifacts.format import Format, Shape

if TYPE_CHECKING:
    from pathlib import Path


def _takes(value: object) -> bool:
    pyarrow = sys.modules.get("pyarrow")
    return pyarrow is not None and type(value) is pyarrow.Table


def _write(value: Any, path: Path) -> None:
    import pyarrow as pa

    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, value.schema) as writer:
        writer.write_table(value)


def _read(path: Path) -> object:
    import pyarrow as pa

    with pa.memory_map(str(path)) as source:
        return pa.ipc.open_file(source).read_all()


def _shape(value: Any) -> Shape:
    return Shape(rows=value.num_rows, columns=tuple(value.column_names))


FORMAT = Format(name="arrow", takes=_takes, write=_write, read=_read, shape=_shape)
