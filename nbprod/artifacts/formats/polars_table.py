"""Parquet by polars: its data frames, series and lazy frames (collected on the way out, lazy again after)."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from nbprod.artifacts.format import Format, NotExact, Shape

if TYPE_CHECKING:
    from pathlib import Path

_CELLS_TO_COMPARE = 1_000_000
_KIND = "nbprod"


def _takes(value: object) -> bool:
    polars = sys.modules.get("polars")
    return polars is not None and type(value) in (polars.DataFrame, polars.LazyFrame, polars.Series)


def _write(value: Any, path: Path) -> None:
    import polars as pl

    frame = _frame(value)
    if any(dtype.is_object() for dtype in frame.schema.dtypes()):
        raise NotExact("parquet cannot hold Python objects")
    try:
        frame.write_parquet(path, metadata={_KIND: type(value).__name__})
    except pl.exceptions.PolarsError as error:
        raise NotExact(str(error)) from error
    rows = frame.height if frame.height * frame.width <= _CELLS_TO_COMPARE else 1000
    back = pl.read_parquet(path, n_rows=rows, glob=False)
    if back.schema != frame.schema or not back.equals(frame.head(rows), null_equal=True):
        raise NotExact("parquet would change a column's type or values")


def _read(path: Path) -> object:
    import polars as pl

    frame = pl.read_parquet(path, glob=False)
    match pl.read_parquet_metadata(path).get(_KIND):
        case "LazyFrame":
            return frame.lazy()
        case "Series":
            return frame.to_series()
        case _:
            return frame


def _frame(value: Any) -> Any:
    match type(value).__name__:
        case "LazyFrame":
            return value.collect()
        case "Series":
            return value.to_frame()
        case _:
            return value


def _shape(value: Any) -> Shape:
    if type(value).__name__ == "LazyFrame":
        return Shape(columns=tuple(value.collect_schema().names()))
    frame = _frame(value)
    return Shape(rows=frame.height, columns=tuple(frame.columns))


FORMAT = Format(name="polars", takes=_takes, write=_write, read=_read, shape=_shape, is_table=True)
