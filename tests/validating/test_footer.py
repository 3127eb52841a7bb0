"""A long parquet file, of which much is known without a scan, is judged as the same table without a footer."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from nbprod.expectations import read_expectations
from nbprod.model import Suite
from nbprod.validating import judge
from nbprod.validating.counting import MANY
from nbprod.validating.footer import footer_of

ROWS = MANY + 5_000
NUMBERS = np.arange(ROWS)
RANDOM = np.random.default_rng(4)
FLOATS = RANDOM.normal(size=ROWS)


def changed(values, places, value):
    values = values.copy()
    values[places] = value
    return values


TABLE = pa.table(
    {
        "key": NUMBERS,
        "twice": changed(NUMBERS, ROWS - 1, 5),
        "shuffled": RANDOM.permutation(ROWS),
        "few": pa.array(NUMBERS % 7, mask=NUMBERS % 11 == 0),
        "wide": pa.array(changed(NUMBERS.astype("uint64"), 3, 2**64 - 1)),
        "clean": pa.array(FLOATS, mask=NUMBERS % 50 == 0),
        "nan": changed(FLOATS, NUMBERS % 40 == 0, np.nan),
        "infinite": changed(FLOATS, [10, 20], np.inf),
        "both infinite": changed(changed(FLOATS, 10, np.inf), 20, -np.inf),
        "zeros": changed(np.abs(FLOATS), [3, 4], [0.0, -0.0]),
        "none": pa.nulls(ROWS, "float64"),
        "only nan": np.full(ROWS, np.nan),
        "text": np.where(NUMBERS % 997 == 0, "bad", np.char.add("x", (NUMBERS % 300).astype(str))),
        "nested": pa.array([{"a": one} for one in NUMBERS.tolist()]),
    }
)
COLUMNS = ["key", "few", "wide", "clean", "nan", "infinite", "both infinite", "zeros", "none", "only nan"]
EACH = """
ColumnValuesToNotBeNull(column="{column}")
ColumnValuesToBeBetween(column="{column}", min_value=-1, max_value=3)
ColumnMinToBeBetween(column="{column}", min_value=0)
ColumnMaxToBeBetween(column="{column}", max_value=4)
ColumnMeanToBeBetween(column="{column}", min_value=0)
ColumnValuesToBeInSet(column="{column}", value_set=[0, 1, 2, 3, 4, 5])
ColumnProportionOfNonNullValuesToBeBetween(column="{column}", min_value=0.99)
ColumnUniqueValueCountToBeBetween(column="{column}", max_value=10)
"""
OTHERS = """
ColumnValuesToBeUnique(column="key")
ColumnValuesToBeUnique(column="twice")
ColumnValuesToBeUnique(column="shuffled")
ColumnValuesToBeUnique(column="few")
CompoundColumnsToBeUnique(column_list=["few", "shuffled"])
CompoundColumnsToBeUnique(column_list=["few", "twice"])
CompoundColumnsToBeUnique(column_list=["few", "text"])
ColumnPairValuesAToBeGreaterThanB(column_A="clean", column_B="nan", or_equal=True, ignore_row_if="either_value_is_missing")
ColumnPairValuesAToBeGreaterThanB(column_A="key", column_B="few", ignore_row_if="both_values_are_missing")
ColumnPairValuesAToBeGreaterThanB(column_A="key", column_B="twice", or_equal=True, ignore_row_if="either_value_is_missing")
ColumnValuesToNotBeNull(column="nan", row_condition=Column("clean") > 0)
ColumnValuesToMatchRegex(column="text", regex="^x[0-9]+$")
ColumnDistinctValuesToContainSet(column="text", value_set=["bad", "absent"])
ColumnValuesToNotBeInSet(column="text", value_set=["x1"])
"""
SUITE = Suite(
    value="t",
    expectations=read_expectations("".join(EACH.format(column=one) for one in COLUMNS) + OTHERS),
)


def said(verdicts):
    return [
        (one.expectation, one.success, one.observed, one.element_count, one.broken_count, one.error)
        for one in verdicts
    ]


@pytest.fixture(scope="module")
def judged_in_memory():
    return said(judge(TABLE, SUITE))


WRITERS = {
    "row groups": {"row_group_size": 60_000, "use_dictionary": False},
    "no statistics": {"write_statistics": False},
}


@pytest.mark.parametrize("writer", WRITERS.values(), ids=WRITERS)
def test_a_file_is_judged_as_its_table(writer, judged_in_memory, tmp_path):
    pq.write_table(TABLE, tmp_path / "t.parquet", **writer)
    found = said(judge(tmp_path / "t.parquet", SUITE))
    for one, other in zip(found, judged_in_memory, strict=True):
        assert one == pytest.approx(other) if isinstance(one[2], float) else one == other


def test_a_footer_knows_what_is_missing_but_not_of_nested_columns(tmp_path):
    table = pa.table(
        {
            "a": pa.array([3, None, 1]),
            "b": pa.array([None, None, None], "int64"),
            "c": pa.array([1.5, float("nan"), None]),
            "d": pa.array([{"e": 1}, None, {"e": None}]),
            "e": pa.array([[1], [], None]),
        }
    )
    pq.write_table(table, tmp_path / "t.parquet", row_group_size=2)
    footer = footer_of(tmp_path / "t.parquet")
    assert (footer.rows, dict(footer.nulls), dict(footer.extremes)) == (
        3,
        {"a": 1, "b": 3, "c": 1},
        {"a": (1, 3), "c": (1.5, 1.5)},
    )


def test_sample_rows_are_the_first_that_break(tmp_path):
    pq.write_table(TABLE.select(["key", "text"]), tmp_path / "t.parquet")
    suite = Suite(
        value="t", expectations=read_expectations('ColumnValuesToMatchRegex(column="text", regex="^x")')
    )
    (verdict,) = judge(tmp_path / "t.parquet", suite, samples=5)
    assert [row["key"] for row in verdict.rows] == [0, 997, 1994, 2991, 3988]
