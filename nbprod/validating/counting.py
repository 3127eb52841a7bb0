"""Counts of distinct and of repeated values, exact, each asked in the way that costs least."""

from __future__ import annotations

import functools
import math
import operator
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from nbprod.validating.asking import Column, Kept, Rows, Scalar, Uncovered
from nbprod.validating.rows import both

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nbprod.validating.asking import Formula
    from nbprod.validating.rows import Domain

# Below this a query costs more than what it spares.
MANY = 200_000
# So many hashes are sorted at once: 96 MB of them.
_AT_ONCE = 12_000_000
# So many rows are grouped at once: a database that spills still wants to hold what it works on.
_GROUPED_AT_ONCE = 5_000_000
# The first rows tell how often values repeat.
_PREFIX = 100_000
# Whole numbers within such a range are counted by marking places: 32 MB of marks.
_MOST_MARKS = 2**25


def present(domain: Domain) -> Any:
    """The rows of the domain in which its column has a value."""
    return domain.table.filter(both(domain.rows, domain.column.notnull()))


def counted(domain: Domain) -> Any:
    """Each value of the domain's column and how often it occurs."""
    if domain.column.type().is_nested():
        raise Uncovered("distinct values of a nested column")
    kept = present(domain)
    return kept.group_by(value=kept[domain.columns[0]]).aggregate(count=kept.count())


def groups(domain: Domain) -> Formula:
    """Formula for `counted`, computed once for all that is asked of it where the values are few."""
    counts = counted(domain)
    if (yield from repeats_often(domain)):
        (counts,) = yield (Kept(counts),)
    return counts


def distinct_count(domain: Domain, *, at_once: int = _GROUPED_AT_ONCE) -> Formula:
    """Formula for how many different values the domain's column has."""
    if domain.column.type().is_nested():
        raise Uncovered("distinct values of a nested column")
    marked = yield from _marked_count(domain)
    if marked is not None:
        return marked
    # Asked apart: beside other aggregates DuckDB keeps all distinct values in memory and can't spill them.
    if (yield from repeats_often(domain)):
        counts = yield from groups(domain)
        (count,) = yield (Scalar(counts.count(), over=counts),)
        return count
    total = 0
    for part in (yield from _parts(domain, present(domain), at_once)):
        counts = part.group_by(value=part[domain.columns[0]]).aggregate(count=part.count())
        (count,) = yield (Scalar(counts.count(), over=counts),)
        total += count
    return total


def _parts(domain: Domain, kept: Any, at_once: int) -> Formula:
    """Formula for the kept rows in parts that may be grouped one after another: equal values are in one part."""
    (rows,) = yield (Scalar(domain.table.count()),)
    parts = -(-rows // at_once)
    if parts < 2 or domain.table.get_backend().name != "duckdb":
        return [kept]
    hashed = _hash_of([kept[name] for name in domain.columns])
    return [kept.filter(hashed % parts == place) for place in range(parts)]


def _marked_count(domain: Domain) -> Formula:
    """Formula for the count of different whole numbers of a narrow range, None of anything else."""
    column = domain.column
    if not column.type().is_integer() or domain.table.get_backend().name != "duckdb":
        return None
    rows, low, high = yield (
        Scalar(domain.table.count()),
        Scalar(column.min(where=domain.condition)),
        Scalar(column.max(where=domain.condition)),
    )
    if rows < MANY or low is None or high - low >= _MOST_MARKS or high >= 2**63:
        return None
    kept = present(domain)
    values = kept.select(value=kept[domain.columns[0]].cast("int64") - low)
    (count,) = yield (Column(values, _Marks(high - low + 1)),)
    return count


class _Marks(Struct, frozen=True):
    """How many different numbers from 0 to below `size` come."""

    size: int

    def __call__(self, batches: Iterator[Any]) -> int:
        import numpy as np

        seen = np.zeros(self.size, dtype=bool)
        for values in batches:
            seen[values] = True
        return int(seen.sum())


def repeats_often(domain: Domain) -> Formula:
    """Formula for whether testing each different text once costs less than testing each row.

    Only a guess, from the table's first rows, and only of costs: both ways give the same answer.
    """
    if domain.condition is not None or not domain.column.type().is_string():
        return False
    (rows,) = yield (Scalar(domain.table.count()),)
    if rows < MANY:
        return False
    distinct = yield from _distinct_at_first(domain, domain.columns[0])
    return 2 * _different(rows, seen=distinct) < rows


def _distinct_at_first(domain: Domain, name: str) -> Formula:
    prefix = domain.table.limit(_PREFIX)
    (distinct,) = yield (Scalar(prefix[name].approx_nunique(), over=prefix),)
    return distinct or 0


def _different(rows: int, *, seen: int) -> float:
    """How many values rows have of which the first have so many, if all values are equally frequent."""
    low, high = float(max(seen, 1)), 1e12
    for _ in range(60):
        middle = math.sqrt(low * high)
        low, high = (middle, high) if -middle * math.expm1(-_PREFIX / middle) < seen else (low, middle)
    return -low * math.expm1(-rows / low)


def repeated(domain: Domain) -> Any:
    """The values that the domain's columns hold more than once, and how often."""
    return _repeated_in(_about(domain), domain)


def _repeated_in(kept: Any, domain: Domain) -> Any:
    counts = kept.group_by(list(domain.columns)).aggregate(nbprod_count=kept.count())
    return counts.filter(counts.nbprod_count > 1)


def some_repeated(domain: Domain, *, at_once: int = _GROUPED_AT_ONCE) -> Formula:
    """Formula for a table of values that the domain's columns hold more than once: all of them, or those of one part."""
    for part in (yield from _parts(domain, _about(domain), at_once)):
        values = _repeated_in(part, domain)
        (rows,) = yield (Rows(values.aggregate(n=values.nbprod_count.sum())),)
        if rows[0]["n"]:
            return values
    return repeated(domain)


def repeated_count(domain: Domain, *, at_once: int = _GROUPED_AT_ONCE) -> Formula:
    """Formula for how many rows hold values that the domain's columns hold more than once."""
    differ = yield from _all_hashes_differ(domain)
    if differ:
        return 0
    total = 0
    for part in (yield from _parts(domain, _about(domain), at_once)):
        values = _repeated_in(part, domain)
        (rows,) = yield (Rows(values.aggregate(n=values.nbprod_count.sum())),)
        total += int(rows[0]["n"] or 0)
    return total


def _about(domain: Domain) -> Any:
    keep = both(domain.rows, domain.column.notnull()) if len(domain.columns) == 1 else domain.rows
    return domain.table if keep is None else domain.table.filter(keep)


def _all_hashes_differ(domain: Domain) -> Formula:
    """Formula for whether no two rows have the same hash, and so no two the same values.

    False says nothing: different values may have one hash. Sorting hashes costs a quarter of grouping values.
    """
    (rows,) = yield (Scalar(domain.table.count()),)
    if rows < MANY or domain.table.get_backend().name != "duckdb":
        return False
    if (yield from _has_key(domain)):
        return True
    kept = _about(domain)
    columns = [kept[name] for name in domain.columns]
    is_number = len(columns) == 1 and columns[0].type().is_integer()
    if is_number and (yield (Column(kept.select(value=columns[0]), all_rise),))[0]:
        return True
    hashes = kept.select(hash=_hash_of(columns))
    passes = -(-rows // _AT_ONCE)
    for place in range(passes):
        part = hashes if passes == 1 else hashes.filter(hashes.hash % passes == place)
        if not (yield (Column(part, _Differ(min(rows, 2 * _AT_ONCE))),))[0]:
            return False
    return True


def _has_key(domain: Domain) -> Formula:
    """Formula for whether one of several columns has no value twice: then the columns together don't either."""
    if len(domain.columns) == 1:
        return False
    for name in sorted(domain.complete & set(domain.columns)):
        distinct = yield from _distinct_at_first(domain, name)
        # The count is approximate.
        if distinct < 0.9 * _PREFIX:
            continue
        alone = replace(domain, columns=(name,), ignores=None)
        if (yield from _all_hashes_differ(alone)):
            return True
    return False


def _in_order(batches: Iterator[Any], *, follows: Callable[[Any, Any], Any]) -> bool:
    last = None
    for values in batches:
        if not len(values):
            continue
        if (last is not None and not follows(values[0], last)) or not bool(
            follows(values[1:], values[:-1]).all()
        ):
            return False
        last = values[-1]
    return True


# Whether each value is greater than the one before it, or not less: the same question wherever it is asked.
all_rise = functools.partial(_in_order, follows=operator.gt)
never_falls = functools.partial(_in_order, follows=operator.ge)


class _Differ(Struct, frozen=True):
    """Whether no value comes twice; `size` values fit in at most, or false."""

    size: int

    def __call__(self, batches: Iterator[Any]) -> bool:
        import numpy as np

        # One array that batches are copied to: half of what joining them would hold.
        held, count = np.empty(self.size, dtype="uint64"), 0
        for values in batches:
            if count + len(values) > self.size:
                return False
            held[count : count + len(values)] = values
            count += len(values)
        found = held[:count]
        found.sort()
        return not bool((found[1:] == found[:-1]).any())


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
