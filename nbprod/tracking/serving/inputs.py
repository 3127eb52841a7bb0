"""What a caller gives as a row, as the feature stage's own types have it; what is missing or of another type is said."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from nbprod.errors import NbprodError, did_you_mean
from nbprod.tracking.serving.steps import nanoseconds_of
from nbprod.tracking.serving.trace import NotCompiled

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def taken(row: Mapping[str, Any], name: str, shape: Callable[[Any], Any]) -> Any:
    """A column of a row; raises NbprodError where it is missing."""
    try:
        value = row[name]
    except KeyError:
        raise NbprodError(
            f"The row lacks '{name}', which the feature stage takes.",
            remedy=did_you_mean(name, [str(one) for one in row]) or "Give None where it isn't known.",
        ) from None
    return shape(value)


def taker(name: str, dtype: Any) -> Callable[[Any], Any]:
    """What makes a value of a column of that type from what a caller has; raises NbprodError where it is another."""
    import datetime as dt

    shapes: tuple[tuple[bool, Callable[[Any, Any], Any]], ...] = (
        (dtype.is_timestamp(), _moment),
        (dtype.is_integer(), _whole),
        (dtype.is_floating(), _number),
        (dtype.is_boolean(), _boolean),
        (dtype.is_string(), _of(str)),
        (dtype.is_date(), _of(dt.date)),
        (dtype.is_decimal(), _of(Decimal)),
    )
    shape = next((made for holds, made in shapes if holds), None)
    if shape is None:
        raise NotCompiled(f"'{name}' is {dtype}, which can't be passed to a query.")
    known = shape

    def made(value: Any) -> Any:
        if is_missing(value):
            return None
        try:
            return known(value, dtype)
        except (TypeError, ValueError, OverflowError):
            raise NbprodError(
                f"'{name}' of the row is {value!r}, a {type(value).__name__}: the feature stage takes {dtype}.",
                remedy="Give it as the training's rows have it, or None where it isn't known.",
            ) from None

    return made


def is_missing(value: Any) -> bool:
    """Whether it is None, NaN, NaT and the like."""
    import pandas as pd

    # What is missing isn't equal to itself.
    return value is None or value is pd.NA or bool(value != value)  # noqa: PLR0124


def _moment(value: Any, dtype: Any) -> int:
    import datetime as dt

    import numpy as np
    import pandas as pd

    if not isinstance(value, dt.datetime | np.datetime64) or getattr(value, "tzinfo", None) is not None:
        raise TypeError
    # `value` is in nanoseconds whatever the unit.
    return int(pd.Timestamp(value).value) // nanoseconds_of(dtype)


def _whole(value: Any, dtype: Any) -> int:
    number = _number(value, dtype)
    if not number.is_integer() or not dtype.bounds.lower <= int(value) <= dtype.bounds.upper:
        raise ValueError
    return int(value)


def _number(value: Any, _: Any) -> float:
    import numbers

    import numpy as np

    if isinstance(value, bool | np.bool_) or not isinstance(value, numbers.Real):
        raise TypeError
    return float(value)


def _boolean(value: Any, _: Any) -> bool:
    import numpy as np

    if not isinstance(value, bool | np.bool_):
        raise TypeError
    return bool(value)


def _of(kind: type) -> Callable[[Any, Any], Any]:
    def same(value: Any, _: Any) -> Any:
        if not isinstance(value, kind):
            raise TypeError
        return value

    return same
