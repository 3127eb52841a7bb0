"""Row-level metrics: which rows break them, how many, and samples, as formulas over a table."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from nbprod.validating.aggregates import deviation_of, number
from nbprod.validating.asking import Rows, Scalar, Uncovered
from nbprod.validating.counting import MANY, groups, repeated, repeated_count, repeats_often, some_repeated
from nbprod.validating.rows import COLUMN, MULTI, PAIR, Domain, both

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from nbprod.validating.asking import Formula
    from nbprod.validating.sources import Source


def broken_rows(base: str, domain: Domain, arguments: Mapping[str, Any]) -> Formula:
    """Formula for the boolean expression that is true on the rows that break a row-level metric.

    It asks first where a row's judgement depends on the whole column.
    """
    if base == "column_values.nonnull":
        return both(domain.rows, domain.column.isnull())
    if base == "column_values.null":
        return both(domain.rows, domain.column.notnull())
    if base in _RELATIVE:
        expected = yield from _RELATIVE[base](domain, arguments)
        return both(both(domain.rows, domain.column.notnull()), ~expected)
    columns = [domain.table[name] for name in domain.columns]
    if base in COLUMN:
        # Of a missing value every such test is null, which neither counts nor filters as broken.
        return both(domain.rows, ~COLUMN[base](columns[0], arguments))
    if base in PAIR:
        return both(domain.rows, ~PAIR[base](columns[0], columns[1], arguments).fill_null(False))
    if base in MULTI:
        return both(domain.rows, ~MULTI[base](columns, arguments).fill_null(False))
    raise Uncovered(f"the rows of {base}")


def _z_score(domain: Domain, arguments: Mapping[str, Any]) -> Formula:
    import ibis

    column = number(domain.column)
    mean, deviation = yield (Scalar(column.mean(where=domain.condition)), deviation_of(domain))
    if not _is_finite(mean, deviation) or deviation == 0:
        return ibis.literal(value=True)
    score = (column - mean) / deviation
    threshold = arguments["threshold"]
    return (score.abs() < abs(threshold)) if arguments.get("double_sided") else (score < threshold)


def _not_outlying(domain: Domain, arguments: Mapping[str, Any]) -> Formula:
    import ibis

    column, where = number(domain.column), domain.condition
    multiplier = arguments.get("multiplier", 1.5)
    if arguments.get("method", "iqr") == "std":
        mean, deviation = yield (Scalar(column.mean(where=where)), deviation_of(domain))
        if not _is_finite(mean, deviation):
            return ibis.literal(value=True)
        width = multiplier * deviation
        return (column == mean) if width <= 0 else ((column - mean).abs() < width)
    low, high, least, most = yield (
        Scalar(column.cast("float64").quantile(0.25, where=where)),
        Scalar(column.cast("float64").quantile(0.75, where=where)),
        Scalar(column.min(where=where)),
        Scalar(column.max(where=where)),
    )
    if least is not None and not _is_finite(least, most):
        raise Uncovered("quartiles beside infinities, which pandas interpolates to no number")
    if not _is_finite(low, high):
        return ibis.literal(value=True)
    width = multiplier * (high - low)
    return (column >= low - width) & (column <= high + width)


def _is_finite(*values: float | None) -> bool:
    return all(value is not None and math.isfinite(value) for value in values)


_RELATIVE: dict[str, Callable[[Domain, Any], Formula]] = {
    "column_values.z_score.under_threshold": _z_score,
    "column_values.not_outliers": _not_outlying,
}
_COMPOUND = "compound_columns.unique"
UNIQUE = ("column_values.unique", _COMPOUND)


def _unexpected_count(base: str, domain: Domain, arguments: Mapping[str, Any], _: Source) -> Formula:
    if base in UNIQUE:
        count = yield from repeated_count(domain)
        return count
    if base == "column_values.nonnull":
        # Counting what is there costs less than testing each value.
        rows, present = yield (
            Scalar(domain.table.count(where=domain.rows)),
            Scalar(domain.column.count(where=domain.rows)),
        )
        return rows - present
    if base in COLUMN and (yield from repeats_often(domain)):
        counts = yield from groups(domain)
        broken = ~COLUMN[base](counts.value, arguments)
        (count,) = yield (Scalar(counts["count"].sum(where=broken), over=counts),)
        return int(count or 0)
    broken = yield from broken_rows(base, domain, arguments)
    (count,) = yield (Scalar(broken.sum()),)
    return count or 0


def _unexpected_sample(base: str, domain: Domain, arguments: Mapping[str, Any], source: Source) -> Formula:
    """Whole rows that break the metric, as they stand in the table."""
    wanted = _sample_size(arguments, source)
    count = yield from _unexpected_count(base, domain, arguments, source)
    if not count or wanted == 0:
        return []
    if base in UNIQUE:
        rows = yield from _repeated_rows(domain, source, wanted)
        return rows
    broken = yield from broken_rows(base, domain, arguments)
    # Each row as it is judged: a NaN shows as missing, which is why it broke what it broke.
    if wanted is not None and (near := (yield from _near(source, count, wanted))) is not None:
        (rows,) = yield (Rows(source.judged.limit(near).filter(broken).limit(wanted)),)
        if len(rows) == min(wanted, count):
            return rows
    (rows,) = yield (Rows(_limited(source.judged.filter(broken), wanted)),)
    return rows


def _near(source: Source, count: int, wanted: int) -> Formula:
    """Formula for among how many of the first rows the wanted ones should be; None where a whole scan may be needed.

    A scan is not left as soon as enough rows are found: backends filter some millions before they hand one on.
    """
    (rows,) = yield (Scalar(source.judged.count()),)
    near = max(4 * rows * wanted // max(count, 1), MANY // 10)
    return near if rows >= MANY and near < rows // 4 else None


def _repeated_rows(domain: Domain, source: Source, wanted: int | None) -> Formula:
    keys = list(domain.columns)
    several = (yield from some_repeated(domain)) if wanted is not None else repeated(domain)
    values = _limited(several.order_by(keys), wanted).select(*keys)
    found = source.judged.semi_join(values, [source.judged[key].identical_to(values[key]) for key in keys])
    (rows,) = yield (Rows(_limited(found, wanted)),)
    return rows


def _limited(table: Any, wanted: int | None) -> Any:
    return table if wanted is None else table.limit(wanted)


def _sample_size(arguments: Mapping[str, Any], source: Source) -> int | None:
    wish = arguments.get("result_format") or {}
    return None if wish.get("result_format") == "COMPLETE" else source.samples


def _unexpected_values(base: str, domain: Domain, arguments: Mapping[str, Any], source: Source) -> Formula:
    rows = yield from _unexpected_sample(base, domain, arguments, source)
    if base in PAIR:
        return [tuple(row[name] for name in domain.columns) for row in rows]
    if base in MULTI or base == _COMPOUND:
        return [{name: row[name] for name in domain.columns} for row in rows]
    return [row[domain.columns[0]] for row in rows]


def _unexpected_rows(base: str, domain: Domain, arguments: Mapping[str, Any], source: Source) -> Formula:
    import pyarrow as pa

    rows = yield from _unexpected_sample(base, domain, arguments, source)
    return pa.Table.from_pylist(rows).to_pandas()


def _unexpected_index_list(
    base: str, domain: Domain, arguments: Mapping[str, Any], source: Source
) -> Formula:
    names = (arguments.get("result_format") or {}).get("unexpected_index_column_names")
    if not names:
        # A table has no positions: only columns can name a row.
        yield from ()
        return None
    missing = [name for name in names if name not in source.columns]
    if missing:
        raise Uncovered(f"no column {missing[0]!r}")
    rows = yield from _unexpected_sample(base, domain, arguments, source)
    return [{name: row[name] for name in (*domain.columns, *names)} for row in rows]


def _unexpected_index_query(_: str, __: Domain, ___: Any, ____: Source) -> Formula:
    yield from ()


def _filtered_row_count(_: str, domain: Domain, __: Any, ___: Source) -> Formula:
    (count,) = yield (Scalar(domain.table.count(where=domain.rows)),)
    return count


ROW_LEVEL: dict[str, Callable[[str, Domain, Any, Source], Formula]] = {
    "unexpected_count": _unexpected_count,
    "unexpected_values": _unexpected_values,
    "unexpected_rows": _unexpected_rows,
    "unexpected_index_list": _unexpected_index_list,
    "unexpected_index_query": _unexpected_index_query,
    "filtered_row_count": _filtered_row_count,
    "sample_rows": _unexpected_sample,
}
