# ruff: noqa: S608 - the queries are only read
"""SQL: its horizons by table, and agreement with the Ibis expressions that it was compiled from."""

from __future__ import annotations

import ibis
import programs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nbprod.leakage.declared import Declared
from nbprod.leakage.expressions import horizon_of_expression
from nbprod.leakage.relations import table
from nbprod.leakage.sql import horizon_of_sql

SCHEMAS = {
    "reads": {
        "meter": "VARCHAR",
        "at": "TIMESTAMP",
        "sent": "TIMESTAMP",
        "kwh": "DOUBLE",
        "volt": "DOUBLE",
        "fault": "BOOLEAN",
        "plan": "VARCHAR",
    },
    "tariffs": {"plan": "VARCHAR", "since": "TIMESTAMP", "cents": "DOUBLE"},
    "meters": {"meter": "VARCHAR", "town": "VARCHAR"},
}
DECLARED = Declared(time="at", entity=("meter",), known=(("volt", "sent"),), labels=("fault",))

PER_METER = "OVER (PARTITION BY meter ORDER BY at"

CASES = [
    # rows
    ("lead", f"SELECT *, lead(kwh) {PER_METER}) AS f FROM reads", "1 row ahead within meter"),
    ("lag", f"SELECT *, lag(kwh, 3) {PER_METER}) AS f FROM reads", "present"),
    ("negative lag", f"SELECT *, lag(kwh, -3) {PER_METER}) AS f FROM reads", "3 rows ahead within meter"),
    ("lead in descending time", "SELECT *, lead(kwh) OVER (PARTITION BY meter ORDER BY at DESC) f FROM reads", "present"),
    ("lag in the order of values", "SELECT *, lag(kwh) OVER (PARTITION BY meter ORDER BY kwh) AS f FROM reads", "the whole sample"),
    ("lag across meters", "SELECT *, lag(kwh) OVER (ORDER BY meter, at) AS f FROM reads", "the whole sample"),
    ("label", "SELECT at, fault AS f FROM reads", "1 row ahead within meter"),
    ("label, lagged", f"SELECT *, lag(fault) {PER_METER}) AS f FROM reads", "present"),
    ("lead, lagged in a common table expression", f"WITH a AS (SELECT *, lead(kwh) {PER_METER}) AS n FROM reads) SELECT *, lag(n, 1) {PER_METER}) AS f FROM a", "present"),
    ("lead within a named window", "SELECT *, lead(kwh, 2) OVER w AS f FROM reads WINDOW w AS (PARTITION BY meter ORDER BY at)", "2 rows ahead within meter"),
    # frames
    ("the default frame ends at the current row", f"SELECT *, sum(kwh) {PER_METER}) AS f FROM reads", "present"),
    ("no order, no end", "SELECT *, sum(kwh) OVER (PARTITION BY meter) AS f FROM reads", "the whole sample"),
    ("an empty window", "SELECT *, kwh / max(kwh) OVER () AS f FROM reads", "the whole sample"),
    ("rows around", f"SELECT *, avg(kwh) {PER_METER} ROWS BETWEEN 2 PRECEDING AND 1 FOLLOWING) AS f FROM reads", "1 row ahead within meter"),
    ("short form of a trailing frame", f"SELECT *, avg(kwh) {PER_METER} ROWS 2 PRECEDING) AS f FROM reads", "present"),
    ("a frame to the end", f"SELECT *, avg(kwh) {PER_METER} ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS f FROM reads", "the whole sample"),
    ("a range ahead", f"SELECT *, avg(kwh) {PER_METER} RANGE BETWEEN CURRENT ROW AND INTERVAL 90 MINUTE FOLLOWING) AS f FROM reads", "90 minutes ahead"),
    ("a range back", f"SELECT *, avg(kwh) {PER_METER} RANGE BETWEEN INTERVAL '2 days' PRECEDING AND INTERVAL '1 hour' PRECEDING) AS f FROM reads", "present"),
    ("first value", f"SELECT *, first_value(kwh) {PER_METER}) AS f FROM reads", "present"),
    ("last value of the default frame", f"SELECT *, last_value(kwh) {PER_METER}) AS f FROM reads", "present"),
    ("last value of the whole frame", f"SELECT *, last_value(kwh) {PER_METER} ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS f FROM reads", "the whole sample"),
    ("first value of the whole frame", f"SELECT *, first_value(kwh) {PER_METER} ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS f FROM reads", "present"),
    ("fill forward", f"SELECT *, last_value(kwh IGNORE NULLS) {PER_METER} ROWS UNBOUNDED PRECEDING) AS f FROM reads", "present"),
    ("fill backward", f"SELECT *, first_value(kwh IGNORE NULLS) {PER_METER} ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS f FROM reads", "the whole sample"),
    ("the next value that is no null", f"SELECT *, lead(kwh IGNORE NULLS) {PER_METER}) AS f FROM reads", "the whole sample"),
    ("the last value that was no null", f"SELECT *, lag(kwh IGNORE NULLS) {PER_METER}) AS f FROM reads", "present"),
    ("row number", f"SELECT *, row_number() {PER_METER}) AS f FROM reads", "present"),
    ("share of rows", f"SELECT *, cume_dist() {PER_METER}) AS f FROM reads", "the whole sample"),
    ("rank at one moment", "SELECT *, rank() OVER (PARTITION BY at ORDER BY kwh DESC) AS f FROM reads", "present"),
    # known-at
    ("a value that is sent later", "SELECT *, volt AS f FROM reads", "known only from 'sent' on"),
    ("values that had been sent", "SELECT a.at, (SELECT avg(b.volt) FROM reads b WHERE b.meter = a.meter AND b.sent <= a.at) AS f FROM reads a", "present"),
    ("earlier values, sent or not", "SELECT a.at, (SELECT avg(b.volt) FROM reads b WHERE b.meter = a.meter AND b.at < a.at) AS f FROM reads a", "known only from 'sent' on"),
    # subqueries
    ("a mean of all rows", "SELECT *, coalesce(kwh, (SELECT avg(kwh) FROM reads)) AS f FROM reads", "the whole sample"),
    ("a mean of a fixed past period", "SELECT *, coalesce(kwh, (SELECT avg(kwh) FROM reads WHERE at < DATE '2024-06-01')) AS f FROM reads", "present"),
    ("a mean of the plan's rows so far", "SELECT *, (SELECT avg(b.kwh) FROM reads b WHERE b.plan = a.plan AND b.at < a.at) AS f FROM reads a", "present"),
    ("a mean of the plan's labels so far", "SELECT *, (SELECT avg(b.fault::INT) FROM reads b WHERE b.meter = a.meter AND b.at < a.at) AS f FROM reads a", "present"),
    ("the same across meters", "SELECT *, (SELECT avg(b.fault::INT) FROM reads b WHERE b.plan = a.plan AND b.at < a.at) AS f FROM reads a", "1 row ahead"),
    ("whether one exists later", "SELECT *, EXISTS (SELECT 1 FROM tariffs t WHERE t.plan = a.plan AND t.since > a.at) AS f FROM reads a", "the whole sample"),
    ("whether one exists so far", "SELECT *, EXISTS (SELECT 1 FROM tariffs t WHERE t.plan = a.plan AND t.since <= a.at) AS f FROM reads a", "present"),
    ("membership in all rows", "SELECT *, plan IN (SELECT plan FROM tariffs) AS f FROM reads", "the whole sample"),
    ("membership in a static table", "SELECT *, meter IN (SELECT meter FROM meters) AS f FROM reads", "present"),
    ("the next tariff, laterally", "SELECT a.*, l.cents AS f FROM reads a LEFT JOIN LATERAL (SELECT t.cents FROM tariffs t WHERE t.since > a.at ORDER BY t.since LIMIT 1) l ON true", "the whole sample"),
    ("the last tariff, laterally", "SELECT a.*, l.cents AS f FROM reads a LEFT JOIN LATERAL (SELECT t.cents FROM tariffs t WHERE t.since <= a.at ORDER BY t.since DESC LIMIT 1) l ON true", "present"),
    # joins
    ("a static table", "SELECT r.*, m.town AS f FROM reads r LEFT JOIN meters m USING (meter)", "present"),
    ("as of the tariff so far", "SELECT r.*, t.cents AS f FROM reads r ASOF LEFT JOIN tariffs t ON r.plan = t.plan AND r.at >= t.since", "present"),
    ("as of the tariff to come", "SELECT r.*, t.cents AS f FROM reads r ASOF JOIN tariffs t ON r.plan = t.plan AND r.at <= t.since", "the whole sample"),
    ("an hour ahead", "SELECT a.*, b.kwh AS f FROM reads a LEFT JOIN reads b ON b.meter = a.meter AND b.at = a.at + INTERVAL 1 HOUR", "1 hour ahead"),
    ("an hour ago", "SELECT a.*, b.kwh AS f FROM reads a LEFT JOIN reads b ON b.meter = a.meter AND a.at = b.at + INTERVAL '1 hour'", "present"),
    ("days apart, by date_diff", "SELECT a.at, avg(b.kwh) AS f FROM reads a JOIN reads b ON a.meter = b.meter AND date_diff('day', b.at, a.at) BETWEEN 1 AND 7 GROUP BY a.at, a.meter", "present"),
    ("days apart, either way", "SELECT a.at, avg(b.kwh) AS f FROM reads a JOIN reads b ON a.meter = b.meter AND abs(date_diff('hour', b.at, a.at)) < 3 GROUP BY a.at, a.meter", "3 hours ahead"),
    ("an old-style join", "SELECT a.*, b.kwh AS f FROM reads a, reads b WHERE a.meter = b.meter AND b.at BETWEEN a.at - INTERVAL 1 DAY AND a.at", "present"),
    ("only a lower bound", "SELECT a.*, b.kwh AS f FROM reads a JOIN reads b ON a.meter = b.meter AND b.at >= a.at - INTERVAL 1 DAY", "the whole sample"),
    ("a right join", "SELECT r.*, t.cents AS f FROM tariffs t RIGHT JOIN reads r ON t.plan = r.plan AND t.since <= r.at", "present"),
    ("a semi join on a static table", "SELECT r.*, r.kwh AS f FROM reads r SEMI JOIN meters m ON r.meter = m.meter", "present"),
    ("an anti join on all tariffs", "SELECT r.*, r.kwh AS f FROM reads r ANTI JOIN tariffs t ON r.plan = t.plan", "the whole sample"),
    # groups
    ("a day's sum by its start", "SELECT date_trunc('day', at) AS at, sum(kwh) AS f FROM reads GROUP BY 1", "24 hours ahead"),
    ("a day's sum by its end", "SELECT date_trunc('day', at) + INTERVAL 1 DAY AS at, sum(kwh) AS f FROM reads GROUP BY ALL", "present"),
    ("an hour's sum by a cast", "SELECT at::DATE AS at, sum(kwh) AS f FROM reads GROUP BY at::DATE", "24 hours ahead"),
    ("last week's sum, joined", "SELECT r.*, w.s AS f FROM reads r LEFT JOIN (SELECT time_bucket(INTERVAL 7 DAY, at) AS b, sum(kwh) AS s FROM reads GROUP BY 1) w ON w.b = time_bucket(INTERVAL 7 DAY, r.at) - INTERVAL 7 DAY", "present"),
    ("this week's sum, joined", "SELECT r.*, w.s AS f FROM reads r LEFT JOIN (SELECT time_bucket(INTERVAL 7 DAY, at) AS b, sum(kwh) AS s FROM reads GROUP BY 1) w ON w.b = time_bucket(INTERVAL 7 DAY, r.at)", "7 days ahead"),
    ("the day's sum before, by whole days", "WITH d AS (SELECT at::DATE AS day, sum(kwh) AS s FROM reads GROUP BY 1) SELECT r.*, d.s AS f FROM reads r LEFT JOIN d ON d.day = r.at::DATE - 1", "present"),
    ("a total by meter", "SELECT r.*, t.s AS f FROM reads r JOIN (SELECT meter, sum(kwh) AS s FROM reads GROUP BY meter) t USING (meter)", "the whole sample"),
    ("the first time of a meter", "SELECT r.*, date_diff('day', t.s, r.at) AS f FROM reads r JOIN (SELECT meter, min(at) AS s FROM reads GROUP BY meter) t ON r.meter = t.meter", "present"),
    ("the newest reading of a meter", "SELECT r.*, t.s AS f FROM reads r JOIN (SELECT meter, arg_max(kwh, at) AS s FROM reads GROUP BY meter) t ON r.meter = t.meter", "the whole sample"),
    # existence
    ("rows above the mean of all", "SELECT *, kwh AS f FROM reads QUALIFY kwh > avg(kwh) OVER ()", "the whole sample"),
    ("rows above the mean so far", f"SELECT *, kwh AS f FROM reads QUALIFY kwh > avg(kwh) {PER_METER})", "present"),
    ("the first row of each meter", "SELECT DISTINCT ON (meter) at, kwh AS f FROM reads ORDER BY at", "present"),
    ("the last row of each meter", "SELECT DISTINCT ON (meter) at, kwh AS f FROM reads ORDER BY at DESC", "the whole sample"),
    ("the newest rows", "SELECT at, kwh AS f FROM reads ORDER BY at DESC LIMIT 9", "the whole sample"),
    ("both halves of a table", "SELECT at, kwh AS f FROM reads WHERE kwh > 1 UNION ALL SELECT at, volt + 1 FROM reads WHERE kwh <= 1", "known only from 'sent' on"),
    ("the first row of each meter, by its number, joined", "SELECT r.*, r.kwh - t.kwh AS f FROM reads r JOIN (SELECT meter, kwh FROM reads QUALIFY row_number() OVER (PARTITION BY meter ORDER BY at) = 1) t USING (meter)", "present"),
    ("the last row of each meter, by its number, joined", "SELECT r.*, r.kwh - t.kwh AS f FROM reads r JOIN (SELECT meter, kwh FROM reads QUALIFY row_number() OVER (PARTITION BY meter ORDER BY at DESC) = 1) t USING (meter)", "the whole sample"),
    ("the second row of each meter, joined", "SELECT r.*, t.kwh AS f FROM reads r JOIN (SELECT meter, kwh FROM reads QUALIFY row_number() OVER (PARTITION BY meter ORDER BY at) = 2) t USING (meter)", "the whole sample"),
    ("the first row of each meter, distinct on it, joined", "SELECT r.*, t.kwh AS f FROM reads r JOIN (SELECT DISTINCT ON (meter) meter, kwh FROM reads ORDER BY meter, at) t USING (meter)", "present"),
    ("the first row of each plan, joined by meter", "SELECT r.*, t.kwh AS f FROM reads r JOIN (SELECT DISTINCT ON (plan) plan, meter, kwh FROM reads ORDER BY plan, at) t USING (meter)", "the whole sample"),
    # spelling
    ("a label, but its own", f"SELECT *, avg(fault) {PER_METER} ROWS UNBOUNDED PRECEDING EXCLUDE CURRENT ROW) AS f FROM reads", "present"),
    ("an order by seconds", "SELECT *, lag(kwh) OVER (PARTITION BY meter ORDER BY epoch(at)) AS f FROM reads", "present"),
    ("a range of seconds ahead", "SELECT *, sum(kwh) OVER (PARTITION BY meter ORDER BY epoch(at) RANGE BETWEEN 60 PRECEDING AND 60 FOLLOWING) AS f FROM reads", "the whole sample"),
    ("a macro", "CREATE MACRO off(v, g) AS v - avg(v) OVER (PARTITION BY g); SELECT *, off(kwh, meter) AS f FROM reads", "the whole sample"),
    ("a macro in time", "CREATE MACRO off(v, g, o) AS v - avg(v) OVER (PARTITION BY g ORDER BY o); SELECT *, off(kwh, meter, at) AS f FROM reads", "present"),
    ("a macro of a macro", "CREATE MACRO n(v) AS lead(v) OVER (PARTITION BY meter ORDER BY at); CREATE MACRO d(v) AS n(v) - v; SELECT *, d(kwh) AS f FROM reads", "1 row ahead within meter"),
    ("a column filled under its own name", "WITH g AS (SELECT *, count(kwh) OVER (PARTITION BY meter ORDER BY at) AS spell FROM reads) SELECT at, max(kwh) OVER (PARTITION BY meter, spell) AS kwh, max(kwh) OVER (PARTITION BY meter, spell) AS f FROM g", "present"),
    ("the wall clock", "SELECT at, now() - at AS f FROM reads", "the whole sample"),
    ("capitals", "SELECT AT, LEAD(KWH) OVER (PARTITION BY METER ORDER BY AT) AS f FROM READS", "1 row ahead within meter"),
    ("everything but, and with another", "SELECT * EXCLUDE (plan) REPLACE (lead(kwh) OVER (PARTITION BY meter ORDER BY at) AS kwh), kwh AS f FROM reads", "present"),
    ("an alias used further on", f"SELECT at, lead(kwh) {PER_METER}) AS ahead, ahead - kwh AS f FROM reads", "1 row ahead within meter"),
    ("FROM first", f"FROM reads SELECT at, lead(kwh) {PER_METER}) AS f", "1 row ahead within meter"),
    ("a view made before", f"CREATE VIEW v AS SELECT *, lead(kwh) {PER_METER}) AS g FROM reads; SELECT *, g AS f FROM v", "1 row ahead within meter"),
]  # fmt: skip


def named(value):
    past = value.horizon.within()
    return "present" if past and "back" not in str(value.horizon) else str(value.horizon)


@pytest.mark.parametrize(
    ("text", "expected"), [pytest.param(text, want, id=name) for name, text, want in CASES]
)
def test_the_horizon_of_a_feature_is_read_off_the_query(text, expected):
    value = horizon_of_sql(text, DECLARED, schemas=SCHEMAS).within("f")
    assert (named(value), value.proved) == (expected, True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "SELECT *, lead(kwh) OVER (ORDER BY at) AS f FROM 'a/reads.parquet'", "1 row ahead", id="a lead"
        ),
        pytest.param(
            "SELECT *, avg(kwh) OVER (ORDER BY at) AS f FROM read_csv('x.csv')", "present", id="a mean so far"
        ),
        pytest.param("SELECT *, avg(fault) OVER (ORDER BY at) AS f FROM reads", "1 row ahead", id="a label"),
        pytest.param(
            "SELECT a.*, b.kwh AS f FROM reads a JOIN reads b ON b.at = a.at + INTERVAL 1 DAY",
            "24 hours ahead",
            id="join",
        ),
    ],
)
def test_tables_whose_columns_nobody_listed_are_read_too(text, expected):
    declared = Declared(time="at", labels=("fault",))
    assert named(horizon_of_sql(text, declared).columns["f"]) == expected


@pytest.mark.parametrize(
    ("feature", "earlier"),
    [
        pytest.param("lag(y, 2) OVER (ORDER BY at)", {"t.y"}, id="a lag"),
        pytest.param("avg(y) OVER (ORDER BY at ROWS BETWEEN 9 PRECEDING AND 1 PRECEDING)", {"t.y"}, id="rows before"),
        pytest.param("avg(y) OVER (ORDER BY at ROWS 9 PRECEDING)", set(), id="rows up to its own"),
        pytest.param("y - lag(y) OVER (ORDER BY at)", set(), id="a change"),
        pytest.param("lead(y) OVER (ORDER BY at)", set(), id="a lead"),
        pytest.param("(SELECT avg(b.y) FROM t b WHERE b.at < t.at)", {"t.y"}, id="all rows before"),
        pytest.param("(SELECT avg(b.y) FROM t b WHERE b.at <= t.at)", set(), id="all rows so far"),
    ],
)  # fmt: skip
def test_what_is_read_of_earlier_rows_alone_is_told(feature, earlier):
    judged = horizon_of_sql(f"SELECT at, {feature} AS f FROM t", Declared(time="at"))
    assert judged.earlier["f"] - {"t.at"} == earlier


def test_a_column_that_nobody_listed_is_named_in_the_path():
    value = horizon_of_sql(
        "SELECT *, lead(kwh) OVER (ORDER BY at) AS f FROM reads", Declared(time="at")
    ).columns["f"]
    assert ([move.says for move in value.path], value.sources) == (
        ["reads.kwh", "lead(1)"],
        {"reads.kwh", "reads.at"},
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("SELECT *, lead(x) OVER (PARTITION BY k ORDER BY dep_time) AS f FROM s", "1 row ahead within k", id="order"),
        pytest.param("SELECT *, lag(x) OVER (PARTITION BY k ORDER BY dep_time) AS f FROM s", "present", id="order back"),
        pytest.param("SELECT date_trunc('day', sold_at) AS d, sum(x) AS f FROM s GROUP BY 1", "24 hours ahead", id="name"),
    ],
)  # fmt: skip
def test_where_no_time_is_declared_the_query_tells_it(text, expected):
    assert named(horizon_of_sql(text).columns["f"]) == expected


def test_without_any_time_nothing_is_proved():
    assert not horizon_of_sql("SELECT x / max(x) OVER () AS f FROM s").within("f").proved


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("SELECT at, mangle(kwh) AS f FROM reads", id="an unknown function"),
        pytest.param("SELECT at, lag(kwh, plan) OVER (PARTITION BY meter ORDER BY at) AS f FROM reads", id="an offset by column"),
        pytest.param("SELECT at, kwh AS f FROM reads USING SAMPLE 10%", id="a sample"),
        pytest.param("SELECT at, random() AS f FROM reads", id="random numbers"),
        pytest.param("SELEC at, kwh FROM reads", id="no SQL"),
        pytest.param("WITH RECURSIVE r AS (SELECT at, kwh AS f FROM reads UNION ALL SELECT at, f FROM r) SELECT * FROM r", id="recursion"),
        pytest.param("SELECT at, f FROM (PIVOT reads ON plan USING sum(kwh) GROUP BY at)", id="a pivot"),
        pytest.param("DELETE FROM reads", id="no query"),
    ],
)  # fmt: skip
def test_what_is_not_understood_is_unproved(text):
    judged = horizon_of_sql(text, DECLARED, schemas=SCHEMAS)
    assert not judged.is_clean
    assert not judged.within().proved


def test_the_day_before_is_known_and_that_the_day_has_a_row_is_assumed():
    days = "SELECT meter, date_trunc('day', at) AS at, sum(kwh) AS s FROM reads GROUP BY 1, 2"
    text = f"WITH d AS ({days}) SELECT at, lag(s) OVER (PARTITION BY meter ORDER BY at) AS f FROM d"
    judged = horizon_of_sql(text, DECLARED, schemas=SCHEMAS)
    assert (judged.columns["f"].is_clean, judged.rows.horizon.within(), judged.rows.proved) == (
        True,
        True,
        False,
    )


def test_a_frame_in_scope_is_a_table():
    frame = table("sales", ("day", "sold"), time="day")
    judged = horizon_of_sql(
        "SELECT day, lead(sold, 7) OVER (ORDER BY day) AS f FROM df", tables={"DF": frame}
    )
    assert str(judged.columns["f"].horizon) == "7 rows ahead"


@settings(
    max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None
)
@given(st.booleans(), st.data())
def test_sql_says_what_the_expression_said_that_it_was_compiled_from(panel, data):
    expr = data.draw(programs.programs())
    declared = programs.declared(panel=panel)
    tree = horizon_of_expression(expr, declared)
    text = horizon_of_sql(str(ibis.to_sql(expr, dialect="duckdb")), declared, schemas=programs.SCHEMAS)
    features = [name for name in tree.columns if name[0] == "f"]
    assert {name: str(text.within(name).horizon) for name in features} == {
        name: str(tree.within(name).horizon) for name in features
    }
