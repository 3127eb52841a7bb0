"""Parquet: pandas frames and series, with index, attributes, categories and text kept exactly.

What parquet or pyarrow would change on the way (the order of categories, seconds as a unit, text held as
Python objects, an index's frequency, attributes) stands in a note in the file's own metadata and is put back.
"""

from __future__ import annotations

import base64
import json
import sys
from typing import TYPE_CHECKING, Any

from nbprod.artifacts.format import Format, NotExact, Shape
from nbprod.artifacts.formats.blocks import noted_blocks, with_blocks
from nbprod.artifacts.plain import is_plain

if TYPE_CHECKING:
    from pathlib import Path

_CELLS_TO_COMPARE = 1_000_000
_ROWS_TO_COMPARE = 1000
_NOTE = b"nbprod"
_TEXT = frozenset({str, type(None)})


def _takes(value: object) -> bool:
    pandas = sys.modules.get("pandas")
    return pandas is not None and type(value) in (pandas.DataFrame, pandas.Series)


def _write(value: Any, path: Path) -> None:
    import pyarrow.parquet as pq

    pq.write_table(_table(value), path, compression="zstd")
    try:
        _demand_exact(value, path)
    except (TypeError, ValueError, NotImplementedError) as error:
        # pyarrow writes some types that it cannot turn into pandas again.
        raise NotExact(f"parquet cannot be read back: {error}") from error


def _demand_exact(value: Any, path: Path) -> None:
    cells = value.shape[0] * (value.shape[1] if value.ndim == 2 else 1)
    if cells <= _CELLS_TO_COMPARE:
        _demand_equal(value, _read(path))
    else:
        for rows in (slice(0, _ROWS_TO_COMPARE), slice(-_ROWS_TO_COMPARE, None)):
            part = value.iloc[rows]
            part.attrs = value.attrs
            _demand_equal(part, _frame_of(_table(part)))


def _read(path: Path) -> object:
    import pyarrow.parquet as pq

    # ParquetFile rather than read_table: a path must never be taken for a partitioned data set.
    with pq.ParquetFile(path) as file:
        return _frame_of(file.read())


# On the way out


def _table(value: Any) -> Any:
    import pyarrow as pa

    note: dict[str, Any] = {}
    frame = _as_frame(value, note)
    if not is_plain(value.attrs):
        raise NotExact("its attributes are no plain JSON")
    note["attrs"] = value.attrs
    if not frame.flags.allows_duplicate_labels:
        raise NotExact("it forbids duplicate labels")
    if getattr(frame.index, "freq", None) is not None:
        note["freq"] = frame.index.freq.freqstr
    if type(frame.columns).__name__ == "RangeIndex":
        note["columns"] = [frame.columns.start, frame.columns.stop, frame.columns.step, frame.columns.name]
    if not frame.columns.is_unique:
        raise NotExact("two columns share a label")
    if (blocks := noted_blocks(frame)) is not None:
        note["blocks"] = blocks
    frame.attrs = {}
    try:
        table = pa.Table.from_pandas(frame)
    except (pa.ArrowException, ValueError, TypeError, OverflowError) as error:
        raise NotExact(" ".join(str(error).split())) from error
    table = _noted_columns(frame, table, note)
    return table.replace_schema_metadata({**(table.schema.metadata or {}), _NOTE: json.dumps(note).encode()})


def _as_frame(value: Any, note: dict[str, Any]) -> Any:
    if value.ndim == 2:
        return value.copy(deep=False)
    if not is_plain(value.name):
        raise NotExact("its name is no plain JSON")
    note["series"] = value.name
    return value.to_frame(name=value.name if isinstance(value.name, str) else "value")


def _noted_columns(frame: Any, table: Any, note: dict[str, Any]) -> Any:
    import pandas as pd

    for place, (label, dtype) in enumerate(frame.dtypes.items()):
        if isinstance(dtype, pd.CategoricalDtype):
            table = _plain_category(frame.iloc[:, place], table, note, place)
        elif pd.api.types.is_object_dtype(dtype):
            if not set(map(type, frame.iloc[:, place])) <= _TEXT:
                raise NotExact(f"column {label!r} holds Python objects other than text")
            note.setdefault("text", []).append(place)
        elif dtype.kind in "mM" and getattr(dtype, "unit", "") == "s":
            raise NotExact(f"column {label!r} counts in seconds")
        elif str(dtype).startswith(("datetime64[s", "timedelta64[s")):
            note.setdefault("dtypes", {})[str(place)] = str(dtype)
    return table


def _plain_category(column: Any, table: Any, note: dict[str, Any], place: int) -> Any:
    import pandas as pd
    import pyarrow as pa

    categories = column.cat.categories
    held = pa.table({"categories": pa.array(categories)})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, held.schema) as writer:
        writer.write_table(held)
    encoded = base64.b64encode(sink.getvalue()).decode()
    back = _categories(encoded, str(categories.dtype))
    if not back.identical(pd.Index(categories)):
        raise NotExact(f"the categories of column {column.name!r} are no plain values")
    note.setdefault("categories", {})[str(place)] = [encoded, str(categories.dtype), column.cat.ordered]
    values = table.column(place)
    field = table.schema.field(place)
    decoded = values.cast(field.type.value_type)
    return table.set_column(place, field.with_type(field.type.value_type), decoded)


# On the way back


def _frame_of(table: Any) -> Any:
    import pandas as pd

    note = json.loads((table.schema.metadata or {}).get(_NOTE, b"{}"))
    frame = table.to_pandas()
    for place in note.get("text", ()):
        frame.isetitem(place, pd.Series(table.column(place).to_pylist(), index=frame.index, dtype=object))
    for place, dtype in note.get("dtypes", {}).items():
        frame.isetitem(int(place), frame.iloc[:, int(place)].astype(dtype))
    for place, (encoded, dtype, ordered) in note.get("categories", {}).items():
        frame.isetitem(int(place), _category(table.column(int(place)), encoded, dtype, ordered=ordered))
    if "blocks" in note:
        frame = with_blocks(frame, note["blocks"])
    if "columns" in note:
        start, stop, step, name = note["columns"]
        frame.columns = pd.RangeIndex(start, stop, step, name=name)
    if "freq" in note:
        frame.index.freq = note["freq"]
    if "series" in note:
        frame = frame.iloc[:, 0].rename(note["series"])
    frame.attrs = note.get("attrs", {})
    return frame


def _category(column: Any, encoded: str, dtype: str, *, ordered: bool) -> Any:
    import pandas as pd
    import pyarrow as pa
    import pyarrow.compute as pc

    held = _held(encoded)
    codes = pc.index_in(column, value_set=held.cast(column.type), skip_nulls=True)
    codes = pc.fill_null(codes, pa.scalar(-1, pa.int32())).to_numpy()
    return pd.Categorical.from_codes(codes, categories=_categories(encoded, dtype), ordered=ordered)


def _categories(encoded: str, dtype: str) -> Any:
    import pandas as pd

    return pd.Index(_held(encoded).to_pandas(), dtype=dtype)


def _held(encoded: str) -> Any:
    import pyarrow as pa

    return pa.ipc.open_stream(base64.b64decode(encoded)).read_all().column(0).combine_chunks()


# The law


def _demand_equal(value: Any, back: Any) -> None:
    if type(back) is not type(value) or back.attrs != value.attrs:
        raise NotExact("parquet would change its type or attributes")
    if not _same_index(value.index, back.index):
        raise NotExact("parquet would change its index")
    if value.ndim == 2:
        if not _same_index(value.columns, back.columns):
            raise NotExact("parquet would change its column labels")
        if list(value.dtypes) != list(back.dtypes):
            raise NotExact("parquet would change a column's type")
    elif value.dtype != back.dtype or value.name != back.name:
        raise NotExact("parquet would change its type or name")
    if not value.equals(back):
        raise NotExact("parquet would change a value")


def _same_index(one: Any, other: Any) -> bool:
    return bool(
        type(one) is type(other)
        and one.identical(other)
        and one.dtype == other.dtype
        and getattr(one, "freq", None) == getattr(other, "freq", None)
    )


def _shape(value: Any) -> Shape:
    columns = value.columns if value.ndim == 2 else [value.name]
    return Shape(rows=len(value), columns=tuple(str(label) for label in columns))


FORMAT = Format(name="parquet", takes=_takes, write=_write, read=_read, shape=_shape, is_table=True)
