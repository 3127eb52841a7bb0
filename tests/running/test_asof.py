"""As-of joins said in windows give what DuckDB's own as-of join gives."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

ibis = pytest.importorskip("ibis")

from ibis.common.exceptions import UnsupportedOperationError  # noqa: E402

from nbprod.running.asof import without_asof  # noqa: E402

ROWS = 200


def minutes(chance, count):
    return pd.to_datetime("2013-01-01") + pd.to_timedelta(chance.integers(0, 400, count), unit="min")


@pytest.fixture(scope="module")
def tables():
    chance = np.random.default_rng(7)
    keys = np.array([*"abc", None], dtype=object)
    asked = pd.DataFrame({"id": range(ROWS), "t": minutes(chance, ROWS), "k": chance.choice(keys, ROWS)})
    known = pd.DataFrame({"t": minutes(chance, ROWS), "k": chance.choice(keys, ROWS), "v": range(ROWS)})
    # Of rows with one key and time a join may take any: here there is only one.
    known = known.drop_duplicates(["t", "k"])
    known["w"] = known["v"].where(known["v"] % 3 > 0) / 2
    names = pd.DataFrame({"k": list("abcd"), "name": ["one", "two", None, "four"]})
    connection = ibis.duckdb.connect()
    return [
        connection.create_table(name, rows)
        for name, rows in (("asked", asked), ("known", known), ("names", names))
    ]


def two_in_a_row(asked, known):
    later = known.view()
    before = asked.asof_join(
        known, on=asked.t >= known.t, predicates=[asked.k == known.k], rname="{name}_before"
    )
    return before.asof_join(
        later, on=asked.t < later.t, predicates=[asked.k == later.k], rname="{name}_after"
    )


JOINS = {
    "the last before or at the same time": lambda f, r, _: f.asof_join(r, on=f.t >= r.t, predicates=["k"]),
    "the last before": lambda f, r, _: f.asof_join(r, on=f.t > r.t, predicates=["k"]),
    "the first after or at the same time": lambda f, r, _: f.asof_join(r, on=f.t <= r.t, predicates=["k"]),
    "the first after": lambda f, r, _: f.asof_join(r, on=f.t < r.t, predicates=["k"]),
    "the sides of the comparison exchanged": lambda f, r, _: f.asof_join(r, on=r.t <= f.t, predicates=["k"]),
    "no key": lambda f, r, _: f.asof_join(r.distinct(on="t"), on="t"),
    "a time that is computed": lambda f, r, _: f.mutate(t=f.t - ibis.interval(minutes=9)).asof_join(
        r, on="t", predicates=["k"]
    ),
    "a key that is computed": lambda f, r, _: f.asof_join(
        r, on=f.t >= r.t, predicates=[f.k.upper() == r.k.upper()]
    ),
    "used further": lambda f, r, _: (
        f.asof_join(r, on="t", predicates=["k"])
        .mutate(w=ibis._.w.fill_null(0), before=ibis._.t - ibis._.t_right)
        .filter(ibis._.w >= 0)
    ),
    "a tolerance": lambda f, r, _: f.asof_join(
        r, on="t", predicates=["k"], tolerance=ibis.interval(minutes=5)
    ).select("id", "v"),
    "a join before it": lambda f, r, n: f.left_join(n, "k", rname="{name}_n").asof_join(
        r, on=f.t >= r.t, predicates=[f.k == r.k]
    ),
    "a join after it": lambda f, r, n: f.asof_join(r, on="t", predicates=["k"]).left_join(
        n, f.k == n.k, rname="{name}_n"
    ),
    "a semi join before it": lambda f, r, n: f.semi_join(n, "k").asof_join(r, on="t", predicates=["k"]),
    "two in a row": lambda f, r, n: two_in_a_row(f, r).left_join(n, f.k == n.k, rname="{name}_n"),
    "itself": lambda _f, r, _n: r.rename(id="v").asof_join(r, on="t", predicates=["k"]),
}


@pytest.mark.parametrize("joined", JOINS.values(), ids=JOINS)
def test_windows_give_what_the_join_gives(joined, tables):
    expression = joined(*tables)
    pd.testing.assert_frame_equal(rows_of(without_asof(expression.op()).to_expr()), rows_of(expression))


def rows_of(expression):
    rows = expression.order_by("id").to_pandas()
    return rows.astype(object).where(rows.notna(), None)


@pytest.mark.parametrize("order", ["__ge__", "__lt__"])
def test_a_time_that_is_missing_meets_nothing(order):
    # DuckDB takes a missing time for the latest of all and gives it the last row.
    times = pd.to_datetime(["2013-01-01", None])
    asked, known = (ibis.memtable(pd.DataFrame({"t": times, name: [1, 2]})) for name in ("id", "v"))
    joined = asked.asof_join(known, on=getattr(asked.t, order)(known.t))
    found = rows_of(without_asof(joined.op()).to_expr())
    assert list(found["v"]) == [1 if order == "__ge__" else None, None]


def test_what_has_no_such_join_stays_as_it_is(tables):
    asked, _, names = tables
    expression = asked.left_join(names, "k").op()
    assert without_asof(expression) == expression


def test_two_comparisons_by_order_are_refused(tables):
    asked, known, _ = tables
    expression = asked.asof_join(known, on=asked.t >= known.t, predicates=[asked.id >= known.v])
    with pytest.raises(UnsupportedOperationError, match="by GreaterEqual"):
        without_asof(expression.op())


moments = st.integers(0, 6)


@settings(max_examples=15, deadline=None)
@given(asked=st.lists(moments, min_size=1, max_size=8), known=st.lists(moments, min_size=1, max_size=8))
def test_the_last_value_so_far_is_that_of_pandas(asked, known):
    left = pd.DataFrame({"t": sorted(asked), "id": range(len(asked))})
    right = pd.DataFrame({"t": sorted(set(known))}).assign(v=lambda rows: rows["t"] * 10)
    joined = ibis.memtable(left).asof_join(ibis.memtable(right), on="t")
    found = without_asof(joined.op()).to_expr().order_by("id").to_pandas()["v"]
    expected = pd.merge_asof(left, right, on="t")["v"]
    assert found.astype(float).equals(expected.astype(float))
