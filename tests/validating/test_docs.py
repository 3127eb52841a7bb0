"""Data Docs are built by GX from genuine results."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pyarrow as pa
import pytest

from nbprod.errors import SuiteError
from nbprod.expectations import read_expectations
from nbprod.model import Suite
from nbprod.validating import judge, judge_genuine, write_docs


def test_data_docs_show_the_suites_and_what_broke(tmp_path):
    suite = Suite(
        value="flights", expectations=read_expectations('ColumnValuesToNotBeNull(column="carrier")')
    )
    result = judge_genuine(pa.table({"carrier": ["AA", None]}), suite)
    started = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    index = write_docs([result], tmp_path / "docs", suites=[suite], run="run-1", started=started)
    pages = {str(path.relative_to(tmp_path / "docs")) for path in (tmp_path / "docs").rglob("*.html")}
    (page,) = (name for name in pages if name.startswith("validations/flights/run-1/"))
    assert pages == {"index.html", "expectations/flights.html", page}
    text = (tmp_path / "docs" / page).read_text()
    assert [said in text for said in ("1 unexpected values found", "carrier", "Failed", "run-1")] == [
        True
    ] * 4
    assert index == tmp_path / "docs" / "index.html"


def test_data_docs_show_what_numpy_has_computed(tmp_path, caplog):
    suite = Suite(
        value="flights",
        expectations=read_expectations(
            'ColumnKLDivergenceToBeLessThan(column="carrier", threshold=1,'
            ' partition_object={"values": ["AA", "UA"], "weights": [0.5, 0.5]})'
        ),
    )
    result = judge_genuine(pa.table({"carrier": ["AA", "AA", "UA"]}), suite)
    started = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    write_docs([result], tmp_path, suites=[suite], run="run-1", started=started)
    (page,) = (tmp_path / "validations").rglob("*.html")
    assert "KL Divergence: ≈0.0566" in page.read_text()
    assert "num_to_str" not in caplog.text


def test_a_frames_index_is_no_column_of_its_parquet_file(tmp_path):
    pd.DataFrame({"a": [1, 2]}, index=["x", "y"]).to_parquet(tmp_path / "t.parquet")
    suite = Suite(value="t", expectations=read_expectations('TableColumnsToMatchSet(column_set=["a"])'))
    assert judge(tmp_path / "t.parquet", suite)[0].success


def test_an_arrow_file_is_judged_and_another_file_is_refused(tmp_path):
    table = pa.table({"a": [1, 2]})
    with pa.OSFile(str(tmp_path / "t.arrow"), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    (tmp_path / "t.csv").write_text("a\n1\n")
    suite = Suite(value="t", expectations=read_expectations("TableRowCountToEqual(value=2)"))
    assert judge(tmp_path / "t.arrow", suite)[0].success
    with pytest.raises(SuiteError, match="neither parquet nor Arrow"):
        judge(tmp_path / "t.csv", suite)


def test_data_docs_say_in_words_what_a_query_and_a_set_of_columns_found(tmp_path):
    suite = Suite(
        value="t",
        expectations=read_expectations(
            'TableColumnsToMatchSet(column_set=["a", "b"])\n'
            'UnexpectedRowsExpectation(unexpected_rows_query="SELECT * FROM {batch} WHERE a > 1", description="No a")'
        ),
    )
    result = judge_genuine(pa.table({"a": [1, 2, 3], "b": [1, 2, 3]}), suite)
    write_docs(
        [result], tmp_path, suites=[suite], run="run-1", started=dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    )
    (page,) = (tmp_path / "validations").rglob("*.html")
    text = page.read_text()
    found = [said in text for said in ("2 unexpected rows", ">a, b<", "[&#39;a", "['a'")]
    assert (found, result.results[1].result["observed_value"]) == ([True, True, False, False], 2)
