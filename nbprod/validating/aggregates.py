"""GX's metrics of a column as a whole, as formulas; each gives what GX's pandas metric of that name gives."""

from __future__ import annotations

import functools
import itertools
from typing import TYPE_CHECKING, Any

from nbprod.validating.asking import Rows, Scalar, Uncovered
from nbprod.validating.counting import distinct_count, groups, present
from nbprod.validating.quantiles import middle, nearest_ranks
from nbprod.validating.rows import Domain, among, between

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from nbprod.validating.asking import Formula

# GX's own limit on the distinct values that it lists.
_MOST_DISTINCT = 20


def _plain(measure: Callable[[Any, Any], Any]) -> Callable[[Domain, Any], Formula]:
    def formula(domain: Domain, _: Any) -> Formula:
        (value,) = yield (Scalar(measure(domain.column, domain.condition)),)
        return value

    return formula


def number(column: Any) -> Any:
    if not column.type().is_numeric() and not column.type().is_boolean():
        raise Uncovered(f"arithmetic on a column of type {column.type()}")
    if column.type().is_boolean():
        raise Uncovered("arithmetic on booleans")
    return column.cast("float64") if column.type().is_decimal() else column


def _sum(domain: Domain, _: Any) -> Formula:
    column = domain.column
    (total,) = yield (Scalar(number(column).sum(where=domain.condition)),)
    # The sum of nothing is 0, as in pandas.
    return (0.0 if column.type().is_floating() else 0) if total is None else total


def _standard_deviation(domain: Domain, _: Any) -> Formula:
    (deviation,) = yield (deviation_of(domain),)
    return deviation


def deviation_of(domain: Domain) -> Scalar:
    return Scalar(number(domain.column).std(where=domain.condition, how="sample"))


def _ordered(column: Any) -> Any:
    if column.type().is_nested() or column.type().is_binary():
        raise Uncovered(f"the order of a column of type {column.type()}")
    return column


def _median(domain: Domain, _: Any) -> Formula:
    value = yield from middle(present(domain), number(domain.column).get_name())
    return value


def _share(domain: Domain, *, distinct: bool) -> Formula:
    table, column = domain.table, domain.column
    (rows, present) = yield (
        Scalar(table.count(where=domain.condition)),
        Scalar(column.count(where=domain.condition)),
    )
    if not distinct:
        return present / rows if rows else 0
    count = yield from distinct_count(domain)
    return count / present if present else 0


def _distinct_values(domain: Domain, _: Any) -> Formula:
    rows = yield from _values(domain)
    return {row["value"] for row in rows}


def _values(domain: Domain) -> Formula:
    counts = yield from groups(domain)
    (rows,) = yield (Rows(counts.order_by("value")),)
    return rows


def _not_in_set(domain: Domain, arguments: Mapping[str, Any], *, count: bool) -> Formula:
    counts = yield from groups(domain)
    is_strange = ~among(counts.value, arguments["value_set"])
    (found,) = yield (Scalar(is_strange.sum(), over=counts),)
    if count or not found:
        return (found or 0) if count else []
    strange = counts.filter(is_strange).select("value")
    (rows,) = yield (Rows(strange.order_by("value").limit(arguments.get("limit") or _MOST_DISTINCT)),)
    return [row["value"] for row in rows]


def _missing_from_column(domain: Domain, arguments: Mapping[str, Any], *, count: bool) -> Formula:
    wanted = [value for value in arguments["value_set"] if value is not None]
    if domain.column.type().is_temporal():
        raise Uncovered("a set of times")
    counts = yield from groups(domain)
    (rows,) = yield (Rows(counts.filter(among(counts.value, wanted)).select("value")),)
    missing = set(wanted) - {row["value"] for row in rows}
    return len(missing) if count else sorted(missing, key=str)[: arguments.get("limit") or _MOST_DISTINCT]


def _value_counts(domain: Domain, arguments: Mapping[str, Any]) -> Formula:
    import pandas as pd

    if arguments.get("sort") not in (None, "value"):
        raise Uncovered("counts in another order")
    rows = yield from _values(domain)
    index = pd.Index([row["value"] for row in rows], name="value")
    return pd.Series([row["count"] for row in rows], index=index, name="count", dtype="int64")


def _most_common(domain: Domain, _: Any) -> Formula:
    counts = yield from groups(domain)
    (rows,) = yield (Rows(counts.filter(counts["count"] == counts["count"].max()).order_by("value")),)
    return [row["value"] for row in rows]


def _histogram(domain: Domain, arguments: Mapping[str, Any]) -> Formula:
    column, bins = number(domain.column), list(arguments["bins"])
    last = len(bins) - 2
    asks = []
    for place, (low, high) in enumerate(itertools.pairwise(bins)):
        inside = (column >= low) & ((column <= high) if place == last else (column < high))
        asks.append(Scalar(inside.sum(where=domain.condition)))
    counts = yield tuple(asks)
    return [count or 0 for count in counts]


def _between_count(domain: Domain, arguments: Mapping[str, Any]) -> Formula:
    (count,) = yield (Scalar(between(domain.column, arguments).sum(where=domain.condition)),)
    return count or 0


def _quantile_values(domain: Domain, arguments: Mapping[str, Any]) -> Formula:
    if arguments.get("allow_relative_error"):
        raise Uncovered("approximate quantiles")
    values = yield from nearest_ranks(
        present(domain), number(domain.column).get_name(), arguments["quantiles"]
    )
    return values


AGGREGATES: dict[str, Callable[[Domain, Any], Formula]] = {
    "column.max": _plain(lambda x, where: _ordered(x).max(where=where)),
    "column.min": _plain(lambda x, where: _ordered(x).min(where=where)),
    "column.mean": _plain(lambda x, where: number(x).mean(where=where)),
    "column.sum": _sum,
    "column.standard_deviation": _standard_deviation,
    "column.median": _median,
    "column.distinct_values": _distinct_values,
    "column.distinct_values.count": lambda domain, _: distinct_count(domain),
    "column.distinct_values.not_in_set": functools.partial(_not_in_set, count=False),
    "column.distinct_values.not_in_set.count": functools.partial(_not_in_set, count=True),
    "column.distinct_values.missing_from_column": functools.partial(_missing_from_column, count=False),
    "column.distinct_values.missing_from_column.count": functools.partial(_missing_from_column, count=True),
    "column.unique_proportion": lambda domain, _: _share(domain, distinct=True),
    "column.non_null_proportion": lambda domain, _: _share(domain, distinct=False),
    "column.value_counts": _value_counts,
    "column.most_common_value": _most_common,
    "column.histogram": _histogram,
    "column.quantile_values": _quantile_values,
    "column_values.nonnull.count": _plain(lambda x, where: x.count(where=where)),
    "column_values.between.count": _between_count,
}
