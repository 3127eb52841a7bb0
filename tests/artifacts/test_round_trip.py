"""Every value comes back equal, of the same type, and in the format that fits it."""

import datetime as dt
import decimal
from pathlib import Path
from types import SimpleNamespace

import ibis
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal, assert_series_equal
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from nbprod.artifacts.boundary import give, take
from nbprod.artifacts.manifest import read_manifest


def through(value, folder: Path):
    """The value as the next stage gets it, and the format that carried it."""
    give({"value": value}, stage="giver", folder=str(folder))
    given = read_manifest(folder, "giver").given[0]
    return take({"value": "giver"}, folder=str(folder))["value"], given.artifact.format


def with_freq() -> pd.DataFrame:
    return pd.DataFrame(
        {"a": [1.0, np.nan]}, index=pd.date_range("2013-01-01", periods=2, freq="h", name="at")
    )


def with_attributes() -> pd.DataFrame:
    frame = pd.DataFrame({"a": [1]})
    frame.attrs = {"source": "nyc", "years": [2013]}
    return frame


def with_categories(*values, **options) -> pd.DataFrame:
    return pd.DataFrame({"c": pd.Categorical(values, **options)})


FRAMES = {
    "numbers": (pd.DataFrame({"i": [1, 2], "f": [1.5, np.nan], "b": [True, False]}), "parquet"),
    "narrow numbers": (pd.DataFrame({"i": np.array([1], "int8"), "f": np.array([1], "float32")}), "parquet"),
    "pandas 3 strings": (pd.DataFrame({"s": pd.Series(["a", None], dtype="str")}), "parquet"),
    "nullable types": (
        pd.DataFrame({"i": pd.array([1, None], "Int64"), "s": pd.array(["a", None], "string")}),
        "parquet",
    ),
    "nullable floats": (pd.DataFrame({"f": pd.array([1.0, None], "Float64")}), "parquet"),
    "arrow types": (
        pd.DataFrame({"a": pd.array([[1], None], pd.ArrowDtype(pa.list_(pa.int64())))}),
        "pickle",
    ),
    "times in seconds": (pd.DataFrame({"t": np.array(["2013-01-01"], "datetime64[s]")}), "parquet"),
    "times in nanoseconds": (
        pd.DataFrame({"t": np.array(["2013-01-01T00:00:00.000000001"], "M8[ns]")}),
        "parquet",
    ),
    "times in seconds with zone": (
        pd.DataFrame(
            {"t": pd.Series(np.array(["2013-01-01"], "datetime64[s]")).dt.tz_localize("America/New_York")}
        ),
        "pickle",
    ),
    "times with zone": (
        pd.DataFrame({"t": pd.date_range("2013", periods=2, tz="America/New_York")}),
        "parquet",
    ),
    "durations": (pd.DataFrame({"d": pd.to_timedelta([1, None], unit="s")}), "parquet"),
    "periods": (pd.DataFrame({"p": pd.period_range("2013", periods=2, freq="M")}), "parquet"),
    "text as objects": (pd.DataFrame({"o": pd.Series(["a", None], dtype=object)}), "parquet"),
    "objects with NaN": (pd.DataFrame({"o": pd.Series(["a", np.nan], dtype=object)}), "pickle"),
    "lists as objects": (pd.DataFrame({"o": [[1], [2, 3]]}), "pickle"),
    "mixed objects": (pd.DataFrame({"o": [1, "a"]}, dtype=object), "pickle"),
    "decimals": (pd.DataFrame({"o": [decimal.Decimal("1.10"), decimal.Decimal("2.2")]}), "pickle"),
    "categories in order": (
        with_categories("x", "y", None, categories=["z", "y", "x"], ordered=True),
        "parquet",
    ),
    "categories of numbers": (with_categories(1, 2, categories=[3, 2, 1]), "parquet"),
    "categories of times": (with_categories(*pd.to_datetime(["2013-01-02", "2013-01-01"])), "parquet"),
    "no categories at all": (with_categories(None, None), "parquet"),
    "a frequency": (with_freq(), "parquet"),
    "attributes": (with_attributes(), "parquet"),
    "text as index": (pd.DataFrame({"a": [1]}, index=pd.Index(["x"], name="k")), "parquet"),
    "an index of two levels": (
        pd.DataFrame({"a": [1, 2]}, index=pd.MultiIndex.from_tuples([(1, "a"), (2, "b")])),
        "parquet",
    ),
    "a stepped index": (pd.DataFrame({"a": [1, 2]}, index=range(4, 0, -2)), "parquet"),
    "numbered columns": (pd.DataFrame([[1, 2]]), "parquet"),
    "columns of two levels": (pd.DataFrame([[1]], columns=pd.MultiIndex.from_tuples([("a", 1)])), "parquet"),
    "a column twice": (pd.DataFrame([[1, 2]], columns=["a", "a"]), "pickle"),
    "a named column index": (pd.DataFrame([[1]], columns=pd.Index(["a"], name="kind")), "parquet"),
    "no rows": (pd.DataFrame({"a": pd.Series([], dtype="int32")}), "parquet"),
    "no columns": (pd.DataFrame(index=range(3)), "pickle"),
}


@pytest.mark.parametrize(("frame", "form"), FRAMES.values(), ids=FRAMES)
def test_pandas_frame_comes_back_equal(frame, form, tmp_path):
    back, by = through(frame, tmp_path)
    assert_frame_equal(back, frame, check_freq=True, check_exact=True)
    assert (back.attrs, by) == (frame.attrs, form)
    assert [type(one) for column in back for one in back[column]] == [
        type(one) for column in frame for one in frame[column]
    ] or not frame.columns.is_unique


SERIES = {
    "named": pd.Series([1, 2], name="a"),
    "unnamed": pd.Series([1.5]),
    "named by a number": pd.Series(["x"], name=3),
    "of categories": pd.Series(["x", "y"], dtype="category"),
}


@pytest.mark.parametrize("series", SERIES.values(), ids=SERIES)
def test_pandas_series_comes_back_equal(series, tmp_path):
    back, by = through(series, tmp_path)
    assert_series_equal(back, series)
    assert by == "parquet"


def test_frame_too_large_to_compare_whole_is_still_exact(tmp_path):
    frame = pd.DataFrame(
        {"a": np.arange(600_000), "c": pd.Categorical(["x", "y"] * 300_000, categories=["y", "x", "w"])}
    )
    back, by = through(frame, tmp_path)
    assert_frame_equal(back, frame)
    assert by == "parquet"


@settings(max_examples=25, deadline=None)
@given(
    numbers=st.lists(st.floats(), max_size=5),
    texts=st.lists(st.one_of(st.none(), st.text(max_size=4)), max_size=5),
)
def test_any_frame_of_numbers_and_text_comes_back_equal(numbers, texts, tmp_path_factory):
    size = min(len(numbers), len(texts))
    frame = pd.DataFrame({"n": np.array(numbers[:size], float), "t": pd.Series(texts[:size], dtype=object)})
    back, _ = through(frame, tmp_path_factory.mktemp("store"))
    assert_frame_equal(back, frame, check_exact=True)


def layout(frame):
    """The columns of each block of numbers, and how it lies in memory."""
    return {
        (tuple(block.mgr_locs), array.flags.c_contiguous, array.flags.f_contiguous)
        for block in frame._mgr.blocks
        if isinstance(array := getattr(block, "values"), np.ndarray)  # noqa: B009 - a block is no frame
    }


NUMBERS = np.arange(12.0).reshape(4, 3)
LAYOUTS = {
    "one block": pd.DataFrame(NUMBERS, columns=list("abc")),
    "rows together": pd.DataFrame(NUMBERS, columns=list("abc"), copy=False),
    "a column added": pd.DataFrame(NUMBERS, columns=list("abc")).assign(d=1.5, e=2),
    "a column between": pd.concat(
        [pd.Series([1.0] * 4, name="k"), pd.DataFrame(NUMBERS, columns=list("abc"))], axis=1
    )[["a", "k", "b", "c"]],
    "beside text and times": pd.DataFrame({"t": list("wxyz"), "a": 1.0, "when": pd.Timestamp(0)}).assign(
        b=2.0, n=3
    ),
    "an index of several levels": pd.DataFrame(
        NUMBERS, columns=list("abc"), index=pd.MultiIndex.from_product([[1, 2], [3, 4]])
    ).assign(d=0.5),
    "numbers as labels": pd.DataFrame(NUMBERS, copy=False),
}


@pytest.mark.parametrize("frame", LAYOUTS.values(), ids=LAYOUTS)
def test_frame_lies_in_memory_as_it_did(frame, tmp_path):
    back, by = through(frame, tmp_path)
    assert_frame_equal(back, frame, check_exact=True)
    assert (layout(back), by) == (layout(frame), "parquet")
    assert back.to_numpy().flags.writeable == frame.to_numpy().flags.writeable


def equal(one, other) -> bool:
    return bool(type(one) is type(other) and np.array_equal(one, other, equal_nan=False))


ARRAYS = {
    "vector": np.arange(3),
    "column order": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "big endian": np.array([1, 2], ">i4"),
    "no dimensions": np.array(3.5),
    "named fields": np.array([(1, 2.5)], dtype=[("a", "i4"), ("b", "f8")]),
    "times": np.array(["2013-01-01"], "datetime64[D]"),
    "nothing": np.empty((0, 3)),
    "one row with a field in unicode": np.array([(1,)], dtype=[("größe", "i4")]),
}


@pytest.mark.filterwarnings("ignore:Stored array in format 3.0")
@pytest.mark.parametrize("array", ARRAYS.values(), ids=ARRAYS)
def test_array_comes_back_equal(array, tmp_path):
    back, by = through(array, tmp_path)
    assert (back.dtype, back.flags.f_contiguous, by) == (array.dtype, array.flags.f_contiguous, "npy")
    assert equal(back, array)


@pytest.mark.parametrize("lent", [pd.Series([1.5, 2.5]).to_numpy(), np.broadcast_to(np.arange(3), (2, 3))])
def test_array_that_may_not_be_written_to_comes_back_so(lent, tmp_path):
    back, by = through(lent, tmp_path)
    assert (equal(back, lent), back.flags.writeable, by) == (True, False, "npy-read-only")


VALUES = {
    "nothing": (None, "json"),
    "truth": (True, "json"),
    "big integer": (2**80, "json"),
    "float": (0.1 + 0.2, "json"),
    "infinity": (float("inf"), "json"),
    "metrics": ({"rmse": 1.25, "folds": [1, 2, None]}, "json"),
    "text with a lone surrogate": ("\ud800", "json"),
    "tuple": ((1, 2), "pickle"),
    "tuple in a list": ([(1, 2)], "pickle"),
    "number as key": ({1: "a"}, "pickle"),
    "set": ({1, 2}, "pickle"),
    "bytes": (b"ab", "pickle"),
    "date": (dt.date(2013, 1, 1), "pickle"),
    "namespace": (SimpleNamespace(a=[1]), "pickle"),
    "numpy float": (np.float64(1.5), "npy-scalar"),
    "numpy truth": (np.bool_(True), "npy-scalar"),
    "numpy text": (np.str_("ä"), "npy-scalar"),
    "numpy time": (np.datetime64("2013-01-01"), "npy-scalar"),
}


@pytest.mark.parametrize(("value", "form"), VALUES.values(), ids=VALUES)
def test_plain_value_comes_back_equal(value, form, tmp_path):
    back, by = through(value, tmp_path)
    assert (back, type(back), by) == (value, type(value), form)


def test_nan_in_a_dictionary_comes_back_as_nan(tmp_path):
    back, by = through({"rmse": float("nan")}, tmp_path)
    assert (str(back), by) == ("{'rmse': nan}", "json")


def test_list_that_holds_one_list_twice_still_does(tmp_path):
    row = [0]
    back, _ = through([row, row], tmp_path)
    assert back[0] is back[1]


POLARS = {
    "frame": pl.DataFrame({"a": [1, None], "c": pl.Series(["x", "y"], dtype=pl.Categorical), "l": [[1], []]}),
    "enumeration": pl.DataFrame({"e": pl.Series(["b"], dtype=pl.Enum(["a", "b"]))}),
    "series": pl.Series("s", [1.5, float("nan")]),
}


@pytest.mark.parametrize("value", POLARS.values(), ids=POLARS)
def test_polars_value_comes_back_equal(value, tmp_path):
    back, by = through(value, tmp_path)
    assert type(back) is type(value)
    assert back.equals(value, null_equal=True)
    assert by == "polars"


def test_polars_lazy_frame_comes_back_lazy(tmp_path):
    back, _ = through(pl.LazyFrame({"a": [1, 2]}).filter(pl.col("a") > 1), tmp_path)
    assert isinstance(back, pl.LazyFrame)
    assert back.collect().to_dict(as_series=False) == {"a": [2]}


def test_arrow_table_comes_back_with_its_metadata_and_chunks(tmp_path):
    table = pa.concat_tables([pa.table({"a": [1]}), pa.table({"a": [2]})]).replace_schema_metadata({"k": "v"})
    back, by = through(table, tmp_path)
    assert back.equals(table, check_metadata=True)
    assert (back.column(0).num_chunks, by) == (2, "arrow")


def test_ibis_expression_comes_back_as_a_table_with_its_schema(tmp_path):
    source = ibis.duckdb.connect().create_table("flights", pd.DataFrame({"a": [1, 2, 3]}))
    expression = source.filter(source.a > 1).mutate(small=ibis.literal(3, "int8"))
    back, by = through(expression, tmp_path)
    assert isinstance(back, ibis.Table)
    assert (back.schema()["small"], by) == (expression.schema()["small"], "ibis")
    assert_frame_equal(back.order_by("a").execute(), expression.order_by("a").execute())


def test_ibis_tables_of_two_stages_can_be_joined(tmp_path):
    give({"one": ibis.memtable({"k": [1, 2], "a": [3, 4]})}, stage="first", folder=str(tmp_path))
    give({"two": ibis.duckdb.connect().create_table("t", {"k": [2]})}, stage="second", folder=str(tmp_path))
    taken = take({"one": "first", "two": "second"}, folder=str(tmp_path))
    assert taken["one"].join(taken["two"], "k").execute().to_dict("list") == {"k": [2], "a": [4]}


def test_dictionary_of_ibis_tables_comes_back_as_one(tmp_path):
    tables = {"x": ibis.memtable({"a": [1]}), "y": ibis.duckdb.connect().create_table("t", {"a": [2]})}
    back, _ = through(tables, tmp_path)
    assert {name: table.execute().a.tolist() for name, table in back.items()} == {"x": [1], "y": [2]}


MODELS = {
    "linear": LinearRegression(),
    "pipeline": make_pipeline(StandardScaler(), LinearRegression()),
    "forest": RandomForestClassifier(n_estimators=3, random_state=0),
    "not fitted": StandardScaler(with_mean=False),
    "with a NumPy function": make_pipeline(FunctionTransformer(np.log1p), LinearRegression()),
}
X, Y = pd.DataFrame({"a": [1.0, 2.0, 4.0, 7.0], "b": [0.0, 1.0, 1.0, 0.0]}), np.array([0, 1, 0, 1])


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_model_predicts_the_same_and_has_one_digest(model, tmp_path):
    fitted = model.fit(X, Y)
    back, by = through(fitted, tmp_path)
    first = read_manifest(tmp_path, "giver").given[0].artifact.digest
    give({"value": back}, stage="again", folder=str(tmp_path))
    assert by == "skops"
    assert read_manifest(tmp_path, "again").given[0].artifact.digest == first
    if hasattr(model, "predict"):
        assert equal(back.predict(X), fitted.predict(X))
