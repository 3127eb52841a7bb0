"""Two values are equal to the bit, or the first difference is named."""

from __future__ import annotations

import copy
import datetime as dt
import functools
import io
from dataclasses import dataclass

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from nbprod.artifacts.equality import NotComparableError, difference


@dataclass
class Point:
    x: float


class Open(dict):
    """A dictionary whose members are its attributes too, as in many libraries."""

    def __init__(self, **members: object) -> None:
        super().__init__(**members)
        self.__dict__ = self


class Sample:
    """Computes when it is asked, by itself as statsmodels does or by functools."""

    def __init__(self, numbers: list[float], *asked: str) -> None:
        self.numbers = numbers
        self._cache: dict[str, float] = {}
        for name in asked:
            getattr(self, name)

    @property
    def total(self) -> float:
        return self._cache.setdefault("total", sum(self.numbers))

    @property
    def largest(self) -> float:
        return self._cache.setdefault("largest", max(self.numbers))

    @functools.cached_property
    def smallest(self) -> float:
        return min(self.numbers)


class Node:
    def __init__(self) -> None:
        self.me = self


def fitted(shift: float = 0.0) -> LogisticRegression:
    x = np.arange(12.0).reshape(6, 2) + shift
    return LogisticRegression().fit(x, [0, 1, 0, 1, 1, 1])


FRAME = pd.DataFrame({"a": [1.0, np.nan], "b": ["x", None], "c": pd.Categorical(["u", "v"])})

EQUAL = {
    "floats that are NaN": lambda: float("nan"),
    "nested containers": lambda: {"a": [1, (2.0, {"b"})], "n": None},
    "frames with gaps and categories": FRAME.copy,
    "frames with a MultiIndex": lambda: FRAME.set_index(["a", "b"]),
    "time zones": lambda: pd.Series(pd.to_datetime(["2024-01-01", None]).tz_localize("UTC")),
    "nullable integers": lambda: pd.array([1, None], dtype="Int64"),
    "arrays with NaN": lambda: np.array([1.0, np.nan]),
    "arrays of objects": lambda: np.array([1, "a", None], dtype=object),
    "polars frames": lambda: pl.DataFrame({"a": [1.0, float("nan"), None]}),
    "polars series": lambda: pl.Series("a", [1, 2]),
    "estimators fitted alike": fitted,
    "objects with state": lambda: Point(1.0),
    "objects that hold themselves": Node,
    "dictionaries that are their own attributes": lambda: Open(a=np.array([1.0]), b="x"),
    "generators of random numbers": lambda: np.random.default_rng(3),
    "dates": lambda: dt.date(2024, 1, 2),
}

DIFFERENT = {
    "type of a number": (1, 1.0, "value: int is not float"),
    "boolean and integer": (True, 1, "value: bool is not int"),
    "sign of zero": (0.0, -0.0, "value: 0.0 is not -0.0"),
    "deep in containers": ({"a": [1, 2]}, {"a": [1, 3]}, "value['a'][1]: 2 is not 3"),
    "order of keys": ({"a": 1, "b": 2}, {"b": 2, "a": 1}, "value: keys ['a', 'b'] are not ['b', 'a']"),
    "one cell of a frame": (
        FRAME,
        FRAME.assign(a=[1.0, 2.0]),
        "value['a']: at [1]: np.float64(nan) is not np.float64(2.0)",
    ),
    "dtype of a column": (
        FRAME[["a"]],
        FRAME[["a"]].astype("float32"),
        "value['a']: float64 is not float32",
    ),
    "one bit of an array": (
        np.array([0.3]),
        np.array([0.1 + 0.2]),
        "value: at [0]: np.float64(0.3) is not np.float64(0.30000000000000004)",
    ),
    "index of a frame": (
        pd.DataFrame({"a": [1]}),
        pd.DataFrame({"a": [1]}, index=[5]),
        "value.index: RangeIndex is not Index",
    ),
    "state of an object": (Point(1.0), Point(2.0), "value.__dict__['x']: 1.0 is not 2.0"),
}


@pytest.mark.parametrize("make", EQUAL.values(), ids=EQUAL)
def test_values_made_alike_are_equal(make):
    assert difference(make(), make()) is None


@pytest.mark.parametrize(
    "asked", [(), ("total",), ("smallest",), ("largest", "total", "smallest")], ids=" ".join
)
def test_what_one_was_not_asked_for_yet_is_no_difference(asked):
    assert difference(Sample([1.0, 2.0], "smallest", "total", "largest"), Sample([1.0, 2.0], *asked)) is None


def test_what_both_were_asked_for_is_compared():
    one, other = (Sample([1.0, 2.0], "total", "smallest") for _ in range(2))
    other._cache["total"] = 4.0
    assert difference(one, other) == "value.__dict__['_cache']['total']: 3.0 is not 4.0"
    assert difference(one, Sample([1.0, 3.0])) == "value.__dict__['numbers'][1]: 2.0 is not 3.0"


@pytest.mark.parametrize(("left", "right", "says"), DIFFERENT.values(), ids=DIFFERENT)
def test_first_difference_is_named(left, right, says):
    assert difference(left, right) == says


def test_estimators_fitted_on_other_data_differ_in_a_named_attribute():
    found = difference(fitted(), fitted(1.0), name="model")
    assert found == "model.__dict__['n_iter_']: at [0]: np.int32(12) is not np.int32(20)"


def test_vectorizers_that_note_an_address_are_equal_all_the_same():
    fitted_one = CountVectorizer().fit(["one two", "two three"])
    assert difference(fitted_one, copy.deepcopy(fitted_one)) is None
    assert difference(fitted_one, CountVectorizer().fit(["one two", "two four"])) is not None


def test_scaler_that_is_not_fitted_differs_from_a_fitted_one():
    assert difference(StandardScaler(), StandardScaler().fit([[1.0], [2.0]])) is not None


def test_values_without_a_notion_of_equality_are_said_so():
    with pytest.raises(NotComparableError):
        difference(io.StringIO("a"), io.StringIO("a"))
