"""Rows made fewer: limits, distinct rows and groups, each dated by what decides about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from nbprod.leakage.horizon import (
    CONSTANT,
    EARLIER,
    EVERY_ROW,
    NO_TIME,
    PRESENT,
    Hop,
    Move,
    Reach,
    Value,
    value_of,
)
from nbprod.leakage.joining import settled
from nbprod.leakage.reading import Frame, hops_of, reading
from nbprod.leakage.relations import Column, Relation, identities_of, time_of, unmeasured
from nbprod.leakage.times import Bound, plus

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta


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
    timed = {name: bound for name, column in groups.items() if (bound := time_of(column)) is not None}
    latest = {name: bound for name, bound in timed.items() if bound.low is not None}
    if not latest:
        return _aggregated_without_time(relation, groups=groups, metrics=metrics, says=says)
    name, key = max(latest.items(), key=lambda item: item[1].low or NO_TIME)
    low = key.low or NO_TIME
    by = tuple(column for other, column in groups.items() if other not in timed)
    entity = identities_of(by)
    hops = (Hop(time=-low, along=entity, stays=relation.entity <= entity),)
    move = Move(says=f"{says} by {', '.join(groups)}")
    spaced = bool(key.grid) and key.cells == 0 and key.within == (NO_TIME, NO_TIME)

    def read(value: Value) -> Value:
        moved = _of_own(reading(relation, value, hops=hops, by=by, says=move), value, relation)
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


def _of_own(read: Value, value: Value, relation: Relation) -> Value:
    """A group's value with its own sources: the keys stand in the group's row anyway, and say no more of it there."""
    own = value.sources | relation.rows.sources
    kept = (source for source in read.sources if source in own or source.removesuffix(EARLIER) in own)
    return replace(read, sources=frozenset(kept))


def _origin(relation: Relation, groups: Mapping[str, Column]) -> tuple[str, frozenset[str]] | None:
    whole = not relation.thinned and not relation.rows.trails and relation.base
    identities = identities_of(groups.values())
    return (relation.base, identities) if whole and len(identities) == len(groups) else None


def _group_column(column: Column, bound: Bound | None, *, low: timedelta, high: timedelta | None) -> Column:
    if bound is None:
        return replace(column, value=unmeasured(column.value), bound=None)
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
    least = None if high is None else plus(bound.low, -high)
    return Bound(clock=bound.clock, low=least, high=plus(bound.high, -low))


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
        if first and value.settled and not value.trails:
            return value.through(move)
        if first and from_first and value.horizon <= PRESENT:
            return (value | relation.presence).through(move)
        return _of_own(reading(relation, value, hops=(EVERY_ROW,), by=by, says=move), value, relation)

    columns = {
        name: replace(column, bound=None, value=read(column.value, first=True))
        for name, column in groups.items()
    }
    columns |= {name: Column(value=read(value, first=first)) for name, (value, first) in metrics.items()}
    return Relation(
        columns=columns,
        rows=read(CONSTANT, first=True) if groups else CONSTANT,
        base=relation.base,
        grouped=identities_of(by) if from_first else None,
        joins=relation.joins,
    )
