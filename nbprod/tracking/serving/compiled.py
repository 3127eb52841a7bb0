"""A feature stage as a few prepared queries for one row, with what they look up in memory.

DuckDB computes each expression as it did for the training; only finding rows and counting neighbours is done here, and
neither rounds. Before it is used, it must give a sample of the training's own rows bit for bit.
"""

from __future__ import annotations

import math
import threading
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from nbprod.errors import NbprodError
from nbprod.tracking.serving.exact import exact
from nbprod.tracking.serving.inputs import taken, taker
from nbprod.tracking.serving.lookups import found_of, neighbours_of
from nbprod.tracking.serving.steps import ROW, nanoseconds_of, slots_in, steps_of
from nbprod.tracking.serving.trace import NotCompiled, traced

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from nbprod.tracking.serving.exact import Exact
    from nbprod.tracking.serving.lookups import Found, Neighbours
    from nbprod.tracking.serving.served import Loaded
    from nbprod.tracking.serving.steps import Lookup, Steps, Window

_LONGEST_QUERY = 300_000
# ASCII's separators: one stands between values, the other before what stands for either within a string.
BETWEEN, _MARK, _QUOTE = "\x1f", "\x1e", "'"


class LeftOutError(NbprodError):
    """A row that the feature stage leaves out."""


class Query(Struct, frozen=True, kw_only=True):
    """Expressions over slots as one prepared query: the slots that go in, and what comes out by name.

    All values go in as one text, which the query takes apart: DuckDB plans anew, at the cost of the whole query, where
    one of many literals has another type than was prepared for.
    """

    name: str
    takes: tuple[str, ...]
    gives: tuple[str, ...]

    def asked(self, known: Mapping[str, Any]) -> str:
        """The words that run it for the values of a row."""
        if not self.takes:
            return f"execute {self.name}"
        text = BETWEEN.join([in_words(known[slot]) for slot in self.takes])
        return f"execute {self.name}('{text.replace(_QUOTE, _QUOTE * 2)}')"


class Computed(Struct, frozen=True, kw_only=True):
    """Values by name: those that are exact here, the rest by a query; `whole` asks for all where one is not."""

    here: tuple[tuple[str, Exact], ...]
    rest: Query | None
    whole: Query

    def values(self, known: Mapping[str, Any], connection: Any) -> dict[str, Any]:
        """The values for what is known of a row."""
        try:
            values = {name: compute(known) for name, compute in self.here}
        except (ArithmeticError, ValueError):
            return _answered(self.whole, known, connection)
        return values | _answered(self.rest, known, connection) if self.rest else values


def _answered(query: Query, known: Mapping[str, Any], connection: Any) -> dict[str, Any]:
    return dict(zip(query.gives, connection.execute(query.asked(known)).fetchone(), strict=True))


class Round(Struct, frozen=True, kw_only=True):
    """What is computed, then looked up by it: each lookup with the names of what it asks and of what it brings."""

    computed: Computed | None
    lookups: tuple[tuple[Found, tuple[str, ...], str | None, tuple[str, ...]], ...] = ()
    windows: tuple[tuple[Neighbours, tuple[str, ...], str | None, str | None, str], ...] = ()


class Compiled(Struct, frozen=True, kw_only=True):
    """The features of one row, by lookups and prepared queries."""

    connection: Any
    lock: threading.Lock
    inputs: Mapping[str, Callable[[Any], Any]]
    key: str
    rounds: tuple[Round, ...]
    outputs: Mapping[str, str]
    conditions: tuple[str, ...]
    shapes: Mapping[str, Callable[[Any], Any]]

    def features(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Each feature of the row; raises NbprodError where it lacks a column or has one of another type."""
        known = {ROW + name: taken(row, name, shape) for name, shape in self.inputs.items()}
        key = known[ROW + self.key]
        with self.lock:
            for one in self.rounds:
                self._advance(one, known, key)
        if not all(known[name] is True for name in self.conditions):
            raise LeftOutError(f"The feature stage leaves out the row with {self.key} {key!r}.")
        return {name: self.shapes[name](known[slot]) for name, slot in self.outputs.items()}

    def _advance(self, one: Round, known: dict[str, Any], key: Any) -> None:
        if one.computed is not None:
            known.update(one.computed.values(known, self.connection))
        for found, keys, order, slots in one.lookups:
            values = found.row(tuple([known[name] for name in keys]), known[order] if order else None)
            if values is None:
                raise LeftOutError(f"The feature stage leaves out the row with {self.key} {key!r}.")
            known.update(zip(slots, values, strict=True))
        for neighbours, group, order, argument, slot in one.windows:
            at = known[order] if order else 0
            if at is None:
                raise NbprodError(f"The row with {self.key} {key!r} has no time, and a window goes by it.")
            own = known[argument] if argument else None
            known[slot] = neighbours.figure(tuple([known[name] for name in group]), at, own, key=key)


def compiled(held: Loaded) -> Compiled:
    """A version's feature stage for one row at a time; raises NotCompiled with the reason where it can't be had."""
    import ibis
    from ibis.common.exceptions import IbisError

    trace = traced(held)
    try:
        steps, columns = steps_of(trace.expression, trace.rows, key=held.key)
        # One thread adds up in one order, as it did in the training.
        backend = ibis.duckdb.connect(threads=1)
        made = _Making(held=held, steps=steps, backend=backend).made(columns)
    except IbisError as error:
        raise NotCompiled(f"Ibis can't say it for one row: {str(error)[:200]}") from error
    _demand_the_same(held, made)
    return made


class _Making(Struct, frozen=True, kw_only=True):
    held: Loaded
    steps: Steps
    backend: Any

    def made(self, columns: Mapping[str, Any]) -> Compiled:
        from nbprod.tracking.windows import value_of

        names: dict[Any, str] = {}
        values = [*columns.values(), *self.steps.conditions]
        asks = [
            *(one for step in self.steps.lookups for one in step.asks),
            *(one for step in self.steps.windows for one in step.asks),
        ]
        for number, value in enumerate(dict.fromkeys([*asks, *values])):
            names[value] = _bare(value) or f"value{number}"
        used = {slot for value in names for slot in slots_in(value)} | {ROW + self.held.key}
        rounds = self._rounds(names, used, values)
        features = self.held.candidate.roles.features
        assert features is not None  # noqa: S101 - what has no features can't be loaded
        dtypes = value_of(self.held.candidate.record, features).dtypes
        inputs = [name for name in self.steps.rows.schema if ROW + name in used]
        return Compiled(
            connection=self.backend.con,
            lock=threading.Lock(),
            inputs={name: taker(name, self.steps.rows.schema[name]) for name in inputs},
            key=self.held.key,
            rounds=rounds,
            outputs={name: names[value] for name, value in columns.items()},
            conditions=tuple(names[one] for one in self.steps.conditions),
            shapes={name: _shape(value.dtype, dtypes.get(name)) for name, value in columns.items()},
        )

    def _rounds(self, names: Mapping[Any, str], used: set[str], last: list[Any]) -> tuple[Round, ...]:
        """What can be known at once, then what needs it, until all is known."""
        known = {name for name in used if name.startswith(ROW)}
        lookups = [one for one in self.steps.lookups if used & set(one.slots.values()) or one.how == "inner"]
        windows = [one for one in self.steps.windows if one.slot in used]
        rounds: list[Round] = []
        while lookups or windows:
            ready: list[Lookup | Window] = [one for one in lookups if self._is_known(one.asks, known)]
            ready += [one for one in windows if self._is_known(one.asks, known)]
            if not ready:
                raise NotCompiled("What is looked up depends on itself.")
            rounds.append(self._round(len(rounds), ready, names, known, used))
            lookups = [one for one in lookups if one not in ready]
            windows = [one for one in windows if one not in ready]
            known |= {slot for one in rounds[-1].lookups for slot in one[3]} | {
                one[4] for one in rounds[-1].windows
            }
            known |= set(rounds[-1].computed.whole.gives if rounds[-1].computed else ())
        return (*rounds, Round(computed=self._computed(len(rounds), last, names, known)))

    def _is_known(self, values: Iterable[Any], known: set[str]) -> bool:
        return all(set(slots_in(value)) <= known for value in values)

    def _round(
        self, number: int, ready: list[Any], names: Mapping[Any, str], known: set[str], used: set[str]
    ) -> Round:
        from nbprod.tracking.serving.steps import Lookup

        asked = [value for one in ready for value in one.asks]
        lookups, windows = [], []
        for one in ready:
            if isinstance(one, Lookup):
                columns = [name for name, slot in one.slots.items() if slot in used]
                found = found_of(one, columns, backend=self.backend)
                order = names[one.order[1]] if one.order else None
                keys = tuple(names[own] for own, _ in one.keys)
                lookups.append((found, keys, order, tuple(one.slots[name] for name in columns)))
            else:
                group = tuple(names[own] for own, _ in one.group)
                order = names[one.order[0]] if one.order else None
                argument = names[one.argument[0]] if one.argument else None
                windows.append((neighbours_of(one, backend=self.backend), group, order, argument, one.slot))
        computed = self._computed(number, asked, names, known)
        return Round(computed=computed, lookups=tuple(lookups), windows=tuple(windows))

    def _computed(
        self, number: int, values: list[Any], names: Mapping[Any, str], known: set[str]
    ) -> Computed | None:
        wanted = [one for one in dict.fromkeys(values) if _bare(one) is None and names[one] not in known]
        whole = self._query(f"nbprod_round{number}", wanted, names)
        if whole is None:
            return None
        ways = {one: exact(one) for one in wanted}
        rest = [one for one, way in ways.items() if way is None]
        return Computed(
            here=tuple((names[one], way) for one, way in ways.items() if way is not None),
            rest=whole if rest == wanted else self._query(f"nbprod_rest{number}", rest, names),
            whole=whole,
        )

    def _query(self, name: str, wanted: list[Any], names: Mapping[Any, str]) -> Query | None:
        if not wanted:
            return None
        takes = tuple(dict.fromkeys(slot for one in wanted for slot in slots_in(one)))
        text = self._text(wanted, takes)
        if len(text) > _LONGEST_QUERY:
            raise NotCompiled("The expression for one row is too long to be asked quickly.")
        self.backend.con.execute(f"prepare {name} as {text}")
        return Query(name=name, takes=takes, gives=tuple(names[one] for one in wanted))

    def _text(self, values: list[Any], takes: Sequence[str]) -> str:
        import ibis.expr.operations as ops

        types = {slot: self.steps.types[slot] for slot in takes}
        # A table must have a column, also where only constants are asked of it.
        table = ops.UnboundTable(name="nbprod_slots", schema=types or {"nothing": "int8"})
        known = {
            field: ops.Field(table, field.name)
            for value in values
            for field in value.find(ops.Field, filter=ops.Value)
        }
        chosen = {f"e{place}": one.replace(known, filter=ops.Value) for place, one in enumerate(values)}
        inner = self.backend.compile(ops.Project(table, chosen).to_expr())
        told = ", ".join(_told(f"e{place}", one.dtype) for place, one in enumerate(values))
        return f"with nbprod_slots as ({slots_of_text(types)}) select {told} from ({inner})"  # noqa: S608 - our own words


def _bare(value: Any) -> str | None:
    """The slot that a value is, if it is nothing else."""
    import ibis.expr.operations as ops

    return value.name if isinstance(value, ops.Field) else None


def slots_of_text(types: Mapping[str, Any]) -> str:
    """A query of the values by slot from the one text that they come in, as `in_words` has each; raises NotCompiled."""
    if not types:
        return "select 1::tinyint as nothing"
    slots = ", ".join(f'{_part(place, types[slot], slot)} as "{slot}"' for place, slot in enumerate(types, 1))
    # One place takes the text apart, for all that read it.
    return f"select {slots} from (select string_split($1::varchar, '{BETWEEN}') as parts)"  # noqa: S608 - as above


def _part(place: int, dtype: Any, slot: str) -> str:
    """A slot's value from its place in the text; what is empty there is missing."""
    from ibis.backends.sql.datatypes import DuckDBType

    # The only text that isn't a number is the empty one, and to try is cheaper than to ask first.
    part, kind = f"parts[{place}]", str(DuckDBType.to_string(dtype))
    if dtype.is_integer() or dtype.is_floating():
        return f"try_cast({part} as {kind})"
    if dtype.is_timestamp():
        if dtype.timezone is not None:
            raise NotCompiled(f"'{slot}' is in a time zone.")
        made = "make_timestamp_ns" if nanoseconds_of(dtype) == 1 else "make_timestamp"
        return f"cast({made}(try_cast({part} as bigint)) as {kind})"
    if dtype.is_string():
        plain = f"substr(nullif({part}, ''), 2)"
        return f"replace(replace({plain}, '{_MARK}1', '{BETWEEN}'), '{_MARK}0', '{_MARK}')"
    if not (dtype.is_decimal() or dtype.is_boolean() or dtype.is_date()):
        raise NotCompiled(f"'{slot}' is {dtype}, which can't be passed to a query.")
    return f"cast(nullif({part}, '') as {kind})"


def _told(name: str, dtype: Any) -> str:
    if not dtype.is_timestamp():
        return name
    return f"epoch_ns({name})" if nanoseconds_of(dtype) == 1 else f"epoch_us({name})"


def in_words(value: Any) -> str:
    """A value as its part of the text, to the last bit: what is missing is empty, and no string is."""
    match value:
        case None:
            return ""
        case str():
            return "=" + value.replace(_MARK, _MARK + "0").replace(BETWEEN, _MARK + "1")
        case float():
            return float.__repr__(value)
        case int() | Decimal():
            return str(value)
        case _:
            return str(value.isoformat())


def _shape(dtype: Any, stored: Any) -> Callable[[Any], Any]:
    """What turns a query's answer into what the training's frame holds."""
    import numpy as np
    import pandas as pd

    missing = pd.NaT if dtype.is_timestamp() or dtype.is_date() else math.nan
    if dtype.is_timestamp():
        unit = "ns" if nanoseconds_of(dtype) == 1 else "us"
        made: Callable[[Any], Any] = lambda value: pd.Timestamp(value, unit=unit)  # noqa: E731 - one of several
    elif dtype.is_numeric() and isinstance(stored, np.dtype) and stored.kind == "f":
        made = float
    else:
        made = lambda value: value  # noqa: E731 - one of several
    return lambda value: missing if value is None else made(value)


_SAMPLE = 300


def _demand_the_same(held: Loaded, made: Compiled) -> None:
    """A sample of the training's rows must come out as they were, bit for bit."""
    import numpy as np
    import pandas as pd

    from nbprod.tracking.parity import parity
    from nbprod.tracking.windows import value_of

    features = held.candidate.roles.features
    assert features is not None  # noqa: S101 - what has no features can't be loaded
    trained = value_of(held.candidate.record, features)
    history = held.context[held.rows_as]
    places = np.unique(np.linspace(0, len(history) - 1, min(_SAMPLE, len(history))).astype(int))
    chosen = history.iloc[places]
    served = []
    for row in chosen.to_dict("records"):
        try:
            served.append(made.features(row))
        except LeftOutError:
            if row[held.key] in set(trained[held.key]):
                raise NotCompiled("A row is left out that the training had.") from None
    found = parity(
        trained, pd.DataFrame(served, columns=list(made.outputs)), key=held.key, columns=list(trained.columns)
    )
    if found.skewed:
        one = found.skewed[0]
        raise NotCompiled(
            f"'{one.column}' would not be the training's: {one.trained} there, {one.served} for one row alone."
        )
    if not found.holds or not found.rows:
        raise NotCompiled("The training's features lack rows or columns that one row alone has.")
