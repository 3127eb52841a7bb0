"""The same suite on Spark gives the results that it gives on DuckDB. Skipped where pyspark or Java isn't installed."""

from __future__ import annotations

import shutil
import warnings

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from nbprod.expectations import read_expectations
from nbprod.model import Suite
from nbprod.validating import judge

pytest.importorskip("pyspark", reason="pyspark is not installed (pip install 'pyspark==4.0.*')")
pytestmark = [
    pytest.mark.skipif(shutil.which("java") is None, reason="Spark wants Java 17, which is not installed"),
    # Spark's own.
    pytest.mark.filterwarnings("ignore"),
]

SUITE = r"""
TableRowCountToBeBetween(min_value=1, max_value=100)
ColumnValuesToNotBeNull(column="amount", mostly=0.95)
ColumnValuesToBeUnique(column="key")
ColumnValuesToBeUnique(column="country")
ColumnValuesToBeBetween(column="amount", min_value=0, max_value=2)
ColumnValuesToBeInSet(column="country", value_set=["US", "GB"])
ColumnDistinctValuesToContainSet(column="country", value_set=["US", "XX"])
ColumnValuesToMatchRegex(column="sku", regex="^SKU-[0-4]+$")
ColumnValueLengthsToBeBetween(column="sku", min_value=5, max_value=6)
ColumnMeanToBeBetween(column="amount", min_value=-1, max_value=1)
ColumnMedianToBeBetween(column="amount", min_value=-1, max_value=1)
ColumnQuantileValuesToBeBetween(column="amount", quantile_ranges={"quantiles": [0.1, 0.9], "value_ranges": [[-2, 0], [0, 2]]})
ColumnMaxToBeBetween(column="at", max_value="2026-01-08")
ColumnMostCommonValueToBeInSet(column="country", value_set=["US"])
ColumnPairValuesAToBeGreaterThanB(column_A="amount", column_B="key")
ColumnValuesToNotBeNull(column="amount", row_condition=Column("country") == "US")
ColumnValuesToBeInSet(column="size", value_set=[1, 2, 3])
ColumnKLDivergenceToBeLessThan(column="country", partition_object={"values": ["US", "GB", "DE"], "weights": [0.6, 0.3, 0.1]}, threshold=0.1)
ColumnUniqueValueCountToBeBetween(column="size", max_value=3)
CompoundColumnsToBeUnique(column_list=["country", "sku"])
"""


@pytest.fixture(scope="module")
def spark(tmp_path_factory):
    folder = tmp_path_factory.mktemp("spark")
    with warnings.catch_warnings(), pytest.MonkeyPatch.context() as patch:
        warnings.simplefilter("ignore")
        # Nothing but this process talks to it, and nothing is looked up by the machine's name.
        patch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
        import ibis
        from pyspark.sql import SparkSession

        settings = {
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.driver.host": "127.0.0.1",
            "spark.jars.ivy": str(folder / "ivy"),
            "spark.local.dir": str(folder / "local"),
            "spark.sql.session.timeZone": "UTC",
            "spark.sql.shuffle.partitions": "1",
            "spark.sql.warehouse.dir": str(folder / "warehouse"),
            "spark.ui.enabled": "false",
        }
        session = SparkSession.builder.master("local[1]").config(map=settings).getOrCreate()
        yield ibis.pyspark.connect(session)
        session.stop()


def orders():
    random = np.random.default_rng(1)
    rows = 400
    amount = random.normal(size=rows)
    amount[::50] = np.nan
    at = np.datetime64("2026-01-01", "us") + random.integers(0, 10**6, rows).astype("timedelta64[s]")
    return pa.table(
        {
            "key": np.arange(rows),
            "amount": pa.array(amount, mask=np.arange(rows) % 40 == 0),
            "country": pa.array(random.choice(["US", "GB", "DE"], rows, p=[0.6, 0.3, 0.1])),
            "size": random.integers(1, 4, rows),
            "sku": [f"SKU-{one}" for one in random.integers(0, 99, rows)],
            "at": at,
        }
    )


def test_spark_judges_as_duckdb_does(spark, tmp_path):
    pq.write_table(orders(), tmp_path / "orders.parquet")
    suite = Suite(value="orders", expectations=read_expectations(SUITE))
    there = judge(spark.read_parquet(str(tmp_path / "orders.parquet")), suite)
    here = judge(tmp_path / "orders.parquet", suite)
    assert {one.measured_by for one in there} == {"ibis"}
    for one, other in zip(there, here, strict=True):
        # Sums of doubles differ in the last place with the order of rows.
        observed = pytest.approx(other.observed) if isinstance(other.observed, float) else other.observed
        assert (one.expectation, one.success, one.observed, one.element_count, one.broken_count) == (
            other.expectation,
            other.success,
            observed,
            other.element_count,
            other.broken_count,
        )
