"""Expressions whose value is the same to the last bit wherever it is computed: for them no query has to be asked.

Whole numbers, one operation at a time on IEEE's doubles, and parts of moments have one answer each. What has several
(functions of the C library, decimals, text) is left to the database.
"""

from __future__ import annotations

import math
import operator
from typing import TYPE_CHECKING, Any, TypeAlias

from nbprod.tracking.serving.steps import NANOSECONDS, nanoseconds_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# The value for what is known of each slot. Raises ArithmeticError or ValueError where the database must say.
Exact: TypeAlias = "Callable[[Mapping[str, Any]], Any]"
_DAY = 86_400_000_000_000


def exact(value: Any) -> Exact | None:
    """How to compute a value over slots here, None where that isn't sure to give the database's very answer."""
    made = _MADE.get(type(value).__name__)
    return made(value) if made is not None and _is_plain(value.dtype) else None


def _is_plain(dtype: Any) -> bool:
    if dtype.is_timestamp():
        return dtype.timezone is None
    return bool(dtype.is_signed_integer() or dtype.is_float64() or dtype.is_boolean() or dtype.is_string())


def _is_number(value: Any) -> bool:
    return bool(value.dtype.is_integer() or value.dtype.is_floating())


def _field(value: Any) -> Exact:
    name = value.name
    return lambda known: known[name]


def _literal(value: Any) -> Exact | None:
    constant = value.value
    return (lambda _: constant) if isinstance(constant, bool | int | float | str) else None


def _of_one(
    argument: Any, compute: Callable[[Any], Any], fits: Callable[[Any], bool] = _is_number
) -> Exact | None:
    """A value that is missing where its argument is."""
    inner = exact(argument)
    if inner is None or not fits(argument):
        return None

    def computed(known: Mapping[str, Any]) -> Any:
        given = inner(known)
        return None if given is None else compute(given)

    return computed


def _of_two(value: Any, compute: Callable[[Any, Any], Any], fits: Callable[[Any], bool]) -> Exact | None:
    """A value that is missing where one of its two arguments is."""
    left, right = exact(value.left), exact(value.right)
    if left is None or right is None or not (fits(value.left) and fits(value.right)):
        return None

    def computed(known: Mapping[str, Any]) -> Any:
        one, other = left(known), right(known)
        return None if one is None or other is None else compute(one, other)

    return computed


def _number(operation: Callable[[Any, Any], Any]) -> Callable[[Any], Exact | None]:
    def made(value: Any) -> Exact | None:
        fitted = _fitted(value.dtype)
        return _of_two(value, lambda one, other: fitted(operation(one, other)), _is_number)

    return made


def _fitted(dtype: Any) -> Callable[[Any], Any]:
    """Numbers as the type has them; what it can't hold is for the database to say."""

    def fitted(number: Any) -> Any:
        if type(number) is float or dtype.is_floating():
            if not math.isfinite(number):
                raise ArithmeticError
            return float(number)
        if not dtype.bounds.lower <= number <= dtype.bounds.upper:
            raise ArithmeticError
        return number

    return fitted


def _divided(one: Any, other: Any) -> float:
    return float(one) / float(other)


def _compared(operation: Callable[[Any, Any], bool]) -> Callable[[Any], Exact | None]:
    def is_ordered(value: Any) -> bool:
        return _is_number(value) or value.dtype.is_timestamp()

    def made(value: Any) -> Exact | None:
        is_same_kind = value.left.dtype.is_timestamp() == value.right.dtype.is_timestamp()
        return _of_two(value, operation, is_ordered) if is_same_kind else None

    return made


def _moved(sign: int) -> Callable[[Any], Exact | None]:
    """A moment so many hours or days away; months differ in length."""

    def made(value: Any) -> Exact | None:
        length, start = value.right, exact(value.left)
        unit = NANOSECONDS.get(length.dtype.unit.short) if length.dtype.is_interval() else None
        if unit is None or start is None or type(getattr(length, "value", None)) is not int:
            return None
        by = sign * length.value * unit // nanoseconds_of(value.left.dtype)
        return _of_one(value.left, lambda moment: moment + by, lambda one: one.dtype.is_timestamp())

    return made


def _of_moment(part: Callable[[int, int], Any]) -> Callable[[Any], Exact | None]:
    """A part of a moment, of its count since 1970 and how many of the counted make a day."""

    def made(value: Any) -> Exact | None:
        a_day = _DAY // nanoseconds_of(value.arg.dtype) if value.arg.dtype.is_timestamp() else 1
        return _of_one(value.arg, lambda moment: part(moment, a_day), lambda one: one.dtype.is_timestamp())

    return made


def _floor(value: Any) -> Exact | None:
    fitted = _fitted(value.dtype)
    return _of_one(value.arg, lambda number: fitted(math.floor(number)))


def _cast(value: Any) -> Exact | None:
    fitted = _fitted(value.dtype) if _is_number(value) else None
    if fitted is None:
        return None
    # Halves go to the even number, as the database has it.
    return _of_one(value.arg, lambda number: fitted(number if value.dtype.is_floating() else round(number)))


def _first_known(value: Any) -> Exact | None:
    each = [exact(one) for one in value.arg]
    if not _is_number(value) or None in each:
        return None
    fitted = _fitted(value.dtype)

    def computed(known: Mapping[str, Any]) -> Any:
        given = next((found for one in each if (found := one(known)) is not None), None)  # type: ignore[misc]
        return None if given is None else fitted(given)

    return computed


def _unless(value: Any) -> Exact | None:
    one, null_if = exact(value.arg), exact(value.null_if_expr)
    if one is None or null_if is None or not (_is_number(value.arg) and _is_number(value.null_if_expr)):
        return None

    def computed(known: Mapping[str, Any]) -> Any:
        given = one(known)
        return None if given == null_if(known) else given

    return computed


_MADE: Mapping[str, Callable[[Any], Exact | None]] = {
    "Field": _field,
    "Literal": _literal,
    "Add": _number(operator.add),
    "Subtract": _number(operator.sub),
    "Multiply": _number(operator.mul),
    "Divide": _number(_divided),
    "Equals": _compared(operator.eq),
    "NotEquals": _compared(operator.ne),
    "Less": _compared(operator.lt),
    "LessEqual": _compared(operator.le),
    "Greater": _compared(operator.gt),
    "GreaterEqual": _compared(operator.ge),
    "TimestampAdd": _moved(1),
    "TimestampSub": _moved(-1),
    "ExtractHour": _of_moment(lambda moment, a_day: moment % a_day * 24 // a_day),
    "ExtractMinute": _of_moment(lambda moment, a_day: moment % a_day * 1440 // a_day % 60),
    # The first of January 1970 was a Thursday.
    "DayOfWeekIndex": _of_moment(lambda moment, a_day: (moment // a_day + 3) % 7),
    # DuckDB keeps the fraction.
    "ExtractEpochSeconds": _of_moment(lambda moment, a_day: moment / (a_day // 86_400)),
    "Floor": _floor,
    "Cast": _cast,
    "Coalesce": _first_known,
    "NullIf": _unless,
}
