"""The text of `%%expect` cells is read into suites, and written back to the same."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbprod.errors import NotebookError, SuiteError
from nbprod.expectations import (
    all_signatures,
    parameters_of,
    read_expectations,
    signature,
    suite_of,
    suites_of,
    text_of,
)
from nbprod.expectations.writing import expectation_text
from nbprod.model import Expectation, Importance, OnBroken, Severity, Span, Suite
from nbprod.notebook import magic_line, parse


def notebook_of(*sources):
    cells = [
        {
            "cell_type": "code",
            "id": f"c{n}",
            "metadata": {},
            "source": source,
            "outputs": [],
            "execution_count": None,
        }
        for n, source in enumerate(sources)
    ]
    return parse(
        json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}), name="n.ipynb"
    )


def arguments_of(text):
    return [dict(one.arguments) for one in read_expectations(text)]


SPELLINGS = {
    "class": 'ExpectColumnValuesToNotBeNull(column="a")',
    "class without Expect": 'ColumnValuesToNotBeNull(column="a")',
    "type": 'expect_column_values_to_not_be_null(column="a")',
    "type without expect": 'column_values_to_not_be_null(column="a")',
    "from a module": 'gxe.ExpectColumnValuesToNotBeNull(column="a")',
    "in a list": '[ColumnValuesToNotBeNull(column="a")]',
    "with a comment": '# why\nColumnValuesToNotBeNull(column="a")  # because',
}


@pytest.mark.parametrize("text", SPELLINGS.values(), ids=SPELLINGS)
def test_every_spelling_names_the_same_expectation(text):
    (one,) = read_expectations(text)
    assert (one.type, dict(one.arguments)) == ("expect_column_values_to_not_be_null", {"column": "a"})


VALUES = {
    "negative": ("-1.5", -1.5),
    "arithmetic": ("24 * 60", 1440),
    "date": ("dt.date(2013, 1, 31)", "2013-01-31"),
    "time": ("datetime(2013, 1, 31, 5)", "2013-01-31T05:00:00"),
    "timestamp": ('pd.Timestamp("2013-01-31 05:00")', "2013-01-31T05:00:00"),
    "parameter": ("month", {"$PARAMETER": "month"}),
    "parameter in arithmetic": ("rows * 0.9", {"$PARAMETER": "rows * 0.9"}),
}


@pytest.mark.parametrize(("text", "value"), VALUES.values(), ids=VALUES)
def test_a_bound_is_read_without_running_it(text, value):
    assert arguments_of(f'ColumnValuesToBeBetween(column="a", min_value={text})') == [
        {"column": "a", "min_value": value}
    ]


SETS = {
    "list": ('["a", None]', ["a", None]),
    "set": ("{1, 2}", [1, 2]),
    "tuple": ("(1.5, True)", [1.5, True]),
    "range": ("range(1, 4)", [1, 2, 3]),
}


@pytest.mark.parametrize(("text", "value"), SETS.values(), ids=SETS)
def test_a_set_of_values_is_a_list(text, value):
    assert arguments_of(f'ColumnValuesToBeInSet(column="a", value_set={text})') == [
        {"column": "a", "value_set": value}
    ]


def compared(column, operator, value):
    return {"type": "comparison", "column": {"name": column}, "operator": operator, "parameter": value}


CONDITIONS = {
    "column": ('Column("b") > 3', compared("b", ">", 3)),
    "mirrored": ('3 < col("b")', compared("b", ">", 3)),
    "GX's text": ('\'col("b") == "x"\'', compared("b", "==", "x")),
    "pandas' text": ('"b >= 2.5"', compared("b", ">=", 2.5)),
    "membership": ('Column("b").is_in(["x"])', compared("b", "IN", ["x"])),
    "membership in a text": ("\"b not in ['x']\"", compared("b", "NOT_IN", ["x"])),
    "null": ('Column("b").is_null()', {"type": "nullity", "column": {"name": "b"}, "is_null": True}),
    "not null": ("'col(\"b\").notNull()'", {"type": "nullity", "column": {"name": "b"}, "is_null": False}),
    "and": (
        '(Column("b") > 3) & (Column("c") == 1)',
        {"type": "and", "conditions": [compared("b", ">", 3), compared("c", "==", 1)]},
    ),
    "or in a text": (
        '"b > 3 or c == 1 or d == 2"',
        {"type": "or", "conditions": [compared("b", ">", 3), compared("c", "==", 1), compared("d", "==", 2)]},
    ),
    "pandas' own": ('"b.str.len() > 3"', {"type": "pass_through", "pass_through_filter": "b.str.len() > 3"}),
}


@pytest.mark.parametrize(("text", "condition"), CONDITIONS.values(), ids=CONDITIONS)
def test_row_conditions_become_gx_conditions(text, condition):
    (one,) = read_expectations(f'ColumnValuesToBeNull(column="a", row_condition={text})')
    assert one.arguments["row_condition"] == condition


def test_severity_notes_and_meta_belong_to_the_expectation_not_to_its_arguments():
    assert read_expectations(
        'ColumnValuesToBeNull(column="a", mostly=0.5,\n  severity="warning", notes="why", meta={"a": 1})',
        cell=2,
    ) == (
        Expectation(
            type="expect_column_values_to_be_null",
            arguments={"column": "a", "mostly": 0.5},
            importance=Importance.WARNING,
            notes="why",
            meta={"a": 1},
            span=Span(cell=2, line=1, column=0, end_line=2, end_column=49),
        ),
    )


WRONG = {
    "unknown": (
        'ColumnValuesToNotBeNul(column="a")',
        "cell 3, line 1: There is no expectation 'ColumnValuesToNotBeNul'. Did you mean 'ColumnValuesToNotBeNull'",
    ),
    "unknown in snake case": (
        '\n\nexpect_column_max_to_be_betwen(column="a")',
        "expect_column_max_to_be_betwen'. Did you mean 'column_max_to_be_between'",
    ),
    "argument": (
        'ColumnValuesToNotBeNull(colum="a")',
        "ColumnValuesToNotBeNull has no argument 'colum'. Did you mean 'column'?",
    ),
    "missing": (
        'ColumnValuesToBeInSet(column="a")',
        'ColumnValuesToBeInSet lacks `value_set`. As in `ColumnValuesToBeInSet(column="...", value_set=...)`.',
    ),
    "unnamed": (
        'ColumnValuesToNotBeNull("a")',
        "ColumnValuesToNotBeNull takes its arguments by name. Write `column='a'`.",
    ),
    "percent for a share": (
        'ColumnValuesToNotBeNull(column="a", mostly=95)',
        "`mostly` of ColumnValuesToNotBeNull is 95, which is no share between 0 and 1.",
    ),
    "number for a column": (
        "ColumnValuesToNotBeNull(column=3)",
        "`column` of ColumnValuesToNotBeNull is 3, which is no text.",
    ),
    "call": (
        'ColumnValuesToBeInSet(column="a", value_set=load())',
        "`value_set` of ColumnValuesToBeInSet is `load()`, which can't be known without running it.",
    ),
    "severity": (
        'ColumnValuesToBeNull(column="a", severity="warn")',
        "`severity` of ColumnValuesToBeNull is 'warn'. Did you mean 'warning'?",
    ),
    "text for a bound": (
        'ColumnMaxToBeBetween(column="a", max_value="z")',
        "`max_value` of ColumnMaxToBeBetween is 'z', which is neither a number nor a date.",
    ),
    "assignment": ("x = 1", "cell 3, line 1: `x = 1` is no expectation."),
    "no call": ("ColumnValuesToBeNull", "ColumnValuesToBeNull stands without its arguments."),
    "no Python": ("ColumnValuesToBeNull(", "cell 3, line 1: This is no Python:"),
    "infinity": (
        'ColumnMaxToBeBetween(column="a", max_value=float("inf"))',
        "`float('inf')`, which can't be",
    ),
}


@pytest.mark.parametrize(("text", "message"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_named_with_its_place_and_remedy(text, message):
    with pytest.raises(SuiteError) as caught:
        read_expectations(text, cell=2)
    assert message in str(caught.value)


def test_cells_of_one_value_make_one_suite():
    suites, findings = suites_of(
        notebook_of(
            "x = 1",
            '%%expect flights\nColumnToExist(column="a")',
            '%%expect flights\nColumnToExist(column="b")',
            '%%expect flights --stage load\nColumnToExist(column="c")',
        )
    )
    shown = [(s.value, s.stage, [one.arguments["column"] for one in s.expectations]) for s in suites]
    assert (shown, findings) == ([("flights", None, ["a", "b"]), ("flights", "load", ["c"])], ())


@pytest.mark.parametrize(
    ("lines", "on_broken", "rules"),
    [
        (["flights", "flights"], OnBroken.STOP, []),
        (["flights", "flights --on-broken quarantine"], OnBroken.QUARANTINE, []),
        (["flights --on-broken=warn", "flights"], OnBroken.WARN, []),
        (["flights --on-broken warn", "flights --on-broken warn"], OnBroken.WARN, []),
        (
            ["flights --on-broken warn", "flights --on-broken stop"],
            OnBroken.WARN,
            ["contradicted-on-broken"],
        ),
    ],
    ids=["said nowhere", "said in the second cell", "in the first", "twice alike", "twice, unlike"],
)
def test_what_happens_when_broken_is_said_once_for_a_value(lines, on_broken, rules):
    cells = [f'%%expect {line}\nColumnToExist(column="{place}")' for place, line in enumerate(lines)]
    suites, findings = suites_of(notebook_of(*cells))
    assert ([one.on_broken for one in suites], [one.rule for one in findings]) == ([on_broken], rules)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("flights --on-broken explode", "--on-broken knows no 'explode'. One of stop, quarantine, warn."),
        ("flights --on-broken", "--on-broken wants a value."),
        ("flights --on-brokn warn", "Did you mean '--on-broken'"),
        ("flights --stage a --stage b", "'--stage b' is not understood."),
    ],
    ids=["an unknown word", "no word", "a slip", "said twice"],
)
def test_a_magic_line_that_is_not_understood_says_what_would_be(line, message):
    with pytest.raises(NotebookError) as raised:
        magic_line(notebook_of(f"%%expect {line}").code[0])
    assert message in str(raised.value)


def test_a_broken_expectation_is_a_finding_and_the_others_stay():
    suites, findings = suites_of(
        notebook_of(
            '%%expect flights\nColumnToExit(column="a")\nColumnToExist(column="é"); ColumnToExist(x=1)'
        )
    )
    assert [one.arguments for one in suites[0].expectations] == [{"column": "é"}]
    assert [(f.rule, f.severity, f.span) for f in findings] == [
        (
            "bad-expectation",
            Severity.ERROR,
            Span(cell=0, line=2, column=0, end_line=2, end_column=24),
        ),
        (
            "bad-expectation",
            Severity.ERROR,
            Span(cell=0, line=3, column=27, end_line=3, end_column=45),
        ),
    ]


def test_an_empty_suite_and_a_repeated_expectation_are_told():
    twice = 'ColumnToExist(column="a")\nColumnToExist(column="a")'
    _, findings = suites_of(notebook_of("%%expect flights\n# later", f"%%expect weather\n{twice}"))
    assert [(f.rule, f.severity) for f in findings] == [
        ("empty-suite", Severity.WARNING),
        ("repeated-expectation", Severity.NOTE),
    ]


def test_a_cell_without_the_magic_line_holds_no_suite():
    with pytest.raises(SuiteError, match="holds no suite"):
        suite_of(notebook_of("x = 1").code[0])


def test_parameters_are_the_names_that_the_arguments_mention():
    text = "TableRowCountToBeBetween(min_value=rows * 0.9, max_value=limit)"
    assert parameters_of(Suite(value="t", expectations=read_expectations(text))) == {"rows", "limit"}


scalars = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
)
conditions = st.recursive(
    st.builds(
        lambda name, operator, value: {
            "type": "comparison",
            "column": {"name": name},
            "operator": operator,
            "parameter": value,
        },
        st.text(),
        st.sampled_from(["==", "!=", "<", "<=", ">", ">="]),
        st.integers() | st.text(),
    )
    | st.builds(
        lambda name, is_null: {"type": "nullity", "column": {"name": name}, "is_null": is_null},
        st.text(),
        st.booleans(),
    ),
    lambda inner: st.builds(
        lambda word, parts: {"type": word, "conditions": parts},
        st.sampled_from(["and", "or"]),
        st.lists(inner, min_size=2, max_size=2).filter(
            lambda parts: all("conditions" not in p for p in parts)
        ),
    ),
    max_leaves=2,
)


@given(
    arguments=st.fixed_dictionaries(
        {"column": st.text(), "value_set": st.lists(scalars, max_size=4)},
        optional={
            "mostly": st.floats(0, 1) | st.just({"$PARAMETER": "share * 2"}),
            "row_condition": conditions,
        },
    ),
    importance=st.sampled_from(Importance),
    notes=st.text(),
)
def test_writing_and_reading_an_expectation_gives_it_back(arguments, importance, notes):
    one = Expectation(
        type="expect_column_values_to_be_in_set", arguments=arguments, importance=importance, notes=notes
    )
    (read,) = read_expectations(expectation_text(one))
    assert (read.type, read.arguments, read.importance, read.notes) == (
        one.type,
        one.arguments,
        one.importance,
        one.notes,
    )


def test_a_written_suite_is_read_back_as_a_cell():
    text = (
        "%%expect flights --stage load --on-broken quarantine\n"
        'ColumnValuesToNotBeNull(column="carrier", mostly=0.5)\n'
        'ColumnKLDivergenceToBeLessThan(column="a", partition_object={"values": ["x"], "weights": [1.0]})'
    )
    assert text_of(suite_of(notebook_of(text).code[0])) == text


def test_every_core_expectation_is_found_by_each_of_its_names():
    for one in all_signatures():
        names = (one.class_name, one.short_name, one.type, one.type.removeprefix("expect_"))
        assert {signature(name) for name in names} == {one}
