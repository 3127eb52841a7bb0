"""Which rows an operation reads at r, as hops, and what a value read there is."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from msgspec import Struct
from msgspec.structs import replace

from nbprod.leakage.horizon import EARLIER, EVERY_ROW, NO_TIME, Fitted, Hop, Move, Reach, Value, join
from nbprod.leakage.relations import Column, Key, Relation, identities_of, time_of

if TYPE_CHECKING:
    from collections.abc import Iterable


class Frame(Struct, frozen=True, kw_only=True):
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
    shared = identities_of(partition)
    stays = relation.entity <= shared
    if spread is not None:
        found.append(Hop(time=spread, along=shared, stays=stays))
    direction = direction_of(order, partition=partition)
    if direction and frame is not None:
        ascending = frame if direction > 0 else frame.mirrored()
        found += _frame_hops(relation, ascending, partition=partition, stays=stays)
    coarse = _coarse_order(order, partition=partition)
    if coarse is not None and frame is not None and frame.end is not None and not _positive(frame.end):
        found.append(Hop(time=coarse, along=shared, stays=stays))
    return tuple(found) or (EVERY_ROW,)


def _frame_hops(
    relation: Relation, frame: Frame, *, partition: tuple[Column, ...], stays: bool
) -> tuple[Hop, ...]:
    match frame.end:
        case timedelta():
            return (Hop(time=frame.end, along=identities_of(partition), stays=stays),)
        case int() if frame.unit == "rows" or frame.end == 0:
            ties = not stays or not relation.unique
            times = {column.identity for column in partition if time_of(column) is not None}
            along = (identities_of(partition) - times) | relation.thinned
            # RANGE up to the current row reads its peers too; without ties there are none.
            return (Hop(rows=frame.end, along=along, ties=ties),)
        case int() if frame.end < 0:
            return (Hop(time=NO_TIME, along=identities_of(partition), stays=stays),)
        case _:
            return ()


def _positive(edge: int | timedelta) -> bool:
    return edge > NO_TIME if isinstance(edge, timedelta) else edge > 0


def _partition_spread(partition: tuple[Column, ...]) -> timedelta | None:
    """How much later than r a row can be that shares a time key with it."""
    spreads = [
        bound.high - bound.low
        for bound in map(time_of, partition)
        if bound is not None and bound.high is not None and bound.low is not None
    ]
    return min(spreads, default=None)


def direction_of(order: tuple[Key, ...], *, partition: tuple[Column, ...] = ()) -> int:
    """1 if the order is that of ascending time, -1 of descending, 0 of neither for certain."""
    fixed = identities_of(partition)
    for key in order:
        if key.column.is_tau:
            return 1 if key.ascending else -1
        coarse = time_of(key.column) is not None and time_of(key.column).grid  # type: ignore[union-attr]
        followed = any(other.column.is_tau and other.ascending == key.ascending for other in order)
        if not (key.column.identity in fixed or (coarse and followed)):
            return 0
    return 0


def _coarse_order(order: tuple[Key, ...], *, partition: tuple[Column, ...]) -> timedelta | None:
    """The spread of times that share the first key, where that is a truncated time, ascending."""
    fixed = identities_of(partition)
    first = next((key for key in order if key.column.identity not in fixed), None)
    if first is None or not first.ascending:
        return None
    bound = time_of(first.column)
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
    rest = replace(value, trails=(), sources=_sources_at(value.sources, hops=hops))
    moved = (_nearest(reach, path, hops=hops, says=says) for reach, path in value.trails)
    return join((rest, *moved))


def _sources_at(sources: frozenset[str], *, hops: tuple[Hop, ...]) -> frozenset[str]:
    """The sources as they are read at rows that the hops lead to: strictly earlier ones carry a mark."""
    if any(goes_back(hop) for hop in hops):
        return frozenset(source if source.endswith(EARLIER) else f"{source}{EARLIER}" for source in sources)
    if all(hop.everywhere or (hop.rows or 0) > 0 or hop.time > NO_TIME for hop in hops):
        return frozenset(source.removesuffix(EARLIER) for source in sources)
    return sources


def goes_back(hop: Hop) -> bool:
    """Whether it leads to rows that are strictly earlier."""
    if hop.everywhere:
        return False
    return hop.time < NO_TIME if hop.rows is None else hop.rows < 0 and not hop.ties


def _nearest(reach: Reach, path: tuple[Move, ...], *, hops: tuple[Hop, ...], says: Move) -> Value:
    best = min((reach.after(hop) for hop in hops), key=badness)
    return Value(trails=((best, (*path, says)),))


def badness(reach: Reach) -> tuple[bool, bool, bool, bool, timedelta, int]:
    return (
        reach.whole,
        not reach.is_known,
        reach.is_ahead,
        reach.anywhere,
        reach.time,
        reach.rows,
    )
