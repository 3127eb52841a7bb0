"""Which rows a row-level metric is about, and which of them are as expected, as boolean Ibis expressions.

Each follows GX's pandas metric of the same name. What Ibis would answer otherwise raises Uncovered.
"""

from __future__ import annotations

import datetime as dt
import functools
import operator
import re
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from nbprod.validating.asking import Uncovered

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class Domain(Struct, frozen=True, kw_only=True):
    """What a metric is about: some columns of a table, on the rows that its condition and missing values leave.

    `complete` are columns of the table that are known to miss nothing.
    """

    table: Any
    columns: tuple[str, ...]
    condition: Any = None
    ignores: Any = None
    complete: frozenset[str] = frozenset()

    @property
    def column(self) -> Any:
        """The one column of a column's metric."""
        return self.table[self.columns[0]]

    @property
    def rows(self) -> Any:
        """The rows that count, or None for all of them."""
        return both(self.condition, self.ignores)


def domain_of(table: Any, kwargs: Mapping[str, Any], *, complete: frozenset[str] = frozenset()) -> Domain:
    """The domain that GX names by its domain kwargs; raises Uncovered where the table lacks a column."""
    columns = _columns(kwargs)
    missing = [column for column in columns if column not in table.columns]
    if missing:
        raise Uncovered(f"no column {missing[0]!r}")
    return Domain(
        table=table,
        columns=columns,
        condition=condition_of(table, kwargs.get("row_condition")),
        ignores=_not_ignored(table, columns, kwargs, complete),
        complete=complete,
    )


def both(left: Any, right: Any) -> Any:
    """Both conditions, where None is none."""
    if left is None or right is None:
        return right if left is None else left
    return left & right


def condition_of(table: Any, condition: Any) -> Any:
    """A row condition of GX's; None where there is none. Pandas' own texts are Uncovered."""
    raw = condition.dict() if hasattr(condition, "dict") else condition
    match raw:
        case None | "":
            return None
        case {"type": "and" | "or" as word, "conditions": parts}:
            joined = operator.and_ if word == "and" else operator.or_
            return functools.reduce(joined, [condition_of(table, part) for part in parts])
        case {"type": "nullity", "column": {"name": name}, "is_null": is_null}:
            column = _column(table, name)
            return column.isnull() if is_null else column.notnull()
        case {"type": "comparison", "column": {"name": name}, "operator": sign, "parameter": value}:
            return _compared(_column(table, name), str(sign), value)
        case _:
            raise Uncovered("a condition in pandas' own words")


def _compared(column: Any, sign: str, value: Any) -> Any:
    # In pandas a missing value differs from everything and is in no set.
    match sign:
        case "!=":
            return (column != operand(column, value)) | column.isnull()
        case "IN":
            return among(column, value).fill_null(False)
        case "NOT_IN":
            return ~among(column, value).fill_null(False)
        case _:
            return _COMPARE[sign](column, operand(column, value)).fill_null(False)


def _column(table: Any, name: str) -> Any:
    if name not in table.columns:
        raise Uncovered(f"no column {name!r}")
    return table[name]


def _columns(kwargs: Mapping[str, Any]) -> tuple[str, ...]:
    if kwargs.get("column_list") is not None:
        return tuple(kwargs["column_list"])
    if kwargs.get("column_A") is not None:
        return (kwargs["column_A"], kwargs["column_B"])
    return (kwargs["column"],) if kwargs.get("column") is not None else ()


def _not_ignored(
    table: Any, columns: tuple[str, ...], kwargs: Mapping[str, Any], complete: frozenset[str]
) -> Any:
    if kwargs.get("column_A") is None and kwargs.get("column_list") is None:
        return None
    present = [table[column].notnull() for column in columns if column not in complete]
    match kwargs.get("ignore_row_if"):
        case "both_values_are_missing" | "all_values_are_missing" | None:
            return functools.reduce(operator.or_, present) if len(present) == len(columns) else None
        case "either_value_is_missing" | "any_value_is_missing":
            return functools.reduce(operator.and_, present) if present else None
        case "neither" | "never":
            return None
        case other:
            raise Uncovered(f"ignore_row_if {other!r}")


# Values of a suite beside values of a column


def operand(column: Any, value: Any) -> Any:
    """The value as the column's type compares with it; raises Uncovered where pandas would refuse or differ."""
    kind = column.type()
    match value:
        case bool():
            if kind.is_boolean():
                return value
        case int() | float():
            if kind.is_numeric():
                # GX makes floats of all bounds; an integer compares with an integer without a cast of each row.
                is_whole = kind.is_integer() and float(value).is_integer() and abs(value) < 2**53
                return int(value) if is_whole else value
        case str():
            if kind.is_string():
                return value
            if kind.is_timestamp() or kind.is_date():
                return _time(value, kind)
        case dt.date():
            if kind.is_timestamp() or kind.is_date():
                return _time(value, kind)
        case _:
            pass
    raise Uncovered(f"a column of type {kind} beside {value!r}")


def _time(value: str | dt.date, kind: Any) -> dt.date:
    moment = _moment(value)
    if kind.is_date():
        if moment.tzinfo is None and moment.time() == dt.time():
            return moment.date()
        raise Uncovered(f"a column of dates beside {value!r}")
    if (moment.tzinfo is None) != (kind.timezone is None):
        raise Uncovered("one time has a zone, the other has none")
    return moment


def _moment(value: str | dt.date) -> dt.datetime:
    from dateutil.parser import ParserError, parse

    match value:
        case dt.datetime():
            return value
        case dt.date():
            return dt.datetime(value.year, value.month, value.day)  # noqa: DTZ001
        case text:
            try:
                read: dt.datetime = parse(text)
            except (ParserError, OverflowError) as error:
                raise Uncovered(f"no time: {text!r}") from error
            return read


def among(column: Any, values: Sequence[Any] | None) -> Any:
    """Whether the column's value is one of the values; those of other types are equal to none of it, as in pandas.

    Null of a missing value, as every test of a column is.
    """
    if values is None:
        return column == column  # noqa: PLR0124  # true of all but the missing
    fitting = [one for one in (_member(column, value) for value in values) if one is not None]
    if not fitting:
        return column != column  # noqa: PLR0124
    if column.type().is_integer() and all(type(one) is int for one in fitting):
        low, high = min(fitting), max(fitting)
        # Two comparisons cost a tenth of a set, and nothing where a file's own statistics say the answer.
        if len(set(fitting)) == high - low + 1:
            return (column >= low) & (column <= high)
    return column.isin(fitting)


def _member(column: Any, value: Any) -> Any:
    kind = column.type()
    if kind.is_boolean() and not isinstance(value, str) and value in (0, 1):
        return bool(value)
    if kind.is_numeric() and isinstance(value, bool):
        return int(value)
    if kind.is_nested() or kind.is_binary() or kind.is_interval() or kind.is_time():
        raise Uncovered(f"a column of type {kind} in a set")
    if isinstance(value, float) and value != value:  # noqa: PLR0124  # NaN
        return None
    try:
        return operand(column, value)
    except Uncovered:
        if kind.is_temporal():
            raise
        return None


# Conditions on one column


def between(column: Any, arguments: Mapping[str, Any]) -> Any:
    """Whether the column's value lies between the bounds."""
    low, high = arguments.get("min_value"), arguments.get("max_value")
    if low is None and high is None:
        raise Uncovered("no bound")
    if low is not None and high is not None and low > high:
        raise Uncovered("the bounds are crossed")
    if column.type().is_boolean():
        raise Uncovered("bounds on booleans")
    parts = []
    if low is not None:
        parts.append(_COMPARE[">" if arguments.get("strict_min") else ">="](column, operand(column, low)))
    if high is not None:
        parts.append(_COMPARE["<" if arguments.get("strict_max") else "<="](column, operand(column, high)))
    return functools.reduce(operator.and_, parts)


# RE2 and Java know neither, or not with Python's meaning.
_ONLY_IN_PYTHON = re.compile(r"\(\?[=!<(]|\\[1-9]|\(\?P=|\\[ZN]")


def matches(column: Any, pattern: str) -> Any:
    """Whether the pattern is found in the text."""
    if not column.type().is_string():
        raise Uncovered(f"a pattern on a column of type {column.type()}")
    if _ONLY_IN_PYTHON.search(pattern):
        return _python(lambda text: re.search(pattern, text) is not None, column)
    return column.re_search(pattern)


def _like(column: Any, pattern: str, escape: str | None) -> Any:
    if not column.type().is_string():
        raise Uncovered(f"a pattern on a column of type {column.type()}")
    return column.like(pattern) if not escape else column.re_search(_like_as_regex(pattern, escape))


def _like_as_regex(pattern: str, escape: str) -> str:
    parts, rest = [], iter(pattern)
    for letter in rest:
        if letter == escape:
            parts.append(re.escape(next(rest, "")))
        else:
            parts.append({"%": ".*", "_": "."}.get(letter) or re.escape(letter))
    return f"(?s)^{''.join(parts)}$"


def _each(column: Any, test: Callable[[Any, Any], Any], patterns: Sequence[str], match_on: str | None) -> Any:
    found = [test(column, pattern) for pattern in patterns]
    if not found or match_on not in ("any", "all", None):
        raise Uncovered("no pattern to match")
    return functools.reduce(operator.and_ if match_on == "all" else operator.or_, found)


def _length(column: Any) -> Any:
    if not column.type().is_string():
        raise Uncovered(f"the length of a column of type {column.type()}")
    return column.length()


def _python(test: Callable[[str], bool], column: Any) -> Any:
    import ibis

    if not column.type().is_string():
        raise Uncovered(f"texts in a column of type {column.type()}")
    return ibis.udf.scalar.python(test, signature=(("string",), "boolean"), name=f"text_test_{id(test)}")(
        column
    )


def _is_time(text: str) -> bool:
    from dateutil.parser import parse

    try:
        parse(text)
    except (ValueError, OverflowError):
        return False
    return True


def _has_format(text: str, form: str) -> bool:
    try:
        dt.datetime.strptime(text, form)  # noqa: DTZ007
    except ValueError:
        return False
    return True


def _is_json(text: str) -> bool:
    import json

    try:
        json.loads(text)
    except ValueError:
        return False
    return True


COLUMN: dict[str, Callable[[Any, Mapping[str, Any]], Any]] = {
    "column_values.between": between,
    "column_values.in_set": lambda x, k: among(x, k.get("value_set")),
    "column_values.not_in_set": lambda x, k: (
        among(x, None) if k.get("value_set") is None else ~among(x, k["value_set"])
    ),
    "column_values.match_regex": lambda x, k: matches(x, k["regex"]),
    "column_values.not_match_regex": lambda x, k: ~matches(x, k["regex"]),
    "column_values.match_regex_list": lambda x, k: _each(x, matches, k["regex_list"], k.get("match_on")),
    "column_values.not_match_regex_list": lambda x, k: ~_each(x, matches, k["regex_list"], "any"),
    "column_values.match_like_pattern": lambda x, k: _like(x, k["like_pattern"], k.get("escape")),
    "column_values.not_match_like_pattern": lambda x, k: ~_like(x, k["like_pattern"], k.get("escape")),
    "column_values.match_like_pattern_list": lambda x, k: _each(
        x, lambda column, one: _like(column, one, k.get("escape")), k["like_pattern_list"], k.get("match_on")
    ),
    "column_values.not_match_like_pattern_list": lambda x, k: (
        ~_each(x, lambda column, one: _like(column, one, k.get("escape")), k["like_pattern_list"], "any")
    ),
    "column_values.value_length.between": lambda x, k: between(_length(x), k),
    "column_values.value_length.equals": lambda x, k: _length(x) == k["value"],
    "column_values.dateutil_parseable": lambda x, _: _python(_is_time, x),
    "column_values.json_parseable": lambda x, _: _python(_is_json, x),
    "column_values.match_strftime_format": lambda x, k: _python(
        lambda text: _has_format(text, k["strftime_format"]), x
    ),
}


# Conditions on several columns


def _greater(a: Any, b: Any, arguments: Mapping[str, Any]) -> Any:
    _comparable(a, b)
    return (a >= b) if arguments.get("or_equal") else (a > b)


def _equal(a: Any, b: Any, _: Mapping[str, Any]) -> Any:
    _comparable(a, b)
    return a == b


def _comparable(a: Any, b: Any) -> None:
    left, right = a.type(), b.type()
    kinds = ("is_numeric", "is_string", "is_boolean", "is_date")
    alike = any(getattr(left, kind)() and getattr(right, kind)() for kind in kinds)
    times = (
        left.is_timestamp() and right.is_timestamp() and (left.timezone is None) == (right.timezone is None)
    )
    if not (alike or times):
        raise Uncovered(f"a column of type {left} beside one of type {right}")


def _pair_among(a: Any, b: Any, arguments: Mapping[str, Any]) -> Any:
    import ibis

    pairs = arguments.get("value_pairs_set")
    if pairs is None:
        return ibis.literal(value=True)
    found = [_one_of(a, left) & _one_of(b, right) for left, right in pairs]
    return functools.reduce(operator.or_, found) if found else ibis.literal(value=False)


def _one_of(column: Any, value: Any) -> Any:
    return column.isnull() if value is None else among(column, [value]).fill_null(False)


PAIR: dict[str, Callable[[Any, Any, Mapping[str, Any]], Any]] = {
    "column_pair_values.a_greater_than_b": _greater,
    "column_pair_values.equal": _equal,
    "column_pair_values.in_set": _pair_among,
}


def _sum_is(columns: Sequence[Any], arguments: Mapping[str, Any]) -> Any:
    if not all(column.type().is_numeric() for column in columns):
        raise Uncovered("a sum of columns that aren't all numbers")
    return functools.reduce(operator.add, columns) == arguments["sum_total"]


def _all_equal(columns: Sequence[Any], _: Mapping[str, Any]) -> Any:
    for column in columns[1:]:
        _comparable(columns[0], column)
    return functools.reduce(operator.and_, [columns[0].identical_to(column) for column in columns])


def _all_differ(columns: Sequence[Any], _: Mapping[str, Any]) -> Any:
    for column in columns[1:]:
        _comparable(columns[0], column)
    pairs = [(a, b) for place, a in enumerate(columns) for b in columns[place + 1 :]]
    return functools.reduce(operator.and_, [~a.identical_to(b) for a, b in pairs])


MULTI: dict[str, Callable[[Sequence[Any], Mapping[str, Any]], Any]] = {
    "multicolumn_sum.equal": _sum_is,
    "multicolumn_values.equal": _all_equal,
    "select_column_values.unique.within_record": _all_differ,
}
