"""GX's own pandas engine, for what Ibis doesn't cover: on the columns that an expectation names and no others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbprod.validating.gx import context

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from nbprod.validating.tables import Opened

_COLUMN_ARGUMENTS = ("column", "column_A", "column_B")


def judged_by_gx(expectation: Any, table: Opened, *, result_format: Mapping[str, Any]) -> Any:
    """GX's result of the expectation by its pandas engine; an exception in it is part of the result."""
    frame = _frame(table, _wanted(expectation.configuration.kwargs, table, result_format))
    batch = context().data_sources.pandas_default.read_dataframe(frame)
    return batch.validate(expectation, result_format=dict(result_format))


def _wanted(kwargs: Mapping[str, Any], table: Opened, result_format: Mapping[str, Any]) -> list[str]:
    names = set(result_format.get("unexpected_index_column_names") or ())
    names |= {kwargs[name] for name in _COLUMN_ARGUMENTS if kwargs.get(name)}
    names |= set(kwargs.get("column_list") or ())
    conditions = list(_condition_columns(kwargs.get("row_condition")))
    if not names or None in conditions:
        return list(table.columns)
    names |= set(conditions)
    wanted = [column for column in table.columns if column in names]
    # A frame without columns has no rows; the error about the missing column is GX's to make.
    return wanted or list(table.columns[:1])


def _condition_columns(condition: Any) -> Iterator[str | None]:
    raw = condition.dict() if hasattr(condition, "dict") else condition
    match raw:
        case None | "":
            return
        case {"conditions": parts}:
            for part in parts:
                yield from _condition_columns(part)
        case {"column": {"name": name}}:
            yield name
        case _:
            # Pandas' own text may name any column.
            yield None


def _frame(table: Opened, columns: list[str]) -> Any:
    if table.frame is not None:
        return table.frame[columns].reset_index(drop=True)
    return table.table.select(*columns).to_pyarrow().to_pandas()
