"""Counts on long tables, where hashes and prefixes decide what is asked, are those of pandas."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from nbprod.validating.asking import measured
from nbprod.validating.broken import ROW_LEVEL
from nbprod.validating.counting import MANY, distinct_count, repeated_count
from nbprod.validating.rows import Domain
from nbprod.validating.sources import source_of
from nbprod.validating.tables import Limits, opened

ROWS = MANY + 1_000
RANDOM = np.random.default_rng(3)
NUMBERS = np.arange(ROWS)


def at(place, value, values):
    changed = values.copy()
    changed[place] = value
    return changed


KEYS = {
    "all differ": {"a": NUMBERS},
    "one twice, far apart": {"a": at(ROWS - 1, 0, NUMBERS)},
    "many missing, which repeat nothing": {"a": pa.array(NUMBERS, mask=NUMBERS % 3 == 0)},
    "zero and minus zero, which are equal": {"a": at(7, -0.0, NUMBERS.astype(float))},
    "texts, the empty one twice": {"a": pa.array(["", "", *map(str, NUMBERS[2:])])},
    "pairs that differ in one": {"a": NUMBERS // 2, "b": NUMBERS % 2},
    "a pair twice": {"a": at(5, 6, NUMBERS), "b": np.zeros(ROWS)},
    "pairs with one missing": {"a": NUMBERS // 2, "b": pa.array(NUMBERS % 2, mask=NUMBERS % 2 == 0)},
}


@pytest.mark.parametrize("at_once", [10**6, 50_000], ids=["at once", "in parts"])
@pytest.mark.parametrize("columns", KEYS.values(), ids=KEYS)
def test_repeated_rows_of_long_tables_are_those_of_pandas(columns, at_once):
    table = pa.table(columns)
    with opened(table, limits=Limits()) as open_table:
        domain = Domain(table=open_table.table, columns=tuple(columns))
        found = measured(open_table.table, {"n": repeated_count(domain, at_once=at_once)})
    frame = table.to_pandas()
    if len(columns) == 1:
        frame = frame.dropna()
    assert (found.values.get("n"), found.failed) == (int(frame.duplicated(keep=False).sum()), {})  # noqa: PD011  # no frame


@pytest.mark.parametrize("at_once", [10**6, 50_000], ids=["at once", "in parts"])
@pytest.mark.parametrize(
    "values",
    [
        NUMBERS - 7,
        NUMBERS % 1_000 - 500,
        NUMBERS * 1_000_003,
        NUMBERS.astype("uint64") + np.uint64(2**63),
        np.char.add("x", (NUMBERS // 2).astype(str)),
        NUMBERS / 3,
    ],
    ids=["a narrow range", "few", "a wide range", "beyond signed numbers", "texts", "floats"],
)
def test_different_values_of_long_tables_are_those_of_pandas(values, at_once):
    table = pa.table({"a": pa.array(values, mask=NUMBERS % 10 == 0)})
    with opened(table, limits=Limits()) as open_table:
        domain = Domain(table=open_table.table, columns=("a",))
        found = measured(open_table.table, {"n": distinct_count(domain, at_once=at_once)})
    expected = len(np.unique(values[NUMBERS % 10 != 0]))
    assert (found.values.get("n"), found.failed) == (expected, {})  # noqa: PD011  # no frame


TEXTS = {
    "few different": np.array(["ab-1", "ab-2", "x", ""])[RANDOM.integers(0, 4, ROWS)],
    "all different": np.array([f"ab-{one}" if one % 7 else f"x{one}" for one in NUMBERS]),
    "different at first, then one": np.where(NUMBERS < ROWS // 4, NUMBERS.astype(str), "ab-1"),
}
TESTS = {
    "regex": ("column_values.match_regex", {"regex": "^ab-[0-9]+$"}, lambda x: x.str.match("^ab-[0-9]+$")),
    "length": ("column_values.value_length.between", {"max_value": 4}, lambda x: x.str.len() <= 4),
    "set": ("column_values.in_set", {"value_set": ["ab-1", "x"]}, lambda x: x.isin(["ab-1", "x"])),
}


@pytest.mark.parametrize(("name", "arguments", "expected"), TESTS.values(), ids=TESTS)
@pytest.mark.parametrize("texts", TEXTS.values(), ids=TEXTS)
def test_texts_that_repeat_are_tested_as_if_each_row_were(texts, name, arguments, expected):
    column = pd.Series(texts).where(NUMBERS % 11 != 0)
    with opened(pa.table({"a": pa.Array.from_pandas(column)}), limits=Limits()) as open_table:
        source = source_of(open_table.table, columns=("a",), samples=0)
        domain = Domain(table=source.judged, columns=("a",))
        asked = ROW_LEVEL["unexpected_count"](name, domain, arguments, source)
        found = measured(source.judged, {"n": asked})
    assert found.values.get("n") == int((~expected(column.dropna())).sum())  # noqa: PD011  # no frame
