"""Parquet by the backend of an Ibis table; it comes back as a table of the default backend that reads the file."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING, Any

from nbprod.artifacts.format import CannotHold, Format, NotExact, Shape

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def _takes(value: object) -> bool:
    types = sys.modules.get("ibis.expr.types")
    return types is not None and isinstance(value, types.Expr)


def _write(value: Any, path: Path) -> None:
    import ibis
    from ibis.expr import operations as ops
    from ibis.expr import types

    if value.op().find(ops.UnboundTable):
        raise NotExact("it is bound to no data")
    if not isinstance(value, types.Table):
        if value.op().find((ops.DatabaseTable, ops.SQLQueryResult)):
            raise CannotHold(
                "it is an Ibis expression over a table of a connection; give the table, or its result"
            )
        raise NotExact("it is an Ibis expression, no table")
    backend = value.get_backend()
    if backend.name == "pyspark":
        # Spark itself would write a folder, and on a cluster elsewhere.
        _write_as_declared(value, path)
        return
    with _one_thread(backend):
        value.to_parquet(path)
        if _types(ibis.get_backend().read_parquet(path)) != _types(value):
            _write_as_declared(value, path)


def _read(path: Path) -> object:
    import ibis

    # The default backend is one for the process, so that tables from several stages can be joined.
    return ibis.get_backend().read_parquet(path)


def _write_as_declared(value: Any, path: Path) -> None:
    """Write one file with the types that Ibis declares: DuckDB may compute in others (an int8 literal is an int32)."""
    import ibis
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        declared = value.schema().to_pyarrow()
        with pq.ParquetWriter(path, declared) as writer:
            for batch in value.to_pyarrow_batches():
                writer.write_table(pa.Table.from_batches([batch]).cast(declared))
    except (pa.ArrowException, ibis.IbisError) as error:
        raise CannotHold(f"parquet cannot hold its columns: {error}") from error
    # Spark overlooks files whose name begins with a dot, as those do that are still being written.
    is_on_spark = ibis.get_backend().name == "pyspark"
    kept = (
        ibis.Schema.from_pyarrow(pq.read_schema(path))
        if is_on_spark
        else ibis.get_backend().read_parquet(path).schema()
    )
    if _types_in(kept) != _types(value):
        raise CannotHold(f"parquet would change its schema {value.schema()}")


def _types(table: Any) -> list[tuple[str, object]]:
    """Names and types, less what parquet doesn't know: whether a column may be null, and microseconds as default."""
    return _types_in(table.schema())


def _types_in(schema: Any) -> list[tuple[str, object]]:
    return [(name, _plain_type(dtype)) for name, dtype in schema.items()]


def _plain_type(dtype: Any) -> object:
    plain = dtype.copy(nullable=True)
    return plain.copy(scale=None) if plain.is_timestamp() and plain.scale == 6 else plain


@contextlib.contextmanager
def _one_thread(backend: Any) -> Iterator[None]:
    """Aggregates of doubles differ in their last bits from run to run when DuckDB works with several threads."""
    if backend.name != "duckdb":
        yield
        return
    threads = backend.con.execute("select current_setting('threads')").fetchone()[0]
    backend.con.execute("set threads = 1")
    try:
        yield
    finally:
        backend.con.execute(f"set threads = {int(threads)}")


def _shape(value: Any) -> Shape:
    return Shape(columns=tuple(value.columns) if hasattr(value, "columns") else ())


FORMAT = Format(name="ibis", takes=_takes, write=_write, read=_read, shape=_shape, is_table=True)
