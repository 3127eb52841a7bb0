"""Edits change what was asked and no other byte."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbprod.notebook import parse
from nbprod.notebook.edits import with_magics_as_tags, with_source, with_stage, with_stage_options, with_tags

ODD = (
    '{\n "cells": [\n  {\n   "cell_type": "code",\n   "id": "a",\n   "metadata": {"x": 1.0e5, "é": "\\u00e9"},\n'
    '   "outputs": [], "execution_count": null,\n   "source": ["x = 1\\n", "y"]\n  },\n'
    '  {"cell_type": "markdown", "metadata": {}, "source": "# T"}\n ],\n'
    ' "metadata": {"foreign": [1.50, 2]}, "nbformat": 4, "nbformat_minor": 4\n}'
)


def test_tags_are_added_and_every_other_byte_stays():
    edited = with_tags(ODD, 0, ["stage:load"], name="a.ipynb")
    added = ',\n    "tags": [\n     "stage:load"\n    ]\n   }'
    assert edited == ODD.replace('"\\u00e9"}', '"\\u00e9"' + added, 1)


def test_tags_of_a_cell_without_any_metadata_members_are_added():
    edited = with_tags(ODD, 1, ["skip"], name="a.ipynb")
    assert parse(edited, name="a.ipynb").cells[1].tags == ("skip",)


def test_notebook_on_one_line_stays_on_one_line():
    text = json.dumps(json.loads(ODD))
    edited = with_tags(text, 0, ["t"], name="a.ipynb")
    assert "\n" not in edited
    assert parse(edited, name="a.ipynb").cells[0].tags == ("t",)


def test_source_is_replaced_as_lines():
    edited = with_source(ODD, 0, "a\nb", name="a.ipynb")
    assert json.loads(edited)["cells"][0]["source"] == ["a\n", "b"]
    assert '"x": 1.0e5' in edited


def test_stage_options_are_kept_beside_foreign_metadata():
    edited = with_stage_options(ODD, "features", {"time": "ts"})
    assert '"foreign": [1.50, 2]' in edited
    assert parse(edited, name="a.ipynb").stage_options == {"features": {"time": "ts"}}


@pytest.mark.parametrize(
    ("source", "stage", "expected"),
    [
        pytest.param(
            "%%stage load --kind load\nx", "read", "%%stage read --kind load\nx", id="renames in the line"
        ),
        pytest.param("%%stage  load\nx", None, "x", id="removes the line"),
        pytest.param("%%stage stage\nx", "b", "%%stage b\nx", id="a stage called stage"),
    ],
)
def test_a_cell_with_a_magic_line_is_tagged_in_that_line(source, stage, expected):
    text = with_source(ODD, 0, source, name="a.ipynb")
    edited = parse(with_stage(text, 0, stage, name="a.ipynb"), name="a.ipynb")
    assert (edited.cells[0].source, edited.cells[0].tags) == (expected, ())


def test_a_cell_without_a_magic_line_is_tagged_in_its_metadata():
    tagged = with_stage(with_tags(ODD, 0, ["keep", "stage:old"], name="a.ipynb"), 0, "new", name="a.ipynb")
    assert parse(tagged, name="a.ipynb").cells[0].tags == ("keep", "stage:new")


def test_percent_script_keeps_its_other_lines():
    script = "# %%\nx = 1\n\n# %% [markdown]\n# Title\n\n# %%\ny = x\n"
    assert with_stage(script, 2, "b", name="a.py") == script.replace(
        "# %%\ny = x", '# %% tags=["stage:b"]\ny = x'
    )


def test_magics_become_tags_unless_they_carry_options():
    text = with_source(ODD, 0, "%%stage load\nx = 1", name="a.ipynb")
    assert parse(with_magics_as_tags(text, name="a.ipynb"), name="a.ipynb").cells[0].tags == ("stage:load",)
    optioned = with_source(ODD, 0, "%%stage load --kind load\nx = 1", name="a.ipynb")
    assert with_magics_as_tags(optioned, name="a.ipynb") == optioned


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(metadata=st.dictionaries(st.text(), JSON, max_size=4), indent=st.sampled_from([None, 1, 4]))
def test_an_edit_of_tags_changes_nothing_but_tags(metadata, indent):
    cell = {"cell_type": "code", "id": "a", "metadata": metadata, "outputs": [], "source": []}
    raw = {"cells": [cell], "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    edited = json.loads(with_tags(json.dumps(raw, indent=indent), 0, ["t"], name="a.ipynb"))
    cell["metadata"] = {**metadata, "tags": ["t"]}
    assert edited == raw
