"""The libraries' tables, joined once: what a method or a function of any of them does to the horizon."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from nbprod.libraries import (
    boosting,
    category_encoders,
    forecasting,
    ibis,
    imblearn,
    neural,
    numpy,
    pandas,
    polars,
    pyspark,
    scipy,
    sklearn,
    statsmodels,
    technical,
)

if TYPE_CHECKING:
    from nbprod.libraries.moves import Move, Moves

_BY_LIBRARY: dict[str, Moves] = {"pandas": pandas.MOVES, "polars": polars.MOVES, "ibis": ibis.MOVES,
                              "pyspark": pyspark.MOVES}  # fmt: skip
_FUNCTIONS: Moves = {
    **pandas.MOVES,
    **polars.MOVES,
    **ibis.MOVES,
    **numpy.MOVES,
    **scipy.MOVES,
    **statsmodels.MOVES,
    **pyspark.MOVES,
    **pyspark.CLASSES,
    **forecasting.MOVES,
    **technical.MOVES,
}
_CLASSES: Moves = {
    **category_encoders.MOVES,
    **sklearn.MOVES,
    **imblearn.MOVES,
    **boosting.MOVES,
    **neural.MOVES,
    **statsmodels.CLASSES,
    **forecasting.CLASSES,
}
# of Spark's tables alone, beside those that it shares with others
SPARK_TABLE_METHODS = frozenset(
    ["withColumn", "withColumns", "withColumnRenamed", "withColumnsRenamed", "groupBy", "orderBy", "dropDuplicates",
     "drop_duplicates", "unionByName", "unionAll", "crossJoin", "randomSplit", "approxQuantile", "selectExpr", "toPandas",
     "createOrReplaceTempView", "createTempView", "printSchema", "show", "repartition", "coalesce", "exceptAll", "subtract",
     "alias", "na", "stat", "fill", "write", "rdd", "where", "unpersist", "checkpoint", "toDF", "isEmpty", "summary",
     "first", "take", "rollup", "cube", "hint", "transform", "agg", "join", "select", "filter", "drop", "count", "collect",
     "cache", "persist", "limit", "sample", "distinct", "union", "sort", "head", "tail", "describe", "columns", "dtypes",
     "schema", "fillna", "dropna", "replace", "melt", "unpivot", "intersect", "corr", "sampleBy", "freqItems", "pivot"]
)  # fmt: skip
_STRUCTURAL = frozenset(
    [
        "loc",
        "iloc",
        "at",
        "iat",
        "ix",
        "groupby",
        "group_by",
        "groupby_dynamic",
        "group_by_dynamic",
        "resample",
        "rolling",
        "expanding",
        "ewm",
        "assign",
        "pipe",
        "apply",
        "applymap",
        "map",
        "transform",
        "merge",
        "join",
        "join_asof",
        "asof_join",
        "merge_asof",
        "sort_values",
        "sort",
        "sort_index",
        "order_by",
        "set_index",
        "reset_index",
        "drop",
        "drop_duplicates",
        "duplicated",
        "unique",
        "distinct",
        "rename",
        "copy",
        "clone",
        "head",
        "tail",
        "sample",
        "query",
        "eval",
        "filter",
        "where",
        "select",
        "select_dtypes",
        "with_columns",
        "with_column",
        "mutate",
        "aggregate",
        "agg",
        "reindex",
        "reindex_like",
        "asfreq",
        "asof",
        "fit",
        "fit_transform",
        "fit_predict",
        "transform",
        "predict",
        "predict_proba",
        "score",
        "append",
        "extend",
        "insert",
        "pop",
        "melt",
        "stack",
        "unstack",
        "pivot",
        "pivot_table",
        "explode",
        "to_frame",
        "to_numpy",
        "to_list",
        "tolist",
        "to_dict",
        "to_pandas",
        "to_period",
        "to_timestamp",
        "to_datetime",
        "dt",
        "str",
        "cat",
        "list",
        "struct",
        "over",
        "alias",
        "name",
        "values",
        "lazy",
        "collect",
        "execute",
        "limit",
        "slice",
        "reverse",
        "get",
        "items",
        "iterrows",
        "itertuples",
        "keys",
        "concat",
        "union",
        "view",
        "cache",
        "left_join",
        "inner_join",
        "right_join",
        "outer_join",
        "semi_join",
        "anti_join",
        "cross_join",
        "any_inner_join",
        "truncate",
        "between_time",
        "at_time",
        "nlargest",
        "nsmallest",
        "swaplevel",
        "droplevel",
        "xs",
        "take",
        "repeat",
        "reshape",
        "flatten",
        "ravel",
        "squeeze",
        "transpose",
        "as_table",
        "as_scalar",
        "isnull",
        "with_row_index",
        "with_row_count",
        "partition_by",
        "get_column",
        "to_series",
        "fetch",
        "describe",
        "info",
        "plot",
        "hist",
        "cumcount",
        "ngroup",
        "nth",
        "cast",
        "columns",
        "shape",
        "index",
        "month",
        "year",
        "day",
        "hour",
        "date",
        "dayofweek",
        "weekday",
        "week",
        "quarter",
        "minute",
        "second",
        "day_of_year",
        "day_of_week",
        "month_start",
        "truncate",
        "strftime",
        "epoch_seconds",
        "delta",
        "sub",
        "add",
        "round",
        "floor",
        "ceil",
        "normalize",
        "total_seconds",
        "days",
        "seconds",
        "offset_by",
        "tz_convert",
        "tz_localize",
        "set_axis",
        "add_prefix",
        "add_suffix",
        "drop_nulls",
        "drop_null",
        "drop_nans",
        "dropna",
        "fill_null",
        "nunique",
        "implode",
        "backward_fill",
        "forward_fill",
        "to_csv",
        "to_parquet",
        "to_sql",
        "to_excel",
        "to_feather",
        "to_pickle",
        "write_parquet",
        "write_csv",
        "persist",
        "compute",
        "pivot_longer",
        "pivot_wider",
        "crosstab",
        "get_group",
        "size",
        "count",
        "relocate",
        "rename_axis",
        "swapaxes",
        "mask",
        "update",
        "align",
        "equals",
        "dot",
        "memory_usage",
        "tz",
        "isocalendar",
        "ngroups",
        "groups",
        "level",
        "row_number",
        "with_options",
        "hstack",
        "vstack",
        "shuffle",
        "sort_by",
        "filter_by",
        "first",
        "last",
        "cummean",
        "add_suffix",
        "difference",
        "intersect",
        "intersection",
        "df",
        "pl",
        "arrow",
        "fetchdf",
        "fetch_df",
        "toPandas",
        "to_dataframe",
        "to_arrow",
        "to_df",
        "fetchall",
        "fetchone",
        "having",
        "map_batches",
        "join_where",
        "unpivot",
        "sql",
        "raw_sql",
        "iter_rows",
        "rows",
        "row",
        "partitions",
        *SPARK_TABLE_METHODS,
    ]
)
METHODS = (
    frozenset(name[1:] for moves in _BY_LIBRARY.values() for name in moves if name[0] == ".") | _STRUCTURAL
)
# a column of such a name is far more often meant than the method
TABLE_METHODS = METHODS - frozenset(
    {"name", "month", "year", "day", "hour", "date", "week", "quarter", "values"}
)
# of Ibis' tables, whose columns are taken as attributes, and of those who still give it the names of others
_OF_IBIS_TABLES = frozenset(
    ["agg", "aggregate", "alias", "anti_join", "any_inner_join", "any_left_join", "as_scalar", "as_table", "asof_join",
     "bind", "cache", "cast", "columns", "compile", "count", "cross_join", "describe", "difference", "distinct", "drop",
     "drop_null", "dropna", "equals", "execute", "fill_null", "fillna", "filter", "get_backend", "get_name", "group_by",
     "head", "info", "inner_join", "intersect", "join", "left_join", "limit", "mutate", "nunique", "op", "order_by",
     "outer_join", "pipe", "pivot_longer", "pivot_wider", "preview", "projection", "relocate", "rename", "right_join",
     "rowid", "sample", "schema", "select", "semi_join", "sql", "to_array", "to_csv", "to_delta", "to_json", "to_pandas",
     "to_parquet", "to_polars", "to_pyarrow", "to_pyarrow_batches", "topk", "try_cast", "unbind", "union", "unnest",
     "unpack", "value_counts", "view", "visualize", "window_by", "iloc", "loc", "groupby", "sort_values", "merge",
     "assign", "set_index", "reset_index", "collect", "lazy", "with_columns", "sort", "summarize", "summarise"]
)  # fmt: skip


def is_ibis_method(name: str) -> bool:
    """Whether an attribute of a table of Ibis is a method, not a column of that name: `visits.day` is a column."""
    return name in _OF_IBIS_TABLES


def is_spark_method(name: str) -> bool:
    """Whether an attribute of a table of Spark is a method, not a column of that name."""
    return name in SPARK_TABLE_METHODS


_OF_DUCKDB = frozenset(
    ["project", "order", "set_alias", "query", "fetchone", "aggregate", "filter", "select", "join"]
)


def is_duckdb_method(name: str) -> bool:
    """Whether an attribute of a relation of DuckDB is a method that is given SQL."""
    return name in _OF_DUCKDB


ACCESSORS = frozenset({"dt", "str", "cat", "list", "struct", "arr", "bin", "name"})
BARE_FUNCTIONS = frozenset(
    [
        "train_test_split",
        "cross_val_score",
        "cross_validate",
        "cross_val_predict",
        "make_pipeline",
        "merge_asof",
        "seasonal_decompose",
        "savgol_filter",
        "filtfilt",
        "arch_model",
        "display",
    ]
)


def method(library: str, name: str) -> Move | None:
    """What a method of that library's columns does; of pandas' where the library is not known."""
    own = _BY_LIBRARY.get(library or "pandas")
    found = own.get(f".{name}") if own is not None else None
    if found is not None:
        return found
    return next((m[f".{name}"] for m in _BY_LIBRARY.values() if f".{name}" in m), None)


@cache
def function(path: str) -> Move | None:
    """What a function or class of a library does, by its dotted path; of scikit-learn's kind by its bare name."""
    if path in _FUNCTIONS:
        return _FUNCTIONS[path]
    bare = path.rsplit(".", 1)[-1]
    if bare in _CLASSES:
        return _CLASSES[bare]
    for module in ("scipy.signal", "scipy.ndimage", "scipy.stats", "statsmodels.tsa.seasonal"):
        # `from scipy.signal.x import f`, `signal.f`
        if (
            path.startswith(("scipy", "statsmodels", "signal.", "ndimage.", "stats."))
            and f"{module}.{bare}" in _FUNCTIONS
        ):
            return _FUNCTIONS[f"{module}.{bare}"]
    return None
