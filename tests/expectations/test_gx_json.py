"""Suites are genuine GX JSON."""

from __future__ import annotations

import json

import pytest
from core_of_gx import core
from msgspec.structs import replace

from nbprod.errors import SuiteError
from nbprod.expectations import gx_json, read_expectations, suite_from_gx
from nbprod.expectations.core import CORE
from nbprod.model import OnBroken, Suite
from nbprod.validating.gx import great_expectations, quiet

TEXT = """
ColumnValuesToNotBeNull(column="carrier", mostly=0.9, severity="warning", notes="late feeds")
ColumnMaxToBeBetween(column="day", min_value=date(2013, 1, 1), max_value=rows * 2)
ColumnValuesToBeInSet(column="a", value_set=[1, None, "x"], row_condition=(Column("b") > 3) & Column("c").is_null())
ColumnValuesToBeBetween(column="a", min_value=0, row_condition="b.str.len() > 2", description="says", meta={"k": [1]})
TableRowCountToBeBetween(min_value=1)
TableRowCountToBeBetween(min_value=1)
"""


def suite():
    return Suite(
        value="flights",
        stage="load",
        on_broken=OnBroken.QUARANTINE,
        expectations=tuple(replace(one, span=None) for one in read_expectations(TEXT)),
    )


def test_the_catalogue_is_that_of_the_installed_gx():
    # When it differs: python tests/expectations/core_of_gx.py > nbprod/expectations/core.py
    assert core() == CORE


def test_a_suite_survives_its_json():
    assert suite_from_gx(json.loads(json.dumps(gx_json(suite())))) == suite()


def test_ids_depend_on_the_content_alone_and_differ_within_a_suite():
    first, again = gx_json(suite()), gx_json(suite())
    ids = [one["id"] for one in first["expectations"]]
    assert (first, len(set(ids))) == (again, len(ids))


def test_bare_gx_loads_a_suite_and_writes_the_same_back():
    with quiet():
        loaded = great_expectations().ExpectationSuite(**gx_json(suite()))
    assert suite_from_gx(loaded.to_json_dict()) == suite()


def test_an_expectations_store_of_gx_holds_and_reads_the_file(tmp_path):
    with quiet():
        context = great_expectations().get_context(mode="file", project_root_dir=tmp_path)
    folder = tmp_path / "gx" / "expectations"
    (folder / "load-flights.json").write_text(json.dumps(gx_json(suite())))
    with quiet():
        loaded = context.suites.get("load-flights")
    assert suite_from_gx(loaded.to_json_dict()) == suite()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"name": "a"}, "a: This JSON is no suite"),
        ({"expectations": []}, "The suite names no value"),
        ({"name": "a", "expectations": [{"kwargs": {}}]}, "An expectation of 'a' names no type"),
        (
            {"name": "a", "expectations": [{"type": "t", "severity": "warn"}]},
            "'warn' is no severity. Did you mean 'warning'?",
        ),
    ],
    ids=["no expectations", "no name", "no type", "no severity"],
)
def test_what_is_no_suite_is_refused(data, message):
    with pytest.raises(SuiteError) as caught:
        suite_from_gx(data)
    assert message in str(caught.value)
