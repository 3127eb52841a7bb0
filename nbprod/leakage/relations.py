"""What tables become: the algebra that pandas, polars, Ibis and SQL share, on frozen relations.

A **relation** knows for each column its value (a horizon relative to the row's own time, tau), which columns are
times and how far from which clock, for its rows whether their *existence* looks ahead, their entity, their order.
Every verb here takes relations and gives one; nothing knows a library.

**Clocks.** tau is the clock ``""``. A column's known-at time is another, and so is the tau of a table that was
joined: its columns keep horizons relative to that clock until a predicate bounds the clock by tau
(`joined` then `kept`: `b.ts <= a.ts - 1 day`). `settled` rewrites them to tau; what nothing bounds is the whole
sample. Bounds between clocks are kept as suprema of differences, so an interval in several pieces adds up.

**Rows.** `along` names the columns (identities, `table.column`) that rows share when they are counted. Thinned
rows (a filter) count as a partition of their own: a row ahead among some rows is further ahead than among all.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from nbprod.leakage.horizon import (
    CONSTANT,
    EARLIER,
    MET,
    NO_TIME,
    PRESENT,
    Hop,
    Move,
    Reach,
    Value,
    join,
    value_of,
)
from nbprod.leakage.times import TAU, Bound

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Count(Struct, frozen=True, kw_only=True):
    """A row's number in the order of time, `within` rows that share these identities, plus an offset.

    Numbers compare where they are `of` the same rows; `clock` is the time of the row that is numbered.
    """

    of: object
    within: frozenset[str]
    ascending: bool
    clock: str = TAU
    offset: int = 0

    def named(self, identity: str) -> str:
        """What a column of the numbered row is called beside the rows that it was joined to."""
        return f"{self.clock}:{identity}" if self.clock else identity


class Column(Struct, frozen=True, kw_only=True):
    """One column: its value, its bound where it is a time, and what names it through copies and renamings.

    `spells` names the column whose non-null values this one counts as they come, and the rows counted together:
    among rows that share it, only the first has a value there. `counts` says that it numbers rows.
    """

    value: Value = CONSTANT
    bound: Bound | None = None
    identity: str = ""
    spells: tuple[str, frozenset[str]] | None = None
    counts: Count | None = None

    @property
    def is_tau(self) -> bool:
        """Whether it is the row's own time, at most moved by a constant."""
        return self.bound is not None and self.bound.clock == TAU and self.bound.is_exact


class Key(Struct, frozen=True, kw_only=True):
    """One key of an order."""

    column: Column
    ascending: bool = True


Sup = tuple[timedelta, bool]  # of a difference of clocks: the bound, and whether it can be met


class Clock(Struct, frozen=True, kw_only=True):
    """A clock beside tau: a known-at column (`shown`), or a joined table's time.

    The latter says whose rows they are (`base`). Where that table has no time, its clock is that of the
    first row of each group, `grouped` by those identities; `dates_rows` is False where there is one row for sure.
    `cell` is the unit on whose starts all its times lie, `origin` and `firsts` as in a relation.
    """

    token: str
    shown: str = ""
    base: str = ""
    grouped: frozenset[str] | None = None
    cell: str = ""
    dates_rows: bool = True
    origin: tuple[str, frozenset[str]] | None = None
    firsts: frozenset[str] = frozenset()

    @property
    def is_joined(self) -> bool:
        """Whether it is another table's tau, which means nothing to people."""
        return not self.shown


class Relation(Struct, frozen=True, kw_only=True):
    """A table as far as time is concerned. See the module.

    `rows` is the value of the rows' existence. `base` names the table whose rows these are (maybe fewer of
    them), `entity` the identities that make `(entity, tau)` unique while `unique` holds. `thinned` names the
    filters passed. `order` is None where unknown. `until` is the constant that bounds tau, in words.
    `others` answers for columns nobody listed, by table alias ("" for the only table). `grouped` are the
    identities by which all rows of `base` were grouped into rows without a time: what is at most present there is
    known from the group's first row on. `equal` holds the pairs of identities that are equal in every row, `cell`
    the unit on whose starts all times lie. `origin` says that the rows are all the groups of a table by these
    identities. `joins` counts the joins made, so that no two clocks share a name. `firsts`
    are the identities by which all rows of `base` were grouped, where each row here is the earliest of its group.
    """

    columns: Mapping[str, Column] = field(default_factory=dict)
    timed: bool = False
    rows: Value = CONSTANT
    base: str = ""
    entity: frozenset[str] = frozenset()
    unique: bool = True
    thinned: frozenset[str] = frozenset()
    order: tuple[Key, ...] | None = None
    until: str = ""
    others: Mapping[str, Column] = field(default_factory=dict)
    grouped: frozenset[str] | None = None
    clocks: tuple[Clock, ...] = ()
    bounds: Mapping[tuple[str, str], Sup] = field(default_factory=dict)
    equal: frozenset[frozenset[str]] = frozenset()
    cell: str = ""
    origin: tuple[str, frozenset[str]] | None = None
    joins: int = 0
    firsts: frozenset[str] = frozenset()

    @property
    def presence(self) -> Value:
        """That a row is there at all: known at its own time at the earliest."""
        return self.rows | value_of(PRESENT) if self.timed else self.rows

    def column(self, name: str) -> Column | None:
        """The column of that name, or what stands for columns nobody listed."""
        if name in self.columns:
            return self.columns[name]
        alias, _, rest = name.rpartition(".")
        other = self.others.get(alias)
        return None if other is None else _called(other, rest)


class Facts(Struct, frozen=True, kw_only=True):
    """What holds in every row where a predicate does: bounds of clocks, equal identities, an upper bound of tau."""

    bounds: Mapping[tuple[str, str], Sup] = field(default_factory=dict)
    equal: frozenset[frozenset[str]] = frozenset()
    until: str = ""

    def __and__(self, other: Facts) -> Facts:
        return Facts(
            bounds=tightened(self.bounds, other.bounds),
            equal=self.equal | other.equal,
            until=self.until or other.until,
        )

    def __or__(self, other: Facts) -> Facts:
        return Facts(
            bounds=loosened(self.bounds, other.bounds),
            equal=self.equal & other.equal,
            until=f"{self.until} or {other.until}" if self.until and other.until else "",
        )


def _called(column: Column, name: str) -> Column:
    """A column that nobody listed, once its name is known: it stood for all of them as `*`."""
    trails = tuple(
        (reach, tuple(replace(move, says=_starless(move.says, name)) for move in path))
        for reach, path in column.value.trails
    )
    sources = frozenset(_starless(source, name) for source in column.value.sources)
    return replace(
        column,
        value=replace(column.value, trails=trails, sources=sources),
        identity=f"{column.identity}.{name}",
    )


def _starless(text: str, name: str) -> str:
    own, met, clock = text.partition(MET)
    bare = own.removesuffix(EARLIER)
    return (
        f"{bare.removesuffix('*')}{name}{own.removeprefix(bare)}{met}{clock}" if bare.endswith(".*") else text
    )


def table(
    name: str,
    columns: Iterable[str],
    *,
    time: str | None,
    entity: Iterable[str] = (),
    known: Iterable[tuple[str, str]] = (),
    labels: Iterable[str] = (),
    has_more: bool = False,
    shown: str = "",
) -> Relation:
    """A base table: its columns are known at `time`, those of `known` at another column, labels one row later.

    Without a time it is static: all of it is known in advance. Rows of one entity have distinct times; without
    an entity all rows have. A known-at time does not precede the row's time.
    """
    own = frozenset(f"{name}.{column}" for column in entity)
    waits = dict(known)
    late = frozenset(labels)
    known_at = tuple(Clock(token=column, shown=column) for column in dict.fromkeys(waits.values()))

    def column_of(column: str) -> Column:
        identity = f"{name}.{column}"
        if time is None:
            return Column(value=Value(sources=frozenset({identity})), identity=identity)
        along = own if column in late else frozenset[str]()
        reach = Reach(rows=int(column in late), along=along, awaits=waits.get(column, ""))
        value = Value(
            trails=((reach, (Move(says=f"{shown or name}.{column}"),)),), sources=frozenset({identity})
        )
        if column == time:
            return Column(value=value, bound=Bound(), identity=identity)
        if column in waits.values():
            own_time = replace(
                value, trails=((Reach(awaits=column), (Move(says=f"{shown or name}.{column}"),)),)
            )
            return Column(value=own_time, bound=Bound(clock=column), identity=identity)
        return Column(value=value, identity=identity)

    rest = column_of("*")
    return Relation(
        columns={column: column_of(column) for column in columns},
        timed=time is not None,
        base=name,
        entity=own if time is not None else frozenset(),
        others={"": replace(rest, identity=name)} if has_more else {},
        clocks=known_at if time is not None else (),
        bounds={(TAU, clock.token): (NO_TIME, True) for clock in known_at} if time is not None else {},
    )


def projected(relation: Relation, columns: Mapping[str, Column]) -> Relation:
    """The relation with these columns instead."""
    return replace(relation, columns=columns, others={}, order=relation.order)


def kept(
    relation: Relation,
    predicate: Value,
    *,
    facts: Facts | None = None,
    says: str = "filter",
) -> Relation:
    """The rows where a predicate holds, and what it then says about times."""
    facts = facts or Facts()
    return replace(
        relation,
        rows=relation.rows | predicate.through(Move(says=says)),
        bounds=tightened(relation.bounds, facts.bounds),
        equal=relation.equal | facts.equal,
        until=facts.until or relation.until,
        thinned=relation.thinned | {f"#{says}"},
        origin=None,
    )


def ordered(relation: Relation, order: tuple[Key, ...] | None) -> Relation:
    """The relation in another order."""
    return replace(relation, order=order)


def doubted(relation: Relation) -> Relation:
    """The relation with nothing in it proved."""
    columns = {
        name: replace(column, value=column.value.unproved()) for name, column in relation.columns.items()
    }
    others = {
        alias: replace(column, value=column.value.unproved()) for alias, column in relation.others.items()
    }
    return replace(relation, columns=columns, others=others, rows=relation.rows.unproved())


def unmeasured(value: Value) -> Value:
    """The value once rows are no longer those of its table."""
    return join(
        [
            replace(value, trails=()),
            *(Value(trails=((reach.after(Hop(time=NO_TIME)), path),)) for reach, path in value.trails),
        ]
    )


def identities_of(columns: Iterable[Column]) -> frozenset[str]:
    return frozenset(column.identity for column in columns if column.identity)


def time_of(column: Column) -> Bound | None:
    return column.bound if column.bound is not None and column.bound.clock == TAU else None


def tightened(
    bounds: Mapping[tuple[str, str], Sup], more: Mapping[tuple[str, str], Sup]
) -> Mapping[tuple[str, str], Sup]:
    """Both sets of bounds at once."""
    merged = dict(bounds)
    for pair, sup in more.items():
        merged[pair] = min(sup, merged.get(pair, sup))
    return merged


def loosened(
    bounds: Mapping[tuple[str, str], Sup], more: Mapping[tuple[str, str], Sup]
) -> Mapping[tuple[str, str], Sup]:
    """What holds if either set of bounds does."""
    return {pair: max(sup, more[pair]) for pair, sup in bounds.items() if pair in more}
