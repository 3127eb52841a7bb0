"""What is computed without a query is what DuckDB makes of the same expression, to the last bit."""

import ibis
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ibis import _

from nbprod.tracking.serving.compiled import Computed, Query, slots_of_text
from nbprod.tracking.serving.exact import exact

TYPES = {
    "n": "int64",
    "m": "int64",
    "x": "float64",
    "y": "float64",
    "at": "timestamp(6)",
    "then": "timestamp(6)",
}
MOMENTS = st.integers(-(10**16), 4 * 10**15)
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "n": st.none() | st.integers(-(2**63), 2**63 - 1) | st.integers(-9, 9),
            "m": st.none() | st.integers(-9, 9),
            "x": st.none() | st.floats(allow_nan=False, allow_infinity=False) | st.floats(-9, 9),
            "y": st.none() | st.sampled_from([-0.0, 0.0, 0.5, 1.5, 2.5, -2.5, 1e300]),
            "at": st.none() | MOMENTS,
            "then": st.none() | MOMENTS,
        }
    ),
    min_size=1,
    max_size=8,
)
NONE = dict.fromkeys(TYPES)
EXPRESSIONS = {
    "sums of whole numbers": _.m + 3 - _.m * 2,
    "sums of doubles": _.x + _.y * 0.1 - 3,
    "a whole number less a double": 2013 - _.x,
    "a share": (_.n.coalesce(0) - _.m.coalesce(1)) / _.m.nullif(0),
    "a share of doubles": _.x / _.y.nullif(0),
    "a double made whole": _.y.cast("int64"),
    "a whole number made double": _.n.cast("float64") / 3,
    "floors": (_.x / 7).floor(),
    "the hour and the minute": _.at.hour() * 60 + _.at.minute(),
    "the day of the week": _.at.day_of_week.index(),
    "minutes between": ((_.at.epoch_seconds() - _.then.epoch_seconds()) / 60).floor(),
    "hours earlier": (_.at - ibis.interval(hours=6)).hour(),
    "days later": _.at + ibis.interval(days=21) > _.then,
    "whole numbers compared": _.n >= _.m,
    "doubles compared": _.x == _.y,
}


@pytest.fixture(scope="module")
def database():
    return ibis.duckdb.connect(threads=1)


@pytest.mark.parametrize("expression", EXPRESSIONS.values(), ids=EXPRESSIONS)
def test_a_value_is_that_of_duckdb_to_the_bit(database, expression):
    table = ibis.table(TYPES, name="given")
    compute = exact(table.select(value=expression).op().values["value"])
    known = {"n": 7, "m": 3, "x": 0.1, "y": 2.5, "at": 1_370_000_000_123_456, "then": 0}
    assert compute is not None
    assert asked(database, expression, [known]) == [repr(compute(known))]
    holds(database, expression, compute)


def holds(database, expression, compute):
    @settings(max_examples=30, deadline=None)
    @given(ROWS)
    def each_row(rows):
        sure = [(row, found) for row in rows if (found := tried(compute, row)) is not ...]
        assert [repr(found) for _, found in sure] == asked(database, expression, [row for row, _ in sure])

    each_row()


def tried(compute, row):
    """The value, `...` where it is left to the database."""
    try:
        return compute(row)
    except (ArithmeticError, ValueError):
        return ...


def asked(database, expression, rows):
    """What DuckDB itself gives for each row, before Ibis makes it fit its types."""
    if not rows:
        return []
    kinds = {
        name: pa.timestamp("us") if name in ("at", "then") else ibis.dtype(kind).to_pyarrow()
        for name, kind in TYPES.items()
    }
    arrow = pa.table({name: pa.array([row[name] for row in rows], kind) for name, kind in kinds.items()})
    given_table = database.create_table("given", arrow, overwrite=True)
    text = database.compile(given_table.select(value=expression))
    return [repr(value) for (value,) in database.con.execute(text).fetchall()]


def test_a_row_for_which_it_is_not_sure_is_asked_of_the_database(database):
    share = exact(ibis.table(TYPES, name="given").select(value=_.n / _.m).op().values["value"])
    slots = slots_of_text({"n": ibis.dtype("int64"), "m": ibis.dtype("int64")})
    database.con.execute(f"prepare share as with given as ({slots}) select n / m from given")  # noqa: S608 - our own words
    query = Query(name="share", takes=("n", "m"), gives=("share",))
    computed = Computed(here=(("share", share),), rest=None, whole=query)
    given = [computed.values({"n": 1, "m": by}, database.con)["share"] for by in (4, 0)]
    assert [repr(one) for one in given] == asked(
        database, _.n / _.m, [NONE | {"n": 1, "m": by} for by in (4, 0)]
    )


LEFT = {
    "text": _.s.upper(),
    "a function of the C library": _.x.exp(),
    "months": _.at - ibis.interval(months=1),
    "a decimal": _.d + 1,
    "a narrow double": _.f + 1,
    "the year": _.at.year(),
    "a part of what is left": _.x.exp() + 1,
}


@pytest.mark.parametrize("expression", LEFT.values(), ids=LEFT)
def test_what_may_come_out_otherwise_is_left_to_the_database(expression):
    table = ibis.table({**TYPES, "s": "string", "d": "decimal(9, 2)", "f": "float32"}, name="given")
    assert exact(table.select(value=expression).op().values["value"]) is None
