"""What is declared of tables before their queries are judged, and what is said of the result."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from nbprod.leakage.combining import rebased
from nbprod.leakage.horizon import EARLIER, Horizon, Value, join
from nbprod.leakage.joining import settled
from nbprod.leakage.relations import Relation, table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Declared(Struct, frozen=True, kw_only=True):
    """What people say of their tables.

    `time` is the rows' time wherever a table has a column of that name; `times` says it for single tables. A
    table that has neither takes its first time column that is no known-at time; without any it is static, as are
    those named in `static`: all of it is known in advance. `known` pairs a column with the column that holds the
    time from which it is known; `labels` are known one row later than their row.
    """

    time: str | None = None
    entity: tuple[str, ...] = ()
    known: tuple[tuple[str, str], ...] = ()
    labels: tuple[str, ...] = ()
    static: frozenset[str] = frozenset()
    times: Mapping[str, str] = field(default_factory=dict)

    def table(
        self, name: str, columns: Sequence[str] | None, *, times: Sequence[str] = (), shown: str = ""
    ) -> Relation:
        """The relation of a base table; `times` are its columns of a time's type, None as columns means unknown.

        `shown` is what paths call it, where its name says nothing to people.
        """
        listed = self.named if columns is None else tuple(columns)
        return table(
            name,
            listed,
            time=self._time_of(name, listed, times=times),
            entity=[column for column in self.entity if column in listed],
            known=[pair for pair in self.known if set(pair) <= set(listed)],
            labels=self.labels,
            has_more=columns is None,
            shown=shown,
        )

    @property
    def named(self) -> tuple[str, ...]:
        pairs = (column for pair in self.known for column in pair)
        own = (self.time, *self.times.values())
        return tuple(dict.fromkeys((*filter(None, own), *self.entity, *pairs, *self.labels)))

    def _time_of(self, name: str, columns: tuple[str, ...], *, times: Sequence[str]) -> str | None:
        if name in self.static:
            return None
        if name in self.times:
            return self.times[name]
        if self.time in columns:
            return self.time
        published = {at for _, at in self.known}
        return next((column for column in times if column not in published), times[0] if times else None)


class Judged(Struct, frozen=True, kw_only=True):
    """What a query's result may depend on: the value of each column, and of the rows' existence.

    `time` is the column that the rows' time was taken from; None where the result has no time of its own. `earlier`
    are for each column the sources that it reads at strictly earlier rows alone.
    """

    columns: Mapping[str, Value]
    rows: Value
    time: str | None
    earlier: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def within(self, *names: str) -> Value:
        """The join of some columns (all, if none is named) and the rows' existence.

        A leak of the columns is certain even where the rows' existence is not understood.
        """
        columns = join(self.columns[name] for name in names or self.columns)
        is_certain = columns.proved and columns.horizon.is_ahead
        return columns | (replace(self.rows, proved=True) if is_certain else self.rows)

    @property
    def horizon(self) -> Horizon:
        """The bound of all columns and rows."""
        return self.within().horizon

    @property
    def is_clean(self) -> bool:
        """Whether the whole result is proved to be known at its rows' time."""
        return self.within().is_clean


def _cells_assumed(rows: Value) -> Value:
    """The rows' existence, if every calendar unit had one from its start: likely, and not proved.

    A day's row is there once something happened that day; who scores days has a row for each.
    """
    sure = tuple(trail for trail in rows.trails if not (trail[0].spaced and not trail[0].rows))
    return rows if len(sure) == len(rows.trails) else replace(rows, trails=sure, proved=False)


def _earlier(value: Value) -> frozenset[str]:
    marked = frozenset(source.removesuffix(EARLIER) for source in value.sources if source.endswith(EARLIER))
    return marked - value.sources


def _plainly(value: Value) -> Value:
    if not any(source.endswith(EARLIER) for source in value.sources):
        return value
    return replace(value, sources=frozenset(source.removesuffix(EARLIER) for source in value.sources))


def judged_from(relation: Relation, *, declared: Declared) -> Judged:
    """The relation's values, seen from the declared time where the result has it."""
    relation = settled(relation)
    if declared.time is not None:
        relation = rebased(relation, declared.time)
    own = [name for name, column in relation.columns.items() if column.is_tau]
    time = declared.time if declared.time in own else next(iter(own), None)
    return Judged(
        columns={name: _plainly(column.value) for name, column in relation.columns.items()},
        earlier={name: _earlier(column.value) for name, column in relation.columns.items()},
        rows=_cells_assumed(relation.rows),
        time=time if relation.timed else None,
    )
