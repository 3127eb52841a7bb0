"""When each row and each cell of a table becomes known."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from msgspec import Struct, field

from nbprod.replaying.stamps import NEVER, Axis, axis_of, is_moment, source_and_delay, stamps_of
from nbprod.replaying.tables import Family, Packed, column_of, columns_of, index_times_of, length_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from nbprod.replaying.report import Declarations

# shorter tables are of equal length by chance
_FEW_ROWS = 30
_SAYS_KNOWN = re.compile(r"(?i)known|avail|publi|pub$|pub_|releas|announc|issued|ingest|as_?of|vintage")
_SAYS_HAPPENED = re.compile(r"(?i)ed_(?:at|on)$")


class Knowledge(Struct, frozen=True, kw_only=True):
    """A table's times: `rows` says from when each row is known, `cells` from when a column's cells are.

    `sources` are the columns that hold times of knowledge, the row's own among them.
    """

    rows: NDArray[np.int64]
    cells: Mapping[str, NDArray[np.int64]] = field(default_factory=dict)
    sources: frozenset[str] = frozenset()
    time: str = ""


class Timetable(Struct, frozen=True, kw_only=True):
    """When everything in a stage's inputs becomes known; tables that are always known are absent."""

    axis: Axis
    time: str
    entity: str | None
    tables: Mapping[str, Knowledge]
    keys: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()

    @property
    def main(self) -> str:
        """The table that counts most: the longest of those whose rows have the stage's own time."""
        own = [name for name, table in self.tables.items() if table.time == self.time]
        return max(own or self.tables, key=lambda name: len(self.tables[name].rows))


def timetable_of(inputs: Mapping[str, Packed], declarations: Declarations) -> Timetable | None:
    """The timetable of the inputs, or None if no input has a time."""
    tables = {name: value for name, value in inputs.items() if value.is_table}
    time = declarations.time or _inferred_time(tables)
    axis = next((found for value in tables.values() if (found := _axis_in(value, time)) is not None), None)
    if time is None or axis is None:
        return None
    notes = [] if declarations.time else [f"the time column '{time}' was inferred"]
    known: dict[str, Knowledge] = {}
    for name, value in tables.items():
        if name in declarations.static:
            continue
        knowledge = knowledge_of(value.payload, name=name, time=time, axis=axis, declarations=declarations)
        if knowledge is not None:
            known[name] = knowledge
            if knowledge.time not in (time, declarations.tables.get(name)) and not knowledge.cells:
                notes.append(f"'{name}' was taken as known from '{knowledge.time}' on")
        elif moments := _moments_in(value):
            notes.append(
                f"'{name}' was taken as known in advance: it has times ({', '.join(moments)}) "
                f"but none is declared as its known-at"
            )
    if not known:
        return None
    known |= _borrowed(tables, known, declarations=declarations)
    return Timetable(
        axis=axis,
        time=time,
        entity=declarations.entity,
        tables=known,
        keys=_keys_in(tables),
        notes=tuple(notes),
    )


def knowledge_of(
    payload: Any, *, name: str, time: str, axis: Axis, declarations: Declarations
) -> Knowledge | None:
    """When the rows and cells of one table become known, or None if it is known in advance.

    A row's time is the declared one, the stage's own, the first at which any of its cells is declared to be known,
    or else the column that speaks for itself.
    """
    cells: dict[str, NDArray[np.int64]] = {}
    sources: set[str] = set()
    columns = columns_of(payload)
    for column, known_at in declarations.known:
        source, delay = source_and_delay(known_at, columns)
        stamps = _stamps_in(payload, source, axis) if column in columns else None
        if stamps is not None:
            cells[column] = np.where(stamps == NEVER, NEVER, stamps + (delay if axis is Axis.TIME else 0))
            sources.add(source)
    own = declarations.tables.get(name, time)
    rows = _stamps_in(payload, own, axis)
    if rows is None and cells:
        rows = np.minimum.reduce(list(cells.values()))
    if rows is None and (speaking := _speaking_time_in(payload)) is not None:
        own, rows = speaking, _stamps_in(payload, speaking, axis)
    if rows is None:
        return None
    return Knowledge(rows=rows, cells=cells, sources=frozenset(sources | {own}), time=own)


def _speaking_time_in(payload: Any) -> str | None:
    """The column of times that a table's rows go by although nothing declares it, or None.

    Its name says so (`known_at`, `published`, `observed_at`), or it is the only one beside measures: what was
    measured is not known before. A calendar, which measures nothing, is known in advance.
    """
    if isinstance(payload, np.ndarray):
        return None
    columns = columns_of(payload)
    times = [name for name in columns if is_moment(column_of(payload, name))]
    for says in (_SAYS_KNOWN, _SAYS_HAPPENED):
        named = [name for name in times if says.search(name)]
        if len(named) == 1:
            return named[0]
    measured = any(_measures(payload, name) for name in columns)
    return times[0] if len(times) == 1 and measured else None


def _stamps_in(payload: Any, column: str, axis: Axis) -> NDArray[np.int64] | None:
    values = column_of(payload, column)
    if values is None and not isinstance(payload, np.ndarray):
        # a frame indexed by time often has no name for it
        values = index_times_of(payload)
    return None if values is None or isinstance(payload, np.ndarray) else stamps_of(values, axis=axis)


def _axis_in(value: Packed, time: str | None) -> Axis | None:
    if time is None or value.family is Family.NUMPY:
        return None
    values = column_of(value.payload, time)
    if values is None:
        values = index_times_of(value.payload)
    return None if values is None else axis_of(values)


def _moments_in(value: Packed) -> list[str]:
    if value.family is Family.NUMPY:
        return []
    return [name for name in columns_of(value.payload) if is_moment(column_of(value.payload, name))]


def _keys_in(tables: Mapping[str, Packed]) -> frozenset[str]:
    """Columns of one name in several tables that hold no measures: what tables are joined on."""
    counts: Counter[str] = Counter()
    for value in tables.values():
        if value.family is not Family.NUMPY:
            counts.update({name for name in columns_of(value.payload) if not _measures(value.payload, name)})
    return frozenset(name for name, count in counts.items() if count > 1)


def _measures(payload: Any, name: str) -> bool:
    return bool(pd.api.types.is_float_dtype(column_of(payload, name).dtype))


def _inferred_time(tables: Mapping[str, Packed]) -> str | None:
    """The first column of times of the longest table that has one."""
    for value in sorted(tables.values(), key=lambda value: -length_of(value.payload)):
        if value.family is not Family.NUMPY and index_times_of(value.payload) is not None:
            return str(value.payload.index.name or "index")
        if moments := _moments_in(value):
            return moments[0]
    return None


def _borrowed(
    tables: Mapping[str, Packed], known: Mapping[str, Knowledge], *, declarations: Declarations
) -> dict[str, Knowledge]:
    """Arrays and series without a time that run alongside a table with one take its times.

    Arrays are matched by length where only one table has it, frames by their index.
    """
    borrowed = {}
    for name, value in tables.items():
        if name in known or name in declarations.static or name in declarations.tables:
            continue
        lenders = [lender for lender in known if _runs_alongside(value, tables[lender])]
        if len(lenders) == 1:
            borrowed[name] = Knowledge(rows=known[lenders[0]].rows)
    return borrowed


def _runs_alongside(value: Packed, lender: Packed) -> bool:
    if length_of(value.payload) != length_of(lender.payload) or length_of(value.payload) < _FEW_ROWS:
        return False
    if value.family in (Family.NUMPY, Family.COLUMN):
        return True
    in_pandas = (Family.PANDAS, Family.SERIES)
    if value.family not in in_pandas or lender.family not in in_pandas:
        return False
    return bool(value.payload.index.equals(lender.payload.index))
