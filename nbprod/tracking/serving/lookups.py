"""What one row looks up: the nearest row of a fixed table, or a figure over its neighbours, from memory.

Moments are counted as whole numbers here (see `as_numbers`), so that nothing is rounded on the way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from nbprod.tracking.serving.steps import nanoseconds_of
from nbprod.tracking.serving.trace import NotCompiled

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nbprod.tracking.serving.steps import Lookup, Window


class Found(Struct, frozen=True, kw_only=True):
    """A fixed table in memory. `groups` holds of each key the orders and the places of its rows, in that order."""

    how: str
    sign: str
    groups: Mapping[tuple[Any, ...], tuple[Any, Any]]
    columns: tuple[Any, ...]

    def row(self, keys: tuple[Any, ...], order: Any) -> list[Any] | None:
        """The values of the columns; None where an inner join finds nothing, and the row with it is dropped."""
        place = self._place(keys, order)
        if place is not None:
            return [column[place].as_py() for column in self.columns]
        return None if self.how == "inner" else [None] * len(self.columns)

    def _place(self, keys: tuple[Any, ...], order: Any) -> int | None:
        group = None if None in keys else self.groups.get(keys)
        if group is None:
            return None
        orders, places = group
        if not self.sign:
            return int(places[0])
        if order is None:
            return None
        match self.sign:
            case ">=":
                at = orders.searchsorted(order, side="right") - 1
            case ">":
                at = orders.searchsorted(order, side="left") - 1
            case "<=":
                at = orders.searchsorted(order, side="left")
            case _:
                at = orders.searchsorted(order, side="right")
        return int(places[at]) if 0 <= at < len(places) else None


def found_of(lookup: Lookup, used: Sequence[str], *, backend: Any) -> Found:
    """A lookup's table in memory, with the columns that are used; raises NotCompiled where an answer isn't settled."""
    wanted = {f"column{number}": _column(lookup.table, name) for number, name in enumerate(used)}
    keys = {f"key{number}": theirs for number, (_, theirs) in enumerate(lookup.keys)}
    order = {"order": lookup.order[2]} if lookup.order else {}
    table = table_of(lookup.table, {**wanted, **keys, **order}, backend=backend)
    columns = tuple(table[name] for name in wanted)
    groups = _groups([table[name] for name in keys], table["order"] if order else None, count=len(table["_"]))
    for orders, places in groups.values():
        same = (orders[1:] == orders[:-1]).nonzero()[0] if order else range(len(places) - 1)
        if len(same) and (not order or not _agree(columns, places, same)):
            raise NotCompiled(
                "A looked-up table has several rows of the same key"
                + (" and time: which of them is found is not settled." if order else ".")
            )
    return Found(how=lookup.how, sign=lookup.order[0] if lookup.order else "", groups=groups, columns=columns)


def _column(relation: Any, name: str) -> Any:
    import ibis.expr.operations as ops

    return ops.Field(relation, name)


def _agree(columns: tuple[Any, ...], places: Any, same: Any) -> bool:
    import pyarrow as pa

    one, two = (pa.array(places[same + step]) for step in (0, 1))
    return all(column.take(one).equals(column.take(two)) for column in columns)


def table_of(relation: Any, values: Mapping[str, Any], *, backend: Any) -> dict[str, Any]:
    """The values over a relation as Arrow arrays, moments as numbers; `_` has as many as there are rows."""
    import ibis.expr.operations as ops

    counted = {"_": ops.Literal(1, dtype="int8"), **values}
    table = backend.to_pyarrow(ops.Project(relation, counted).to_expr())
    return {
        name: as_numbers(table.column(name).combine_chunks(), value.dtype) for name, value in counted.items()
    }


def as_numbers(array: Any, dtype: Any) -> Any:
    """An Arrow array, its moments counted in micro- or nanoseconds as their type has them."""
    import pyarrow as pa

    if not dtype.is_timestamp():
        return array
    unit = "ns" if nanoseconds_of(dtype) == 1 else "us"
    return array.cast(pa.timestamp(unit, dtype.timezone)).cast(pa.int64())


def _groups(keys: list[Any], order: Any, *, count: int) -> dict[tuple[Any, ...], tuple[Any, Any]]:
    import numpy as np

    orders = np.zeros(count) if order is None else _numbers(order)
    known = (
        np.arange(count) if order is None else np.flatnonzero(order.is_valid().to_numpy(zero_copy_only=False))
    )
    sequence = known[np.argsort(orders[known], kind="stable")]
    of_key: dict[tuple[Any, ...], list[int]] = {}
    lists = [one.to_pylist() for one in keys]
    for place in sequence.tolist():
        of_key.setdefault(tuple(one[place] for one in lists), []).append(place)
    return {key: (orders[places], np.array(places)) for key, places in of_key.items()}


def _numbers(array: Any) -> Any:
    import pyarrow as pa

    if not (pa.types.is_integer(array.type) or pa.types.is_floating(array.type)):
        raise NotCompiled(f"Rows in the order of {array.type} can't be looked up.")
    return array.fill_null(0).to_numpy(zero_copy_only=False)


class Neighbours(Struct, frozen=True, kw_only=True):
    """The other rows of each group with their orders and arguments.

    `totals` are how many and how much there are before each place, so that a stretch's are a difference. `at` says
    which row has a key, `stands` where in its group each row stands, `numbers` which group that is.
    """

    window: Window
    groups: Mapping[tuple[Any, ...], tuple[Any, Any]]
    totals: Mapping[tuple[Any, ...], tuple[Any, Any]]
    arguments: Any
    valid: Any
    at: Mapping[Any, int]
    stands: Any
    numbers: Any
    number_of: Mapping[tuple[Any, ...], int]

    def figure(self, group: tuple[Any, ...], order: Any, argument: Any, *, key: Any) -> Any:
        """The window's figure for a row that takes the place of the one of the same key."""
        low, high = self._stretch(group, order)
        places = self.groups[group][1] if group in self.groups else ()
        old = self._old(group, low, high, key)
        own = [argument] if self._sees_itself and (argument is not None or not self.window.argument) else []
        if self.window.figure in ("min", "max"):
            return self._extreme(places[low:high], old, own)
        count, total = len(own), sum(own) if self.window.argument else 0
        if high > low:
            counts, sums = self.totals[group]
            count += int(counts[high] - counts[low])
            total += int(sums[high]) - int(sums[low])
        if old is not None and self.valid[old]:
            count, total = count - 1, total - int(self.arguments[old])
        if self.window.figure == "count":
            return count
        if not count:
            return None
        return total if self.window.figure == "sum" else float(total) / float(count)

    @property
    def _sees_itself(self) -> bool:
        back, ahead = self.window.preceding, self.window.following
        return (back is None or back >= 0) and (ahead is None or ahead >= 0)

    def _stretch(self, group: tuple[Any, ...], order: Any) -> tuple[int, int]:
        if group not in self.groups:
            return 0, 0
        orders = self.groups[group][0]
        back, ahead = self.window.preceding, self.window.following
        low = 0 if back is None else int(orders.searchsorted(order - back, side="left"))
        high = len(orders) if ahead is None else int(orders.searchsorted(order + ahead, side="right"))
        return low, max(low, high)

    def _old(self, group: tuple[Any, ...], low: int, high: int, key: Any) -> int | None:
        """The row of this key, if the stretch has it."""
        row = self.at.get(key)
        if (
            row is None
            or self.numbers[row] != self.number_of.get(group)
            or not low <= self.stands[row] < high
        ):
            return None
        return row

    def _extreme(self, places: Any, old: int | None, own: list[Any]) -> Any:
        theirs = [self.arguments[one].item() for one in places if self.valid[one] and one != old]
        values = [*theirs, *own]
        if not values:
            return None
        return min(values) if self.window.figure == "min" else max(values)


def neighbours_of(window: Window, *, backend: Any) -> Neighbours:
    """A window's other rows in memory; raises NotCompiled where one of them has no order."""
    import numpy as np

    order = {"order": window.order[1]} if window.order else {}
    argument = {"argument": window.argument[1]} if window.argument else {}
    group = {f"group{number}": theirs for number, (_, theirs) in enumerate(window.group)}
    key = {"key": _column(window.relation, window.key)}
    table = table_of(window.relation, {**order, **argument, **group, **key}, backend=backend)
    count = len(table["_"])
    if order and table["order"].null_count:
        raise NotCompiled("A row has no time, and a window goes over them by it.")
    groups = _groups([table[name] for name in group], table["order"] if order else None, count=count)
    values = table["argument"] if argument else None
    valid = np.ones(count, bool) if values is None else values.is_valid().to_numpy(zero_copy_only=False)
    arguments = np.zeros(count, np.int64) if values is None else _arguments(values)
    # Whole arrays and plain numbers: the collector of garbage would walk through a million small objects.
    stands, numbers = np.zeros(count, np.int64), np.full(count, -1)
    for number, (_, places) in enumerate(groups.values()):
        stands[places], numbers[places] = np.arange(len(places)), number
    return Neighbours(
        window=window,
        groups=groups,
        totals={name: _totals(places, valid, arguments) for name, (_, places) in groups.items()},
        arguments=arguments,
        valid=valid,
        at={key: row for row, key in enumerate(table["key"].to_pylist())},
        stands=stands,
        numbers=numbers,
        number_of={name: number for number, name in enumerate(groups)},
    )


def _arguments(values: Any) -> Any:
    import numpy as np
    import pyarrow as pa

    if pa.types.is_boolean(values.type):
        return values.fill_null(value=False).to_numpy(zero_copy_only=False).astype(np.int64)
    return _numbers(values)


def _totals(places: Any, valid: Any, arguments: Any) -> tuple[Any, Any]:
    """How many and how much there are before each place; whole numbers only, others have no use for it."""
    import numpy as np

    counts = np.concatenate([[0], np.cumsum(valid[places])])
    if arguments.dtype.kind not in "iu":
        return counts, np.zeros(len(counts), np.int64)
    if len(places) * float(np.abs(arguments[places].astype(float)).max(initial=0)) >= 2**62:
        raise NotCompiled("The numbers that a window adds up are too large.")
    return counts, np.concatenate([[0], np.cumsum(arguments[places].astype(np.int64) * valid[places])])
