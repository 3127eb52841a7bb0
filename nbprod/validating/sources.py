"""The table that is judged: with NULL wherever a float is NaN, which GX's pandas engine calls missing."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from nbprod.validating.asking import Scalar, measured
from nbprod.validating.counting import MANY
from nbprod.validating.footer import told

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from nbprod.validating.asking import Ask
    from nbprod.validating.footer import Footer


class Source(Struct, frozen=True, kw_only=True):
    """The table as it is, and as it is judged: with NULL for every NaN. `samples` rows are shown of what broke.

    `known` are answers about the judged table that need no query; the `complete` columns miss nothing.
    """

    table: Any
    judged: Any
    columns: tuple[str, ...]
    samples: int
    known: tuple[tuple[Ask, Any], ...] = ()
    complete: frozenset[str] = frozenset()


def source_of(table: Any, *, columns: tuple[str, ...], samples: int) -> Source:
    """The table with its NaN as NULL beside the table as it is."""
    return Source(table=table, judged=_nulled(table, _floats(table)), columns=columns, samples=samples)


def with_footer(source: Source, footer: Footer | None, *, wanted: AbstractSet[str]) -> Source:
    """The source with what its file's footer says of the `wanted` columns.

    One query finds the columns that hold no NaN: these are judged as they are, so that what the file says of their
    extremes spares tests of each value.
    """
    if footer is None:
        return source
    floats = _floats(source.table)
    clean = _without_nan(source.table, floats & wanted) if footer.rows >= MANY else frozenset[str]()
    judged = _nulled(source.table, floats - clean)
    known = tuple(told(footer, judged, but=floats - clean))
    complete = frozenset(name for name, nulls in footer.nulls.items() if not nulls) - (floats - clean)
    return replace(source, judged=judged, known=known, complete=complete & set(source.columns))


def _floats(table: Any) -> frozenset[str]:
    return frozenset(name for name, kind in table.schema().items() if kind.is_floating())


def _nulled(table: Any, names: AbstractSet[str]) -> Any:
    import ibis

    # Before anything aggregates: DuckDB's maximum of a column with NaN is NaN.
    nulled = {
        name: ibis.ifelse(table[name].isnan(), ibis.null(table[name].type()), table[name])
        for name in table.columns
        if name in names
    }
    return table.mutate(**nulled) if nulled else table


def _without_nan(table: Any, names: AbstractSet[str]) -> frozenset[str]:
    """Those of the columns that surely hold no NaN: their sums would be NaN, which costs less than a test of each value."""

    def sum_of(name: str) -> Any:
        (total,) = yield (Scalar(table[name].sum()),)
        return total

    found = measured(table, {name: sum_of(name) for name in sorted(names)})
    # Infinities of both signs add up to NaN as well: such a column is judged as if it held some.
    return frozenset(
        str(name) for name, total in found.values.items() if total is None or not math.isnan(total)
    )
