"""Ibis expressions: their horizons by table, every operation accounted for, and no proof that replay contradicts."""

from __future__ import annotations

import inspect
import os

import ibis
import ibis.expr.operations as ops
import programs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ibis import _
from ibis.common.collections import FrozenOrderedDict

from nbprod.leakage.declared import Declared
from nbprod.leakage.expressions import horizon_of_expression, treatment_of

TRIPS = ibis.table(
    {
        "trip": "int64",
        "start": "timestamp",
        "stop": "timestamp",
        "zone": "string",
        "driver": "string",
        "fare": "float64",
        "tip": "float64",
        "late": "boolean",
    },
    name="trips",
)
NOTICES = ibis.table({"issued": "timestamp", "zone": "string", "level": "int64"}, name="notices")
ZONES = ibis.table({"zone": "string", "borough": "string", "km2": "float64"}, name="zones")
DECLARED = Declared(time="start", entity=("driver",), known=(("tip", "stop"),), labels=("late",))

t, n, z = TRIPS, NOTICES, ZONES


def hours(count):
    return ibis.interval(hours=count)


def own(**frame):
    return ibis.window(group_by="driver", order_by="start", **frame)


def mutated(value):
    return t.mutate(f=value)


def daily():
    return t.group_by(day=t.start.truncate("D"), driver=t.driver).agg(total=t.fare.sum())


def lagged_daily():
    return daily().mutate(f=_.total.lag(1).over(group_by="driver", order_by="day"))


def near(*predicates):
    other = t.view().select(at="start", who="driver", paid="fare", was_late="late")
    return t.left_join(other, [p(other) for p in predicates]).group_by("trip", "start").agg(f=_.paid.mean())


def ended():
    other = t.view().select(end="stop", where="zone", paid="tip")
    joined = t.left_join(other, [other.end <= t.start, other.where == t.zone])
    return joined.group_by("trip", "start").agg(f=_.paid.mean())


CASES = [
    # rows
    ("a lead", mutated(t.fare.lead().over(own())), "1 row ahead within driver"),
    ("a lag", mutated(t.fare.lag().over(own())), "present"),
    ("a negative lag", mutated(t.fare.lag(-2).over(own())), "2 rows ahead within driver"),
    ("a lag whose offset is computed", mutated(t.fare.lag(ibis.literal(1) - 3).over(own())), "2 rows ahead within driver"),
    ("a lead in descending time", mutated(t.fare.lead(2).over(group_by="driver", order_by=_.start.desc())), "present"),
    ("a lag in descending time", mutated(t.fare.lag(2).over(group_by="driver", order_by=_.start.desc())), "2 rows ahead within driver"),
    ("a lag in the order of fares", mutated(t.fare.lag().over(group_by="driver", order_by="fare")), "the whole sample"),
    ("a lag by driver, then time, without groups", mutated(t.fare.lag().over(order_by=["driver", "start"])), "the whole sample"),
    ("the same with the driver as group too", mutated(t.fare.lag().over(group_by="driver", order_by=["driver", "start"])), "present"),
    ("a label", mutated(t.late), "1 row ahead within driver"),
    ("a label, lagged within its entity", mutated(t.late.lag().over(own())), "present"),
    ("a label, lagged across entities", mutated(t.late.lag().over(order_by="start")), "1 row ahead"),
    ("a lead, lagged twice", mutated(t.fare.lead().over(own())).mutate(f=_.f.lag(2).over(own())), "present"),
    ("a lead of a lag of two", mutated(t.fare.lag(1).over(own())).mutate(f=_.f.lead(3).over(own())), "3 rows ahead within driver"),  # that there is such a row
    # frames
    ("a centred frame", mutated(t.fare.mean().over(own(preceding=2, following=2))), "2 rows ahead within driver"),
    ("a trailing frame", mutated(t.fare.mean().over(own(rows=(-6, 0)))), "present"),
    ("a frame that ends a row ago", mutated(t.late.mean().over(own(rows=(-6, -1)))), "present"),
    ("a label's frame up to now", mutated(t.late.mean().over(own(rows=(-6, 0)))), "1 row ahead within driver"),
    ("an order without a frame", mutated(t.fare.mean().over(own())), "the whole sample"),
    ("an open end", mutated(t.fare.sum().over(own(rows=(0, None)))), "the whole sample"),
    ("a cumulative window", mutated(t.fare.max().over(ibis.cumulative_window(group_by="driver", order_by="start"))), "present"),
    ("a trailing range", mutated(t.fare.sum().over(ibis.trailing_range_window(hours(6), group_by="driver", order_by="start"))), "present"),
    ("a range ahead", mutated(t.fare.sum().over(ibis.range_window(preceding=hours(1), following=hours(3), order_by="start"))), "3 hours ahead"),
    ("a trailing frame in descending time", mutated(t.fare.sum().over(ibis.window(rows=(-3, 0), group_by="driver", order_by=_.start.desc()))), "3 rows ahead within driver"),
    ("a frame within the same moment", mutated(t.fare.mean().over(group_by="start")), "present"),
    ("a frame within the same day", mutated(t.fare.mean().over(group_by=t.start.date())), "24 hours ahead"),
    ("a group without order", mutated(t.fare - t.fare.mean().over(group_by="zone")), "the whole sample"),
    # ranks and picks
    ("a row number in time", mutated(ibis.row_number().over(own())), "present"),
    ("a rank of values", mutated(t.fare.rank()), "the whole sample"),
    ("a rank within the same moment", mutated(ibis.rank().over(group_by="start", order_by="fare")), "present"),
    ("a share of the group's size", mutated(ibis.percent_rank().over(own())), "the whole sample"),
    ("a bucket of equal counts", mutated(ibis.ntile(4).over(order_by="fare")), "the whole sample"),
    ("fixed bins", mutated(t.fare.bucket([0, 5, 10, 50])), "present"),
    ("the first time of a group", mutated(t.start.min().over(group_by="driver")), "present"),
    ("the last time of a group", mutated(t.start.max().over(group_by="driver")), "the whole sample"),
    # whole-sample statistics
    ("a bare mean", mutated(t.fare - t.fare.mean()), "the whole sample"),
    ("gaps filled by the mean", mutated(t.fare.fill_null(t.fare.mean())), "the whole sample"),
    ("gaps filled by a constant", mutated(t.fare.fill_null(0)), "present"),
    ("a mean of a fixed past period", mutated(t.fare - t.filter(t.start < "2024-03-01").fare.mean().as_scalar()), "present"),
    ("a table of a fixed past period", t.left_join(t.filter(_.start < "2024-03-01").group_by("zone").agg(f=_.fare.mean()), "zone"), "present"),
    ("a total joined back", t.left_join(t.group_by("zone").agg(f=_.fare.sum()), "zone"), "the whole sample"),
    ("a fill forward by spells", t.mutate(g=t.fare.count().over(own(rows=(None, 0)))).mutate(f=_.fare.max().over(group_by=["driver", "g"])), "present"),
    ("a fill backward by spells", t.mutate(g=t.fare.count().over(own(rows=(0, None)))).mutate(f=_.fare.max().over(group_by=["driver", "g"])), "the whole sample"),
    # known-at
    ("a value known at the trip's end", mutated(t.tip), "known only from 'stop' on"),
    ("a mean of such values of earlier trips", mutated(t.tip.mean().over(own(rows=(-6, -1)))), "known only from 'stop' on"),
    ("such values of trips that had ended", ended(), "present"),
    # joins
    ("a static table", t.left_join(z, "zone").mutate(f=_.km2), "present"),
    ("the last notice so far", t.asof_join(n.drop("zone"), t.start >= n.issued).mutate(f=_.level), "present"),
    ("the next notice", t.asof_join(n.drop("zone"), t.start <= n.issued).mutate(f=_.level), "the whole sample"),
    ("every notice of the zone", t.left_join(n, "zone").mutate(f=_.level), "the whole sample"),
    ("notices of the zone so far", t.left_join(n, [t.zone == n.zone, n.issued <= t.start]).mutate(f=_.level), "present"),
    ("the same, said by a later filter", t.join(n, "zone").filter(_.issued <= _.start).mutate(f=_.level), "present"),
    ("a later filter that lets a day pass", t.join(n, "zone").filter(_.issued <= _.start + hours(24)).mutate(f=_.level), "24 hours ahead"),
    ("trips up to three hours later", near(lambda o: o.at >= t.start, lambda o: o.at <= t.start + hours(3)), "3 hours ahead"),
    ("trips of the three hours before", near(lambda o: o.at.between(t.start - hours(3), t.start)), "present"),
    ("trips of earlier days", near(lambda o: o.at.date() < t.start.date()), "present"),
    ("trips of the same day", near(lambda o: o.at.date() == t.start.date()), "24 hours ahead"),
    ("notices that exist so far", t.filter((n.issued <= t.start).any()).mutate(f=_.fare), "present"),
    ("trips whose zone ever had a notice", t.semi_join(n, "zone").mutate(f=_.fare), "the whole sample"),
    ("trips whose zone had one by then", t.semi_join(n, [t.zone == n.zone, n.issued <= t.start]).mutate(f=_.fare), "present"),
    # calendar units
    ("a day's total, keyed by the day", t.group_by(start=t.start.truncate("D")).agg(f=_.fare.sum()), "24 hours ahead"),
    ("a day's total, keyed by the next", t.group_by(start=t.start.truncate("D") + ibis.interval(days=1)).agg(f=_.fare.sum()), "present"),
    ("buckets of six hours", t.group_by(start=t.start.bucket(hours=6)).agg(f=_.fare.sum()), "6 hours ahead"),
    ("yesterday's total, joined on the day", t.mutate(day=t.start.truncate("D")).left_join(lagged_daily(), ["day", "driver"]), "present"),
    ("today's total, joined on the day", t.mutate(day=t.start.truncate("D")).left_join(daily().rename(f="total"), ["day", "driver"]), "24 hours ahead"),
    ("last month's total", t.mutate(m=t.start.truncate("M") - ibis.interval(months=1)).left_join(t.group_by(m=t.start.truncate("M")).agg(f=_.fare.sum()), "m"), "present"),
    # rows' existence
    ("the first rows in time", t.order_by("start").limit(9).mutate(f=_.fare), "present"),
    ("the last rows in time", t.order_by(ibis.desc("start")).limit(9).mutate(f=_.fare), "the whole sample"),
    ("distinct zones", t.select(f="zone").distinct(), "the whole sample"),
    ("rows of zones with many trips", t.mutate(f=_.fare).filter(_.count().over(group_by="zone") > 20), "the whole sample"),
    ("rows above the mean so far", t.mutate(f=_.fare).filter(_.fare > _.fare.mean().over(own(rows=(None, 0)))), "present"),
    ("two parts of a table", t.filter(_.fare > 1).union(t.filter(_.fare <= 1)).mutate(f=_.fare), "present"),
    ("an array unnested", t.mutate(f=ibis.array([t.fare, t.fare + 1]).unnest()), "present"),
    ("rows without gaps", t.drop_null(["fare"]).mutate(f=_.fare), "present"),
    # how people write it
    ("grouped mutate with an order", t.group_by("driver").order_by("start").mutate(f=_.fare.lead()), "1 row ahead within driver"),
    ("a selector over several columns", t.mutate(ibis.selectors.across(["fare"], {"f": lambda c: c - c.mean()}, names="f")), "the whole sample"),
    ("the time of running", mutated(ibis.now().epoch_seconds() - t.start.epoch_seconds()), "the whole sample"),
    ("a pivot by group", t.pivot_wider(id_cols="driver", names_from="zone", names=["u"], values_from="fare", values_agg="sum").rename(f="u"), "the whole sample"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("expr", "expected"), [pytest.param(expr, text, id=name) for name, expr, text in CASES]
)
def test_the_horizon_of_a_feature_is_read_off_its_tree(expr, expected):
    judged = horizon_of_expression(expr, DECLARED)
    value = judged.within("f")
    assert (_named(value), value.proved) == (expected, True)


def _named(value):
    return "present" if value.horizon.within() else str(value.horizon)


@pytest.mark.parametrize(
    ("expr", "why"),
    [
        pytest.param(mutated(t.fare.lag(t.trip).over(own())), "offset of a column", id="an offset that the data tell"),
        pytest.param(t.sample(0.5).mutate(f=_.fare), "random rows", id="a sample"),
        pytest.param(mutated(ibis.random()), "random numbers", id="random numbers"),
        pytest.param(mutated(t.fare.first().over(group_by="driver", order_by="start")), "nulls", id="first, nulls or not"),
        pytest.param(t.outer_join(z, "zone").mutate(f=_.km2), "rows without a time", id="an outer join"),
    ],
)  # fmt: skip
def test_what_is_not_understood_is_neither_clean_nor_a_leak(expr, why):
    value = horizon_of_expression(expr, DECLARED).within("f")
    assert (value.proved, value.is_clean, value.horizon.is_whole) == (False, False, False), why


def test_an_opaque_function_is_unproved():
    @ibis.udf.scalar.builtin
    def mangle(x: float) -> float: ...

    value = horizon_of_expression(mutated(mangle(t.fare)), DECLARED).within("f")
    assert (value.proved, value.is_clean, str(value.horizon)) == (False, False, "present")


def test_a_finding_can_tell_the_path():
    leak = mutated(t.fare.lead(2).over(own())).mutate(f=_.f * 2)
    value = horizon_of_expression(leak, DECLARED).columns["f"]
    assert [move.says for move in value.path] == ["trips.fare", "lead(2) within driver"]
    assert value.sources >= {"trips.fare", "trips.start"}


def test_a_column_expression_is_judged_as_its_table():
    assert (
        str(horizon_of_expression(t.fare.lead().over(own()), DECLARED).horizon) == "1 row ahead within driver"
    )


def test_what_is_no_expression_is_refused():
    with pytest.raises(TypeError, match="is not an Ibis expression"):
        horizon_of_expression("SELECT 1")


def test_every_operation_of_ibis_is_handled_or_named_as_unbounded():
    classes = {
        name: kind for name, kind in vars(ops).items() if inspect.isclass(kind) and issubclass(kind, ops.Node)
    }
    treated = {name: treatment_of(kind) for name, kind in classes.items()}
    unbounded = {name for name, treatment in treated.items() if treatment == "unbounded"}
    assert len(treated) > 350
    assert unbounded == {"WindowAggregate"}


def test_an_operation_that_nobody_knows_is_unbounded():
    class Prophecy(ops.Relation):
        parent: ops.Relation
        values = FrozenOrderedDict()

        @property
        def schema(self):
            return self.parent.schema

    judged = horizon_of_expression(Prophecy(t.op()).to_expr(), DECLARED)
    assert (judged.within("fare").proved, judged.within("fare").horizon.is_whole) == (False, True)


EXAMPLES = int(os.environ.get("NBPROD_PROGRAMS", "40"))


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
    database=None,
)
@given(st.booleans(), st.data())
def test_no_proof_is_contradicted_by_replay(panel, data):
    """Random programs; set NBPROD_PROGRAMS for more of them."""
    expr = data.draw(programs.programs())
    judged = horizon_of_expression(expr, programs.declared(panel=panel))
    clean = [name for name in judged.columns if name[0] == "f" and judged.within(name, "ts").is_clean]
    replay = programs.oracle(panel=panel).replay(ibis.to_sql(expr, dialect="duckdb")) if clean else None
    for name in clean:
        since = programs.TRAINED if judged.within(name).settled else None
        columns = ["ts", *(key for key in ("id", "store") if key in judged.columns), name]
        assert replay.divergences(columns, since=since) == [], name
