"""Laws of the lattice, and how its values read."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbprod.leakage.horizon import (
    ALWAYS,
    CONSTANT,
    EVERY_ROW,
    PRESENT,
    WHOLE,
    WHOLE_SAMPLE,
    Fitted,
    Hop,
    Horizon,
    Move,
    Value,
    duration_text,
    join,
    value_of,
)

DAY = timedelta(days=1)

rows = st.integers(-3, 3)
times = st.integers(-2, 2).map(lambda days: days * DAY)
alongs = st.frozensets(st.sampled_from(["store", "item"]), max_size=2)


def reaches(*, spaced):
    return st.builds(
        Horizon.ahead,
        rows=rows,
        time=times,
        along=alongs,
        awaits=st.sampled_from(["", "", "", "landed"]),
        spaced=spaced,
    )


hops = st.one_of(
    st.builds(Hop, rows=rows, along=alongs, ties=st.booleans()),
    st.builds(Hop, time=times, along=alongs, stays=st.booleans()),
    st.just(EVERY_ROW),
)


def several(single):
    moved = st.builds(lambda horizon, hop: horizon.after(hop), single, hops)
    some = st.lists(st.one_of(single, moved, st.just(WHOLE_SAMPLE)), max_size=3)
    return some.map(lambda parts: Horizon.of(reach for one in parts for reach in one.reaches))


horizons = several(reaches(spaced=st.booleans()))
unspaced = several(reaches(spaced=st.just(value=False)))
moves = st.sampled_from([Move(says="lead"), Move(says="mean"), Move(says="join")])
values = st.builds(
    lambda parts, fitted, proved: (
        join(value_of(horizon, *path, sources=sources) for horizon, path, sources in parts).fitted_on(fitted)
        | Value(proved=proved)
    ),
    st.lists(
        st.tuples(horizons, st.lists(moves, max_size=2), st.frozensets(st.sampled_from("xy"))), max_size=3
    ),
    st.sampled_from(Fitted),
    st.booleans(),
)


@given(horizons, horizons, horizons)
def test_join_of_horizons_is_a_least_upper_bound(one, two, three):
    assert one | two == two | one
    assert (one | two) | three == one | (two | three)
    assert one | one == one
    assert one <= one | two
    assert (one | two <= three) == (one <= three and two <= three)


@given(horizons, horizons)
def test_order_is_antisymmetric(one, two):
    assert (one <= two <= one) == (one == two)


@given(horizons)
def test_lattice_has_a_bottom_and_a_top(one):
    assert ALWAYS <= one <= WHOLE_SAMPLE


@given(unspaced, unspaced, hops)
def test_every_transfer_is_monotone_and_keeps_joins(one, two, hop):
    assert one.after(hop) <= (one | two).after(hop)
    assert (one | two).after(hop) == one.after(hop) | two.after(hop)


@given(unspaced, st.integers(-3, 2), alongs, st.booleans())
def test_a_longer_hop_reaches_at_least_as_far(one, steps, along, ties):
    assert one.after(Hop(rows=steps, along=along, ties=ties)) <= one.after(
        Hop(rows=steps + 1, along=along, ties=ties)
    )


@given(horizons, horizons)
def test_what_lies_under_a_clean_horizon_is_clean(one, two):
    assert not (one <= two and two.within()) or one.within()


@given(horizons)
def test_nothing_is_both_clean_and_ahead(one):
    assert not (one.within() and one.is_ahead)


@given(horizons, horizons)
def test_widening_covers_both_and_ends(one, two):
    wide = one.widened(two)
    assert one <= wide
    assert two <= wide
    assert wide.widened(wide | two) == wide | two or wide.widened(wide | two).is_whole


@given(values, values, values)
def test_join_of_values_keeps_the_laws(one, two, three):
    assert one | two == two | one
    assert (one | two) | three == one | (two | three)
    assert one | one == one
    assert CONSTANT | one == one
    assert (one | two).horizon == one.horizon | two.horizon


# What the lattice means, on tables small enough to try every row


@st.composite
def tables(draw):
    """Rows of distinct times, each with a store and an item."""
    gaps = draw(st.lists(st.integers(1, 3), min_size=2, max_size=8))
    kinds = draw(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=len(gaps), max_size=len(gaps)))
    ends = [sum(gaps[: place + 1]) for place in range(len(gaps))]
    return [
        {"at": end * DAY, "store": store, "item": item}
        for end, (store, item) in zip(ends, kinds, strict=True)
    ]


def counted(table, place, steps, along):
    """The time of the row so many steps from this one among its likes: none before the first, no end after."""
    likes = [row for row in table if all(row[name] == table[place][name] for name in along)]
    at = likes.index(table[place]) + steps
    return likes[at]["at"] if 0 <= at < len(likes) else -FOREVER if at < 0 else FOREVER


FOREVER = timedelta(days=10_000)


def bound(table, place, reach):
    """The time up to which the reach lets the row depend on data."""
    # Rows counted from anywhere are never known: no bound is claimed.
    if reach.whole or reach.anywhere:
        return FOREVER
    at = counted(table, place, reach.rows, reach.along)
    return at if abs(at) == FOREVER else at + reach.time


def led_to(table, place, hop):
    """The rows that the hop allows to be read."""
    own = table[place]
    for other, row in enumerate(table):
        shares = all(row[name] == own[name] for name in hop.along)
        if (
            hop.everywhere
            or (hop.rows is None and row["at"] <= own["at"] + hop.time and (shares or not hop.stays))
            or (hop.rows is not None and shares and row["at"] <= counted(table, place, hop.rows, hop.along))
        ):
            yield other


plain = st.builds(Horizon.ahead, rows=rows, time=times, along=alongs).map(lambda horizon: horizon.furthest)
plain_hops = st.one_of(
    st.builds(Hop, rows=rows, along=alongs), st.builds(Hop, time=times, along=alongs, stays=st.booleans())
)


@settings(max_examples=150)
@given(tables(), plain, st.lists(plain_hops, min_size=1, max_size=3))
def test_a_transfer_never_bounds_too_low(table, reach, path):
    for hop in path:
        after = reach.after(hop)
        for place in range(len(table)):
            read = [bound(table, other, reach) for other in led_to(table, place, hop)]
            assert max(read, default=-FOREVER) <= bound(table, place, after), (place, reach, hop, after)
        reach = after


@settings(max_examples=150)
@given(tables(), plain, plain, plain_hops)
def test_the_order_is_that_of_the_bounds(table, one, two, hop):
    for low, high in (
        (one, two),
        (one, two.after(hop)),
        (one.after(hop), two),
        (one.after(hop), two.after(hop)),
    ):
        assert not low <= high or all(
            bound(table, place, low) <= bound(table, place, high) for place in range(len(table))
        )


STORE = ("store",)


@pytest.mark.parametrize(
    ("horizon", "hop", "expected"),
    [
        pytest.param(PRESENT, Hop(rows=3), "3 rows ahead", id="a lead looks ahead"),
        pytest.param(PRESENT, Hop(rows=-1), "1 row back", id="a lag looks back"),
        pytest.param(PRESENT, Hop(time=DAY), "24 hours ahead", id="a frame in time"),
        pytest.param(PRESENT, EVERY_ROW, "the whole sample", id="a mean over all rows"),
        pytest.param(ALWAYS, EVERY_ROW, "known in advance", id="a mean over constants"),
        pytest.param(Horizon.ahead(rows=1), Hop(rows=-1), "present", id="a lagged label"),
        pytest.param(
            Horizon.ahead(rows=1, along=STORE),
            Hop(rows=-1, ties=True),
            "1 row ahead",
            id="another store's label is no measure of one's own",
        ),
        pytest.param(
            Horizon.ahead(rows=1),
            Hop(rows=-1, along=frozenset(STORE)),
            "present",
            id="one row back in a part is at least one row back in all",
        ),
        pytest.param(
            Horizon.ahead(rows=1, along=STORE),
            Hop(rows=-1, along=frozenset({"item"})),
            "1 row ahead",
            id="one row back in another part is not",
        ),
        pytest.param(
            Horizon.ahead(time=DAY), Hop(rows=-1), "1 row back, 24 hours ahead", id="publication delay lagged"
        ),
        pytest.param(
            Horizon.ahead(rows=1), Hop(time=-DAY), "1 row ahead", id="a row ahead of an earlier row"
        ),
        pytest.param(
            Horizon.ahead(time=DAY, spaced=True),
            Hop(rows=-1),
            "1 row back",
            id="yesterday's total, keyed by its day",
        ),
        pytest.param(
            Horizon.ahead(time=DAY, spaced=True), Hop(time=timedelta(0)), "24 hours ahead", id="today's total"
        ),
        pytest.param(
            Horizon.ahead(awaits="landed"),
            Hop(rows=-5),
            "known only from 'landed' on",
            id="known at",
        ),
    ],
)
def test_a_transfer_reads_as_it_should(horizon, hop, expected):
    assert str(horizon.after(hop)) == expected


@pytest.mark.parametrize(
    ("horizon", "slack", "clean", "ahead"),
    [
        pytest.param(ALWAYS, timedelta(0), True, False, id="constant"),
        pytest.param(PRESENT, timedelta(0), True, False, id="present"),
        pytest.param(Horizon.ahead(rows=-2, time=-DAY), timedelta(0), True, False, id="past"),
        pytest.param(Horizon.ahead(time=DAY), timedelta(0), False, True, id="a day ahead"),
        pytest.param(Horizon.ahead(time=DAY), DAY, True, True, id="a day ahead with a day of slack"),
        pytest.param(Horizon.ahead(rows=-1, time=DAY), timedelta(0), False, False, id="spacing decides"),
        pytest.param(WHOLE_SAMPLE, 9 * DAY, False, True, id="no slack covers the whole sample"),
    ],
)
def test_clean_and_ahead_leave_room_for_doubt(horizon, slack, clean, ahead):
    assert (horizon.within(slack), horizon.is_ahead) == (clean, ahead)


def test_a_value_tells_the_path_of_its_furthest_reach():
    lagged = value_of(PRESENT, Move(says="df.x")).after(Hop(rows=-1), Move(says="lag(1)"))
    scaled = value_of(PRESENT, Move(says="df.x")).after(EVERY_ROW, Move(says="mean()"))
    assert (lagged | scaled).path == (Move(says="df.x"), Move(says="mean()"))
    assert dict((lagged | scaled).trails).keys() == {WHOLE}


@pytest.mark.parametrize(
    ("time", "text"),
    [
        (DAY, "24 hours"),
        (7 * DAY, "7 days"),
        (DAY / 2, "12 hours"),
        (DAY / 16, "90 minutes"),
        (DAY / 24, "1 hour"),
    ],
)
def test_durations_read_in_their_largest_even_unit(time, text):
    assert duration_text(time) == text
