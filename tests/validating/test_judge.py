"""Suites are judged on any kind of table, and the verdicts show what broke."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys

import ibis
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from nbprod.errors import SuiteError
from nbprod.expectations import read_expectations, suite_from_gx
from nbprod.model import Importance, Suite
from nbprod.validating import judge, judge_genuine
from nbprod.validating.gx import great_expectations


def suite_of(text):
    return Suite(value="flights", expectations=read_expectations(text))


def shown(verdicts):
    return [(one.success, one.broken_count, one.samples, one.error, one.measured_by) for one in verdicts]


FLIGHTS = {"carrier": ["AA", None, "UA"], "distance": [100.0, -5.0, float("nan")]}


def as_parquet(folder):
    pq.write_table(pa.table(FLIGHTS), folder / "flights.parquet")
    return folder / "flights.parquet"


TABLES = {
    "path": as_parquet,
    "path as text": lambda folder: str(as_parquet(folder)),
    "Ibis": lambda folder: ibis.duckdb.connect().read_parquet(as_parquet(folder)),
    "pandas": lambda _: pd.DataFrame(FLIGHTS),
    "Polars": lambda _: pl.DataFrame(FLIGHTS),
    "lazy Polars": lambda _: pl.LazyFrame(FLIGHTS),
    "Arrow": lambda _: pa.table(FLIGHTS),
    "rows": lambda _: pa.table(FLIGHTS).to_pylist(),
}


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_any_table_is_judged_alike_and_nan_is_missing(table, tmp_path):
    verdicts = judge(
        table(tmp_path),
        suite_of(
            'ColumnValuesToNotBeNull(column="carrier")\nColumnValuesToBeBetween(column="distance", min_value=0)\n'
            'ColumnValuesToNotBeNull(column="distance", mostly=0.5)\nColumnMaxToBeBetween(column="distance", max_value=100)'
        ),
    )
    assert shown(verdicts) == [
        (False, 1, (None,), "", "ibis"),
        (False, 1, (-5.0,), "", "ibis"),
        (True, 1, (None,), "", "ibis"),
        (True, None, (), "", "ibis"),
    ]


def test_whole_rows_that_break_an_expectation_are_kept_up_to_the_limit():
    table = pa.table({"a": [1, 2, 3], "b": ["x", "y", "z"]})
    (verdict,) = judge(table, suite_of('ColumnValuesToBeBetween(column="a", max_value=1)'), samples=1)
    assert (verdict.broken_count, verdict.samples, verdict.rows) == (2, (2,), ({"a": 2, "b": "y"},))


METRICS = {
    "dict": {"auc": 0.8},
    "numpy's": {"auc": np.float64(0.8)},
}


@pytest.mark.parametrize("metrics", METRICS.values(), ids=METRICS)
def test_metrics_are_a_table_of_one_row(metrics):
    verdicts = judge(
        metrics,
        suite_of(
            'ColumnMinToBeBetween(column="auc", min_value=0.9)\nColumnMaxToBeBetween(column="auc", max_value=0.9)'
        ),
    )
    assert [(one.success, one.observed) for one in verdicts] == [(False, 0.8), (True, 0.8)]


def test_a_number_is_a_column_named_value():
    (verdict,) = judge(0.8, suite_of('ColumnMinToBeBetween(column="value", min_value=0.7)'))
    assert (verdict.success, verdict.observed) == (True, 0.8)


def test_parameters_stand_in_for_bounds():
    suite = suite_of('ColumnMaxToBeBetween(column="month", max_value=month + 1)')
    assert [judge({"month": 3}, suite, parameters={"month": month})[0].success for month in (1, 2)] == [
        False,
        True,
    ]


def test_an_unknown_parameter_is_an_error_that_names_it():
    with pytest.raises(SuiteError, match="mentions 'month', which is no parameter"):
        judge({"month": 3}, suite_of('ColumnMaxToBeBetween(column="month", max_value=month)'))


TWINS = pd.DataFrame([[1, 2]], columns=["a", "a"])


@pytest.mark.parametrize(
    "value", [object(), "absent.parquet", [1, 2], TWINS], ids=["object", "no file", "list", "twin columns"]
)
def test_what_is_no_table_is_refused(value):
    with pytest.raises(SuiteError):
        judge(value, suite_of('ColumnToExist(column="a")'))


def test_stage_digest_and_severity_are_carried():
    suite = suite_of('ColumnToExist(column="a", severity="warning")')
    (verdict,) = judge({"b": 1}, suite, stage="load", digest="abc")
    assert (
        verdict.success,
        verdict.value,
        verdict.stage,
        verdict.digest,
        verdict.expectation.importance,
    ) == (
        False,
        "flights",
        "load",
        "abc",
        Importance.WARNING,
    )


def test_a_missing_column_is_said_in_gx_words():
    (verdict,) = judge({"b": 1}, suite_of('ColumnMeanToBeBetween(column="a", max_value=1)'))
    assert (verdict.success, 'The column "a" in BatchData does not exist' in verdict.error) == (False, True)


def test_what_ibis_does_not_cover_is_measured_by_pandas_and_said():
    frame = pd.DataFrame({"mixed": [1, "a", None], "n": [1, 3, 2]})
    verdicts = judge(
        frame,
        suite_of(
            'ColumnValuesToBeInSet(column="mixed", value_set=["a"])\nColumnValuesToBeIncreasing(column="n")\n'
            'ColumnValuesToNotBeNull(column="n", row_condition="n.abs() > 1")'
        ),
    )
    assert shown(verdicts) == [
        (False, 1, (1,), "", "pandas"),
        (False, 1, (2,), "", "pandas"),
        (True, 0, (), "", "pandas"),
    ]


CONDITIONS = {
    "comparison": ('Column("b") > 1', 2),
    "not equal keeps missing": ('Column("b") != 1', 3),
    "in a set": ('Column("b").is_in([1, 2])', 2),
    "not in a set keeps missing": ('Column("b").is_not_in([1, 2])', 2),
    "null": ('Column("b").is_null()', 1),
    "and": ('(Column("b") > 1) & (Column("b") < 3)', 1),
    "or": ('(Column("b") == 1) | (Column("b") == 3)', 2),
    "text": ("'col(\"b\") >= 2'", 2),
}


@pytest.mark.parametrize(("condition", "rows"), CONDITIONS.values(), ids=CONDITIONS)
def test_row_conditions_choose_the_rows_that_pandas_would(condition, rows):
    frame = pd.DataFrame({"a": [None] * 4, "b": [1.0, 2.0, 3.0, None]})
    text = f'ColumnValuesToNotBeNull(column="a", row_condition={condition})'
    (verdict,) = judge(frame, suite_of(text))
    assert (verdict.element_count, verdict.broken_count, verdict.measured_by) == (rows, rows, "ibis")


def test_dates_bound_times():
    frame = pd.DataFrame(
        {"t": [dt.datetime.fromisoformat("2013-01-01"), dt.datetime.fromisoformat("2013-01-31")]}
    )
    verdicts = judge(
        frame,
        suite_of(
            'ColumnMaxToBeBetween(column="t", max_value=date(2013, 1, 31))\n'
            'ColumnValuesToBeBetween(column="t", min_value=date(2013, 1, 2))'
        ),
    )
    assert shown(verdicts) == [
        (True, None, (), "", "ibis"),
        (False, 1, ("2013-01-01T00:00:00",), "", "ibis"),
    ]


def test_one_expectation_that_the_backend_cannot_compute_leaves_the_others_alone():
    table = pa.table({"a": [1.0, float("inf")], "b": [1, 2]})
    verdicts = judge(
        table,
        suite_of(
            'ColumnStdevToBeBetween(column="a", max_value=1)\nColumnMeanToBeBetween(column="b", max_value=2)'
        ),
    )
    assert [(one.success, one.measured_by) for one in verdicts] == [(False, "pandas"), (True, "ibis")]


def test_two_quantile_expectations_on_one_column_have_their_own_answers():
    text = 'ColumnQuantileValuesToBeBetween(column="a", quantile_ranges={"quantiles": [%s], "value_ranges": [[0, 9]]})'
    verdicts = judge(pa.table({"a": list(range(10))}), suite_of(f"{text % 0.1}\n{text % 0.9}"))
    assert [one.observed["values"] for one in verdicts] == [[1], [8]]


def test_a_query_finds_unexpected_rows():
    text = 'UnexpectedRowsExpectation(unexpected_rows_query="SELECT * FROM {batch} WHERE a > 1")'
    (verdict,) = judge(pa.table({"a": [1, 2, 3]}), suite_of(text))
    assert (verdict.success, verdict.observed, verdict.measured_by) == (False, 2, "ibis")


def test_a_genuine_result_lists_rows_by_the_columns_that_name_them():
    result = judge_genuine(
        pa.table({"key": ["k1", "k2"], "a": [1, None]}),
        suite_of('ColumnValuesToNotBeNull(column="a")'),
        result_format="COMPLETE",
        index_columns=["key"],
    )
    (one,) = result.results
    assert (result.success, one.result["unexpected_index_list"], result.to_json_dict()["statistics"]) == (
        False,
        [{"a": None, "key": "k2"}],
        {
            "evaluated_expectations": 1,
            "successful_expectations": 0,
            "success_percent": 0.0,
            "unsuccessful_expectations": 1,
        },
    )


def test_judging_prints_nothing_and_leaves_nothing_in_the_folder(tmp_path):
    code = (
        "from nbprod.expectations import read_expectations\nfrom nbprod.model import Suite\n"
        "from nbprod.validating import judge\n"
        'text = \'ColumnToExist(column="a")\\nColumnValuesToBeIncreasing(column="a")\'\n'
        "assert all(one.success for one in judge({'a': 1}, Suite(value='t', expectations=read_expectations(text))))"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr, list(tmp_path.iterdir())) == (0, "", "", [])


def test_importing_the_room_imports_neither_gx_nor_ibis():
    code = "import sys, nbprod.validating, nbprod.expectations\nprint({'great_expectations', 'ibis', 'pandas'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


STRANGE = {
    "unknown type": ({"type": "expect_nothing_of_the_kind", "kwargs": {}}, "expect_nothing_of_the_kind"),
    "missing argument": (
        {"type": "expect_column_values_to_be_in_set", "kwargs": {"column": "a"}},
        "value_set",
    ),
    "crossed bounds": (
        {
            "type": "expect_column_values_to_be_between",
            "kwargs": {"column": "a", "min_value": 2, "max_value": 1},
        },
        "min_value",
    ),
    "pattern that is none": (
        {"type": "expect_column_values_to_match_regex", "kwargs": {"column": "s", "regex": "("}},
        "",
    ),
}


@pytest.mark.parametrize(("data", "named"), STRANGE.values(), ids=STRANGE)
def test_an_expectation_that_cannot_be_judged_says_why_and_the_others_are(data, named):
    good = {"type": "expect_column_to_exist", "kwargs": {"column": "a"}}
    suite = suite_from_gx({"name": "t", "expectations": [data, good]})
    bad, other = judge(pa.table({"a": [1], "s": ["x"]}), suite)
    assert (bad.success, bool(bad.error), named in bad.error, other.success) == (False, True, True, True)


def test_a_suite_of_the_old_condition_text_is_judged():
    old = {
        "type": "expect_column_values_to_not_be_null",
        "kwargs": {
            "column": "a",
            "row_condition": 'col("b") > 1',
            "condition_parser": "great_expectations",
        },
    }
    suite = suite_from_gx({"name": "t", "expectations": [old]})
    (verdict,) = judge(pa.table({"a": [None, 1, 2], "b": [1, 2, 3]}), suite)
    assert (verdict.success, verdict.element_count, verdict.measured_by) == (True, 2, "ibis")


def test_a_custom_expectation_is_judged_like_any_other():
    gx = great_expectations()

    class ExpectSmallNumbers(gx.expectations.ExpectColumnValuesToBeBetween):
        """A subclass registers itself with GX."""

        max_value: float = 10

    suite = suite_from_gx(
        {"name": "t", "expectations": [{"type": "expect_small_numbers", "kwargs": {"column": "a"}}]}
    )
    (verdict,) = judge(pa.table({"a": [1, 20]}), suite)
    assert (verdict.success, verdict.samples, verdict.measured_by) == (False, (20,), "ibis")
