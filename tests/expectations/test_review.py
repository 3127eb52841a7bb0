"""What a newer suite says otherwise, and a page of each column beside its bounds."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest

from nbprod.expectations import Change, changes, infer, read_expectations, review_page
from nbprod.expectations.profile import ColumnProfile, Profile, Sort
from nbprod.model import Suite


def suite(text):
    return Suite(value="t", expectations=read_expectations(text))


def one(text):
    return suite(text).expectations[0]


LOW = 'ColumnValuesToBeBetween(column="a", min_value=0)'
HIGH = 'ColumnValuesToBeBetween(column="a", min_value=1)'
NULLS = 'ColumnValuesToNotBeNull(column="a")'
ROWS = 'UnexpectedRowsExpectation(unexpected_rows_query="SELECT corr(a, {}) FROM {{batch}} HAVING corr(a, b) < {}")'

CASES = {
    "the same": (LOW, LOW[:-1] + ', notes="new")', []),
    "another order": (f"{LOW}\n{NULLS}", f"{NULLS}\n{LOW}", []),
    "another bound": (LOW, HIGH, [(LOW, HIGH)]),
    "one more": (LOW, f"{LOW}\n{NULLS}", [(None, NULLS)]),
    "one less": (f"{LOW}\n{NULLS}", NULLS, [(LOW, None)]),
    "another severity": (
        NULLS,
        NULLS.replace(")", ', severity="info")'),
        [(NULLS, NULLS.replace(")", ', severity="info")'))],
    ),
    "one of two of a kind": (f"{LOW}\n{HIGH}", HIGH, [(LOW, None)]),
    "a query's bound": (
        ROWS.format("b", 0.1),
        ROWS.format("b", 0.2),
        [(ROWS.format("b", 0.1), ROWS.format("b", 0.2))],
    ),
    "another query": (
        ROWS.format("b", 0.1),
        ROWS.format("c", 0.1),
        [(ROWS.format("b", 0.1), None), (None, ROWS.format("c", 0.1))],
    ),
}


@pytest.mark.parametrize(("before", "after", "expected"), CASES.values(), ids=CASES)
def test_changes_are_what_is_said_otherwise(before, after, expected):
    def bare(change):
        return tuple(
            found and (found.type, found.arguments, found.importance)
            for found in (change.before, change.after)
        )

    wanted = [Change(before=old and one(old), after=new and one(new)) for old, new in expected]
    assert [bare(change) for change in changes(suite(before), suite(after))] == [
        bare(change) for change in wanted
    ]


PROFILE = Profile(
    rows=1000,
    columns=(
        ColumnProfile(
            name="<amount>", type="float64", sort=Sort.NUMBER, nulls=10, distinct=900, singletons=800,
            low=0.5, high=99.0, ladder=tuple(0.5 + 0.49 * place for place in range(202)),
        ),
        ColumnProfile(
            name="channel", type="string", sort=Sort.TEXT, nulls=0, distinct=2, singletons=0,
            counts=(("web", 700), ("a & b", 300)), shortest=3, longest=5,
        ),
        ColumnProfile(name="nothing", type="float64", sort=Sort.NUMBER, nulls=1000, distinct=0, singletons=0),
    ),
)  # fmt: skip


def test_a_page_draws_each_column_beside_its_bounds():
    page = review_page(PROFILE, infer(PROFILE, value="t"), title="What is expected of t")
    pictures = [ET.fromstring(text) for text in re.findall("<svg.*?</svg>", page)]  # noqa: S314  # made just now
    marks = [
        {kind: sum(part.get("class") == kind for part in picture) for kind in ("seen", "bound", "band")}
        for picture in pictures
    ]
    assert marks == [{"seen": 48, "bound": 2, "band": 5}, {"seen": 2, "bound": 0, "band": 0}]
    assert page.count("<section>") == 4
    assert "<amount>" not in page
    assert not re.search("(src|href)=", page)
