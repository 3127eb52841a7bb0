"""GX's metrics by name: the formula that measures each over an Ibis table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbprod.validating.aggregates import AGGREGATES
from nbprod.validating.asking import Rows, Scalar, Uncovered
from nbprod.validating.broken import ROW_LEVEL
from nbprod.validating.rows import domain_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from nbprod.validating.asking import Formula
    from nbprod.validating.sources import Source


def formula_of(name: str, domain: Mapping[str, Any], arguments: Mapping[str, Any], source: Source) -> Formula:
    """The formula of one metric of GX's; it raises Uncovered, once it is asked, if there is none."""
    value = yield from _formula(name, domain, arguments, source)
    return value


def _formula(name: str, domain: Mapping[str, Any], arguments: Mapping[str, Any], source: Source) -> Formula:
    if name in _TABLE:
        return _TABLE[name](source, domain, arguments)
    if name in AGGREGATES:
        return AGGREGATES[name](domain_of(source.judged, domain, complete=source.complete), arguments)
    base, _, suffix = name.rpartition(".")
    if suffix in ROW_LEVEL:
        about = domain_of(source.judged, domain, complete=source.complete)
        return ROW_LEVEL[suffix](base, about, arguments, source)
    raise Uncovered(f"the metric {name}")


def _columns(source: Source, _: Any, __: Any) -> Formula:
    yield from ()
    return list(source.columns)


def _column_count(source: Source, _: Any, __: Any) -> Formula:
    yield from ()
    return len(source.columns)


def _row_count(source: Source, kwargs: Mapping[str, Any], _: Any) -> Formula:
    if kwargs.get("table"):
        raise Uncovered("another table")
    domain = domain_of(source.judged, kwargs)
    (count,) = yield (Scalar(source.judged.count(where=domain.condition)),)
    return count


def _query_rows(source: Source, _: Any, arguments: Mapping[str, Any]) -> Formula:
    (rows,) = yield (Rows(_queried(source, arguments).limit(200)),)
    return rows


def _query_row_count(source: Source, _: Any, arguments: Mapping[str, Any]) -> Formula:
    queried = _queried(source, arguments)
    (rows,) = yield (Rows(queried.aggregate(n=queried.count())),)
    return rows[0]["n"]


def _queried(source: Source, arguments: Mapping[str, Any]) -> Any:
    query = arguments["unexpected_rows_query"].format(batch="nbprod_batch")
    return source.table.alias("nbprod_batch").sql(query)


_TABLE: dict[str, Callable[[Source, Any, Any], Formula]] = {
    "table.columns": _columns,
    "table.column_count": _column_count,
    "table.row_count": _row_count,
    "unexpected_rows_query.table": _query_rows,
    "unexpected_rows_query.row_count": _query_row_count,
}
