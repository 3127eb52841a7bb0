"""How the columns of a reference go together: which settles which, and which rise and fall with one another."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any

from nbprod.expectations.profile import ColumnProfile, Correlation, Dependency, Profile, Sort
from nbprod.validating.asking import Rows
from nbprod.validating.verdicts import plain

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    from nbprod.validating.asking import Formula

_MOST_PAIRS = 50
_FEWEST_A_PAIR = 20
_MOST_COLUMNS = 12
_STRONG = 0.3
_SAMPLE = 20_000
_ROUNDS = 100
_FEWEST_ROWS = 100
_FEWEST_IN_BATCH = 30


def relations(table: Any, profile: Profile, *, by: tuple[str, ...]) -> dict[Hashable, Formula]:
    """By names, formulas for a `Dependency`, a `Correlation`, or None where two columns don't go together."""
    found: dict[Hashable, Formula] = {}
    for one, other in _candidates(profile, by):
        found["settles", one.name, other.name] = _dependency(table, one, other)
    if profile.rows >= _FEWEST_ROWS:
        numbers = [one for one in profile.columns if _may_correlate(one, by)][:_MOST_COLUMNS]
        for left, right in itertools.combinations(numbers, 2):
            found["goes with", left.name, right.name] = _correlation(table, left.name, right.name, by)
    return found


def _candidates(profile: Profile, by: tuple[str, ...]) -> Iterator[tuple[ColumnProfile, ColumnProfile]]:
    """Pairs of columns of few values, each seen often, of which the first may settle the second."""
    few = [
        one
        for one in profile.columns
        if one.sort in (Sort.TEXT, Sort.FLAG, Sort.NUMBER)
        and 1 < len(one.counts) <= _MOST_PAIRS
        and profile.rows - one.nulls >= _FEWEST_A_PAIR * len(one.counts)
        # What makes a batch is its name, which says nothing of the next one.
        and one.name not in by
    ]
    for one, other in itertools.permutations(few, 2):
        if len(other.counts) <= len(one.counts):
            yield one, other


def _dependency(table: Any, one: ColumnProfile, other: ColumnProfile) -> Formula:
    kept = table.filter(table[one.name].notnull() & table[other.name].notnull())
    pairs = kept.group_by([one.name, other.name]).aggregate(nbprod_n=kept.count())
    (rows,) = yield (Rows(pairs.order_by([one.name, other.name]).limit(_MOST_PAIRS + 1)),)
    values = [row[one.name] for row in rows]
    # Each value has one companion, and there is more than one companion to have.
    if len(rows) > _MOST_PAIRS or len(set(values)) < len(values) or len(rows) < 2:
        return None
    return Dependency(
        settles=one.name,
        settled=other.name,
        pairs=tuple((plain(row[one.name]), plain(row[other.name])) for row in rows),
        singletons=sum(row["nbprod_n"] == 1 for row in rows),
        rows=sum(row["nbprod_n"] for row in rows),
    )


def _may_correlate(column: ColumnProfile, by: tuple[str, ...]) -> bool:
    # Braces would be taken for a place in the query's text.
    is_plain = not set(column.name) & set("{}")
    return column.sort is Sort.NUMBER and is_plain and column.name not in by and len(set(column.ladder)) > 10


def _correlation(table: Any, left: str, right: str, by: tuple[str, ...]) -> Formula:
    a, b = table[left].cast("float64"), table[right].cast("float64")
    kept = table.filter(a.notnull() & b.notnull() & ~a.isinf() & ~b.isinf())
    one, two = kept[left].cast("float64"), kept[right].cast("float64")
    (rows,) = yield (Rows(kept.aggregate(r=one.corr(two, how="pop"), n=kept.count())),)
    r, count = rows[0]["r"], rows[0]["n"]
    # Columns that go together exactly are copies, which a sum or a difference says better.
    if count < _FEWEST_ROWS or r is None or not _STRONG <= abs(r) < 1 - 1e-9:
        return None
    (sample,) = yield (Rows(kept.select(a=one, b=two).limit(_SAMPLE)),)
    angles: tuple[float | None, ...] = ()
    if by:
        good = a.notnull() & b.notnull() & ~a.isinf() & ~b.isinf()
        grouped = table.group_by(list(by)).aggregate(
            r=a.corr(b, how="pop", where=good.fill_null(False)), n=good.sum()
        )
        (batches,) = yield (Rows(grouped.order_by(list(by))),)
        angles = tuple(_angle(row["r"], row["n"]) for row in batches)
    return Correlation(
        left=left, right=right, angle=math.atanh(r), spread=_spread(sample), batch_angles=angles
    )


def _angle(r: float | None, rows: int | None) -> float | None:
    is_known = r is not None and abs(r) < 1 and (rows or 0) >= _FEWEST_IN_BATCH
    return math.atanh(r) if is_known and r is not None else None


def _spread(sample: list[dict[str, float]]) -> float:
    """The standard deviation of Fisher's angle in a batch of one row: 1 for normal columns, more for heavy tails."""
    import numpy as np

    values = np.array([(row["a"], row["b"]) for row in sample])
    random = np.random.default_rng(7)
    size = min(len(values), 2_000)
    angles = []
    for _ in range(_ROUNDS):
        part = values[random.integers(0, len(values), size)]
        if part.std(axis=0).min() > 0:
            angles.append(math.atanh(min(max(np.corrcoef(part.T)[0, 1], -1 + 1e-12), 1 - 1e-12)))
    return max(float(np.std(angles)) * math.sqrt(size), 1.0) if len(angles) > 1 else 1.0
