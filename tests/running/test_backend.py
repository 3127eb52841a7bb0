"""The database that Ibis uses in stages, by one setting."""

import shutil
from pathlib import Path

import pandas as pd
import pytest
from plans import stage, written

from nbprod.artifacts.boundary import take
from nbprod.running import run, why

LOAD = """
import numpy as np
import pandas as pd
chance = np.random.default_rng(1)
start = pd.Timestamp("2013-01-01")
landings = pd.DataFrame({
    "arr_time": start + pd.to_timedelta(chance.choice(4000, 300, replace=False), unit="min"),
    "dest": chance.choice(["IAH", "MIA", "ORD"], 300),
    "late": chance.integers(-20, 90, 300),
})
flights = pd.DataFrame({
    "flight_id": range(300),
    "dep_time": start + pd.to_timedelta(chance.choice(4000, 300, replace=False), unit="min"),
    "dest": chance.choice(["IAH", "MIA", "ORD", "BQN"], 300),
})
"""
FEATURES = """
import ibis
from ibis import _
landed, flown = ibis.memtable(landings).cache(), ibis.memtable(flights).cache()
until_now = ibis.range_window(following=0, group_by="dest", order_by="arr_time")
totals = landed.mutate(count=_.count().over(until_now), sum=_.late.sum().over(until_now))
rows = flown.mutate(before=_.dep_time - ibis.interval(hours=6))
now = rows.asof_join(totals, on=rows.dep_time >= totals.arr_time, predicates=["dest"])
now = now.mutate(count=_["count"].fill_null(0)).select(*rows.columns, "count", "sum")
late = totals.rename(count_before="count", sum_before="sum")
both = now.asof_join(late, on=now.before >= late.arr_time, predicates=["dest"])
last_hour = ibis.trailing_range_window(ibis.interval(hours=1), group_by="dest", order_by="dep_time")
table = both.mutate(
    mean=(_["sum"] - _.sum_before) / (_["count"] - _.count_before).nullif(0),
    busy=_.count().over(last_hour),
    hour=_.dep_time.hour(),
    weekday=_.dep_time.day_of_week.index(),
    minutes=(_.dep_time.epoch_seconds() - _.before.epoch_seconds()) // 60,
).drop("arr_time")
features = table.order_by("flight_id").to_pandas()
backend = ibis.get_backend().name
"""


# Where a machine's own name leads elsewhere, Spark must be told that all of it is here.
SPARK = (
    "pyspark://?spark.master=local[1]&spark.sql.shuffle.partitions=1&spark.ui.enabled=false"
    "&spark.driver.host=127.0.0.1&spark.driver.bindAddress=127.0.0.1"
)


def plan_in(folder: Path):
    return written(
        folder,
        stage("load", LOAD, gives="landings flights"),
        stage(
            "features",
            FEATURES,
            needs={"landings": "load", "flights": "load"},
            gives="table features backend",
        ),
    )


def ran(folder: Path, backend: str):
    return run(plan_in(folder), plan_folder=folder / "plan", root=folder, backend=backend)


def given(record) -> dict[str, object]:
    names = dict.fromkeys(("table", "features", "backend"), "features")
    return take(names, folder=f"{record.folder}/artifacts")


def test_a_backend_that_ibis_lacks_fails_the_stages_that_use_it_and_says_so(tmp_path):
    load, features = ran(tmp_path, "nosuch").stages
    assert (load.state, features.state) == ("done", "failed")
    assert features.reason.startswith("[tool.nbprod] backend: Ibis can't use the backend 'nosuch': ")


def test_another_backend_runs_again_what_uses_one(tmp_path):
    root = Path(tmp_path)
    first = ran(tmp_path, "duckdb")
    assert ([one.state for one in first.stages], given(first)["backend"]) == (["done", "done"], "duckdb")
    assert first.versions["backend"] == "duckdb"
    again = ran(tmp_path, "duckdb://?threads=1")
    assert [one.state for one in again.stages] == ["cached", "cached"]
    (seen,) = [why(plan_in(tmp_path), "features", plan_folder=root / "plan", root=root)]
    assert seen.reasons == ("backend is gone",)


def test_features_on_spark_equal_those_on_duckdb(tmp_path):
    pytest.importorskip("pyspark")
    if shutil.which("java") is None:
        pytest.skip("Spark needs Java")
    found = {
        name: given(ran(tmp_path / name, address))
        for name, address in {"duckdb": "duckdb", "pyspark": SPARK}.items()
    }
    assert {name: values["backend"] for name, values in found.items()} == {name: name for name in found}
    frames = [values["features"] for values in found.values()]
    frames += [values["table"].order_by("flight_id").to_pandas() for values in found.values()]
    for other in frames[1:]:
        pd.testing.assert_frame_equal(frames[0], other, check_dtype=False, check_exact=True)
