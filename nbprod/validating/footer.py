"""What a parquet file's footer says of its columns: exact, and read without a scan."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from nbprod.validating.asking import Scalar

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from nbprod.validating.asking import Ask


class Footer(Struct, frozen=True, kw_only=True):
    """A file's rows and, of the columns whose writer said so, the missing values and the extremes.

    Neither knows of NaN: it is a value there, and left out of the extremes.
    """

    rows: int
    nulls: Mapping[str, int]
    extremes: Mapping[str, tuple[Any, Any]]


def footer_of(path: Path) -> Footer:
    """The footer of a parquet file, its row groups put together."""
    import pyarrow.parquet as pq

    metadata = pq.read_metadata(path)
    nulls: dict[str, int] = {}
    extremes: dict[str, tuple[Any, Any]] = {}
    for place in range(metadata.num_columns):
        described = metadata.schema.column(place)
        # What is nested has several levels, and no count of its own.
        if described.max_repetition_level or described.max_definition_level > 1:
            continue
        parts = [metadata.row_group(group).column(place) for group in range(metadata.num_row_groups)]
        name = described.path
        if all(part.is_stats_set and part.statistics.has_null_count for part in parts):
            nulls[name] = sum(part.statistics.null_count for part in parts)
            found = [part.statistics for part in parts if part.statistics.null_count < part.num_values]
            if found and all(one.has_min_max for one in found):
                extremes[name] = (min(one.min for one in found), max(one.max for one in found))
    return Footer(rows=metadata.num_rows, nulls=nulls, extremes=extremes)


def told(footer: Footer, judged: Any, *, but: frozenset[str]) -> Iterator[tuple[Ask, Any]]:
    """The questions to the judged table that the footer answers; `but` names the columns that may hold NaN."""
    yield Scalar(judged.count()), footer.rows
    for name, kind in judged.schema().items():
        if name in but or name not in footer.nulls:
            continue
        yield Scalar(judged[name].count()), footer.rows - footer.nulls[name]
        low, high = footer.extremes.get(name, (None, None))
        # A footer may say minus zero where the least value is zero.
        if kind.is_integer() and type(low) is type(high) is int:
            yield Scalar(judged[name].min()), low
            yield Scalar(judged[name].max()), high
        elif kind.is_floating() and type(low) is type(high) is float and not math.isnan(low + high):
            yield Scalar(judged[name].min()), low + 0.0
            yield Scalar(judged[name].max()), high + 0.0
