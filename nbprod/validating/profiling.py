"""A table measured as a profile, from which suites are proposed and drift is seen."""

from __future__ import annotations

import itertools
import math
import re
from typing import TYPE_CHECKING, Any, TypedDict

from msgspec.structs import replace

from nbprod.errors import SuiteError, did_you_mean
from nbprod.expectations.infer import infer
from nbprod.expectations.profile import QUANTILES, ColumnProfile, Correlation, Dependency, Profile, Sort
from nbprod.validating.asking import Rows, Scalar, measured
from nbprod.validating.quantiles import nearest_ranks
from nbprod.validating.relations import relations
from nbprod.validating.sources import source_of
from nbprod.validating.tables import Limits, opened
from nbprod.validating.timing import timing
from nbprod.validating.verdicts import plain

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    from nbprod.model import Suite
    from nbprod.validating.asking import Formula

# More rows than these say nothing more about a distribution; a reference keeps its bounds from a sample of it.
_ENOUGH = 1_000_000
_RUNGS = 201
_FEW_VALUES = 50
_MOST_PAIRED = 30
_FEWEST_IN_BATCH = 30


class Proposing(TypedDict, total=False):
    """What is known of the batches that a proposed suite shall judge, and how often it may raise a false alarm."""

    alarm_rate: float
    batch_rows: int
    batches_by: Sequence[str]
    batch_of: int
    is_followed: bool


def propose(
    table: object,
    *,
    value: str,
    alarm_rate: float = 0.01,
    batch_rows: int | None = None,
    batches_by: Sequence[str] = (),
    batch_of: int = 1,
    is_followed: bool = False,
    limits: Limits | None = None,
) -> Suite:
    """A suite for fresh batches like this reference table, false alarms held at `alarm_rate` a batch.

    `batches_by` names the columns that make a batch of the reference (a date, say) where batches aren't random rows, and
    `batch_of` how many of these the batches to come have each, if they are several drawn alike (14 days);
    `is_followed` says that the batches to come are later than the reference.
    """
    profile = profile_of(table, batches_by=batches_by, limits=limits)
    return infer(
        profile,
        value=value,
        alarm_rate=alarm_rate,
        batch_rows=batch_rows,
        is_followed=is_followed,
        batch_of=batch_of,
    )


def profile_of(table: object, *, batches_by: Sequence[str] = (), limits: Limits | None = None) -> Profile:
    """The table's profile, in few scans and bounded memory."""
    with opened(table, limits=limits or Limits()) as open_table:
        _refuse_unknown(batches_by, open_table.columns)
        source = source_of(open_table.table, columns=open_table.columns, samples=0)
        rows = source.judged.count().to_pyarrow().as_py()
        looked_at = source.judged.sample(_ENOUGH / rows, seed=7) if rows > _ENOUGH else source.judged
        looked_at = looked_at.cache() if rows > _ENOUGH else looked_at
        formulas: dict[Hashable, Formula] = {
            name: _column(looked_at, name, kind, tuple(batches_by), is_whole=rows <= _ENOUGH)
            for name, kind in looked_at.schema().items()
        }
        formulas["rows of all"] = _rows(looked_at)
        formulas["pairs of all"] = _ordered_pairs(looked_at)
        formulas["sizes of batches"] = _batch_rows(looked_at, tuple(batches_by))
        found = measured(looked_at, formulas)
        profile = _profile(found.values, tuple(looked_at.columns), was_sampled=rows > _ENOUGH)
        between = measured(looked_at, relations(looked_at, profile, by=tuple(batches_by)))
        return replace(
            profile,
            batches_by=tuple(batches_by),
            batch_rows=found.values.get("sizes of batches", ()),
            dependencies=tuple(one for one in between.values.values() if isinstance(one, Dependency)),
            correlations=tuple(one for one in between.values.values() if isinstance(one, Correlation)),
        )


def _refuse_unknown(batches_by: Sequence[str], columns: Sequence[str]) -> None:
    for name in batches_by:
        if name not in columns:
            raise SuiteError(
                f"No column '{name}' makes batches: the table has none of that name.",
                remedy=did_you_mean(name, columns) or "Name columns of the table.",
            )


def _profile(found: Mapping[Hashable, Any], columns: tuple[str, ...], *, was_sampled: bool) -> Profile:
    return Profile(
        rows=found["rows of all"],
        columns=tuple(found[name] for name in columns if name in found),
        ordered=found.get("pairs of all", ()),
        was_sampled=was_sampled,
    )


def _batch_rows(table: Any, by: tuple[str, ...]) -> Formula:
    if not by:
        yield from ()
        return ()
    (rows,) = yield (Rows(table.group_by(list(by)).aggregate(n=table.count()).order_by(list(by))),)
    return tuple(row["n"] for row in rows)


def _rows(table: Any) -> Formula:
    (count,) = yield (Scalar(table.count()),)
    return count


def _batches(table: Any, name: str, sort: Sort, by: tuple[str, ...]) -> Formula:
    """What each batch of the reference shows of a column, in the names of `ColumnProfile`."""
    if not by:
        yield from ()
        return {}
    column = table[name]
    asked = {"n": column.count(), "nulls": column.isnull().mean()}
    if sort in (Sort.NUMBER, Sort.TEXT):
        low, high = _extremes(column, sort)
        asked |= {"low": low, "high": high}
    if sort is Sort.TIME:
        asked["low"] = column.min().cast("timestamp").epoch_seconds()
    if sort is Sort.NUMBER:
        asked |= {f"q{place}": column.cast("float64").quantile(one) for place, one in enumerate(QUANTILES)}
    (rows,) = yield (Rows(table.group_by(list(by)).aggregate(**asked).order_by(list(by))),)
    quantiles = [
        tuple(row[f"q{place}"] for place in range(len(QUANTILES))) if row["n"] >= _FEWEST_IN_BATCH else None
        for row in rows
        if "q0" in row
    ]
    return {
        "batch_null_shares": tuple(row["nulls"] for row in rows),
        "batch_quantiles": tuple(quantiles),
        "batch_lows": tuple(_extreme(row, "low") for row in rows if "low" in row),
        "batch_highs": tuple(_extreme(row, "high") for row in rows if "high" in row),
    }


def _extreme(row: Mapping[str, Any], name: str) -> float | None:
    """A batch's extreme; few values have extremes that say little, and infinity is no measure."""
    value = float(row[name]) if row["n"] >= _FEWEST_IN_BATCH else math.nan
    return value if math.isfinite(value) else None


def _strange_shares(table: Any, name: str, by: tuple[str, ...]) -> Formula:
    """The share of each batch's rows whose value no other batch of the reference has."""
    if not by or name in by:
        yield from ()
        return ()
    # Missing values are counted as none, so that each batch has its row.
    each = table.group_by([*by, name]).aggregate(nbprod_n=table[name].count())
    placed = each.mutate(nbprod_batches=each.count().over(group_by=name))
    alone = placed.nbprod_n.sum(where=placed.nbprod_batches == 1).fill_null(0)
    counted = placed.group_by(list(by)).aggregate(alone=alone, n=placed.nbprod_n.sum())
    (rows,) = yield (Rows(counted.order_by(list(by))),)
    return tuple(row["alone"] / row["n"] if row["n"] else None for row in rows)


def _column(table: Any, name: str, kind: Any, by: tuple[str, ...], *, is_whole: bool) -> Formula:
    column, sort = table[name], sort_of(kind)
    nulls, low, high = yield (
        Scalar(column.isnull().sum()),
        *(Scalar(one) for one in _extremes(column, sort)),
    )
    kept = table.filter(column.notnull())
    counts = kept.group_by(value=kept[name]).aggregate(n=kept.count())
    once = counts.aggregate(distinct=counts.count(), singletons=(counts.n == 1).sum())
    (numbers,) = yield (Rows(once),)
    distinct, singletons = numbers[0]["distinct"], numbers[0]["singletons"] or 0
    values: tuple[Any, ...] = ()
    if 0 < distinct <= _FEW_VALUES and sort is not Sort.OTHER:
        (rows,) = yield (Rows(counts.order_by("value")),)
        values = tuple((plain(row["value"]), row["n"]) for row in rows)
    ladder = yield from _ladder(kept, name, sort)
    shape = yield from _shape(kept, counts, name, sort)
    batches = yield from _batches(table, name, sort, by)
    if values:
        batches["batch_strange_shares"] = yield from _strange_shares(table, name, by)
    is_text = sort is Sort.TEXT
    if sort is Sort.TIME and distinct and is_whole:
        batches |= yield from timing(kept, name, low, high)
    return ColumnProfile(
        name=name,
        type=str(kind.copy(nullable=True)),
        sort=sort,
        nulls=nulls or 0,
        distinct=distinct,
        singletons=singletons,
        low=None if is_text else plain(low),
        high=None if is_text else plain(high),
        ladder=ladder,
        counts=values,
        shortest=low if is_text else None,
        longest=high if is_text else None,
        shape=shape,
        **batches,
    )


def sort_of(kind: Any) -> Sort:
    """What the values of an Ibis type are."""
    if kind.is_boolean():
        return Sort.FLAG
    if kind.is_numeric():
        return Sort.NUMBER
    if kind.is_timestamp() or kind.is_date():
        return Sort.TIME
    return Sort.TEXT if kind.is_string() else Sort.OTHER


def _extremes(column: Any, sort: Sort) -> tuple[Any, Any]:
    match sort:
        case Sort.TEXT:
            return column.length().min(), column.length().max()
        case Sort.NUMBER if column.type().is_decimal():
            return column.cast("float64").min(), column.cast("float64").max()
        case Sort.NUMBER | Sort.TIME:
            return column.min(), column.max()
        case _:
            return column.count(), column.count()


def _ladder(kept: Any, name: str, sort: Sort) -> Formula:
    if sort is not Sort.NUMBER:
        yield from ()
        return ()
    steps = [place / (_RUNGS - 1) for place in range(_RUNGS)]
    values = yield from nearest_ranks(kept, name, steps)
    return tuple(value for value in values if value is not None)


def _shape(kept: Any, counts: Any, name: str, sort: Sort) -> Formula:
    if sort is not Sort.TEXT:
        yield from ()
        return None
    (rows,) = yield (Rows(counts.order_by("value").limit(500)),)
    pattern = shape_of([row["value"] for row in rows])
    if pattern is None:
        return None
    (strange,) = yield (Rows(kept.aggregate(n=(~kept[name].re_search(pattern)).sum())),)
    return None if strange[0]["n"] else pattern


_CLASSES = (("[0-9]", re.compile("[0-9]")), ("[A-Z]", re.compile("[A-Z]")), ("[a-z]", re.compile("[a-z]")))


def shape_of(texts: list[str]) -> str | None:
    """A pattern of runs of digits, capitals and small letters that all the texts have, if they have one."""
    runs = [_runs(text) for text in texts]
    if not runs or len({tuple(kind for kind, _ in one) for one in runs}) > 1 or not 0 < len(runs[0]) <= 12:
        return None
    parts = []
    for place, (kind, _) in enumerate(runs[0]):
        sizes = [one[place][1] for one in runs]
        low, high = min(sizes), max(sizes)
        parts.append(kind if low == high == 1 else f"{kind}{{{low}}}" if low == high else f"{kind}+")
    return f"^{''.join(parts)}$"


def _runs(text: str) -> list[tuple[str, int]]:
    kinds = [
        next((name for name, one in _CLASSES if one.match(letter)), re.escape(letter)) for letter in text
    ]
    return [(kind, len(list(group))) for kind, group in itertools.groupby(kinds)]


def _ordered_pairs(table: Any) -> Formula:
    pairs = _alike(table)
    if not pairs:
        yield from ()
        return ()
    names = sorted({name for pair in pairs for name in pair})
    means = yield tuple(Scalar(_as_number(table[name]).mean()) for name in names)
    middle = dict(zip(names, means, strict=True))
    # A left value above the right's mean shows that the order is more than two ranges side by side.
    tests = [
        (
            table[left] > table[right],
            table[left] < table[right],
            _as_number(table[left]) > (middle[right] or 0),
        )
        for left, right in pairs
    ]
    counts = yield tuple(Scalar(test.sum()) for group in tests for test in group)
    ordered = []
    for place, pair in enumerate(pairs):
        above, below, mixed = (count or 0 for count in counts[3 * place : 3 * place + 3])
        if not above and below >= _FEW_VALUES and mixed >= below / 20:
            ordered.append(pair)
    return tuple(ordered)


def _as_number(column: Any) -> Any:
    return column.cast("timestamp").epoch_seconds() if column.type().is_temporal() else column


def _alike(table: Any) -> list[tuple[str, str]]:
    sorts: dict[str, list[str]] = {}
    for name, kind in table.schema().items():
        if sort_of(kind) in (Sort.NUMBER, Sort.TIME):
            sorts.setdefault("number" if kind.is_numeric() else str(kind.copy(nullable=True)), []).append(
                name
            )
    return [
        pair
        for names in sorts.values()
        if len(names) <= _MOST_PAIRED
        for pair in itertools.permutations(names, 2)
    ]
