# ruff: noqa: ARG001 - every step of a program is called alike
"""Random feature programs in Ibis, and the oracle that replays them on DuckDB with the future withheld.

The oracle keeps one schema for each world: everything, and for each cut the world as it was known then, once with
the later rows gone and once with them changed. A program is compiled once and run in each.
"""

from __future__ import annotations

from collections import Counter
from functools import cache

import duckdb
import ibis
import numpy as np
import pandas as pd
from hypothesis import reject
from hypothesis import strategies as st
from msgspec import Struct, field

from nbprod.leakage.declared import Declared

HOUR = pd.Timedelta(hours=1)
START = pd.Timestamp("2024-01-29")
TRAINED = START + pd.Timedelta(days=12)

T = ibis.table(
    {
        "id": "int64",
        "ts": "timestamp",
        "store": "string",
        "cat": "string",
        "x": "float64",
        "z": "float64",
        "q": "int64",
        "y": "float64",
    },
    name="df",
)
EV = ibis.table({"ets": "timestamp", "pub": "timestamp", "val": "float64"}, name="ev")
DIM = ibis.table({"store": "string", "size": "int64"}, name="dim")

SCHEMAS = {
    table.get_name(): {name: str(kind) for name, kind in table.schema().items()} for table in (T, EV, DIM)
}


def declared(*, panel: bool) -> Declared:
    return Declared(time="ts", entity=("store",) if panel else (), known=(("val", "pub"),), labels=("y",))


# The worlds


def sample(*, panel: bool, rows: int = 48) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """A table whose rows come irregularly, by store or not; events that are published later; a static table."""
    random = np.random.default_rng(5 if panel else 6)
    parts = []
    for store in "ABC" if panel else "A":
        hours = np.cumsum(random.choice([1, 4, 9, 24, 61], rows, p=[0.2, 0.2, 0.3, 0.2, 0.1]))
        x = random.integers(0, 40, rows).astype(float)
        z = np.where(random.random(rows) < 0.3, np.nan, random.integers(0, 40, rows))
        part = pd.DataFrame({"ts": START + hours * HOUR, "store": store, "x": x, "z": z})
        part["cat"] = random.choice(["a", "b", "c"], rows)
        part["q"] = random.integers(0, 9, rows)
        part["y"] = (part["x"].shift(-1) > part["x"]).where(part["x"].shift(-1).notna()).astype(float)
        parts.append(part)
    df = pd.concat(parts).sort_values(["ts", "store"], kind="stable").reset_index(drop=True)
    df.insert(0, "id", np.arange(len(df)))
    ets = START + np.arange(0, 30, 2.5) * 24 * HOUR
    late = random.choice([2, 30, 80], len(ets)) * HOUR
    ev = pd.DataFrame({"ets": ets, "pub": ets + late, "val": random.integers(0, 40, len(ets)).astype(float)})
    return df, ev, pd.DataFrame({"store": list("ABC"), "size": [10, 20, 30]})


def known_by(world: tuple[pd.DataFrame, ...], cut: pd.Timestamp) -> tuple[pd.DataFrame, ...]:
    """The world without what was not known at the cut: later rows gone, cells not yet known empty."""
    df, ev, dim = world
    after = df.groupby("store")["ts"].shift(-1)
    df = df.assign(y=df["y"].where(after <= cut))[df["ts"] <= cut]
    known = ev["pub"] <= cut
    ev = ev.assign(val=ev["val"].where(known), pub=ev["pub"].where(known))[ev["ets"] <= cut]
    return df, ev, dim


def changed_after(
    world: tuple[pd.DataFrame, ...], cut: pd.Timestamp, *, seed: int
) -> tuple[pd.DataFrame, ...]:
    """The world with everything that was not known at the cut replaced by something else."""
    df, ev, dim = (table.copy() for table in world)
    random = np.random.default_rng(seed)
    later = df["ts"] > cut
    count = int(later.sum())
    after = df.groupby("store")["ts"].shift(-1)
    df.loc[later, "x"] = random.integers(-200, 300, count).astype(float)
    df.loc[later, "z"] = np.where(random.random(count) < 0.3, np.nan, random.integers(-200, 300, count))
    df.loc[later, "q"] = random.integers(-30, 60, count)
    df.loc[later, "cat"] = random.choice(["a", "b", "c", "new"], count)
    unknown = ~(after <= cut)
    df.loc[unknown, "y"] = random.choice([0.0, 1.0, 7.0], int(unknown.sum()))
    waiting = ev["pub"] > cut
    ev.loc[waiting, "val"] = random.integers(-200, 300, int(waiting.sum())).astype(float)
    ev.loc[waiting & (ev["ets"] <= cut), "pub"] = cut + random.integers(1, 90) * HOUR
    return df, ev, dim


class Oracle(Struct, frozen=True):
    connection: duckdb.DuckDBPyConnection
    df: pd.DataFrame
    cuts: tuple[pd.Timestamp, ...]
    worlds: dict[pd.Timestamp, tuple[str, ...]] = field(default_factory=dict)

    def replay(self, sql: str) -> Replay:
        """The program's rows in every world."""
        return Replay(
            names=self.names(sql),
            everything=self._rows(sql, "everything"),
            worlds=tuple(
                (cut, self._rows(sql, world)) for cut, some in self.worlds.items() for world in some
            ),
        )

    def names(self, sql: str) -> tuple[str, ...]:
        self.connection.execute("SET schema = 'everything'")
        return tuple(name for name, *_ in self.connection.execute(f"DESCRIBE {sql}").fetchall())

    def _rows(self, sql: str, world: str) -> list[tuple[object, ...]]:
        self.connection.execute(f"SET schema = '{world}'")
        rows = self.connection.execute(sql).fetchall()
        return [
            tuple(round(cell, 6) + 0.0 if isinstance(cell, float) else cell for cell in row) for row in rows
        ]


class Replay(Struct, frozen=True):
    names: tuple[str, ...]
    everything: list[tuple[object, ...]]
    worlds: tuple[tuple[pd.Timestamp, list[tuple[object, ...]]], ...]

    def divergences(
        self, columns: list[str], *, since: pd.Timestamp | None = None
    ) -> list[tuple[pd.Timestamp, tuple[object, ...]]]:
        """(cut, row) for each row by the cut that is another, or gone, when what came after is withheld.

        The first of the columns is the time.
        """
        places = [self.names.index(name) for name in columns]
        whole = [tuple(row[place] for place in places) for row in self.everything]
        found = []
        for cut, rows in self.worlds:
            if since is not None and cut < since:
                continue
            then = (tuple(row[place] for place in places) for row in rows)
            before = Counter(row for row in whole if _time(row[0]) <= cut)
            now = Counter(row for row in then if _time(row[0]) <= cut)
            if before != now:
                found += [(cut, row) for row in (before - now) + (now - before)]
        return found


def _time(cell: object) -> pd.Timestamp:
    return pd.Timestamp(cell)  # type: ignore[arg-type]


@cache
def oracle(*, panel: bool) -> Oracle:
    world = sample(panel=panel)
    connection = duckdb.connect(config={"threads": 1})

    def create(name: str, tables: tuple[pd.DataFrame, ...]) -> str:
        connection.execute(f"CREATE SCHEMA {name}")
        for table, frame in zip(("df", "ev", "dim"), tables, strict=True):
            kinds = {"timestamp(6)": "TIMESTAMP", "float64": "DOUBLE", "int64": "BIGINT", "string": "VARCHAR"}
            columns = ", ".join(f"{name} {kinds.get(kind, kind)}" for name, kind in SCHEMAS[table].items())
            connection.execute(f"CREATE TABLE {name}.{table} ({columns})")
            names = ", ".join(SCHEMAS[table])
            connection.register("incoming", frame)
            connection.execute(f"INSERT INTO {name}.{table} SELECT {names} FROM incoming")  # noqa: S608 - names of ours
            connection.unregister("incoming")
        return name

    create("everything", world)
    times = world[0]["ts"].drop_duplicates().sort_values().reset_index(drop=True)
    places = [int(len(times) * share) for share in (0.12, 0.33, 0.5, 0.7, 0.9)]
    cuts = tuple(times[place] + (HOUR / 2 if place % 2 else 0 * HOUR) for place in places)
    worlds = {
        cut: (
            create(f"known{place}", known_by(world, cut)),
            create(f"changed{place}", changed_after(world, cut, seed=place)),
        )
        for place, cut in enumerate(cuts)
    }
    return Oracle(connection, world[0], cuts, worlds)


# The programs

numbers = ("x", "z", "q")


@st.composite
def programs(draw):
    """A table expression with `id` and `ts` (or a time key named `ts`) and features named f0, f1, ..."""
    t = T
    features: list[str] = []
    for place in range(draw(st.integers(1, 3))):
        step = draw(st.sampled_from(STEPS))
        try:
            t, features = step(draw, t, features, f"f{place}")
        except ibis.common.exceptions.IbisError:
            reject()
        if "id" not in t.columns:
            break
    return t


def column(draw, t, features, *, labels: bool = True):
    names = [name for name in (*numbers, *features, *(("y",) if labels else ())) if name in t.columns]
    return t[draw(st.sampled_from(names))]


def keys(draw, t):
    choices = [[], ["store"], ["store"], ["cat"], ["store", "cat"]]
    chosen = [t[name] for name in draw(st.sampled_from(choices)) if name in t.columns]
    if draw(st.integers(0, 9)) == 0:
        chosen.append(t.ts.truncate(draw(st.sampled_from(["D", "W"]))))
    return chosen


def row_order(draw, t):
    return draw(
        st.sampled_from(
            [
                [t.ts, t.id],
                [t.ts, t.id],
                [t.ts, t.id],
                [ibis.desc(t.ts), ibis.desc(t.id)],
                [t.q, t.id],
                [t.store, t.ts, t.id],
                [t.ts.truncate("D"), t.q, t.id],
            ]
        )
    )


def row_window(draw, t):
    start, end = draw(
        st.sampled_from(
            [
                (-2, 0),
                (None, 0),
                (None, -1),
                (-3, -1),
                (None, None),
                (-1, 1),
                (0, 2),
                (0, None),
                (-5, -2),
                (1, 3),
            ]
        )
    )
    return ibis.window(group_by=keys(draw, t), order_by=row_order(draw, t), rows=(start, end))


def range_window(draw, t):
    hours = ibis.interval(hours=draw(st.sampled_from([1, 6, 24, 48])))
    zero = ibis.interval(hours=0)
    start, end = draw(st.sampled_from([(-hours, zero), (-hours, -zero), (zero, hours), (-hours, hours)]))
    descending = draw(st.integers(0, 5)) == 0
    order = ibis.desc(t.ts) if descending else t.ts
    return ibis.window(group_by=keys(draw, t), order_by=order, range=(start, end))


def reduction(draw, value):
    name = draw(st.sampled_from(["sum", "mean", "max", "min", "count", "nunique"]))
    return getattr(value, name)()


def windowed(draw, t, features, name):
    window = draw(st.sampled_from([row_window, row_window, range_window]))(draw, t)
    return t.mutate(**{name: reduction(draw, column(draw, t, features)).over(window)}), [*features, name]


def shifted(draw, t, features, name):
    value, steps = column(draw, t, features), draw(st.integers(-2, 3))
    moved = value.lag(steps) if draw(st.booleans()) else value.lead(steps)
    window = ibis.window(group_by=keys(draw, t), order_by=row_order(draw, t))
    return t.mutate(**{name: moved.over(window)}), [*features, name]


def ranked(draw, t, features, name):
    rank = draw(
        st.sampled_from([ibis.row_number, ibis.rank, ibis.dense_rank, ibis.percent_rank, ibis.cume_dist])
    )()
    if draw(st.integers(0, 4)) == 0:
        window = ibis.window(group_by=[t.ts], order_by=[t.q, t.id])
    else:
        window = ibis.window(group_by=keys(draw, t), order_by=row_order(draw, t))
    return t.mutate(**{name: rank.over(window)}), [*features, name]


def picked(draw, t, features, name):
    value = column(draw, t, features)
    pick = draw(
        st.sampled_from([lambda: value.first(include_null=True), lambda: value.last(include_null=True)])
    )
    return t.mutate(**{name: pick().over(row_window(draw, t))}), [*features, name]


def row_wise(draw, t, features, name):
    one, two = column(draw, t, features), column(draw, t, features)
    made = draw(
        st.sampled_from(
            [
                one + two,
                one - 2 * two,
                ibis.coalesce(one, two),
                ibis.ifelse(one > two, one, 0),
                one.fill_null(1),
            ]
        )
    )
    return t.mutate(**{name: made.cast("float64")}), [*features, name]


def filled(draw, t, features, name):
    return t.mutate(**{name: t.z.fill_null(reduction(draw, column(draw, t, features)))}), [*features, name]


def fixed_period(draw, t, features, name):
    past = t.filter(t.ts < TRAINED.to_pydatetime())
    if draw(st.booleans()):
        table = past.group_by("cat").agg(**{name: past.x.mean()})
        return t.left_join(table, "cat").drop("cat_right"), [*features, name]
    return t.mutate(**{name: t.x - past.x.mean().as_scalar()}), [*features, name]


def filtered(draw, t, features, name):
    value = column(draw, t, features)
    kept = draw(
        st.sampled_from(
            [
                value > 3,
                t.cat == "a",
                t.ts < TRAINED.to_pydatetime(),
                value > value.mean().over(row_window(draw, t)),
                value >= 0,
            ]
        )
    )
    return t.filter(kept), features


def first_rows(draw, t, features, name):
    ordered = t.order_by(draw(st.sampled_from([[t.ts, t.id], [ibis.desc(t.ts), t.id], [t.q, t.id]])))
    return ordered.limit(draw(st.sampled_from([7, 20]))), features


def as_of(draw, t, features, name):
    event = EV.view().select("ets", "pub", **{name: "val"})
    on = draw(st.sampled_from([t.ts >= event.pub, t.ts >= event.pub, t.ts >= event.ets, t.ts <= event.pub]))
    return t.asof_join(event, on).drop("ets", "pub"), [*features, name]


def static_join(draw, t, features, name):
    joined = draw(st.sampled_from([t.left_join, t.join]))(DIM.select("store", **{name: "size"}), "store")
    return joined.drop([c for c in joined.columns if c == "store_right"]), [*features, name]


def near_rows(draw, t, features, name):
    other = t.view().select(ts2="ts", store2="store", cat2="cat", v2=column(draw, t, features).get_name())
    hours = ibis.interval(hours=draw(st.sampled_from([5, 24, 48])))
    time = draw(
        st.sampled_from(
            [
                [other.ts2 <= t.ts, other.ts2 >= t.ts - hours],
                [other.ts2 < t.ts],
                [other.ts2 <= t.ts - hours],
                [other.ts2 >= t.ts, other.ts2 <= t.ts + hours],
                [other.ts2 >= t.ts - hours],
                [other.ts2.truncate("D") < t.ts.truncate("D")],
                [other.ts2.truncate("D") == t.ts.truncate("D")],
                [other.ts2.between(t.ts - hours, t.ts)],
                [],
            ]
        )
    )
    same = draw(
        st.sampled_from([[other.store2 == t.store], [other.store2 == t.store], [other.cat2 == t.cat]])
    )
    late = draw(st.booleans())
    joined = t.left_join(other, same if late else [*time, *same])
    if late:
        renamed = [joined.ts2 <= joined.ts, joined.ts2 < joined.ts, joined.ts2 <= joined.ts + hours]
        joined = joined.filter(draw(st.sampled_from(renamed)))
    grouped = joined.group_by("id", "ts", "store", "cat", "x", "z", "q", "y", *features)
    return grouped.agg(**{name: reduction(draw, joined.v2)}), [*features, name]


def bars(draw, t, features, name):
    """Totals of a calendar unit, as of its end or not, lagged or not, as they are or joined back."""
    unit, period = draw(
        st.sampled_from(
            [
                ("D", ibis.interval(days=1)),
                ("W", ibis.interval(days=7)),
                ("M", ibis.interval(months=1)),
                ("h", ibis.interval(hours=1)),
            ]
        )
    )
    start = t.ts.truncate(unit)
    key = draw(st.sampled_from([start, start + period, start - period, start + ibis.interval(days=1)]))
    by = {"store": t.store} if draw(st.booleans()) else {}
    total = t.group_by(key=key, **by).agg(**{name: reduction(draw, column(draw, t, features))})
    if draw(st.booleans()):
        steps = draw(st.sampled_from([1, 2, -1]))
        window = ibis.window(group_by=list(by), order_by="key")
        total = total.mutate(**{name: total[name].lag(steps).over(window)})
    if draw(st.integers(0, 2)) == 0:
        return total.rename(ts="key"), [name]
    wanted = draw(st.sampled_from([start, start - period, t.ts, start + period]))
    t = t.mutate(wanted=wanted)
    predicates = [t.wanted == total.key, *(t[column] == total[column] for column in by)]
    if draw(st.integers(0, 3)) == 0:
        predicates[0] = total.key + period <= t.ts
        joined = t.left_join(total, predicates)
        grouped = joined.group_by("id", "ts", "store", "cat", "x", "z", "q", "y", *features)
        return grouped.agg(**{name: joined[name].max()}), [*features, name]
    joined = t.left_join(total, predicates)
    return joined.drop("wanted", "key", *(c for c in joined.columns if c == "store_right")), [*features, name]


def per_group(draw, t, features, name):
    value = draw(st.sampled_from([t.ts.min().epoch_seconds(), t.x.sum(), t.count()]))
    table = t.group_by("store").agg(**{name: value})
    joined = t.join(table, "store")
    return joined.drop([c for c in joined.columns if c == "store_right"]), [*features, name]


def spells(draw, t, features, name):
    group = keys(draw, t)
    count = t.z.count().over(ibis.window(group_by=group, order_by=[t.ts, t.id], rows=(None, 0)))
    t = t.mutate(spell=count)
    window = ibis.window(
        group_by=[*[t[key.get_name()] for key in group if key.get_name() in t.columns], t.spell]
    )
    return t.mutate(**{name: t.z.max().over(window)}).drop("spell"), [*features, name]


def stacked(draw, t, features, name):
    event = EV.view()
    stack = draw(
        st.sampled_from(
            [
                lambda: t.filter(t.q > 4).union(t.filter(t.q <= 4)),
                t.distinct,
                lambda: t.semi_join(event, t.ts >= event.pub),
                lambda: t.anti_join(event, t.ts >= event.pub),
                lambda: t.semi_join(T.view().filter(ibis._.x > 30).select(s2="store"), [("store", "s2")]),
                lambda: t.drop_null(["z"]),
                lambda: t.difference(t.filter(t.q > 4)),
            ]
        )
    )
    return stack(), features


STEPS = (
    windowed,
    windowed,
    windowed,
    shifted,
    shifted,
    ranked,
    picked,
    row_wise,
    filled,
    fixed_period,
    filtered,
    first_rows,
    as_of,
    static_join,
    near_rows,
    near_rows,
    bars,
    bars,
    bars,
    per_group,
    spells,
    stacked,
)
