"""Each core expectation answers as GX's own pandas engine does on the same data, but for the differences listed."""

from __future__ import annotations

import datetime as dt
import decimal
import math

import numpy as np
import pandas as pd
import pytest

from nbprod.expectations import all_signatures, gx_json, read_expectations
from nbprod.model import Suite
from nbprod.validating import judge, judge_genuine
from nbprod.validating.gx import context, great_expectations, quiet
from nbprod.validating.verdicts import plain

NOT_FOR_ONE_FRAME = {
    "expect_query_results_to_match_comparison": "asks a second data source",
    "expect_table_row_count_to_equal_other_table": "asks a second table",
    "unexpected_rows_expectation": "GX's pandas engine knows no SQL",
}

# Where the answer differs, and why: docs/validation.md lists the same reasons.
DECIMALS = "pandas' engine fails on decimals with missing values"
LIKE = "GX's pandas engine knows no LIKE"
STORED = "a stored text has one type, whatever pandas calls it"
CATEGORIES = "pandas refuses to order categories; as stored texts they have an order"
DATES = "pandas compares no date with a time; here a date is the midnight that it starts with"
SETS = "pandas finds no ISO text among dates; here it is the date it says"
DIFFERENCES = {
    **{
        ("decimals", kind): DECIMALS
        for kind in (
            "expect_column_mean_to_be_between",
            "expect_column_sum_to_be_between",
            "expect_column_stdev_to_be_between",
            "expect_column_value_z_scores_to_be_less_than",
            "expect_column_values_to_not_be_outliers",
        )
    },
    **{
        (frame, f"expect_column_values_to_{kind}"): reason
        for frame in ("texts", "unicode texts", "missing texts", "no texts")
        for kind, reason in {
            "match_like_pattern": LIKE,
            "not_match_like_pattern": LIKE,
            "match_like_pattern_list": LIKE,
            "not_match_like_pattern_list": LIKE,
            "be_of_type": STORED,
            "be_in_type_list": STORED,
        }.items()
    },
    ("categories", "expect_column_pair_values_a_to_be_greater_than_b"): CATEGORIES,
    ("times", "expect_column_values_to_be_between"): DATES,
    ("times", "expect_column_min_to_be_between"): DATES,
    ("times", "expect_column_max_to_be_between"): DATES,
    ("dates", "expect_column_values_to_be_in_set"): SETS,
    ("dates", "expect_column_values_to_not_be_in_set"): SETS,
}

ANY = """
TableRowCountToBeBetween(min_value=1, max_value=100)
TableRowCountToEqual(value=6)
TableRowCountToEqual(value=3, row_condition=Column("k") < 3)
TableColumnCountToBeBetween(min_value=3)
TableColumnCountToEqual(value=3)
TableColumnsToMatchOrderedList(column_list=["k", "a", "b"])
TableColumnsToMatchSet(column_set=["b", "a", "k"], exact_match=True)
ColumnToExist(column="a")
ColumnToExist(column="absent")
ColumnValuesToNotBeNull(column="a")
ColumnValuesToNotBeNull(column="a", mostly=0.5)
ColumnValuesToNotBeNull(column="a", row_condition=Column("b").is_not_null())
ColumnValuesToNotBeNull(column="absent")
ColumnValuesToBeNull(column="a", mostly=0.3)
ColumnValuesToBeUnique(column="a")
ColumnValuesToBeUnique(column="k")
ColumnValuesToBeBetween(column="a", min_value={low}, max_value={high})
ColumnValuesToBeBetween(column="a", min_value={low}, strict_min=True, mostly=0.6)
ColumnValuesToBeBetween(column="a", max_value={high}, strict_max=True, row_condition=Column("k") != 2)
ColumnValuesToBeInSet(column="a", value_set={some})
ColumnValuesToBeInSet(column="a", value_set=[])
ColumnValuesToNotBeInSet(column="a", value_set={some}, mostly=0.5)
ColumnDistinctValuesToBeInSet(column="a", value_set={some})
ColumnDistinctValuesToContainSet(column="a", value_set={some})
ColumnDistinctValuesToEqualSet(column="a", value_set={some})
ColumnUniqueValueCountToBeBetween(column="a", min_value=2, max_value=4)
ColumnProportionOfUniqueValuesToBeBetween(column="a", min_value=0.5)
ColumnProportionOfNonNullValuesToBeBetween(column="a", min_value=0.5)
ColumnMostCommonValueToBeInSet(column="a", value_set={some}, ties_okay=True)
ColumnMinToBeBetween(column="a", min_value={low})
ColumnMaxToBeBetween(column="a", max_value={high})
ColumnPairValuesToBeEqual(column_A="a", column_B="b")
ColumnPairValuesToBeEqual(column_A="a", column_B="b", ignore_row_if="either_value_is_missing")
ColumnPairValuesToBeEqual(column_A="a", column_B="b", ignore_row_if="neither")
ColumnPairValuesAToBeGreaterThanB(column_A="a", column_B="b", or_equal=True)
ColumnPairValuesAToBeGreaterThanB(column_A="a", column_B="b", ignore_row_if="either_value_is_missing")
CompoundColumnsToBeUnique(column_list=["a", "b"])
CompoundColumnsToBeUnique(column_list=["a", "b"], ignore_row_if="any_value_is_missing")
CompoundColumnsToBeUnique(column_list=["a", "b"], ignore_row_if="never")
MulticolumnValuesToBeEqual(column_list=["a", "b"])
SelectColumnValuesToBeUniqueWithinRecord(column_list=["a", "b"])
SelectColumnValuesToBeUniqueWithinRecord(column_list=["a", "b"], ignore_row_if="never")
ColumnValuesToBeIncreasing(column="k")
ColumnValuesToBeIncreasing(column="a")
ColumnValuesToBeDecreasing(column="a", strictly=True)
"""
NUMBERS = """
ColumnMeanToBeBetween(column="a", min_value={low})
ColumnMedianToBeBetween(column="a", min_value={low}, max_value={high})
ColumnSumToBeBetween(column="a", min_value={low})
ColumnStdevToBeBetween(column="a", max_value=100)
ColumnQuantileValuesToBeBetween(column="a", quantile_ranges={{"quantiles": [0.0, 0.1, 0.5, 0.77, 1.0], "value_ranges": [[0, 9], [0, 9], [0, 9], [0, 9], [0, 9]]}})
ColumnValueZScoresToBeLessThan(column="a", threshold=1, double_sided=True)
ColumnValueZScoresToBeLessThan(column="a", threshold=1.2, double_sided=False)
ColumnValuesToNotBeOutliers(column="a")
ColumnValuesToNotBeOutliers(column="a", method="std", multiplier=1.1)
MulticolumnSumToEqual(column_list=["a", "b"], sum_total=3)
ColumnKLDivergenceToBeLessThan(column="a", partition_object={{"bins": [0, 1, 2, 10], "weights": [0.2, 0.3, 0.5]}}, threshold=0.5)
ColumnPairValuesToBeInSet(column_A="a", column_B="b", value_pairs_set=[(1, 2), (3, None)])
"""
TEXTS = """
ColumnValueLengthsToBeBetween(column="a", min_value=1, max_value=3)
ColumnValueLengthsToEqual(column="a", value=2)
ColumnValuesToMatchRegex(column="a", regex="^[a-z]+$")
ColumnValuesToMatchRegex(column="a", regex="(?=x)y|^a")
ColumnValuesToNotMatchRegex(column="a", regex="b")
ColumnValuesToMatchRegexList(column="a", regex_list=["a", "b$"], match_on="all")
ColumnValuesToMatchRegexList(column="a", regex_list=["^a", "b$"], match_on="any")
ColumnValuesToNotMatchRegexList(column="a", regex_list=["^a", "é"])
ColumnValuesToBeDateutilParseable(column="a")
ColumnValuesToMatchStrftimeFormat(column="a", strftime_format="%Y-%m-%d")
ColumnValuesToBeJsonParseable(column="a")
ColumnValuesToMatchJsonSchema(column="j", json_schema={{"type": "object", "required": ["x"]}})
ColumnValuesToMatchLikePattern(column="a", like_pattern="a%")
ColumnValuesToNotMatchLikePattern(column="a", like_pattern="a_")
ColumnValuesToMatchLikePatternList(column="a", like_pattern_list=["a%", "%b"])
ColumnValuesToNotMatchLikePatternList(column="a", like_pattern_list=["a%", "%b"])
ColumnKLDivergenceToBeLessThan(column="a", partition_object={{"values": ["ab", "b"], "weights": [0.5, 0.5]}}, threshold=0.5, tail_weight_holdout=0.01)
ColumnPairValuesToBeInSet(column_A="a", column_B="b", value_pairs_set=[("ab", "b"), ("b", None)])
ColumnValuesToBeOfType(column="a", type_="str")
ColumnValuesToBeInTypeList(column="a", type_list=["str", "int64"])
"""
TYPES = """
ColumnTypeToBe(column="a", type_="{type}")
ColumnValuesToBeOfType(column="a", type_="{type}")
ColumnValuesToBeInTypeList(column="a", type_list=["{type}", "bool"])
ColumnValuesToBeOfType(column="a", type_="bool_")
"""


def frame(a, b=None, **more):
    rows = len(a)
    return pd.DataFrame({"k": np.arange(1, rows + 1), "a": a, "b": a if b is None else b, **more})


def times(values, **how):
    return pd.Series(pd.to_datetime(values, format="ISO8601", **how)).astype(
        "datetime64[ns, UTC]" if how else "datetime64[ns]"
    )


nan, inf = math.nan, math.inf
D = decimal.Decimal
NUMBER = {"low": 1, "high": 3, "some": [1, 2, 3], "text": ANY + NUMBERS}
FLOAT = {**NUMBER, "text": ANY + NUMBERS + TYPES, "type": "float64"}
INTEGER = {**FLOAT, "type": "int64"}
TEXT = {"low": 1, "high": 3, "some": ["ab", "b", "é"], "text": ANY + TEXTS}
TIME = {"low": '"2013-01-02"', "high": '"2013-01-03"', "some": ["2013-01-02", "2013-01-05"], "text": ANY}
FRAMES = {
    "floats": (frame([1.0, 2.5, 2.5, nan, -4.0, 100.0], [1.0, 2.0, nan, nan, -5.0, 1.0]), FLOAT),
    "floats with infinities": (frame([1.0, inf, -inf, nan, 2.0, 2.0], [2.0, 2.0, 2.0, 2.0, 2.0, 2.0]), FLOAT),
    "integers": (frame([1, 2, 2, 3, -7, 40], [2, 2, 1, 3, -7, 0]), INTEGER),
    "huge integers": (frame([2**62, 2**62 + 1, -(2**62), 2**53 + 1, 1, 0]), INTEGER),
    "small integers": (frame(np.array([1, 2, 2, 3, 4, 127], dtype="int8")), {**FLOAT, "type": "int8"}),
    "one number": (frame([2.0]), FLOAT),
    "duplicate rows": (frame([2.0, 2.0, 2.0, 2.0], [1.0, 1.0, 1.0, 1.0]), FLOAT),
    "all missing": (frame([nan, nan, nan]), FLOAT),
    "no rows": (frame(np.array([], dtype="float64")), FLOAT),
    "decimals": (frame([D("1.50"), D("2.25"), None, D("2.25"), D("-3.00"), D("3.00")]), NUMBER),
    "booleans": (frame([True, False, True, True]), {**NUMBER, "text": ANY}),
    "texts": (
        frame(["ab", "b", None, "é", "ab", ""], ["b", None, None, "é", "x", ""], j=['{"x": 1}', "{}"] * 3),
        TEXT,
    ),
    "unicode texts": (frame(["naïve", "日本", "🙂", "ß", "2013-01-31", "17"], j=['{"x": 1}'] * 6), TEXT),
    "missing texts": (frame(pd.Series([None, None], dtype="str"), j=['{"x": 1}'] * 2), TEXT),
    "no texts": (
        frame(pd.Series([], dtype="str"), j=pd.Series([], dtype="str")),
        TEXT,
    ),
    "categories": (
        frame(pd.Series(["ab", "b", None, "b"], dtype="category"), j=['{"x": 1}'] * 4),
        {**TEXT, "text": ANY},
    ),
    "times": (frame(times(["2013-01-01", "2013-01-02 05:00", "2013-01-03", None, "2013-01-03"])), TIME),
    "times with a zone": (
        frame(times(["2013-01-01", "2013-01-02 05:00", None, "2013-01-03"], utc=True)),
        TIME,
    ),
    "dates": (frame([dt.date(2013, 1, 1), dt.date(2013, 1, 2), None, dt.date(2013, 1, 4)]), TIME),
}


def suite_of(about):
    text = about["text"].format(
        low=about["low"], high=about["high"], some=about["some"], type=about.get("type", "")
    )
    return Suite(value="t", expectations=read_expectations(text))


def shown(result):
    """What of a GX result must be the same: numbers to nine places, missing values alike, values as a multiset."""
    found = dict(result.result or {})
    raised = result.exception_info or {}
    if raised.get("raised_exception") or any(isinstance(one, dict) for one in raised.values()):
        return "raised"
    listed = [_rounded(plain(one)) for one in found.get("partial_unexpected_list") or ()]
    return {
        "success": bool(result.success),
        "observed": _rounded(plain(found.get("observed_value"))),
        "values": sorted(map(str, listed)),
        **{
            name: _rounded(found.get(name))
            for name in ("element_count", "missing_count", "unexpected_count", "unexpected_percent")
        },
    }


def _rounded(value):
    match value:
        case bool() | None:
            return value
        case int() | float():
            return None if math.isnan(value) else float(f"{value:.9g}")
        case str():
            # A time's text may or may not name its midnight or its nanoseconds.
            return value.removesuffix("+00:00").removesuffix("T00:00:00")
        case list():
            return [_rounded(one) for one in value]
        case dict():
            return {name: _rounded(one) for name, one in value.items()}
        case _:
            return _rounded(plain(value))


def differences(name, folder):
    table, about = FRAMES[name]
    suite = suite_of(about)
    path = folder / "t.parquet"
    table.to_parquet(path)
    ours = judge_genuine(path, suite)
    with quiet():
        batch = context().data_sources.pandas_default.read_dataframe(table)
        expectations = great_expectations().ExpectationSuite(**gx_json(suite)).expectations
        # One by one: together, two quantile expectations on a column would share an answer.
        theirs = [batch.validate(one) for one in expectations]
    for expectation, one, other in zip(suite.expectations, ours.results, theirs, strict=True):
        if shown(one) != shown(other):
            yield expectation.type, dict(expectation.arguments), shown(one), shown(other)


def test_every_core_expectation_is_compared():
    compared = {one.type for _, about in FRAMES.values() for one in suite_of(about).expectations}
    assert {one.type for one in all_signatures()} - compared == set(NOT_FOR_ONE_FRAME)


@pytest.mark.parametrize("name", FRAMES)
def test_gx_pandas_engine_gives_the_same_answer_but_for_what_is_listed(name, tmp_path):
    found = list(differences(name, tmp_path))
    unlisted = [one for one in found if (name, one[0]) not in DIFFERENCES]
    stale = {kind for frame, kind in DIFFERENCES if frame == name} - {one[0] for one in found}
    assert (unlisted, stale) == ([], set())


COVERED = ("floats", "integers", "texts", "times")
# Order has no meaning in a table, and a JSON schema is Python's to judge.
BY_PANDAS = {
    "expect_column_values_to_be_increasing",
    "expect_column_values_to_be_decreasing",
    "expect_column_values_to_match_json_schema",
}


@pytest.mark.parametrize("name", COVERED)
def test_ibis_measures_all_but_these(name, tmp_path):
    table, about = FRAMES[name]
    table.to_parquet(tmp_path / "t.parquet")
    verdicts = judge(tmp_path / "t.parquet", suite_of(about))
    by_pandas = {one.expectation.type for one in verdicts if one.measured_by != "ibis" and not one.error}
    assert by_pandas <= BY_PANDAS | TIMES_BY_PANDAS.get(name, set())


# Sets of times are coerced by GX itself.
TIMES_BY_PANDAS = {
    "times": {
        "expect_column_distinct_values_to_contain_set",
        "expect_column_distinct_values_to_equal_set",
    }
}
