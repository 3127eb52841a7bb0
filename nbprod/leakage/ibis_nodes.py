"""Ibis nodes as they are: known by class name and fields, their parts and their constants read."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

from nbprod.leakage import terms as tm
from nbprod.leakage.reading import Frame

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Node = Any  # an Ibis operation


def is_a(node: Node, *names: str) -> bool:
    """Whether a node's class has one of these names, or a base of it."""
    return any(base in names for base in bases_of(node))


def bases_of(node: Node) -> tuple[str, ...]:
    return tuple(base.__name__ for base in type(node).__mro__)


def values_in(node: Node) -> Iterator[Node]:
    yield node
    for value in arguments_of(node):
        yield from values_in(value)


def has(node: Node, name: str) -> bool:
    return any(is_a(value, name) for value in values_in(node))


def fields_in(node: Node) -> Iterator[Node]:
    return (value for value in values_in(node) if is_a(value, "Field"))


def arguments_of(node: Node) -> Iterator[Node]:
    """The values among a node's arguments, those in tuples and mappings too."""
    for argument in () if is_a(node, "Field", "Subquery") else node.args:
        yield from _flat(argument)


def _flat(argument: Any) -> Iterator[Node]:
    if hasattr(argument, "dtype") and hasattr(argument, "shape"):
        yield argument
    elif isinstance(argument, tuple | list):
        for part in argument:
            yield from _flat(part)
    elif hasattr(argument, "values") and callable(argument.values):
        for part in argument.values():
            yield from _flat(part)


_PERIODS: Mapping[str, tuple[float, int]] = {
    "YEAR": (0, 12),
    "QUARTER": (0, 3),
    "MONTH": (0, 1),
    "WEEK": (7 * 86400, 0),
    "DAY": (86400, 0),
    "HOUR": (3600, 0),
    "MINUTE": (60, 0),
    "SECOND": (1, 0),
    "MILLISECOND": (1e-3, 0),
    "MICROSECOND": (1e-6, 0),
    "NANOSECOND": (1e-9, 0),
}


def period_of(node: Node) -> tm.Period | None:
    """A constant interval, also one that was made of a constant number."""
    match type(node).__name__:
        case "Literal" if node.dtype.is_interval():
            value = node.value
            if isinstance(value, timedelta):
                return tm.Period(time=value)
            return _period(value, node.dtype.unit.name)
        case "IntervalFromInteger":
            amount = integer_of(node.arg)
            return None if amount is None else _period(amount, node.unit.name)
        case "Negate":
            inner = period_of(node.arg)
            return None if inner is None else -inner
        case "Alias" | "Cast":
            return period_of(node.arg)
        case _:
            return None


def _period(amount: float, unit: str) -> tm.Period:
    seconds, months = _PERIODS[unit]
    return tm.Period(time=timedelta(seconds=amount * seconds), months=int(amount * months))


def integer_of(node: Node) -> int | None:
    """A constant integer, arithmetic on constants included."""
    match type(node).__name__:
        case "Literal" if isinstance(node.value, int):
            return int(node.value)
        case "Negate":
            inner = integer_of(node.arg)
            return None if inner is None else -inner
        case "Cast" | "Alias":
            return integer_of(node.arg)
        case "Add" | "Subtract" | "Multiply" as operation:
            left, right = integer_of(node.left), integer_of(node.right)
            if left is None or right is None:
                return None
            return {"Add": left + right, "Subtract": left - right, "Multiply": left * right}[operation]
        case _:
            return None


def frame_of(node: Node) -> Frame:
    start, knows_start = _edge_of(node.start)
    end, knows_end = _edge_of(node.end)
    unit: Literal["rows", "range"] = "rows" if node.how == "rows" else "range"
    understood = knows_start and knows_end
    return Frame(unit=unit, start=start, end=end if understood else None, understood=understood)


def _edge_of(boundary: Node) -> tuple[int | timedelta | None, bool]:
    if boundary is None:
        return None, True
    sign = -1 if boundary.preceding else 1
    amount, period = integer_of(boundary.value), period_of(boundary.value)
    if period is not None:
        # The edge that reads further: months have 28 to 31 days.
        days = timedelta(days=(31 if sign > 0 else 28) * period.months)
        return sign * (period.time + days), True
    return (None, False) if amount is None else (sign * amount, True)
