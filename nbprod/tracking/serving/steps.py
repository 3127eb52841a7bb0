"""An Ibis expression over rows as steps for one row: what to look up in fixed tables and windows, what to compute.

Each value that a step brings is a *slot*. Everything else is a scalar expression over slots, which DuckDB computes as
it did for the training. What one row can't know (an aggregate of all rows, a window that counts rows) is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct, field
from msgspec.structs import replace

from nbprod.tracking.serving.trace import NotCompiled

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

ROW = "row_"


class Lookup(Struct, frozen=True, kw_only=True):
    """Rows of a fixed table found by equal keys and, as of an order, the nearest one.

    `keys` and `order` pair what the row has with what the table has; `slots` names the slot of each column.
    """

    how: str
    table: Any
    keys: tuple[tuple[Any, Any], ...]
    order: tuple[str, Any, Any] | None
    slots: Mapping[str, str]

    @property
    def asks(self) -> tuple[Any, ...]:
        """What of the row must be known before."""
        return (*(one for one, _ in self.keys), *((self.order[1],) if self.order else ()))


class Window(Struct, frozen=True, kw_only=True):
    """A figure over the rows of the same group whose order is near enough; `relation` holds the others' values.

    `own` is what the row itself has for group, order and argument, `theirs` what the relation has for them; `key`
    is the relation's column that tells rows apart.
    """

    figure: str
    relation: Any
    group: tuple[tuple[Any, Any], ...]
    order: tuple[Any, Any] | None
    argument: tuple[Any, Any] | None
    preceding: int | float | None
    following: int | float | None
    key: str
    slot: str

    @property
    def asks(self) -> tuple[Any, ...]:
        """What of the row must be known before."""
        pairs = (
            *self.group,
            *((self.order,) if self.order else ()),
            *((self.argument,) if self.argument else ()),
        )
        return tuple(one for one, _ in pairs)


class Steps(Struct, kw_only=True):
    """The expression read so far: lookups and windows in the order of reading, types of slots, conditions on the row."""

    rows: Any
    key: str
    lookups: list[Lookup] = field(default_factory=list)
    windows: list[Window] = field(default_factory=list)
    types: dict[str, Any] = field(default_factory=dict)
    conditions: list[Any] = field(default_factory=list)
    read: dict[Any, dict[str, Any]] = field(default_factory=dict)

    def slot(self, name: str, dtype: Any) -> Any:
        """The slot of that name as a value."""
        import ibis.expr.operations as ops

        self.types[name] = dtype
        return ops.Field(ops.UnboundTable(name=f"slot of {name}", schema={name: dtype}), name)

    def columns(self, relation: Any) -> dict[str, Any]:
        """Each column of a relation that the rows reach, as a value over slots."""
        if relation not in self.read:
            self.read[relation] = self._columns(relation)
        return self.read[relation]

    def _columns(self, relation: Any) -> dict[str, Any]:
        import ibis.expr.operations as ops

        if relation == self.rows:
            return {name: self.slot(ROW + name, dtype) for name, dtype in relation.schema.items()}
        match relation:
            case ops.Reference() | ops.Sort():
                return self.columns(relation.parent)
            case ops.Project():
                return {name: self._value(one, relation.parent) for name, one in relation.values.items()}
            case ops.Filter():
                self.conditions += [self._value(one, relation.parent) for one in relation.predicates]
                return self.columns(relation.parent)
            case ops.JoinChain():
                return self._joined(relation)
            case ops.DropColumns():
                columns = self.columns(relation.parent)
                return {name: columns[name] for name in relation.schema}
            case _:
                raise NotCompiled(f"One row can't know what '{_said(relation)}' makes of all rows.")

    def _value(self, value: Any, parent: Any) -> Any:
        import ibis.expr.operations as ops

        _demand_plain(value)
        columns = self.columns(parent)
        known = {ops.Field(parent, name): one for name, one in columns.items()}
        for window in value.find(ops.WindowFunction, filter=ops.Value):
            known[window] = self._window(window, parent, dict(known))
        return _put(value, known)

    def _joined(self, chain: Any) -> dict[str, Any]:
        import ibis.expr.operations as ops

        if not self._reaches(chain.first):
            raise NotCompiled("The rows are looked up from another table, not the other way round.")
        known = {ops.Field(chain.first, name): one for name, one in self.columns(chain.first).items()}
        for link in chain.rest:
            if self._reaches(link.table):
                raise NotCompiled("The rows are joined with themselves.")
            number = len(self.lookups)
            slots = {name: f"lookup{number}_{name}" for name in link.table.schema}
            self.lookups.append(_lookup(link, known, slots))
            for name, dtype in link.table.schema.items():
                known[ops.Field(link.table, name)] = self.slot(slots[name], dtype)
        return {name: _put(one, known) for name, one in chain.values.items()}

    def _window(self, window: Any, parent: Any, known: Mapping[Any, Any]) -> Any:
        import ibis.expr.operations as ops

        def pair(value: Any) -> tuple[Any, Any]:
            own = _put(value, known)
            if any(name.startswith("window") for name in slots_in(own)):
                raise NotCompiled("A window over the rows goes over what another window gave.")
            return own, value

        figure, argument = _figure(window.func)
        if any(slot.startswith("window") for one in self.conditions for slot in slots_in(one)):
            raise NotCompiled("A window goes over rows that another window has chosen.")
        preceding, following = _bounds(window)
        if len(window.order_by) > 1 or any(not one.ascending for one in window.order_by):
            raise NotCompiled("A window over the rows is ordered by several values, or downwards.")
        order = pair(window.order_by[0].arg) if window.order_by else None
        slot = f"window{len(self.windows)}"
        found = Window(
            figure=figure,
            relation=parent,
            group=tuple(pair(one) for one in window.group_by),
            order=order if preceding is not None or following is not None else None,
            argument=pair(argument) if argument is not None else None,
            preceding=preceding,
            following=following,
            key=self._key_of(parent, ops),
            slot=slot,
        )
        found = self._over_the_rows(found)
        for one in self.windows:
            if replace(one, slot=slot) == found:
                return self.slot(one.slot, window.dtype)
        self.windows.append(found)
        return self.slot(slot, window.dtype)

    def _over_the_rows(self, window: Window) -> Window:
        """The same without the joins that came before, where it needs nothing of them: they are slow for all rows."""
        import ibis.expr.operations as ops

        needed = {slot for own in window.asks for slot in slots_in(own)}
        is_all = not self.conditions and all(one.how != "inner" for one in self.lookups)
        if not is_all or any(not slot.startswith(ROW) for slot in needed):
            return window

        def on_rows(pair: tuple[Any, Any]) -> tuple[Any, Any]:
            found = pair[0].find(ops.Field, filter=ops.Value)
            return pair[0], _put(
                pair[0], {one: ops.Field(self.rows, one.name.removeprefix(ROW)) for one in found}
            )

        return replace(
            window,
            relation=self.rows,
            key=self.key,
            group=tuple(map(on_rows, window.group)),
            order=on_rows(window.order) if window.order else None,
            argument=on_rows(window.argument) if window.argument else None,
        )

    def _key_of(self, parent: Any, ops: Any) -> str:
        for name, one in self.columns(parent).items():
            if isinstance(one, ops.Field) and one.name == ROW + self.key:
                return name
        raise NotCompiled(f"'{self.key}', which tells rows apart, is gone where a window goes over them.")

    def _reaches(self, relation: Any) -> bool:
        return bool(relation.find(lambda node: node == self.rows))


def steps_of(expression: Any, rows: Any, *, key: str) -> tuple[Steps, dict[str, Any]]:
    """The steps of an expression, and each of its columns as a value over slots; raises NotCompiled."""
    steps = Steps(rows=rows, key=key)
    return steps, steps.columns(expression.op())


def slots_in(value: Any) -> list[str]:
    """The slots that a value needs."""
    import ibis.expr.operations as ops

    return [one.name for one in value.find(ops.Field, filter=ops.Value)]


def _put(value: Any, known: Mapping[Any, Any]) -> Any:
    import ibis.expr.operations as ops

    return value.replace(known, filter=ops.Value)


def _said(node: Any) -> str:
    return type(node).__name__


def _demand_plain(value: Any) -> None:
    import ibis.expr.operations as ops

    barred = value.find((ops.Subquery, ops.Impure, ops.ScalarUDF), filter=ops.Value)
    if barred:
        raise NotCompiled(f"'{_said(barred[0])}' can't be settled beforehand.")
    windows = value.find(ops.WindowFunction, filter=ops.Value)
    inside = {
        one for window in windows for one in window.find((ops.Reduction, ops.Analytic), filter=ops.Value)
    }
    bare = [one for one in value.find((ops.Reduction, ops.Analytic), filter=ops.Value) if one not in inside]
    if bare:
        raise NotCompiled(f"One row can't know '{_said(bare[0])}' of all rows.")


def _lookup(link: Any, known: Mapping[Any, Any], slots: Mapping[str, str]) -> Lookup:
    import ibis.expr.operations as ops

    if link.how not in ("asof", "left", "inner"):
        raise NotCompiled(f"A {link.how} join has no answer for one row.")
    keys, order = [], None
    for predicate in link.predicates:
        sign, own, theirs = _sides(predicate, link.table)
        _demand_plain(predicate)
        parent = {
            ops.Field(link.table, name): ops.Field(link.table.parent, name) for name in link.table.schema
        }
        pair = (_put(own, known), _put(theirs, parent))
        if sign == "=":
            keys.append(pair)
        elif link.how == "asof" and order is None:
            order = (sign, *pair)
        else:
            raise NotCompiled("A join by an inequality may give one row many.")
    return Lookup(how=link.how, table=link.table.parent, keys=tuple(keys), order=order, slots=slots)


_FLIPPED = {"=": "=", ">=": "<=", ">": "<", "<=": ">=", "<": ">"}


def _sides(predicate: Any, table: Any) -> tuple[str, Any, Any]:
    """A comparison as (sign, the row's side, the table's side)."""
    import ibis.expr.operations as ops

    signs: tuple[tuple[type, str], ...] = (
        (ops.Equals, "="),
        (ops.GreaterEqual, ">="),
        (ops.Greater, ">"),
        (ops.LessEqual, "<="),
        (ops.Less, "<"),
    )
    sign = next((text for kind, text in signs if isinstance(predicate, kind)), None)
    if sign is None:
        raise NotCompiled(f"A join by '{_said(predicate)}' can't be looked up.")
    is_theirs = [_only_of(one, table) for one in (predicate.left, predicate.right)]
    if is_theirs == [False, True]:
        return sign, predicate.left, predicate.right
    if is_theirs == [True, False]:
        return _FLIPPED[sign], predicate.right, predicate.left
    raise NotCompiled("A join compares values of one side with each other.")


def _only_of(value: Any, table: Any) -> bool:
    import ibis.expr.operations as ops

    found = {one.rel for one in value.find(ops.Field, filter=ops.Value)}
    if table in found and len(found) > 1:
        raise NotCompiled("A join compares what is mixed of both sides.")
    return found == {table}


def _figure(func: Any) -> tuple[str, Any]:
    import ibis.expr.operations as ops

    kinds: Iterable[tuple[type, str]] = (
        (ops.Count, "count"),
        (ops.Sum, "sum"),
        (ops.Mean, "mean"),
        (ops.Min, "min"),
        (ops.Max, "max"),
    )
    if isinstance(func, ops.CountStar) and func.where is None:
        return "count", None
    figure = next((text for kind, text in kinds if type(func) is kind), None)
    if figure is None or func.where is not None:
        raise NotCompiled(f"'{_said(func)}' over a window of the rows is not known.")
    dtype = func.arg.dtype
    if figure in ("sum", "mean") and not (dtype.is_integer() or dtype.is_boolean()):
        raise NotCompiled("Rounded numbers are added up over the rows: the last bit depends on the order.")
    if figure in ("min", "max") and not dtype.is_numeric():
        raise NotCompiled(f"'{_said(func)}' of {dtype} over a window of the rows is not known.")
    return figure, func.arg


def _bounds(window: Any) -> tuple[int | float | None, int | float | None]:
    """How far a window goes back and ahead, in the order's own unit; None is without end."""
    if window.start is None and window.end is None and not window.order_by:
        return None, None
    if window.how != "range":
        raise NotCompiled("A window counts rows, and rows of the same time have no order.")
    preceding = (
        None if window.start is None else _reach(window.start, window) * (1 if window.start.preceding else -1)
    )
    following = (
        None if window.end is None else _reach(window.end, window) * (-1 if window.end.preceding else 1)
    )
    return preceding, following


NANOSECONDS = {
    "W": 604_800_000_000_000,
    "D": 86_400_000_000_000,
    "h": 3_600_000_000_000,
    "m": 60_000_000_000,
    "s": 1_000_000_000,
    "ms": 1_000_000,
    "us": 1_000,
    "ns": 1,
}


def _reach(bound: Any, window: Any) -> int | float:
    import ibis.expr.operations as ops

    value: Any = bound.value
    while isinstance(value, ops.Cast):
        value = value.arg
    if not isinstance(value, ops.Literal):
        raise NotCompiled("A window's bound is no constant.")
    order = window.order_by[0].arg.dtype
    if value.dtype.is_interval():
        unit = NANOSECONDS.get(value.dtype.unit.short)
        if unit is None or not order.is_timestamp():
            raise NotCompiled("A window's bound is in months or years, which differ in length.")
        return int(value.value) * unit // nanoseconds_of(order)
    if not order.is_numeric() and value.value != 0:
        raise NotCompiled("A window's bound is a number, its order is not.")
    number: int | float = value.value
    return number


def nanoseconds_of(dtype: Any) -> int:
    """How many nanoseconds the unit has in which moments of a type are counted here."""
    return 1 if (dtype.scale or 0) > 6 else 1_000
