"""Counts of distinct and of repeated values, exact, each asked in the way that costs least."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from nbprod.validating.asking import Column, Rows, Scalar, Uncovered
from nbprod.validating.rows import both

if TYPE_CHECKING:
    from nbprod.validating.asking import Formula
    from nbprod.validating.rows import Domain

# Below this a query costs more than what it spares.
MANY = 200_000
# So many hashes are sorted at once: 96 MB of them.
_AT_ONCE = 12_000_000
# A prefix tells how often values repeat.
_PREFIX = 16


def present(domain: Domain) -> Any:
    """The rows of the domain in which its column has a value."""
    return domain.table.filter(both(domain.rows, domain.column.notnull()))


def counted(domain: Domain) -> Any:
    """Each value of the domain's column and how often it occurs."""
    if domain.column.type().is_nested():
        raise Uncovered("distinct values of a nested column")
    kept = present(domain)
    return kept.group_by(value=kept[domain.columns[0]]).aggregate(count=kept.count())


def distinct_count(domain: Domain) -> Formula:
    """Formula for how many different values the domain's column has."""
    # Asked after what `repeats_often` asks, and so in one query with the tests of each different value.
    yield from repeats_often(domain)
    # Asked apart: beside other aggregates DuckDB keeps all distinct values in memory and can't spill them.
    counts = counted(domain)
    (count,) = yield (Scalar(counts.count(), over=counts),)
    return count


def repeats_often(domain: Domain) -> Formula:
    """Formula for whether testing each different text once costs less than testing each row.

    Only a guess, from the table's first rows, and only of costs: both ways give the same answer.
    """
    if domain.condition is not None or not domain.column.type().is_string():
        return False
    (rows,) = yield (Scalar(domain.table.count()),)
    if rows < MANY:
        return False
    size = max(rows // _PREFIX, MANY // 2)
    prefix = domain.table.limit(size)
    (distinct,) = yield (Scalar(prefix[domain.columns[0]].approx_nunique(), over=prefix),)
    return bool(2 * (distinct or 0) < size)


def repeated(domain: Domain) -> Any:
    """The values that the domain's columns hold more than once, and how often."""
    kept = _about(domain)
    counts = kept.group_by(list(domain.columns)).aggregate(nbprod_count=kept.count())
    return counts.filter(counts.nbprod_count > 1)


def repeated_count(domain: Domain) -> Formula:
    """Formula for how many rows hold values that the domain's columns hold more than once."""
    differ = yield from _all_hashes_differ(domain)
    if differ:
        return 0
    values = repeated(domain)
    (rows,) = yield (Rows(values.aggregate(n=values.nbprod_count.sum())),)
    return int(rows[0]["n"] or 0)


def _about(domain: Domain) -> Any:
    keep = both(domain.rows, domain.column.notnull()) if len(domain.columns) == 1 else domain.rows
    return domain.table if keep is None else domain.table.filter(keep)


def _all_hashes_differ(domain: Domain) -> Formula:
    """Formula for whether no two rows have the same hash, and so no two the same values.

    False says nothing: different values may have one hash. Sorting hashes costs a quarter of grouping values.
    """
    import numpy as np

    (rows,) = yield (Scalar(domain.table.count()),)
    if rows < MANY or domain.table.get_backend().name != "duckdb":
        return False
    kept = _about(domain)
    hashes = kept.select(hash=_hash_of([kept[name] for name in domain.columns]))
    passes = -(-rows // _AT_ONCE)
    for place in range(passes):
        part = hashes if passes == 1 else hashes.filter(hashes.hash % passes == place)
        (found,) = yield (Column(part),)
        ordered = np.sort(found)
        if bool((ordered[1:] == ordered[:-1]).any()):
            return False
    return True


def _hash_of(columns: list[Any]) -> Any:
    hashed = _hash_function(columns[0].type())(columns[0])
    for column in columns[1:]:
        hashed = _hash_function("uint64", column.type())(hashed, column)
    return hashed


@functools.cache
def _hash_function(*kinds: Any) -> Any:
    """DuckDB's own hash of one value, or of a hash and a value: equal values have equal ones."""
    import ibis

    builtin: Any = ibis.udf.scalar.builtin
    if len(kinds) == 1:
        return builtin(lambda _value: None, name="hash", signature=(kinds, "uint64"))
    return builtin(lambda _before, _value: None, name="hash", signature=(kinds, "uint64"))
