"""What nbprod knows of pandas."""

from __future__ import annotations

from nbprod.libraries.calls import NUMPY_RANDOM, Call, Result, Role, Table, named
from nbprod.libraries.moves import (
    Accumulates,
    Fills,
    Fresh,
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
    "mean", "std", "var", "sum", "max", "median", "sem", "skew", "kurt", "kurtosis", "quantile", "prod",
    "product", "mode", "nunique", "corr", "cov", "corrwith", "autocorr", "mad", "ptp", "idxmax", "argmax",
    "any", "all", "unique", "agg", "aggregate", "value_counts", "ohlc", "nlargest", "nsmallest",
)  # fmt: skip
_ROW_WISE = (
    "abs", "add", "sub", "mul", "div", "truediv", "floordiv", "mod", "pow", "radd", "rsub", "rmul", "rdiv",
    "gt", "lt", "ge", "le", "eq", "ne", "isna", "isnull", "notna", "notnull", "isin", "between", "round",
    "astype", "where", "mask", "replace", "clip", "clip_lower", "clip_upper", "combine_first", "combine",
    "convert_dtypes", "infer_objects", "to_numeric", "dot", "notnull", "isna", "squeeze", "rename", "multiply",
    "divide", "subtract", "update", "dropna", "fill_nan",
)  # fmt: skip
_SHOWN = (
    "info", "plot", "hist", "boxplot", "style", "to_string", "to_markdown", "to_html", "to_latex", "show",
    "memory_usage",
)  # fmt: skip
_READERS = (
    "read_csv", "read_table", "read_parquet", "read_excel", "read_json", "read_feather", "read_pickle", "read_hdf",
    "read_html", "read_orc", "read_stata", "read_sas", "read_fwf", "read_xml", "read_clipboard", "read_gbq",
    "read_spss",
)  # fmt: skip

MOVES: Moves = {
    **{f".{name}": Reduces() for name in _STATISTICS},
    **{f".{name}": RowWise() for name in _ROW_WISE},
    **{f".{name}": Shows() for name in _SHOWN},
    **{f"pandas.{name}": Loads() for name in _READERS},
    "pandas.read_sql": Loads(parameters=("sql", "con"), query="sql"),
    "pandas.read_sql_query": Loads(parameters=("sql", "con"), query="sql"),
    "pandas.read_sql_table": Loads(parameters=("table", "con")),
    ".quantile": Reduces(parameters=("q", "axis")),
    ".min": Reduces(least=True),
    ".idxmin": Reduces(least=True),
    ".argmin": Reduces(least=True),
    ".first": Reduces(parameters=("offset",), first=True),
    ".last": Reduces(parameters=("offset",), last=True),
    ".count": Reduces(counts=True),
    ".size": Reduces(counts=True),
    ".first_valid_index": Reduces(first=True),
    ".last_valid_index": Reduces(last=True),
    ".describe": Reduces(parameters=("percentiles",)),
    ".shift": Lags(parameters=("periods", "freq", "axis", "fill_value")),
    ".tshift": Lags(parameters=("periods", "freq", "axis")),
    ".diff": Lags(parameters=("periods", "axis"), keeps_own=True),
    ".pct_change": Lags(parameters=("periods", "fill_method", "limit", "freq"), keeps_own=True),
    ".rank": Ranks(parameters=("axis",)),
    ".argsort": Ranks(parameters=("axis",)),
    ".cumsum": Accumulates(),
    ".cumprod": Accumulates(),
    ".cummax": Accumulates(),
    ".cummin": Accumulates(),
    ".cumcount": Accumulates(parameters=("ascending",), ascending="ascending"),
    ".ngroup": Ranks(codes=True),
    ".factorize": Ranks(codes=True),
    ".ffill": Fills(parameters=("axis",), how="forward"),
    ".pad": Fills(parameters=("axis",), how="forward"),
    ".bfill": Fills(parameters=("axis",), how="backward"),
    ".backfill": Fills(parameters=("axis",), how="backward"),
    ".fillna": Fills(parameters=("value", "method", "axis")),
    ".interpolate": Fills(parameters=("method", "axis", "limit"), how="between"),
    ".rolling": Rolls(parameters=("window", "min_periods", "center", "win_type", "on", "axis", "closed")),
    "pandas.qcut": Ranks(parameters=("q",)),
    "pandas.cut": Ranks(parameters=("bins",)),
    "pandas.get_dummies": Ranks(codes=True),
    "pandas.factorize": Ranks(codes=True),
    "pandas.to_numeric": RowWise(),
    "pandas.isna": RowWise(),
    "pandas.isnull": RowWise(),
    "pandas.notna": RowWise(),
    "pandas.notnull": RowWise(),
    "pandas.unique": Reduces(),
    "pandas.value_counts": Reduces(),
    "pandas.set_option": Shows(),
    "pandas.Timestamp": Fresh(),
    "pandas.Timedelta": Fresh(),
    "pandas.DateOffset": Fresh(),
    "pandas.Interval": Fresh(),
}


# What calls do to their arguments, to state and to files: pandas copies on write, so a part is an object of its own.

_FRAME = "pandas.DataFrame"
_CALL = Call(gives=_FRAME)
_CHEAP_CALL = Call(gives=_FRAME, cheap=True)
_CHANGES_SELF = Call(gives=_FRAME, changes=("self",))
_READ_CALL = Call(gives=_FRAME, reads_file=True, role=Role.LOAD)
_WRITE_CALL = Call(result=Result.PLAIN, writes_file=True, role=Role.SAVE)
_LAZY_CALL = Call(gives=_FRAME, result=Result.HOLDS, role=Role.FEATURES)
_SETS_OPTIONS = Call(result=Result.PLAIN, sets="pandas.options")
_WRITERS = (
    "to_csv", "to_parquet", "to_excel", "to_json", "to_pickle", "to_feather", "to_hdf", "to_sql", "to_stata", "to_orc",
    "to_xml",
)  # fmt: skip
_TEXT_WRITERS = ("to_html", "to_latex", "to_string", "to_markdown")

CALLS: Table = {
    **named("pandas", _READERS, _READ_CALL),
    **named("pandas", ("read_sql", "read_sql_query", "read_sql_table"), Call(gives=_FRAME, role=Role.LOAD)),
    **named("pandas", ("set_option", "reset_option"), _SETS_OPTIONS),
    "pandas.options.*": _SETS_OPTIONS,
    **named("pandas", ("get_option", "describe_option", "option_context"), Call(result=Result.PLAIN)),
    **named("pandas", ("DataFrame", "Series", "Index"), Call(gives=_FRAME, cheap=True, result=Result.HOLDS)),
    **named("pandas", ("Timestamp", "Timedelta", "Period", "DateOffset", "Interval"), Call(result=Result.PLAIN, cheap=True, literal=True)),
    **named("pandas.Timestamp", ("now", "today", "utcnow"), Call(result=Result.PLAIN)),
    **named("pandas", ("date_range", "bdate_range", "period_range", "timedelta_range", "to_datetime", "to_timedelta", "to_numeric", "concat", "MultiIndex.from_product", "Categorical", "CategoricalDtype", "interval_range"), _CHEAP_CALL),
    **named("pandas", ("get_dummies", "cut", "qcut", "factorize"), Call(gives=_FRAME, role=Role.FEATURES)),
    **named("pandas", ("isna", "isnull", "notna", "notnull"), _CALL),
    "pandas.eval": _CALL,
    "pandas.ExcelWriter": Call(reads_file=True, writes_file=True, stays="an open workbook"),
    "pandas.ExcelFile": Call(gives=_FRAME, reads_file=True, stays="an open workbook"),
    "pandas.HDFStore": Call(reads_file=True, writes_file=True, stays="an open file"),
    "pandas.plotting.register_matplotlib_converters": Call(result=Result.PLAIN, sets="pandas.plotting"),
    "pandas.plotting.*": Call(gives="matplotlib.Artist", role=Role.PLOT, stays="a figure or a part of one"),
    **named("pandas.api.extensions", ("register_dataframe_accessor", "register_series_accessor", "register_index_accessor"), Call(sets="pandas.accessors", cheap=True)),
    "pandas.testing.*": Call(result=Result.PLAIN),
    "pandas.*": _CALL,
    **named(_FRAME, ("insert", "update", "__setitem__", "isetitem", "put", "setflags"), _CHANGES_SELF),
    **named(_FRAME, ("pop",), _CHANGES_SELF),
    **named(_FRAME, _WRITERS, _WRITE_CALL),
    **named(_FRAME, _TEXT_WRITERS, Call(result=Result.PLAIN, writes_file=True, role=Role.SHOW)),
    **named(_FRAME, ("groupby", "rolling", "expanding", "ewm", "resample"), _LAZY_CALL),
    **named(_FRAME, ("pipe",), Call(result=Result.HOLDS)),
    **named(_FRAME, ("iterrows", "itertuples", "items"), Call(gives="builtins.iterator", result=Result.HOLDS)),
    **named(_FRAME, ("to_dict", "to_list", "tolist", "to_records"), Call()),
    **named(_FRAME, ("to_numpy", "values"), Call(gives="numpy.ndarray", result=Result.VIEW)),
    "pandas.DataFrame.array": Call(result=Result.VIEW),
    "pandas.DataFrame.sample": Call(gives=_FRAME, draws=NUMPY_RANDOM),
    **named(_FRAME, ("head", "tail", "info", "describe", "memory_usage"), Call(gives=_FRAME, role=Role.SHOW)),
    **named(_FRAME, ("dropna", "fillna", "drop_duplicates", "drop", "rename", "astype", "replace"), Call(gives=_FRAME, role=Role.CLEAN)),
    **named(_FRAME, ("assign", "shift", "merge", "join", "diff", "pct_change"), Call(gives=_FRAME, role=Role.FEATURES)),
    **named(_FRAME, ("plot", "hist", "boxplot"), Call(gives="matplotlib.Artist", role=Role.PLOT, stays="a figure or a part of one")),
    "pandas.DataFrame.*": _CALL,
}  # fmt: skip
