"""Two relations as seen from one of them: pairs of rows, which of them match, and what bounds their clocks."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

from msgspec.structs import replace

from nbprod.leakage.horizon import EARLIER, MET, NO_TIME, WHOLE, Hop, Move, Reach, Value, join
from nbprod.leakage.reading import badness, goes_back
from nbprod.leakage.relations import Clock, Column, Facts, Relation, Sup, tightened
from nbprod.leakage.times import TAU, Bound, longest, plus, span_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta


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
    dates_rows = right.timed or bool(right.rows.trails)
    is_static = not dates_rows and not _has_trails(right)

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
        sources = (
            value.sources if is_static else frozenset(f"{source}{MET}{token}" for source in value.sources)
        )
        return replace(value, trails=trails, sources=sources)

    def column_of(column: Column) -> Column:
        bound = column.bound and replace(column.bound, clock=renamed(column.bound.clock))
        identity = column.identity and f"{token}:{column.identity}"
        counts = column.counts and replace(column.counts, clock=renamed(column.counts.clock))
        return replace(column, value=moved(column.value), bound=bound, identity=identity, counts=counts)

    rows = moved(right.rows, by=rows_of(token))

    def with_rows(column: Column) -> Column:
        return replace(column, value=column.value | rows)

    clocks = tuple(replace(clock, token=renamed(clock.token)) for clock in right.clocks)
    grouped = None if right.timed else right.grouped or frozenset()
    own = Clock(
        token=token,
        base=right.base,
        grouped=grouped,
        cell=right.cell,
        dates_rows=dates_rows,
        origin=right.origin,
        firsts=right.firsts,
    )
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
    sups = closed(relation.bounds)
    hops = {clock.token: _hops_to(relation, clock, sups=sups) for clock in relation.clocks}
    joined_clocks = {clock.token for clock in relation.clocks if clock.is_joined}
    named = {clock.token: clock.shown for clock in relation.clocks if not clock.is_joined}
    cells = {clock.token: span_of(clock.cell)[0] for clock in relation.clocks if clock.cell}
    ends = {
        clock.token: (longest(clock.cell), sups[end_of(clock.token), TAU][0])
        for clock in relation.clocks
        if clock.cell and (end_of(clock.token), TAU) in sups
    }

    def value_at_tau(value: Value) -> Value:
        rest = replace(value, trails=(), sources=_sources_at_tau(value.sources, hops=hops))
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
            return min(found, key=badness)
        owner, _, nested = token.partition(":")
        if is_joined or (nested and not hops.get(owner)):
            return WHOLE
        return replace(reach, awaits=named[token])

    def column_at_tau(column: Column) -> Column:
        bound = column.bound and _bound_at_tau(column.bound, sups=sups)
        counts = None if column.counts is None or column.counts.clock else column.counts
        return replace(column, value=value_at_tau(column.value), bound=bound, counts=counts)

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


def _sources_at_tau(sources: frozenset[str], *, hops: Mapping[str, tuple[Hop, ...]]) -> frozenset[str]:
    """The sources of joined tables too, by whether the rows that r meets are strictly earlier."""
    settled_ones = set[str]()
    for source in sources:
        own, _, token = source.partition(MET)
        found = hops.get(token, ())
        if any(map(goes_back, found)):
            own = f"{own.removesuffix(EARLIER)}{EARLIER}"
        elif token and not any(hop.time <= NO_TIME for hop in found):
            own = own.removesuffix(EARLIER)
        settled_ones.add(own)
    return frozenset(settled_ones)


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
    high = None if above is None else plus(bound.high, above[0])
    low = None if below is None else plus(bound.low, -below[0])
    return None if high is None and low is None else Bound(low=low, high=high)


def _hops_to(relation: Relation, clock: Clock, *, sups: Mapping[tuple[str, str], Sup]) -> tuple[Hop, ...]:
    """Bounds on the rows of a joined table that r meets, once its clock is bounded by r's time."""
    own = clock.is_joined and clock.base == relation.base and bool(relation.base)
    if clock.grouped is not None:
        met = own and bool(clock.grouped) and _all_equal(relation, clock.grouped, clock=clock)
        return (Hop(time=NO_TIME),) if met else ()
    # the earliest row of r's own group is not later than r
    firsts = (
        (Hop(time=NO_TIME),)
        if own and clock.firsts and _all_equal(relation, clock.firsts, clock=clock)
        else ()
    )
    above = sups.get((clock.token, TAU))
    if above is None:
        return firsts
    time, can_meet = above
    shared = _shared(relation, clock) if own else frozenset[str]()
    hops = [*firsts, Hop(time=time, along=shared, stays=own and relation.entity <= shared)]
    strictly = time < NO_TIME or (time == NO_TIME and not can_meet)
    # A row of the same table that is strictly earlier is at least one row back.
    if own and strictly:
        hops.append(Hop(rows=-1, along=shared))
    elif own and time == NO_TIME and relation.entity <= shared:
        hops.append(Hop(rows=0, along=shared))
    return tuple(hops)


def _shared(relation: Relation, clock: Clock) -> frozenset[str]:
    """The columns that the joined row has in common with r, both being rows of one table."""
    start = f"{clock.token}:"
    pairs = (sorted(pair, key=lambda one: one.startswith(start)) for pair in relation.equal if len(pair) == 2)
    return frozenset(one for one, other in pairs if other == f"{start}{one}")


def _all_equal(relation: Relation, identities: frozenset[str], *, clock: Clock) -> bool:
    """Whether the joined row has these columns in common with r."""
    return all(frozenset({one, f"{clock.token}:{one}"}) in relation.equal for one in identities)


def closed(bounds: Mapping[tuple[str, str], Sup]) -> Mapping[tuple[str, str], Sup]:
    """The bounds with all that follow from them."""
    tokens = {token for pair in bounds for token in pair}
    best = dict(bounds)
    for via, one, two in product(tokens, tokens, tokens):
        if (one, via) in best and (via, two) in best and one != two:
            first, second = best[one, via], best[via, two]
            total = (first[0] + second[0], first[1] and second[1])
            best[one, two] = min(total, best.get((one, two), total))
    return best
