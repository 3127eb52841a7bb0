"""Nouns go to JSON and come back equal; damage is named by its path."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nbprod import wire
from nbprod.errors import NbprodError
from nbprod.model import (
    Artifact,
    CellFailure,
    Expectation,
    Finding,
    Importance,
    Kind,
    Need,
    Parameter,
    Plan,
    PlannedStage,
    Proof,
    Record,
    Severity,
    Span,
    StageOptions,
    StageRun,
    State,
    Step,
    Study,
    SuggestedParameter,
    Suite,
    Verdict,
)

EXPECTATION = Expectation(
    type="expect_column_values_to_be_in_set",
    arguments={"column": "carrier", "value_set": ["AA", None], "mostly": 0.9},
    importance=Importance.WARNING,
    span=Span(cell=3, line=2, column=0, end_line=2, end_column=9),
)
RECORD = Record(
    id="r1",
    pipeline="p",
    source="p.ipynb",
    folder="runs/r1",
    state=State.BROKEN,
    started="2026-01-01T00:00:00Z",
    parameters={"month": 3, "airports": ["JFK"]},
    stages=(
        StageRun(
            stage="load",
            state=State.BROKEN,
            artifacts=(
                Artifact(name="f", digest="ab", format="parquet", type="DataFrame", bytes=3, columns=("a",)),
            ),
            verdicts=(
                Verdict(
                    expectation=EXPECTATION,
                    success=False,
                    value="f",
                    samples=("ZZ",),
                    rows=({"carrier": "ZZ"},),
                ),
            ),
            failure=CellFailure(cell=1, source="1/0", error="ZeroDivisionError", message="division by zero"),
        ),
    ),
    findings=(
        Finding(
            rule="r",
            severity=Severity.NOTE,
            message="m",
            verdict=Proof.SUSPECTED,
            path=(Step(span=Span(cell=0), says="here"),),
        ),
    ),
)
PLAN = Plan(
    name="p",
    source="../p.ipynb",
    stages=(
        PlannedStage(
            name="load",
            kind=Kind.LOAD,
            notebook="01-load.ipynb",
            needs=(Need(name="a", giver="b"),),
            options=StageOptions(time="ts", known=(("delay", "landed"),)),
        ),
    ),
    parameters=(Parameter(name="month", type="int", default=3),),
    suites=(Suite(value="f", expectations=(EXPECTATION,)),),
    allowed={"r": "because"},
    files={"01-load.ipynb": "{}"},
)


@pytest.mark.parametrize("noun", [RECORD, PLAN], ids=["a record", "a plan"])
def test_noun_survives_the_way_through_json(noun):
    text = json.dumps(wire.plain(noun))
    assert wire.noun(type(noun), json.loads(text), where="file") == noun


@pytest.mark.parametrize("noun", [RECORD, PLAN], ids=["a record", "a plan"])
def test_text_is_what_json_says_of_the_plain_noun(noun):
    assert wire.text([noun, {"one": noun}]) == json.dumps(wire.plain([noun, {"one": noun}]))


def test_damaged_field_is_named_by_its_path():
    raw = wire.plain(RECORD)
    raw["stages"][0]["state"] = "nope"
    with pytest.raises(NbprodError, match=r"run\.json: This is no Record: .* `\$\.stages\[0\]\.state`"):
        wire.noun(Record, raw, where="run.json")


def test_what_is_neither_noun_nor_json_is_refused():
    with pytest.raises(TypeError, match="object is no noun"):
        wire.plain({"a": object()})


def test_typescript_has_an_interface_for_every_noun_within():
    text = wire.typescript(Record)
    assert "export interface StageRun {" in text
    assert "  parameters: { [key: string]: Json };" in text
    assert "  failure: CellFailure | null;" in text
    assert "export type Importance = 'critical' | 'warning' | 'info';" in text


def test_typescript_of_the_extension_is_current():
    written = Path(__file__).parents[1] / "extension" / "src" / "wire.ts"
    assert written.read_text(encoding="utf-8") == wire.typescript(Study, Record, SuggestedParameter)
