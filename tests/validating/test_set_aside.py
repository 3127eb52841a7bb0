"""A suite with `--on-broken quarantine`: broken rows stand beside the value, the good ones go on."""

from __future__ import annotations

from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from nbprod import api
from nbprod.artifacts.formats import format_named
from nbprod.artifacts.manifest import read_manifest, store_of
from nbprod.expectations import read_expectations
from nbprod.model import OnBroken, State, Suite
from nbprod.validating import judge, parted

BETWEEN = "expect_column_values_to_be_between(a)"
UNIQUE = "expect_column_values_to_be_unique(b)"
SUITE = """
ColumnValuesToBeBetween(column="a", min_value=0)
ColumnValuesToBeUnique(column="b")
"""
FRAME = pd.DataFrame(
    {"a": [1, -2, 3, 4], "b": pd.Categorical(["x", "y", "z", "z"], ["z", "y", "x"])}, index=[10, 20, 30, 40]
)


def suite(text=SUITE, **more):
    return Suite(value="rows", expectations=read_expectations(text), **more)


def notebook(folder, options, more=""):
    cells = [
        "%%stage load\nimport pandas as pd\nrows = pd.DataFrame({'a': [1, -2, 3, 4], 'b': list('xyzz')})",
        f"%%expect rows {options}{SUITE}{more}",
        "%%stage count\ntotal = int(rows['a'].sum())",
        "%%expect total\nColumnValuesToBeBetween(column='value', min_value=0)",
    ]
    made = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(one) for one in cells],
        metadata={"kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"}},
    )
    folder.joinpath("pyproject.toml").touch()
    nbformat.write(made, folder / "trial.ipynb")
    return folder / "trial.ipynb"


def given(record, stage, name):
    folder = Path(record.folder) / "artifacts"
    found = read_manifest(folder, stage).named(name).artifact
    return format_named(found.format).read(store_of(folder).path(found.digest))


def test_good_rows_go_on_and_broken_ones_stand_beside_them(tmp_path):
    source = notebook(tmp_path, "--on-broken quarantine")
    first, second = api.run(source), api.run(source)
    aside = given(first, "load", "rows.quarantine")
    assert (
        first.state,
        given(first, "load", "rows").to_dict("records"),
        given(first, "count", "total"),
        aside.drop(columns="nbprod_broke").to_dict("records"),
        [sorted(names) for names in aside["nbprod_broke"]],
        [(one.quarantine.rows_kept, one.quarantine.rows_taken) for one in first.stages[0].verdicts],
        [one.quarantine.broke for one in first.stages[0].verdicts],
    ) == (
        State.DONE,
        [{"a": 1, "b": "x"}],
        1,
        [{"a": -2, "b": "y"}, {"a": 3, "b": "z"}, {"a": 4, "b": "z"}],
        [[BETWEEN], [UNIQUE], [UNIQUE]],
        [(1, 3), (1, 3)],
        [{BETWEEN: 1, UNIQUE: 2}] * 2,
    )
    # A later run takes what was judged and set aside from the ledger.
    assert [one.state for one in second.stages] == [State.CACHED, State.CACHED]
    assert [(one.verdicts, one.artifacts) for one in second.stages] == [
        (one.verdicts, one.artifacts) for one in first.stages
    ]


def test_what_breaks_no_row_in_particular_still_stops(tmp_path):
    source = notebook(tmp_path, "--on-broken quarantine", 'ColumnMeanToBeBetween(column="a", min_value=100)')
    record = api.run(source)
    assert [one.state for one in record.stages] == [State.BROKEN, State.SKIPPED]
    assert "column_mean" in record.stages[0].reason


@pytest.mark.parametrize(
    ("options", "states"),
    [("--on-broken warn", [State.DONE, State.DONE]), ("--on-broken stop", [State.BROKEN, State.SKIPPED])],
    ids=["warn goes on with every row", "stop stops"],
)
def test_without_quarantine_no_row_is_set_aside(tmp_path, options, states):
    record = api.run(notebook(tmp_path, options))
    assert [one.state for one in record.stages] == states
    assert len(given(record, "load", "rows")) == 4
    assert [one.quarantine for one in record.stages[0].verdicts] == [None, None]


KINDS = {
    "pandas": (FRAME, lambda value: value.equals(FRAME[[True, False, False, False]])),
    "polars": (pl.from_pandas(FRAME), lambda value: value.equals(pl.from_pandas(FRAME)[:1])),
    "arrow": (pa.Table.from_pandas(FRAME), lambda value: value.equals(pa.Table.from_pandas(FRAME)[:1])),
}


@pytest.mark.parametrize(("value", "is_first_row"), KINDS.values(), ids=KINDS)
def test_what_is_kept_stays_what_it_was(value, is_first_row):
    parts = parted(value, suite())
    assert is_first_row(parts.kept)
    assert parts.taken.column("a").to_pylist() == [-2, 3, 4]


def test_rows_are_found_by_place_in_long_tables_too():
    random = np.random.default_rng(1)
    frame = pd.DataFrame({"a": random.normal(size=300_000), "b": np.arange(300_000) % 299_990})
    kept = parted(frame, suite()).kept
    assert kept.equals(frame[(frame["a"] >= 0) & ~frame["b"].duplicated(keep=False)])


def test_what_an_expectation_that_holds_tolerates_is_kept():
    text = 'ColumnValuesToBeBetween(column="a", min_value=0, mostly=0.5)\nColumnValuesToBeUnique(column="b")'
    verdicts = judge(FRAME, suite(text, on_broken=OnBroken.QUARANTINE))
    assert [one.quarantine and one.quarantine.broke for one in verdicts] == [None, {UNIQUE: 2}]


def test_two_expectations_of_one_name_take_the_rows_of_either():
    text = (
        'ColumnValuesToBeBetween(column="a", min_value=0)\nColumnValuesToBeBetween(column="a", max_value=3)'
    )
    assert parted(FRAME, suite(text)).kept["a"].tolist() == [1, 3]
