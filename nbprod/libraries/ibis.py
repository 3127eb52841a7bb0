"""What nbprod knows of Ibis, read from the source text: methods of columns and functions of the module."""

from __future__ import annotations

from nbprod.libraries.calls import Call, Result, Role, Table, named
from nbprod.libraries.moves import Accumulates, Fills, Lags, Loads, Moves, Ranks, Reduces, RowWise

_STATISTICS = (
    "mean", "std", "var", "sum", "max", "median", "quantile", "nunique", "mode", "any", "all", "corr", "cov", "notany",
    "notall", "approx_nunique", "approx_median", "approx_quantile", "argmax", "collect", "group_concat", "arbitrary",
    "kurtosis", "bit_and", "bit_or", "bit_xor", "topk", "value_counts",
)  # fmt: skip
_ROW_WISE = (
    "abs", "cast", "try_cast", "clip", "round", "ln", "log", "log2", "log10", "exp", "sqrt", "sign", "isnull",
    "notnull", "isin", "notin", "between", "nullif", "coalesce", "ifelse", "case", "cases", "substitute", "floor",
    "ceil", "name", "isnan", "isinf", "bucket", "typeof", "hash", "degrees", "radians", "sin", "cos", "fill_nan",
    "identical_to", "greatest", "least", "nullifzero", "zeroifnull",
)  # fmt: skip

MOVES: Moves = {
    **{f".{name}": Reduces(parameters=()) for name in _STATISTICS},
    **{f".{name}": RowWise() for name in _ROW_WISE},
    ".min": Reduces(parameters=(), least=True),
    ".argmin": Reduces(parameters=("key",), first=True),
    ".first": Reduces(parameters=(), first=True),
    ".last": Reduces(parameters=(), last=True),
    ".nth": Reduces(parameters=("n",), last=True),
    ".count": Reduces(parameters=(), counts=True),
    ".lag": Lags(parameters=("offset",), by="offset"),
    ".lead": Lags(parameters=("offset",), by="offset", leads=True),
    ".rank": Ranks(),
    ".dense_rank": Ranks(),
    ".percent_rank": Ranks(),
    ".cume_dist": Ranks(),
    ".ntile": Ranks(parameters=("buckets",)),
    ".histogram": Ranks(),
    ".cummean": Accumulates(),
    ".cumsum": Accumulates(),
    ".cummax": Accumulates(),
    ".cummin": Accumulates(),
    ".cumany": Accumulates(),
    ".cumall": Accumulates(),
    ".fill_null": Fills(parameters=("value",), method=""),
    ".fillna": Fills(parameters=("value",), method=""),
    "ibis.read_parquet": Loads(parameters=("paths",)),
    "ibis.read_csv": Loads(parameters=("paths",)),
    "ibis.read_json": Loads(parameters=("paths",)),
    "ibis.read_delta": Loads(parameters=("path",)),
}


# What calls do to their arguments, to state and to files.

_EXPRESSION = "ibis.Expression"
_CONNECTION = "ibis.Connection"
_IS_LIVE = "a database connection"
_LAZY_CALL = Call(gives=_EXPRESSION, result=Result.HOLDS)
_CONNECTS = Call(gives=_CONNECTION, stays=_IS_LIVE)

CALLS: Table = {
    **named("ibis", ("read_csv", "read_parquet", "read_json", "read_delta"), Call(gives=_EXPRESSION, reads_file=True, role=Role.LOAD)),
    **named("ibis", ("set_backend",), Call(result=Result.PLAIN, sets="ibis.backend")),
    "ibis.options.*": Call(result=Result.PLAIN, sets="ibis.options"),
    "ibis.connect": _CONNECTS,
    "ibis.get_backend": _CONNECTS,
    "ibis._.*": Call(gives=_EXPRESSION, cheap=True),
    **named("ibis", ("literal", "desc", "asc", "interval", "date", "timestamp", "now", "schema", "param", "window", "row_number", "rank"), Call(gives=_EXPRESSION, cheap=True)),
    "ibis.*.connect": _CONNECTS,
    **named("ibis", (f"{backend}.connect" for backend in ("duckdb", "sqlite", "polars", "postgres", "mysql", "pyspark", "bigquery", "snowflake", "clickhouse", "datafusion", "trino", "mssql")), _CONNECTS),
    "ibis.selectors.*": Call(gives=_EXPRESSION, cheap=True),
    "ibis.*": _LAZY_CALL,
    **named(_CONNECTION, ("read_csv", "read_parquet", "read_json", "read_in_memory"), Call(gives=_EXPRESSION, result=Result.HOLDS, reads_file=True, role=Role.LOAD)),
    **named(_CONNECTION, ("table", "sql"), Call(gives=_EXPRESSION, result=Result.HOLDS, role=Role.LOAD)),
    **named(_CONNECTION, ("create_table", "create_view"), Call(gives=_EXPRESSION, changes=("self",), result=Result.HOLDS)),
    **named(_CONNECTION, ("list_tables", "tables", "list_databases"), Call()),
    **named(_CONNECTION, ("execute", "to_pandas"), Call(gives="pandas.DataFrame")),
    **named(_CONNECTION, ("to_csv", "to_parquet"), Call(result=Result.PLAIN, writes_file=True, role=Role.SAVE)),
    "ibis.Connection.*": Call(changes=("self",), result=Result.HOLDS),
    **named(_EXPRESSION, ("execute", "to_pandas"), Call(gives="pandas.DataFrame")),
    **named(_EXPRESSION, ("to_polars", "to_pyarrow"), Call()),
    **named(_EXPRESSION, ("to_csv", "to_parquet", "to_json", "to_delta"), Call(result=Result.PLAIN, writes_file=True, role=Role.SAVE)),
    **named(_EXPRESSION, ("head", "count", "describe", "info", "preview"), Call(gives=_EXPRESSION, result=Result.HOLDS, role=Role.SHOW)),
    **named(_EXPRESSION, ("dropna", "drop_null", "fill_null", "drop", "rename", "cast", "distinct"), Call(gives=_EXPRESSION, result=Result.HOLDS, role=Role.CLEAN)),
    **named(_EXPRESSION, ("mutate", "join", "asof_join", "lag", "lead", "left_join"), Call(gives=_EXPRESSION, result=Result.HOLDS, role=Role.FEATURES)),
    "ibis.Expression.*": _LAZY_CALL,
    **named("duckdb", ("connect",), Call(gives="duckdb.Connection", stays=_IS_LIVE)),
    "duckdb.*": Call(gives="duckdb.Connection", result=Result.HOLDS, stays="a query on a live database"),
    **named("duckdb.Connection", ("df", "fetchdf", "to_df"), Call(gives="pandas.DataFrame", changes=("self",))),
    **named("duckdb.Connection", ("fetchall", "fetchone", "fetchnumpy", "pl", "arrow"), Call(changes=("self",))),
    "duckdb.Connection.*": Call(gives="duckdb.Connection", changes=("self",), result=Result.HOLDS, stays="a query on a live database"),
    "sqlalchemy.create_engine": Call(gives="sqlalchemy.Engine", stays=_IS_LIVE),
    "sqlalchemy.Engine.*": Call(gives="sqlalchemy.Engine", changes=("self",), result=Result.HOLDS, stays=_IS_LIVE),
}  # fmt: skip
