"""SQL's constants and kinds of calls: intervals, frames with their defaults, which functions read many rows."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from sqlglot import exp

from nbprod.leakage import terms as tm
from nbprod.leakage.reading import Frame

if TYPE_CHECKING:
    from collections.abc import Mapping


def frame_of(spec: exp.Expr | None, *, is_ordered: bool) -> Frame:
    """A window's frame; unsaid, it ends at the current row and its peers if the window is ordered."""
    if spec is None:
        return Frame(unit="range", start=None, end=0 if is_ordered else None)
    kind = str(spec.args.get("kind") or "range").lower()
    unit: Literal["rows", "range"] = "rows" if kind == "rows" else "range"
    start, knows_start = _edge(spec.args.get("start"), spec.args.get("start_side"))
    end, knows_end = _edge(spec.args.get("end") or "CURRENT ROW", spec.args.get("end_side"))
    if kind == "groups" and isinstance(end, int) and end > 0:
        end = None
    if end == 0 and str(spec.args.get("exclude") or "").upper() in (
        "GROUP",
        "CURRENT ROW" if unit == "rows" else "",
    ):
        end = -1
    understood = knows_start and knows_end
    return Frame(unit=unit, start=start, end=end if understood else None, understood=understood)


def _edge(edge: object, side: object) -> tuple[int | timedelta | None, bool]:
    sign = -1 if str(side).upper() == "PRECEDING" else 1
    if isinstance(edge, str):
        return (0 if "CURRENT" in edge.upper() else None), True
    if not isinstance(edge, exp.Expr):
        return None, True
    amount, period = integer_of(edge), period_of(edge)
    if period is not None:
        days = timedelta(days=(31 if sign > 0 else 28) * period.months)
        return sign * (period.time + days), True
    return (None, False) if amount is None else (sign * amount, True)


_SECONDS: Mapping[str, float] = {
    "week": 7 * 86400,
    "day": 86400,
    "hour": 3600,
    "minute": 60,
    "second": 1,
    "millisecond": 1e-3,
    "microsecond": 1e-6,
}


_MONTHS: Mapping[str, int] = {"year": 12, "quarter": 3, "month": 1}


_AMOUNT = re.compile(r"\s*([+-]?\d+(?:\.\d+)?)\s*([a-z]+)\s*")


def period_of(node: exp.Expr | None, *, unit: str = "") -> tm.Period | None:
    """A constant interval: `INTERVAL 7 DAY`, `'7 days'::INTERVAL`, `INTERVAL '1 month 2 days'`."""
    match node:
        case exp.Paren():
            return period_of(node.this, unit=unit)
        case exp.Neg():
            inner = period_of(node.this, unit=unit)
            return None if inner is None else -inner
        case exp.Interval():
            return _period_text(node.this, unit=node.text("unit"))
        case exp.Cast() if node.to.this == exp.DType.INTERVAL:
            return _period_text(node.this, unit="")
        case exp.Literal() if unit:
            return _period_text(node, unit=unit)
        case exp.Mul():
            factors = [(node.left, node.right), (node.right, node.left)]
            return next(
                (p for a, b in factors if (p := _times(period_of(a), integer_of(b))) is not None), None
            )
        case exp.Anonymous() if (single := node.name.lower().removeprefix("to_").rstrip("s")) in {
            *_SECONDS,
            *_MONTHS,
        }:
            return _period_text(node.expressions[0], unit=single) if node.expressions else None
        case _:
            return None


def _times(period: tm.Period | None, count: int | None) -> tm.Period | None:
    return (
        None
        if period is None or count is None
        else tm.Period(time=period.time * count, months=period.months * count)
    )


def _period_text(node: exp.Expr | None, *, unit: str) -> tm.Period | None:
    if node is None:
        return None
    amount = integer_of(node)
    text = node.name if isinstance(node, exp.Literal) and amount is None else f"{amount}"
    if amount is None and not isinstance(node, exp.Literal):
        return None
    return period_spelled(f"{text} {unit}")


def period_spelled(text: str) -> tm.Period | None:
    """The period that a text such as `7 days` or `1 month 2 days` names."""
    text = text.strip().lower()
    if not text or _AMOUNT.sub("", text):
        return None
    time, months = 0.0, 0.0
    for number, word in _AMOUNT.findall(text):
        single = word.removesuffix("s")
        if single not in _SECONDS and single not in _MONTHS:
            return None
        time += float(number) * _SECONDS.get(single, 0)
        months += float(number) * _MONTHS.get(single, 0)
    return tm.Period(time=timedelta(seconds=time), months=int(months)) if months == int(months) else None


def integer_of(node: exp.Expr | None) -> int | None:
    match node:
        case exp.Paren():
            return integer_of(node.this)
        case exp.Neg():
            inner = integer_of(node.this)
            return None if inner is None else -inner
        case exp.Literal() if re.fullmatch(r"[+-]?\d+", node.name):
            return int(node.name)
        case exp.Cast():
            return integer_of(node.this)
        case exp.Add() | exp.Sub() | exp.Mul():
            left, right = integer_of(node.left), integer_of(node.right)
            if left is None or right is None:
                return None
            return (
                left + right
                if isinstance(node, exp.Add)
                else left - right
                if isinstance(node, exp.Sub)
                else left * right
            )
        case _:
            return None


def literal(node: exp.Literal) -> tm.Fixed:
    try:
        return tm.Fixed(node.sql(), None if node.is_string else float(node.name))
    except ValueError:
        return tm.Fixed(node.sql())


COMPARISONS: Mapping[str, str] = {
    "EQ": "=",
    "NullSafeEQ": "=",
    "NEQ": "!=",
    "LT": "<",
    "LTE": "<=",
    "GT": ">",
    "GTE": ">=",
}


TIMES = frozenset(
    ("TimestampTrunc", "DateTrunc", "DateBin", "Date", "TsOrDsToDate", "Cast", "DateDiff", "TimestampDiff")
) | frozenset(("Add", "Sub", "DateAdd", "DateSub"))


NOW = frozenset(
    (
        "CurrentTimestamp",
        "CurrentDate",
        "CurrentTime",
        "CurrentDatetime",
        "CurrentTimestampLTZ",
        "Localtime",
        "Localtimestamp",
    )
)


NOW_NAMES = frozenset(
    ("now", "today", "get_current_timestamp", "transaction_timestamp", "current_localtimestamp")
)


TIME_TYPES = frozenset((exp.DType.DATE, exp.DType.TIMESTAMP, exp.DType.TIMESTAMPTZ, exp.DType.DATETIME))


PICKS: Mapping[str, Literal["first", "last", "least"]] = {
    "firstvalue": "first",
    "lastvalue": "last",
    "first": "first",
    "last": "last",
    "min": "least",
    "argmin": "least",
    "arg_min": "least",
    "min_by": "least",
    "arg_min_null": "least",
}


SKIPPING = frozenset(("max", "min", "sum", "avg", "count", "anyvalue", "median", "lastvalue", "firstvalue"))


_AGGREGATES = frozenset(
    [
        "arg_min",
        "arg_max",
        "max_by",
        "min_by",
        "arg_min_null",
        "arg_max_null",
        "any_value",
        "arbitrary",
        "first",
        "last",
        "mode",
        "median",
        "mad",
        "quantile",
        "quantile_cont",
        "quantile_disc",
        "approx_quantile",
        "product",
        "histogram",
        "list",
        "array_agg",
        "string_agg",
        "group_concat",
        "bool_and",
        "bool_or",
        "count_if",
        "entropy",
        "kurtosis",
        "kurtosis_pop",
        "skewness",
        "favg",
        "fsum",
        "sumkahan",
        "kahan_sum",
        "geomean",
        "geometric_mean",
        "bit_and",
        "bit_or",
        "bit_xor",
        "covar_pop",
        "covar_samp",
        "corr",
        "sem",
        "weighted_avg",
        "approx_count_distinct",
        "count_star",
        "stddev",
        "variance",
        "var_pop",
        "var_samp",
        "stddev_pop",
        "stddev_samp",
        "max",
        "min",
        "sum",
    ]
)


PURE_NAMES = frozenset(
    [
        "isodow",
        "dayofweek",
        "dayofyear",
        "dayname",
        "monthname",
        "hour",
        "minute",
        "second",
        "weekday",
        "week",
        "weekofyear",
        "yearweek",
        "era",
        "quarter",
        "century",
        "datepart",
        "date_part",
        "strftime",
        "strptime",
        "try_strptime",
        "make_date",
        "make_timestamp",
        "last_day",
        "datesub",
        "date_sub",
        "age",
        "list_value",
        "list_sum",
        "list_avg",
        "list_min",
        "list_max",
        "list_contains",
        "list_sort",
        "struct_pack",
        "row",
        "hash",
        "md5",
        "sha256",
        "regexp_matches",
        "regexp_extract",
        "regexp_replace",
        "contains",
        "starts_with",
        "ends_with",
        "prefix",
        "suffix",
        "len",
        "length",
        "strlen",
        "printf",
        "format",
        "bar",
        "log1p",
        "log2",
        "log10",
        "log",
        "ln",
        "exp",
        "pow",
        "sqrt",
        "cbrt",
        "sign",
        "trunc",
        "even",
        "gamma",
        "lgamma",
        "atan2",
        "sin",
        "cos",
        "tan",
        "asin",
        "acos",
        "atan",
        "radians",
        "degrees",
        "isnan",
        "isinf",
        "isfinite",
        "xor",
        "fmod",
        "jaro_winkler_similarity",
        "levenshtein",
        "jaccard",
        "bit_count",
        "to_base",
        "unicode",
        "ascii",
        "ord",
        "chr",
        "error",
        "coalesce",
        "ifnull",
        "nullif",
        "if",
        "greatest",
        "least",
        "constant_or_null",
        "typeof",
        "divide",
    ]
)


def is_aggregate(node: exp.Expr) -> bool:
    """Whether a call reads many rows where no window says which."""
    if isinstance(node, exp.Filter | exp.WithinGroup | exp.IgnoreNulls | exp.RespectNulls):
        return is_aggregate(node.this)
    if isinstance(node, exp.Anonymous):
        return node.name.lower() in _AGGREGATES
    shifts_and_ranks = (
        exp.Lag | exp.Lead | exp.Rank | exp.DenseRank | exp.PercentRank | exp.CumeDist | exp.Ntile
    )
    return isinstance(node, exp.AggFunc) and not isinstance(node, shifts_and_ranks)


def aggregate_name(node: exp.Expr) -> str:
    return (
        node.name.lower()
        if isinstance(node, exp.Anonymous | exp.AnonymousAggFunc)
        else type(node).__name__.lower()
    )


def query_in(node: exp.Expr) -> exp.Expr | None:
    match node:
        case exp.In(args={"query": exp.Expr() as query}):
            return query
        case exp.Exists(this=exp.Expr() as query):
            return query
        case exp.Subquery() | exp.Select():
            return node
        case _:
            return None


def children_of(node: exp.Expr) -> list[exp.Expr]:
    parts: list[exp.Expr] = []
    for value in node.args.values():
        parts += [
            part for part in (value if isinstance(value, list) else [value]) if isinstance(part, exp.Expr)
        ]
    return [part for part in parts if not isinstance(part, exp.DataType | exp.Identifier)]
