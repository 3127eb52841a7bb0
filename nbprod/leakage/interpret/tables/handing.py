"""Frames handed on as they are: copied, converted, shown, given to SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from nbprod.leakage.interpret import frames, learning
from nbprod.leakage.interpret.facts import Facts
from nbprod.leakage.interpret.values import Opaque, Table, Value

if TYPE_CHECKING:
    import ast
    from collections.abc import Callable

    from nbprod.leakage.interpret.context import Args, Run


def _same(run: Run, table: Table, _args: Args, _node: ast.AST) -> Value:
    return run.new(table)


def _to_pandas(run: Run, table: Table, _args: Args, _node: ast.AST) -> Value:
    return run.new(replace(table, library="pandas"))


def _matrix(run: Run, table: Table, _args: Args, _node: ast.AST) -> Value:
    return frames.as_matrix(run, table)


def _sql(run: Run, table: Table, args: Args, node: ast.AST) -> Value:
    from nbprod.leakage.interpret.queries import queried

    return queried(run, args.get(0, "query"), args, node, own=table)


def _shown(_run: Run, _table: Table, _args: Args, _node: ast.AST) -> Value:
    return Opaque()


def _concat_rows(run: Run, table: Table, args: Args, node: ast.AST) -> Value:
    return learning.concatenated(run, (table, *(run.at(v) for v in args.places)), node)


def _numbered(run: Run, table: Table, args: Args, _node: ast.AST) -> Value:
    """The frame with its rows' numbers as a column."""
    name = args.constant(0, "name", "index")
    return run.new(table.with_column(name, Facts(numbers=0)) if isinstance(name, str) else table)


def _prefixed(run: Run, table: Table, args: Args, _node: ast.AST) -> Value:
    prefix = args.constant(0, "prefix", "")
    return run.new(
        replace(table, columns={f"{prefix}{name}": facts for name, facts in table.columns.items()})
    )


def _suffixed(run: Run, table: Table, args: Args, _node: ast.AST) -> Value:
    suffix = args.constant(0, "suffix", "")
    return run.new(
        replace(table, columns={f"{name}{suffix}": facts for name, facts in table.columns.items()})
    )


def _view(run: Run, table: Table, _args: Args, node: ast.AST) -> Value:
    """Another look at the same rows, told from them in a join."""
    span = run.span(node)
    return run.new(replace(table, view=f"{span.cell}:{span.line}:{span.column}"))


METHODS: dict[str, Callable[[Run, Table, Args, ast.AST], Value]] = {
    "copy": _same, "clone": _same, "lazy": _same, "collect": _same, "cache": _same, "persist": _same,
    "compute": _to_pandas, "execute": _to_pandas, "to_pandas": _to_pandas, "to_polars": _same,
    "to_numpy": _matrix, "as_matrix": _matrix, "to_pyarrow": _same, "fetch": _same, "rechunk": _same,
    "dropna": _same, "drop_nulls": _same, "drop_null": _same, "drop_nans": _same, "asfreq": _same,
    "view": _view, "select_dtypes": _same, "melt": _same, "unpivot": _same, "stack": _same,
    "explode": _same, "to_frame": _same, "sql": _sql, "plot": _shown, "hist": _shown, "info": _shown,
    "append": _concat_rows, "union": _concat_rows, "unionByName": _concat_rows, "unionAll": _concat_rows, "vstack": _concat_rows, "tz_localize": _same,
    "tz_convert": _same, "to_period": _same, "truncate": _same, "astype": _same, "cast": _same,
    "applymap": _same, "set_axis": _same, "add_prefix": _prefixed, "add_suffix": _suffixed, "to_csv": _shown,
    "to_parquet": _shown, "isnull": _same, "isna": _same, "with_row_index": _numbered, "with_row_count": _numbered,
    "rename_axis": _same, "replace": _same, "to_timestamp": _same, "df": _to_pandas, "fetchdf": _to_pandas,
    "fetch_df": _to_pandas, "toPandas": _to_pandas, "to_df": _to_pandas, "pl": _same, "arrow": _same,
    "describe": _shown, "value_counts": _shown, "to_dataframe": _to_pandas, "to_arrow": _same,
}  # fmt: skip
