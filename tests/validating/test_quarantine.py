"""Rows that break row-level expectations are set aside with the names of what they broke."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq

from nbprod.expectations import read_expectations
from nbprod.model import Suite
from nbprod.validating import Quarantined, quarantine

TABLE = pa.table({"key": ["a", "b", "b", "c", None], "n": [1.0, -1.0, float("nan"), 4.0, 5.0]})
TEXT = """
ColumnValuesToBeUnique(column="key")
ColumnValuesToNotBeNull(column="n", mostly=0.5)
ColumnValuesToBeBetween(column="n", min_value=0)
ColumnValuesToBeInSet(column="key", value_set=["a", "b"], severity="warning")
ColumnMeanToBeBetween(column="n", max_value=0)
"""


def test_rows_are_parted_by_the_critical_row_level_expectations(tmp_path):
    suite = Suite(value="t", expectations=read_expectations(TEXT))
    done = quarantine(TABLE, suite, kept=tmp_path / "kept.parquet", taken=tmp_path / "taken.parquet")
    unique, nulls, range_ = (
        "expect_column_values_to_be_unique(key)",
        "expect_column_values_to_not_be_null(n)",
        "expect_column_values_to_be_between(n)",
    )
    assert done == Quarantined(kept=3, taken=2, by_expectation={range_: 1, nulls: 1, unique: 2})
    assert pq.read_table(tmp_path / "kept.parquet").to_pylist() == [
        {"key": "a", "n": 1.0},
        {"key": "c", "n": 4.0},
        {"key": None, "n": 5.0},
    ]
    taken = pq.read_table(tmp_path / "taken.parquet").to_pylist()
    assert sorted((row["key"], row["n"], sorted(row["nbprod_broke"])) for row in taken if row["n"]) == [
        ("b", -1.0, sorted([unique, range_]))
    ]
    assert [sorted(row["nbprod_broke"]) for row in taken if row["n"] is None] == [sorted([unique, nulls])]


def test_a_suite_without_row_level_expectations_keeps_all_rows(tmp_path):
    suite = Suite(value="t", expectations=read_expectations('ColumnMeanToBeBetween(column="n", max_value=0)'))
    done = quarantine(TABLE, suite, kept=tmp_path / "kept.parquet", taken=tmp_path / "taken.parquet")
    assert (done, pq.read_table(tmp_path / "taken.parquet").num_rows) == (
        Quarantined(kept=5, taken=0, by_expectation={}),
        0,
    )


def test_rows_that_only_pandas_could_find_are_named_as_uncovered(tmp_path):
    suite = Suite(value="t", expectations=read_expectations('ColumnValuesToBeIncreasing(column="n")'))
    done = quarantine(TABLE, suite, kept=tmp_path / "kept.parquet", taken=tmp_path / "taken.parquet")
    assert (done.kept, done.uncovered) == (5, ("expect_column_values_to_be_increasing(n)",))
