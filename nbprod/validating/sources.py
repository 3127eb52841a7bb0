"""The table that is judged: with NULL wherever a float is NaN, which GX's pandas engine calls missing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The table as it is, and as it is judged: with NULL for every NaN. `samples` rows are shown of what broke."""

    table: Any
    judged: Any
    columns: tuple[str, ...]
    samples: int


def source_of(table: Any, *, columns: tuple[str, ...], samples: int) -> Source:
    """The table with its NaN as NULL beside the table as it is."""
    import ibis

    floats = [name for name, kind in table.schema().items() if kind.is_floating()]
    # Before anything aggregates: DuckDB's maximum of a column with NaN is NaN.
    nulled = {
        name: ibis.ifelse(table[name].isnan(), ibis.null(table[name].type()), table[name]) for name in floats
    }
    judged = table.mutate(**nulled) if nulled else table
    return Source(table=table, judged=judged, columns=columns, samples=samples)
