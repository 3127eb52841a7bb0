"""What nbprod knows of polars, eager and lazy: methods of expressions and of columns."""

from __future__ import annotations

from nbprod.libraries.calls import Call, Result, Role, Table, named
from nbprod.libraries.moves import (
    Accumulates,
    Fills,
    Lags,
    Loads,
    Moves,
    Ranks,
    Reduces,
    Rolls,
    RowWise,
    Shows,
)

_STATISTICS = (
    "mean", "std", "var", "sum", "max", "median", "quantile", "product", "n_unique", "mode", "arg_max", "unique",
    "skew", "kurtosis", "value_counts", "approx_n_unique", "any", "all", "entropy", "implode", "top_k",
    "bottom_k", "nan_max", "nan_min", "null_count", "bitwise_and",
)  # fmt: skip
_ROLLING = ("mean", "sum", "std", "var", "min", "max", "median", "quantile", "skew", "map")
_ROW_WISE = (
    "abs", "alias", "cast", "clip", "round", "log", "log1p", "exp", "sqrt", "sign", "is_null", "is_not_null",
    "is_nan", "is_in", "is_between", "replace", "replace_strict", "floor", "ceil", "pow", "add", "sub", "mul",
    "truediv", "floordiv", "not_", "and_", "or_", "eq", "ne", "lt", "le", "gt", "ge", "fill_nan", "cut", "sin", "cos",
    "tanh", "is_finite", "xor", "when", "then", "otherwise", "hash", "dot",
)  # fmt: skip

MOVES: Moves = {
    **{f".{name}": Reduces(parameters=()) for name in _STATISTICS},
    **{f".{name}": RowWise() for name in _ROW_WISE},
    **{
        f".rolling_{name}": Rolls(parameters=("window_size", "weights"), window="window_size", finished=True)
        for name in _ROLLING
    },
    ".rolling_quantile": Rolls(
        parameters=("quantile", "interpolation", "window_size"), window="window_size", finished=True
    ),
    ".rolling_map": Rolls(parameters=("function", "window_size"), window="window_size", finished=True),
    **{
        f".rolling_{name}_by": Rolls(parameters=("by", "window_size"), window="window_size", finished=True)
        for name in _ROLLING
    },
    ".min": Reduces(parameters=(), least=True),
    ".arg_min": Reduces(parameters=(), least=True),
    ".first": Reduces(parameters=(), first=True),
    ".last": Reduces(parameters=(), last=True),
    ".count": Reduces(parameters=(), counts=True),
    ".len": Reduces(parameters=(), counts=True),
    ".shift": Lags(parameters=("n",), by="n"),
    ".diff": Lags(parameters=("n",), by="n", keeps_own=True),
    ".pct_change": Lags(parameters=("n",), by="n", keeps_own=True),
    ".rank": Ranks(),
    ".qcut": Ranks(),
    ".arg_sort": Ranks(),
    ".to_physical": Ranks(codes=True),
    ".rle_id": Accumulates(),
    ".is_duplicated": Ranks(),
    ".is_unique": Ranks(),
    ".is_first_distinct": Accumulates(),
    ".is_last_distinct": Accumulates(reverse="always"),
    ".cum_sum": Accumulates(parameters=("reverse",), reverse="reverse"),
    ".cum_count": Accumulates(parameters=("reverse",), reverse="reverse"),
    ".cum_prod": Accumulates(parameters=("reverse",), reverse="reverse"),
    ".cum_max": Accumulates(parameters=("reverse",), reverse="reverse"),
    ".cum_min": Accumulates(parameters=("reverse",), reverse="reverse"),
    ".cumsum": Accumulates(parameters=("reverse",), reverse="reverse"),
    ".cummax": Accumulates(parameters=("reverse",), reverse="reverse"),
    ".ewm_mean": Accumulates(),
    ".ewm_std": Accumulates(),
    ".ewm_var": Accumulates(),
    ".ewm_mean_by": Accumulates(),
    ".forward_fill": Fills(parameters=("limit",), how="forward"),
    ".backward_fill": Fills(parameters=("limit",), how="backward"),
    ".fill_null": Fills(parameters=("value", "strategy", "limit"), method="strategy"),
    ".interpolate": Fills(parameters=("method",), how="between", method=""),
    ".interpolate_by": Fills(parameters=("by",), how="between", method=""),
    ".glimpse": Shows(),
    ".describe": Reduces(parameters=()),
    "polars.read_csv": Loads(parameters=("source",), columns="columns"),
    "polars.read_parquet": Loads(parameters=("source",), columns="columns"),
    "polars.read_json": Loads(parameters=("source",)),
    "polars.read_excel": Loads(parameters=("source",)),
    "polars.read_ipc": Loads(parameters=("source",)),
    "polars.read_ndjson": Loads(parameters=("source",)),
    "polars.read_database": Loads(parameters=("query",), query="query"),
    "polars.scan_csv": Loads(parameters=("source",)),
    "polars.scan_parquet": Loads(parameters=("source",)),
    "polars.scan_ndjson": Loads(parameters=("source",)),
    "polars.scan_ipc": Loads(parameters=("source",)),
    "polars.scan_delta": Loads(parameters=("source",)),
}


# What calls do to their arguments, to state and to files.

_FRAME = "polars.DataFrame"
_FRAME_CALL = Call(gives=_FRAME)
_CHANGES_SELF = Call(gives=_FRAME, changes=("self",), result=Result.SELF)
_READ_CALL = Call(gives=_FRAME, reads_file=True, role=Role.LOAD)
_WRITE_CALL = Call(result=Result.PLAIN, writes_file=True, role=Role.SAVE)
_FILE_FORMATS = ("csv", "parquet", "ipc", "ndjson", "json", "excel", "avro", "database", "delta", "ods")

CALLS: Table = {
    **named("polars", (f"{verb}_{kind}" for verb in ("read", "scan") for kind in _FILE_FORMATS), _READ_CALL),
    "polars.Config.*": Call(result=Result.PLAIN, sets="polars.config"),
    **named("polars", ("set_random_seed",), Call(result=Result.PLAIN, sets="polars.random")),
    "polars.SQLContext": Call(result=Result.HOLDS, stays="an SQL context"),
    **named("polars", ("DataFrame", "Series", "LazyFrame"), Call(gives=_FRAME, cheap=True)),
    **named("polars", ("col", "lit", "when", "element", "struct", "date", "datetime", "duration"), Call(gives=_FRAME, cheap=True)),
    "polars.*": _FRAME_CALL,
    **named(_FRAME, ("insert_column", "replace_column", "extend", "append", "drop_in_place", "set_at_idx", "set", "shrink_to_fit", "rechunk", "hstack"), _CHANGES_SELF),
    **named(_FRAME, ("scatter", "set_sorted"), Call(gives=_FRAME, changes=("self",))),
    **named(_FRAME, (f"{verb}_{kind}" for verb in ("write", "sink") for kind in _FILE_FORMATS), _WRITE_CALL),
    **named(_FRAME, ("sample", "shuffle"), Call(gives=_FRAME)),
    **named(_FRAME, ("to_numpy", "get_column", "get_columns", "to_series"), Call(gives=_FRAME, result=Result.VIEW)),
    **named(_FRAME, ("to_pandas",), Call(gives="pandas.DataFrame")),
    **named(_FRAME, ("head", "tail", "describe", "glimpse"), Call(gives=_FRAME, role=Role.SHOW)),
    **named(_FRAME, ("drop_nulls", "fill_null", "unique", "drop", "rename", "cast"), Call(gives=_FRAME, role=Role.CLEAN)),
    **named(_FRAME, ("with_columns", "shift", "join", "join_asof", "group_by_dynamic"), Call(gives=_FRAME, role=Role.FEATURES)),
    "polars.DataFrame.*": _FRAME_CALL,
}  # fmt: skip
