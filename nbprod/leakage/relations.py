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

from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import product
from typing import TYPE_CHECKING, Literal

from nbprod.leakage.horizon import (
    CONSTANT,
    EVERY_ROW,
    NO_TIME,
    PRESENT,
    WHOLE,
    Fitted,
    Hop,
    Move,
    Reach,
    Value,
    join,
    value_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

TAU = ""


# Times


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """Where a time column lies: `low <= column - clock <= high`, None for no bound.

    `grid` names the calendar unit whose starts are its only values (`date_trunc`), `cells` how many whole units
    were added since; `within` is then the bound of what was truncated, None where the clock itself is on the grid.
    """

    clock: str = TAU
    low: timedelta | None = NO_TIME
    high: timedelta | None = NO_TIME
    grid: str = ""
    cells: int = 0
    within: tuple[timedelta | None, timedelta | None] | None = (NO_TIME, NO_TIME)

    @property
    def is_exact(self) -> bool:
        """Whether it orders rows as the clock does: moved by a constant, or by whole units on the clock's grid."""
        return (self.low is not None and self.low == self.high) or (bool(self.grid) and self.within is None)

    def truncated(self, unit: str) -> Bound:
        """The start of the unit that holds it."""
        if unit == self.grid:
            return self
        return _on_grid(self.clock, unit=unit, cells=0, within=(self.low, self.high))

    def plus(self, *, time: timedelta = NO_TIME, months: int = 0) -> Bound:
        """It, a period later. Whole units added to a unit's start never fall short of the unit's end."""
        cells = _cells(self.grid, time=time, months=months)
        if cells is not None and self.within is not None:
            return _on_grid(self.clock, unit=self.grid, cells=self.cells + cells, within=self.within)
        shortest, longest = sorted((months * _DAYS["month"][0], months * _DAYS["month"][1]))
        low, high = timedelta(days=shortest) + time, timedelta(days=longest) + time
        moved = Bound(clock=self.clock, low=_sum(self.low, low), high=_sum(self.high, high))
        return (
            moved if cells is None else replace(moved, grid=self.grid, cells=self.cells + cells, within=None)
        )

    def next(self, cells: int = 1) -> Bound:
        """It, so many of its units later."""
        if self.grid in _MONTHS:
            return self.plus(months=cells * _MONTHS[self.grid])
        return self.plus(time=cells * longest(self.grid))


# The fewest and the most days of a unit.
_DAYS: Mapping[str, tuple[float, float]] = {
    "microsecond": (1e-6 / 86400, 1e-6 / 86400),
    "millisecond": (1e-3 / 86400, 1e-3 / 86400),
    "second": (1 / 86400, 1 / 86400),
    "minute": (1 / 1440, 1 / 1440),
    "hour": (1 / 24, 1 / 24),
    "day": (1, 1),
    "week": (7, 7),
    "month": (28, 31),
    "quarter": (90, 92),
    "year": (365, 366),
}
UNITS = frozenset(_DAYS)
_MONTHS = {"month": 1, "quarter": 3, "year": 12}


def longest(unit: str) -> timedelta:
    """The longest duration that one unit takes."""
    return _span(unit)[1]


def unit_of(time: timedelta) -> str:
    """The name of a unit that takes just that long: buckets of 6 hours, say."""
    return f"{time.total_seconds()!r} s"


def _span(unit: str) -> tuple[timedelta, timedelta]:
    if unit in _DAYS:
        fewest, most = _DAYS[unit]
        return timedelta(days=fewest), timedelta(days=most)
    exact = timedelta(seconds=float(unit.removesuffix(" s")))
    return exact, exact


def _on_grid(
    clock: str, *, unit: str, cells: int, within: tuple[timedelta | None, timedelta | None]
) -> Bound:
    short, long = _span(unit)
    # start of the unit + n units - time, for a time anywhere in the unit
    low = (cells - 1) * (short if cells > 0 else long)
    high = cells * (long if cells > 0 else short)
    return Bound(
        clock=clock,
        low=_sum(within[0], low),
        high=_sum(within[1], high),
        grid=unit,
        cells=cells,
        within=within,
    )


def _cells(grid: str, *, time: timedelta, months: int) -> int | None:
    if not grid or (months and time):
        return None
    if grid in _MONTHS:
        return months // _MONTHS[grid] if not time and months % _MONTHS[grid] == 0 else None
    unit = longest(grid)
    return time // unit if not months and time % unit == NO_TIME else None


def _sum(one: timedelta | None, two: timedelta | None) -> timedelta | None:
    return None if one is None or two is None else one + two


# Relations


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column: its value, its bound where it is a time, and what names it through copies and renamings.

    `spells` names the column whose non-null values this one counts as they come, and the rows counted together:
    among rows that share it, only the first has a value there.
    """

    value: Value = CONSTANT
    bound: Bound | None = None
    identity: str = ""
    spells: tuple[str, frozenset[str]] | None = None

    @property
    def is_tau(self) -> bool:
        """Whether it is the row's own time, at most moved by a constant."""
        return self.bound is not None and self.bound.clock == TAU and self.bound.is_exact


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One key of an order."""

    column: Column
    ascending: bool = True


Sup = tuple[timedelta, bool]  # of a difference of clocks: the bound, and whether it can be met


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """A clock beside tau: a known-at column (`shown`), or a joined table's time.

    The latter says whose rows they are (`base`, `entity`). Where that table has no time, its clock is that of the
    first row of each group, `grouped` by those identities; `dates_rows` is False where there is one row for sure.
    `cell` is the unit on whose starts all its times lie, `origin` as in a relation.
    """

    token: str
    shown: str = ""
    base: str = ""
    entity: frozenset[str] = frozenset()
    grouped: frozenset[str] | None = None
    cell: str = ""
    dates_rows: bool = True
    origin: tuple[str, frozenset[str]] | None = None

    @property
    def is_joined(self) -> bool:
        """Whether it is another table's tau, which means nothing to people."""
        return not self.shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """A table as far as time is concerned. See the module.

    `rows` is the value of the rows' existence. `base` names the table whose rows these are (maybe fewer of
    them), `entity` the identities that make `(entity, tau)` unique while `unique` holds. `thinned` names the
    filters passed. `order` is None where unknown. `until` is the constant that bounds tau, in words.
    `others` answers for columns nobody listed, by table alias ("" for the only table). `grouped` are the
    identities by which all rows of `base` were grouped into rows without a time: what is at most present there is
    known from the group's first row on. `equal` holds the pairs of identities that are equal in every row, `cell`
    the unit on whose starts all times lie. `origin` says that the rows are all the groups of a table by these
    identities. `joins` counts the joins made, so that no two clocks share a name.
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
        return None if other is None else replace(other, identity=f"{other.identity}.{rest}")


def table(
    name: str,
    columns: Iterable[str],
    *,
    time: str | None,
    entity: Iterable[str] = (),
    known: Iterable[tuple[str, str]] = (),
    labels: Iterable[str] = (),
    has_more: bool = False,
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
        value = Value(trails=((reach, (Move(says=identity),)),), sources=frozenset({identity}))
        if column == time:
            return Column(value=value, bound=Bound(), identity=identity)
        if column in waits.values():
            own_time = replace(value, trails=((Reach(awaits=column), (Move(says=identity),)),))
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


# Reading other rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """Which rows around r a window reads, in the window's own order: negative precedes, None is unbounded.

    `understood` is False where an edge is not a constant.
    """

    unit: Literal["rows", "range"] = "rows"
    start: int | timedelta | None = None
    end: int | timedelta | None = None
    understood: bool = True

    def mirrored(self) -> Frame:
        """The same rows in the opposite order."""
        start = None if self.end is None else -self.end
        return replace(self, start=start, end=None if self.start is None else -self.start)


def hops_of(
    relation: Relation,
    *,
    partition: tuple[Column, ...] = (),
    order: tuple[Key, ...] = (),
    frame: Frame | None = None,
) -> tuple[Hop, ...]:
    """Bounds on the rows that a window reads; each alone holds. No frame reads the whole partition.

    Source: SQL:2016, 7.15 <window clause>; keys by which the rows are partitioned don't order them.
    """
    found = []
    spread = _partition_spread(partition)
    stays = relation.entity <= _identities(partition)
    if spread is not None:
        found.append(Hop(time=spread, stays=stays))
    direction = direction_of(order, partition=partition)
    if direction and frame is not None:
        ascending = frame if direction > 0 else frame.mirrored()
        found += _frame_hops(relation, ascending, partition=partition, stays=stays)
    coarse = _coarse_order(order, partition=partition)
    if coarse is not None and frame is not None and frame.end is not None and not _positive(frame.end):
        found.append(Hop(time=coarse, stays=stays))
    return tuple(found) or (EVERY_ROW,)


def _frame_hops(
    relation: Relation, frame: Frame, *, partition: tuple[Column, ...], stays: bool
) -> tuple[Hop, ...]:
    match frame.end:
        case timedelta():
            return (Hop(time=frame.end, stays=stays),)
        case int() if frame.unit == "rows" or frame.end == 0:
            ties = not stays or not relation.unique
            times = {column.identity for column in partition if _time_of(column) is not None}
            along = (_identities(partition) - times) | relation.thinned
            # RANGE up to the current row reads its peers too; without ties there are none.
            return (Hop(rows=frame.end, along=along, ties=ties),)
        case int() if frame.end < 0:
            return (Hop(time=NO_TIME, stays=stays),)
        case _:
            return ()


def _positive(edge: int | timedelta) -> bool:
    return edge > NO_TIME if isinstance(edge, timedelta) else edge > 0


def _identities(columns: Iterable[Column]) -> frozenset[str]:
    return frozenset(column.identity for column in columns if column.identity)


def _time_of(column: Column) -> Bound | None:
    return column.bound if column.bound is not None and column.bound.clock == TAU else None


def _partition_spread(partition: tuple[Column, ...]) -> timedelta | None:
    """How much later than r a row can be that shares a time key with it."""
    spreads = [
        bound.high - bound.low
        for bound in map(_time_of, partition)
        if bound is not None and bound.high is not None and bound.low is not None
    ]
    return min(spreads, default=None)


def direction_of(order: tuple[Key, ...], *, partition: tuple[Column, ...] = ()) -> int:
    """1 if the order is that of ascending time, -1 of descending, 0 of neither for certain."""
    fixed = _identities(partition)
    for key in order:
        if key.column.is_tau:
            return 1 if key.ascending else -1
        coarse = _time_of(key.column) is not None and _time_of(key.column).grid  # type: ignore[union-attr]
        followed = any(other.column.is_tau and other.ascending == key.ascending for other in order)
        if not (key.column.identity in fixed or (coarse and followed)):
            return 0
    return 0


def _coarse_order(order: tuple[Key, ...], *, partition: tuple[Column, ...]) -> timedelta | None:
    """The spread of times that share the first key, where that is a truncated time, ascending."""
    fixed = _identities(partition)
    first = next((key for key in order if key.column.identity not in fixed), None)
    if first is None or not first.ascending:
        return None
    bound = _time_of(first.column)
    if bound is None or not bound.grid or bound.low is None or bound.high is None:
        return None
    return bound.high - bound.low


def reading(
    relation: Relation, value: Value, *, hops: tuple[Hop, ...], by: Iterable[Column] = (), says: Move
) -> Value:
    """A value read at other rows of the relation: what it needs there, and which rows they are (`by`)."""
    keys = join(column.value for column in by)
    which = relation.presence | keys
    if hops == (EVERY_ROW,) and relation.until:
        return _of_fixed_period(value | which, until=relation.until)
    moved = nearest(value, hops=hops, says=says)
    # The value's own path tells more than that of the rows' being there.
    read = moved | _beyond(nearest(which, hops=hops, says=says), moved) | _beyond(keys, moved)
    whole = read.horizon.is_whole and not value.horizon.is_whole
    return read.fitted_on(Fitted.ALL_ROWS if whole else Fitted.NOTHING)


def _beyond(value: Value, other: Value) -> Value:
    known = other.horizon.reaches
    return replace(value, trails=tuple(trail for trail in value.trails if trail[0] not in known))


def _of_fixed_period(value: Value, *, until: str) -> Value:
    return replace(
        value,
        trails=(),
        fitted=max(value.fitted, Fitted.TRAINING_ROWS),
        settled=value.settled | {until},
    )


def nearest(value: Value, *, hops: tuple[Hop, ...], says: Move) -> Value:
    """The value after hops of which each is a bound: each reach takes the one that serves it best."""
    rest = replace(value, trails=())
    moved = (_nearest(reach, path, hops=hops, says=says) for reach, path in value.trails)
    return join((rest, *moved))


def _nearest(reach: Reach, path: tuple[Move, ...], *, hops: tuple[Hop, ...], says: Move) -> Value:
    best = min((reach.after(hop) for hop in hops), key=_badness)
    return Value(trails=((best, (*path, says)),))


def _badness(reach: Reach) -> tuple[bool, bool, bool, bool, timedelta, int]:
    return (
        reach.whole,
        not reach.is_known,
        reach.is_ahead,
        reach.anywhere,
        reach.time,
        reach.rows,
    )


# Verbs on one relation


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
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


def limited(relation: Relation, *, says: str = "limit") -> Relation:
    """The first rows of the relation: known as they come only in ascending time from the start."""
    relation = settled(relation)
    order = relation.order or ()
    hops = hops_of(relation, order=order, frame=Frame(end=0)) if order else (EVERY_ROW,)
    keys = [key.column for key in order]
    rows = reading(relation, CONSTANT, hops=hops, by=keys, says=Move(says=says))
    return replace(relation, rows=relation.rows | rows, thinned=relation.thinned | {f"#{says}"}, origin=None)


def distinct(relation: Relation, *, says: str = "distinct") -> Relation:
    """One row for each combination of the columns' values; without a time among them nothing dates it."""
    relation = settled(relation)
    columns = tuple(relation.columns.values())
    hops = hops_of(relation, partition=columns)
    rows = reading(relation, CONSTANT, hops=hops, by=columns, says=Move(says=says))
    return replace(relation, rows=relation.rows | rows, unique=False)


def aggregated(
    relation: Relation,
    *,
    groups: Mapping[str, Column],
    metrics: Mapping[str, tuple[Value, bool]],
    says: str = "aggregate",
) -> Relation:
    """One row a group. Each metric is the value of what enters it, and whether only the group's first row does.

    With a time key, the group's rows lie at or before its end, and the key is the new tau. Without one the
    groups have no time: they are known from the whole sample, the end of a fixed period, or their first row on.
    """
    relation = settled(relation)
    timed = {name: bound for name, column in groups.items() if (bound := _time_of(column)) is not None}
    latest = {name: bound for name, bound in timed.items() if bound.low is not None}
    if not latest:
        return _aggregated_without_time(relation, groups=groups, metrics=metrics, says=says)
    name, key = max(latest.items(), key=lambda item: item[1].low or NO_TIME)
    low = key.low or NO_TIME
    by = tuple(column for other, column in groups.items() if other not in timed)
    entity = _identities(by)
    hops = (Hop(time=-low, stays=relation.entity <= entity),)
    move = Move(says=f"{says} by {', '.join(groups)}")
    spaced = bool(key.grid) and key.cells == 0 and key.within == (NO_TIME, NO_TIME)

    def read(value: Value) -> Value:
        moved = reading(relation, value, hops=hops, by=by, says=move)
        return _spaced(moved, by=-low, along=entity) if spaced else moved

    columns = {
        other: _group_column(column, timed.get(other), low=low, high=key.high)
        for other, column in groups.items()
    }
    columns[name] = replace(columns[name], bound=Bound(grid=key.grid, within=None))
    columns |= {
        other: Column(value=read(value), identity=f"{relation.base}/{other}")
        for other, (value, _) in metrics.items()
    }
    return Relation(
        columns=columns,
        timed=True,
        rows=read(CONSTANT) if relation.rows.trails or low < NO_TIME else CONSTANT,
        base=f"{relation.base}/{says} by {','.join(groups)}",
        entity=entity,
        until=relation.until if low >= NO_TIME else "",
        clocks=relation.clocks,
        cell=key.grid,
        origin=_origin(relation, groups),
        joins=relation.joins,
    )


def _origin(relation: Relation, groups: Mapping[str, Column]) -> tuple[str, frozenset[str]] | None:
    whole = not relation.thinned and not relation.rows.trails and relation.base
    identities = _identities(groups.values())
    return (relation.base, identities) if whole and len(identities) == len(groups) else None


def _group_column(column: Column, bound: Bound | None, *, low: timedelta, high: timedelta | None) -> Column:
    if bound is None:
        return replace(column, value=_unmeasured(column.value), bound=None)
    value = replace(value_of(PRESENT, *column.value.path), sources=column.value.sources)
    return replace(column, value=value, bound=_seen_from(bound, low=low, high=high))


def _spaced(value: Value, *, by: timedelta, along: frozenset[str]) -> Value:
    """A total of a unit's rows, keyed by the unit's start: the group's next row comes no sooner than its end."""
    trails = tuple(
        (
            reach
            if reach.whole or reach.awaits or reach.rows or reach.time != by
            else _spaced_reach(by, along),
            path,
        )
        for reach, path in value.trails
    )
    return replace(value, trails=trails)


def _spaced_reach(time: timedelta, along: frozenset[str]) -> Reach:
    return Reach(time=time, along=along, spaced=True)


def _seen_from(bound: Bound, *, low: timedelta, high: timedelta | None) -> Bound:
    """A time column's bound once the clock is another one that lies `low` to `high` from the old."""
    least = None if high is None else _sum(bound.low, -high)
    return Bound(clock=bound.clock, low=least, high=_sum(bound.high, -low))


def _aggregated_without_time(
    relation: Relation,
    *,
    groups: Mapping[str, Column],
    metrics: Mapping[str, tuple[Value, bool]],
    says: str,
) -> Relation:
    by = tuple(groups.values())
    move = Move(says=says if not groups else f"{says} by {', '.join(groups)}")
    whole_base = not relation.thinned and not relation.rows.trails and not relation.until
    from_first = whole_base and bool(groups) and all(column.identity for column in by)

    def read(value: Value, *, first: bool) -> Value:
        if first and from_first and value.horizon <= PRESENT:
            return (value | relation.presence).through(move)
        return reading(relation, value, hops=(EVERY_ROW,), by=by, says=move)

    columns = {
        name: replace(column, bound=None, value=read(column.value, first=True))
        for name, column in groups.items()
    }
    columns |= {name: Column(value=read(value, first=first)) for name, (value, first) in metrics.items()}
    return Relation(
        columns=columns,
        rows=read(CONSTANT, first=True) if groups else CONSTANT,
        base=relation.base,
        grouped=_identities(by) if from_first else None,
        joins=relation.joins,
    )


def _unmeasured(value: Value) -> Value:
    """The value once rows are no longer those of its table."""
    return join(
        [
            replace(value, trails=()),
            *(Value(trails=((reach.after(Hop(time=NO_TIME)), path),)) for reach, path in value.trails),
        ]
    )


# Verbs on two relations


def joined(
    left: Relation,
    right: Relation,
    *,
    left_prefix: str = "",
    right_prefix: str,
    picks_one: bool = False,
) -> Relation:
    """Every pair of rows, as seen from the left row's time; `matched` then says which.

    Columns get the prefixes. `picks_one` says that at most one right row is taken (as-of and semi joins), so that
    the left rows stay unique. An untimed left side takes the right side's time.
    """
    right = settled(right)
    if not left.timed and right.timed:
        return joined(right, settled(left), left_prefix=right_prefix, right_prefix=left_prefix)
    joins = max(left.joins, right.joins) + 1
    seen = _from_clock(right, f"{right_prefix}#{joins}")
    columns = {f"{left_prefix}{name}": column for name, column in left.columns.items()}
    columns |= {f"{right_prefix}{name}": column for name, column in seen.columns.items()}
    others = {f"{left_prefix}{alias}".rstrip("."): column for alias, column in left.others.items()}
    others |= {f"{right_prefix}{alias}".rstrip("."): column for alias, column in seen.others.items()}
    return replace(
        left,
        columns=columns,
        others=others,
        unique=left.unique and (picks_one or not right.timed),
        clocks=(*left.clocks, *seen.clocks),
        bounds={**left.bounds, **seen.bounds},
        order=None,
        joins=joins,
    )


def matched(
    pairs: Relation,
    predicate: Value,
    *,
    facts: Facts,
    right_prefix: str,
    partner: frozenset[str] | None = None,
    says: str = "join",
) -> Relation:
    """The pairs for which a predicate holds; with `partner`, left rows without one too (left join).

    `partner` names the columns that are null in those. Whether a partner is there decides about the row, or about the partner's columns, or (where there can be
    several) about both.
    """
    there = join(
        Value(trails=((Reach(awaits=rows_of(clock.token)), ()),))
        for clock in pairs.clocks
        if clock.is_joined and clock.dates_rows and clock.token.startswith(f"{right_prefix}#")
    )
    decided = (predicate | there).through(Move(says=says))
    columns = {
        name: replace(column, value=column.value | decided) if partner and name in partner else column
        for name, column in pairs.columns.items()
    }
    optional = partner is not None
    kept_all = optional and pairs.unique
    return replace(
        pairs,
        columns=columns,
        rows=pairs.rows if kept_all else pairs.rows | decided,
        bounds=tightened(pairs.bounds, _about(facts, right_prefix) if optional else facts.bounds),
        equal=pairs.equal | facts.equal,
        until=pairs.until if optional else facts.until or pairs.until,
        thinned=pairs.thinned if kept_all else pairs.thinned | {f"#{says}"},
        origin=pairs.origin if kept_all else None,
    )


def _about(facts: Facts, right_prefix: str) -> Mapping[tuple[str, str], Sup]:
    """What is said of the partner only: the rest does not hold where there is none."""
    start = f"{right_prefix}#"
    return {pair: sup for pair, sup in facts.bounds.items() if any(clock.startswith(start) for clock in pair)}


def _from_clock(right: Relation, token: str) -> Relation:
    """A relation whose tau is called `token`, and whose other clocks and identities carry that name.

    Without a time, its clock is that of the first row of its group; all in it that has no trail is in advance.
    """

    def renamed(clock: str) -> str:
        return f"{token}:{clock}" if clock else token

    def moved(value: Value, *, by: str = token) -> Value:
        trails = tuple(
            (
                reach
                if reach.whole
                else replace(reach, awaits=renamed(reach.awaits) if reach.awaits else by),
                path,
            )
            for reach, path in value.trails
        )
        return replace(value, trails=trails)

    def column_of(column: Column) -> Column:
        bound = column.bound and replace(column.bound, clock=renamed(column.bound.clock))
        identity = column.identity and f"{token}:{column.identity}"
        return replace(column, value=moved(column.value), bound=bound, identity=identity)

    rows = moved(right.rows, by=rows_of(token))

    def with_rows(column: Column) -> Column:
        return replace(column, value=column.value | rows)

    clocks = tuple(replace(clock, token=renamed(clock.token)) for clock in right.clocks)
    grouped = None if right.timed else right.grouped or frozenset()
    dates_rows = right.timed or bool(right.rows.trails)
    own = Clock(
        token=token,
        base=right.base,
        entity=right.entity,
        grouped=grouped,
        cell=right.cell,
        dates_rows=dates_rows,
        origin=right.origin,
    )
    is_static = not dates_rows and not _has_trails(right)
    return replace(
        right,
        columns={name: with_rows(column_of(column)) for name, column in right.columns.items()},
        others={alias: with_rows(column_of(column)) for alias, column in right.others.items()},
        rows=rows,
        clocks=() if is_static else (own, *clocks),
        bounds={(renamed(one), renamed(two)): sup for (one, two), sup in right.bounds.items()},
    )


def _has_trails(relation: Relation) -> bool:
    return any(column.value.trails for column in relation.columns.values())


def settled(relation: Relation) -> Relation:
    """The relation with every value relative to tau: joined clocks replaced by what bounds them, or by nothing."""
    if not relation.clocks:
        return relation
    sups = _closed(relation.bounds)
    hops = {clock.token: _hops_to(relation, clock, sups=sups) for clock in relation.clocks}
    joined_clocks = {clock.token for clock in relation.clocks if clock.is_joined}
    named = {clock.token: clock.shown for clock in relation.clocks if not clock.is_joined}
    cells = {clock.token: _span(clock.cell)[0] for clock in relation.clocks if clock.cell}
    ends = {
        clock.token: (longest(clock.cell), sups[end_of(clock.token), TAU][0])
        for clock in relation.clocks
        if clock.cell and (end_of(clock.token), TAU) in sups
    }

    def value_at_tau(value: Value) -> Value:
        rest = replace(value, trails=())
        return join([rest, *(Value(trails=((at_tau(reach), path),)) for reach, path in value.trails)])

    own_groups = {rows_of(clock.token) for clock in relation.clocks if _is_own_group(relation, clock)}

    def at_tau(reach: Reach) -> Reach:
        if reach.awaits in own_groups:
            return Reach()
        token = reach.awaits.removesuffix(_ROWS)
        if reach.whole or token not in hops:
            return reach
        is_joined, of_another = token in joined_clocks, reach.anywhere and token not in joined_clocks
        if hops[token] and not of_another:
            free = replace(reach, awaits="")
            found = _arrivals(free, hops=hops[token], end=ends.get(token), cell=cells.get(token, NO_TIME))
            return min(found, key=_badness)
        owner, _, nested = token.partition(":")
        if is_joined or (nested and not hops.get(owner)):
            return WHOLE
        return replace(reach, awaits=named[token])

    def column_at_tau(column: Column) -> Column:
        bound = column.bound and _bound_at_tau(column.bound, sups=sups)
        return replace(column, value=value_at_tau(column.value), bound=bound)

    kept_clocks = tuple(replace(c, token=c.shown) for c in relation.clocks if not c.is_joined)
    return replace(
        relation,
        columns={name: column_at_tau(column) for name, column in relation.columns.items()},
        others={alias: column_at_tau(column) for alias, column in relation.others.items()},
        rows=value_at_tau(relation.rows),
        clocks=tuple(dict.fromkeys(kept_clocks)),
        bounds={
            pair: sup for pair, sup in relation.bounds.items() if not any("#" in clock for clock in pair)
        },
        equal=frozenset(),
    )


def end_of(token: str) -> str:
    """The clock that reads the end of the unit in which another one stands."""
    return f"{token}+"


_ROWS = "!"


def rows_of(token: str) -> str:
    """The clock of a joined table's rows being there: not later than r, if its row is the group of r itself."""
    return f"{token}{_ROWS}"


def _is_own_group(relation: Relation, clock: Clock) -> bool:
    if clock.origin is None:
        return False
    base, identities = clock.origin
    return base == relation.base and _all_equal(relation, identities, clock=clock)


def _arrivals(
    reach: Reach, *, hops: tuple[Hop, ...], end: tuple[timedelta, timedelta] | None, cell: timedelta
) -> list[Reach]:
    found = [reach.after(hop) for hop in hops]
    if reach.rows < 0 and cell:
        # Rows on a grid are a unit apart at least.
        earlier = replace(reach.readings[-1] if reach.spaced else reach, along=frozenset())
        earlier = replace(earlier, rows=0, time=earlier.time + earlier.rows * cell)
        found += [earlier.after(hop) for hop in hops]
    if end is not None and reach.spaced and reach.rows <= 0 and reach.time == end[0]:
        # What is known by the end of its unit, where that end is bounded better than the start.
        found.append(
            replace(reach, time=NO_TIME, spaced=False, rows=0, along=frozenset()).after(Hop(time=end[1]))
        )
    return found


def _bound_at_tau(bound: Bound, *, sups: Mapping[tuple[str, str], Sup]) -> Bound | None:
    if bound.clock == TAU or "#" not in bound.clock:
        return bound
    above, below = sups.get((bound.clock, TAU)), sups.get((TAU, bound.clock))
    high = None if above is None else _sum(bound.high, above[0])
    low = None if below is None else _sum(bound.low, -below[0])
    return None if high is None and low is None else Bound(low=low, high=high)


def _hops_to(relation: Relation, clock: Clock, *, sups: Mapping[tuple[str, str], Sup]) -> tuple[Hop, ...]:
    """Bounds on the rows of a joined table that r meets, once its clock is bounded by r's time."""
    own = clock.is_joined and clock.base == relation.base and bool(relation.base)
    if clock.grouped is not None:
        met = own and bool(clock.grouped) and _all_equal(relation, clock.grouped, clock=clock)
        return (Hop(time=NO_TIME),) if met else ()
    above = sups.get((clock.token, TAU))
    if above is None:
        return ()
    time, can_meet = above
    same = own and _all_equal(relation, relation.entity, clock=clock)
    hops = [Hop(time=time, stays=same)]
    # A row of the same table that is strictly earlier is at least one row back.
    if same and time <= NO_TIME:
        back = -1 if time < NO_TIME or not can_meet else 0
        hops.append(Hop(rows=back, along=relation.entity))
    return tuple(hops)


def _all_equal(relation: Relation, identities: frozenset[str], *, clock: Clock) -> bool:
    """Whether the joined row has these columns in common with r."""
    return all(frozenset({one, f"{clock.token}:{one}"}) in relation.equal for one in identities)


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


def _closed(bounds: Mapping[tuple[str, str], Sup]) -> Mapping[tuple[str, str], Sup]:
    """The bounds with all that follow from them."""
    tokens = {token for pair in bounds for token in pair}
    best = dict(bounds)
    for via, one, two in product(tokens, tokens, tokens):
        if (one, via) in best and (via, two) in best and one != two:
            first, second = best[one, via], best[via, two]
            total = (first[0] + second[0], first[1] and second[1])
            best[one, two] = min(total, best.get((one, two), total))
    return best


def rebased(relation: Relation, name: str) -> Relation:
    """The relation with that time column as its rows' time, where it is one."""
    relation = settled(relation)
    column = relation.columns.get(name)
    bound = column.bound if column is not None else None
    if (
        not relation.timed
        or column is None
        or bound == Bound()
        or (bound and bound.within is None and not bound.cells)
    ):
        return relation
    is_time = bound is not None and bound.clock == TAU and bound.low is not None
    hops = (Hop(time=-(bound.low or NO_TIME)),) if bound is not None and is_time else (EVERY_ROW,)
    move = Move(says=f"seen from {name!r}")
    columns = {
        other: replace(each, value=nearest(each.value, hops=hops, says=move), bound=None)
        for other, each in relation.columns.items()
    }
    columns[name] = replace(column, value=value_of(PRESENT, *column.value.path), bound=Bound())
    return replace(relation, columns=columns, rows=nearest(relation.rows, hops=hops, says=move))


def united(left: Relation, right: Relation, *, says: str = "union") -> Relation:
    """The rows of both, columns matched by place; a time stays one where both bound it."""
    left, right = settled(left), settled(right)
    pairs = zip(left.columns.items(), right.columns.values(), strict=False)
    columns = {name: _either(mine, theirs) for name, (mine, theirs) in ((n, (m, t)) for (n, m), t in pairs)}
    return Relation(
        columns=columns,
        timed=left.timed or right.timed,
        rows=left.rows | right.rows,
        base=f"{left.base}+{right.base}/{says}",
        unique=False,
        until=" and ".join(dict.fromkeys((left.until, right.until))) if left.until and right.until else "",
        clocks=tuple(dict.fromkeys((*left.clocks, *right.clocks))),
        bounds=loosened(left.bounds, right.bounds),
        joins=max(left.joins, right.joins),
    )


def _either(mine: Column, theirs: Column) -> Column:
    value = _unmeasured(mine.value) | _unmeasured(theirs.value)
    return Column(
        value=value, bound=mine.bound if mine.bound == theirs.bound else None, identity=mine.identity
    )


def among(left: Relation, right: Relation, *, says: str) -> Relation:
    """The left rows that are (or aren't) among the right ones: decided there at the same time, or by all rows."""
    left, right = settled(left), settled(right)
    values = join(column.value for column in right.columns.values())
    both = zip(left.columns.values(), right.columns.values(), strict=False)
    dated = any(mine.bound == Bound() == theirs.bound for mine, theirs in both)
    hops = (Hop(time=NO_TIME),) if dated else (EVERY_ROW,)
    decided = reading(right, values, hops=hops, says=Move(says=says))
    return replace(left, rows=left.rows | decided, thinned=left.thinned | {f"#{says}"}, origin=None)


def doubted(relation: Relation) -> Relation:
    """The relation with nothing in it proved."""
    columns = {
        name: replace(column, value=column.value.unproved()) for name, column in relation.columns.items()
    }
    others = {
        alias: replace(column, value=column.value.unproved()) for alias, column in relation.others.items()
    }
    return replace(relation, columns=columns, others=others, rows=relation.rows.unproved())
