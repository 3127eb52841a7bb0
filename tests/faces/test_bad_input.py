"""Notebooks that cannot be worked on: one clear error each, exit code 2, and nothing written."""

import json
from pathlib import Path
from typing import Any

import pytest
from written import raw_notebook

from nbprod.faces.cli import exit_code_of


def of(*sources: str, **fields: Any) -> str:
    return json.dumps(raw_notebook(*sources, **fields))


def edited(**cell: Any) -> str:
    """A notebook of two cells, the second with these fields."""
    raw = raw_notebook("%%stage load\nx = 1", "%%stage train\ny = x")
    raw["cells"][1].update(cell)
    return json.dumps(raw)


BAD: dict[str, str | bytes] = {
    "an empty file": "",
    "no JSON": "# my notebook",
    "JSON cut short": of("%%stage a\nx = 1")[:-20],
    "JSON, but no notebook": '{"a": 1}',
    "a list": "[]",
    "a newer format": of(nbformat=5),
    "no cells": json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}}),
    "cells that are no list": json.dumps(
        {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": {"a": 1}}
    ),
    "a cell of unknown type": edited(cell_type="sql"),
    "a source of numbers": edited(source=[1, 2]),
    "not UTF-8": b"\xff\xfe\x00{",
    "another language": of(
        "x <- 1", metadata={"kernelspec": {"name": "ir", "language": "R", "display_name": "R"}}
    ),
    "duplicate cell ids": edited(id="c1"),
    "no code cells": of(),
    "no stage": of("x = 1", "y = x"),
    "a syntax error in one cell": of("%%stage load\nx = 1", "%%stage train\ny = (x"),
    "a name that no stage gives": of("%%stage load\nx = 1", "%%stage train\ny = x + missing"),
    "a cycle": of("%%stage a\nx = 1", "%%stage b\ny = x", "%%stage a\nz = y", "%%stage b\nw = z"),
    "a stage without a name": of("%%stage\nx = 1"),
    "a stage name that is no name": of("%%stage 2nd half\nx = 1"),
    "a stage tag that is no name": edited(source="y = x", metadata={"tags": ["stage:my stage"]}),
    "two stage tags on one cell": edited(source="y = x", metadata={"tags": ["stage:a", "stage:b"]}),
    "an unknown kind": of("%%stage load --kind lode\nx = 1"),
    "an unknown option": of("%%stage load --tiem day\nx = 1"),
    "an option without a value": of("%%stage load --time\nx = 1"),
    "quotes that don't close": of('%%stage load --time "day\nx = 1'),
    "a suite for a value that doesn't exist": of(
        "%%stage load\nx = 1", "%%expect z\nTableRowCountToBeBetween(min_value=1)"
    ),
    "an expectation that doesn't exist": of(
        "%%stage load\nx = 1", "%%expect x\nColumnValuesToNotBNull(column='a')"
    ),
    "an argument that doesn't exist": of(
        "%%stage load\nx = 1", "%%expect x\nColumnValuesToNotBeNull(colum='a')"
    ),
    "a suite that is no expectation": of("%%stage load\nx = 1", "%%expect x\nprint('hello')"),
    "a parameter that isn't constant": of("%%parameters\nx = open('a')", "%%stage load\ny = x"),
    "a missing kernel": of(
        "%%stage load\nx = 1",
        metadata={"kernelspec": {"name": "nowhere", "language": "python", "display_name": "N"}},
    ),
}


# What is said of each: where, what, and what to do.
SAID = {
    "an empty file": "bad.ipynb: The file is empty. Save the notebook once in Jupyter.",
    "no JSON": "bad.ipynb, line 1: This is no JSON: Expecting value. A notebook is a JSON file; restore it from a checkpoint or from version control.",
    "JSON cut short": "bad.ipynb, line 1: This is no JSON: Unterminated string starting at. A notebook is a JSON file; restore it from a checkpoint or from version control.",
    "JSON, but no notebook": "bad.ipynb: This JSON is no notebook: it has no 'nbformat' number. Give a .ipynb file, or a .py file in percent format (`# %%` before each cell).",
    "a list": "bad.ipynb: This JSON is no notebook: it has no 'nbformat' number. Give a .ipynb file, or a .py file in percent format (`# %%` before each cell).",
    "a newer format": "bad.ipynb: The notebook is of format 5, newer than nbprod knows (4). Save it as nbformat 4, or update nbprod.",
    "no cells": "bad.ipynb: The notebook has no list of 'cells'. Open and save it once in Jupyter.",
    "cells that are no list": "bad.ipynb: The notebook has no list of 'cells'. Open and save it once in Jupyter.",
    "a cell of unknown type": "bad.ipynb: Entry 2 of 'cells' is no cell: its cell_type is 'sql'. It should be 'code', 'markdown' or 'raw'.",
    "a source of numbers": "bad.ipynb: The source of entry 2 of 'cells' is list, not text. Open and save the notebook once in Jupyter.",
    "not UTF-8": "bad.ipynb: This file is not text in UTF-8. Give a .ipynb or a percent .py file.",
    "another language": "bad.ipynb: The notebook is written in R; nbprod reads Python. Choose a Python kernel in Jupyter, or leave this notebook out.",
    "duplicate cell ids": "bad.ipynb: Two cells have the id 'c1': entries 1 and 2 of 'cells'. Copy one of them to a new cell in Jupyter and delete the old one.",
    "no code cells": "bad.ipynb: The notebook has no code cells. Write some, then tag them as stages.",
    "no stage": "bad.ipynb: No cell is tagged as a stage. Start a cell with `%%stage NAME`, or let `nbprod tag --suggest` propose stages.",
    "a syntax error in one cell": "bad.ipynb, cell 2, line 2: This cell is no Python: '(' was never closed. Correct the cell, or tag it `skip`.",
    "a name that no stage gives": "bad.ipynb, cell 2, line 2: Stage 'train' reads 'missing', which no stage gives. Give it in an earlier stage or make it a parameter.",
    "a cycle": "bad.ipynb: Stages 'a' and 'b' need each other: 'a' reads y of 'b', which comes after it. Split 'a' where it reads y, or join the two stages.",
    "a stage without a name": "bad.ipynb, cell 1, line 1: %%stage wants a name. As in `%%stage features`.",
    "a stage name that is no name": "bad.ipynb, cell 1, line 1: '2nd' is no stage name. A name starts with a letter and holds letters, digits, '_' and '-', as in `%%stage features`.",
    "a stage tag that is no name": "bad.ipynb, cell 2, line 1: 'my stage' is no stage name. A name starts with a letter and holds letters, digits, '_' and '-', as in `stage:features`.",
    "two stage tags on one cell": "bad.ipynb, cell 2, line 1: The cell is tagged for 2 stages: a, b. Keep one of the tags.",
    "an unknown kind": "bad.ipynb, cell 1, line 1: 'lode' is no kind of stage. One of load, clean, features, split, train, evaluate, score, other.",
    "an unknown option": "bad.ipynb, cell 1, line 1: A stage has no option 'tiem'. Did you mean 'time'?",
    "an option without a value": "bad.ipynb, cell 1, line 1: --time wants a value. Usage: %%stage NAME [--kind KIND] [--time COLUMN] [--entity COLUMN] [--known COLUMN=TIME_COLUMN] [--retries N] [--timeout SECONDS] [--cell-timeout SECONDS] [--replay].",
    "quotes that don't close": "bad.ipynb, cell 1, line 1: The magic line can't be split into words: No closing quotation. Check its quotes.",
    "a suite for a value that doesn't exist": "bad.ipynb, cell 2, line 1: No stage gives 'z', of which this cell expects something. Known: x.",
    "an expectation that doesn't exist": "bad.ipynb, cell 2, line 2: There is no expectation 'ColumnValuesToNotBNull'. Did you mean 'ColumnValuesToNotBeNull', 'ColumnValuesToBeNull' or 'ColumnValuesToNotBeInSet'?",
    "an argument that doesn't exist": "bad.ipynb, cell 2, line 2: ColumnValuesToNotBeNull has no argument 'colum'. Did you mean 'column'?",
    "a suite that is no expectation": "bad.ipynb, cell 2, line 2: There is no expectation 'print'. `nbprod expect list` lists them all.",
    "a parameter that isn't constant": "bad.ipynb, cell 2, line 2: Stage 'load' reads 'x', which cell 1 makes, and that cell belongs to no stage. Tag cell 1 as a stage, or add it to 'load'.",
    "a missing kernel": "bad.ipynb: There is no kernel 'nowhere' here. Install it, or choose another in Jupyter. Known: python3.",
}


@pytest.mark.parametrize(
    ("command", "case"),
    # A plan may be made for a kernel that only another machine has.
    [
        (command, case)
        for case in BAD
        for command in ("extract", "run")
        if (command, case) != ("extract", "a missing kernel")
    ],
)
def test_bad_input_is_one_clear_error_and_nothing_is_written(
    command: str,
    case: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    text = BAD[case]
    (tmp_path / "bad.ipynb").write_bytes(text if isinstance(text, bytes) else text.encode())
    code = exit_code_of([command, "bad.ipynb"])
    out, err = capsys.readouterr()
    assert err.splitlines() == [f"error: {SAID[case]}"]
    assert (code, out, [path.name for path in tmp_path.iterdir()]) == (2, "", ["bad.ipynb"])


def test_every_bad_input_has_its_text() -> None:
    assert list(BAD) == list(SAID)
