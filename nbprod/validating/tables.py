"""Whatever can be judged, opened as one Ibis table: parquet files, Ibis tables, frames of any kind, metrics."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from contextlib import contextmanager
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from nbprod.errors import SuiteError
from nbprod.validating.footer import footer_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nbprod.validating.footer import Footer

_BATCH = "batch"
_PARQUET, _ARROW = b"PAR1", b"ARROW1"


class Limits(Struct, frozen=True, kw_only=True):
    """What a judgement may use. One thread makes sums of doubles the same in every run."""

    threads: int = 1
    memory: str | None = None


class Opened(Struct, frozen=True, kw_only=True):
    """A value as an Ibis table. `frame` is the pandas frame, `footer` the parquet file's that it came from, if it did.

    `columns` are all its columns, in order; those of mixed types stand in the frame only.
    """

    table: Any
    columns: tuple[str, ...]
    frame: Any = None
    footer: Footer | None = None


@contextmanager
def opened(value: object, *, limits: Limits) -> Iterator[Opened]:
    """The value as an Ibis table, on a connection of its own unless it is an Ibis table already.

    Raises SuiteError for a value that is no table, no metric and no path of a parquet file.
    """
    if _module_of(value) == "ibis":
        table: Any = value
        yield Opened(table=table, columns=tuple(table.columns))
        return
    import ibis

    with tempfile.TemporaryDirectory(prefix="nbprod-") as spill:
        settings: dict[str, Any] = {"threads": limits.threads, "temp_directory": spill}
        if limits.memory:
            settings["memory_limit"] = limits.memory
        connection = ibis.duckdb.connect(**settings)
        try:
            # Times with a zone are compared in UTC, wherever this runs.
            connection.raw_sql("SET TimeZone = 'UTC'")
            yield _registered(connection, value)
        finally:
            connection.disconnect()


def _registered(connection: Any, value: object) -> Opened:
    match value:
        case str() | PathLike():
            return _file(connection, Path(fspath(value)))
        case _:
            return _in_memory(connection, value)


def _file(connection: Any, path: Path) -> Opened:
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not path.is_file():
        raise SuiteError(f"There is no file {path}.", remedy="Give the path of a parquet file.")
    with path.open("rb") as opening:
        magic = opening.read(len(_ARROW))
    if magic == _ARROW:
        return _in_memory(connection, pa.ipc.open_file(pa.memory_map(str(path))).read_all())
    if not magic.startswith(_PARQUET):
        raise SuiteError(f"{path} is neither parquet nor Arrow.", remedy="Give the path of a parquet file.")
    table = connection.read_parquet(path, table_name=_BATCH)
    # What was a frame's index is no column of it.
    indexes = [name for name in _index_columns(pq.read_schema(path)) if name in table.columns]
    table = table.drop(*indexes) if indexes and len(indexes) < len(table.columns) else table
    return Opened(table=table, columns=tuple(table.columns), footer=footer_of(path))


def _index_columns(schema: Any) -> list[str]:
    described = (schema.pandas_metadata or {}).get("index_columns", ())
    return [name for name in described if isinstance(name, str)]


def _in_memory(connection: Any, value: object) -> Opened:
    if _module_of(value) == "pandas":
        return _pandas(connection, value)
    arrow = _arrow(value)
    _refuse_twins(arrow.column_names)
    connection.con.register(_BATCH, arrow)
    return Opened(table=connection.table(_BATCH), columns=tuple(arrow.column_names))


def _pandas(connection: Any, value: Any) -> Opened:
    import pyarrow as pa

    frame = value.to_frame(name=value.name or "value") if value.ndim == 1 else value
    frame = frame.set_axis([str(column) for column in frame.columns], axis="columns")
    _refuse_twins(list(frame.columns))
    arrays = {}
    for name in frame.columns:
        try:
            arrays[name] = pa.Array.from_pandas(frame[name])
        except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
            # A column of mixed types has no type in Arrow: GX's own engine judges it.
            continue
    arrow = pa.table(arrays) if arrays else pa.table({"": pa.nulls(len(frame))})
    connection.con.register(_BATCH, arrow)
    return Opened(table=connection.table(_BATCH), columns=tuple(frame.columns), frame=frame)


def _refuse_twins(names: list[str]) -> None:
    twin = next((name for place, name in enumerate(names) if name in names[:place]), None)
    if twin is not None:
        raise SuiteError(
            f"Two columns are called '{twin}', so that none can be told apart.", remedy="Rename one of them."
        )


def _arrow(value: Any) -> Any:
    import pyarrow as pa

    match value:
        case pa.Table():
            return value
        case pa.RecordBatch():
            return pa.Table.from_batches([value])
        case Mapping():
            return pa.Table.from_pylist([{str(name): _plain(one) for name, one in value.items()}])
        case list() if value and all(isinstance(row, Mapping) for row in value):
            return pa.Table.from_pylist(
                [{str(name): _plain(one) for name, one in row.items()} for row in value]
            )
        case bool() | int() | float():
            return pa.table({"value": [value]})
        case _ if _module_of(value) == "polars":
            return _polars(value)
        case _ if _module_of(value) == "numpy" and getattr(value, "ndim", None) == 0:
            return pa.table({"value": [value.item()]})
        case _:
            raise SuiteError(
                f"A {type(value).__name__} can't be judged: it is no table.",
                remedy="Expectations are on frames of pandas, Polars, Arrow or Ibis, on parquet files, "
                "and on metrics: a number, or a dict of numbers.",
            )


def _polars(value: Any) -> Any:
    frame = value.collect() if hasattr(value, "collect") else value
    frame = frame.to_frame() if hasattr(frame, "to_frame") else frame
    return frame.to_arrow()


def _plain(value: Any) -> Any:
    return value.item() if _module_of(value) == "numpy" and getattr(value, "ndim", None) == 0 else value


def _module_of(value: object) -> str:
    return type(value).__module__.partition(".")[0]
