"""Pairs of cells in many libraries: the leaky one is blamed, its twin is not; and look-alikes that stay silent."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from nbprod.flow import flow_of
from nbprod.leakage.judge import check
from nbprod.model import Cell, CellKind, Notebook, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

sys.path.insert(0, str(Path(__file__).parent / "cases"))

import other_cases
import pandas_cases
import unlike_cases
import varied_cases

_TABLES = {
    "pandas": (pandas_cases.SETUP, pandas_cases.PAIRS),
    "polars": (other_cases.POLARS_SETUP, other_cases.POLARS),
    "ibis": (other_cases.IBIS_SETUP, other_cases.IBIS),
    "sql": (other_cases.SQL_SETUP, other_cases.SQL),
    "learning": (other_cases.LEARNING_SETUP, other_cases.LEARNING),
}
_UNLIKE = {
    f"unlike {kind}": (getattr(unlike_cases, f"{kind}_SETUP"), getattr(unlike_cases, kind))
    for kind in ("PANDAS", "POLARS", "IBIS", "SQL", "LEARNING", "SERIES", "TRADES")
}


def _cells_in(path: Path) -> Iterator[tuple[str, bool, str, str]]:
    """Title, whether it leaks, the cell before it, the cell: as a text file of cells lists them."""
    setup = ""
    for block in re.split(r"^=== ", path.read_text("utf-8"), flags=re.MULTILINE)[1:]:
        title, _, code = block.partition("\n")
        kind = title.partition(": ")[0]
        if kind == "setup":
            setup = code
        else:
            yield f"{path.stem}: {title}", kind == "leaky", setup, code


_TEXTS = [
    pytest.param(leaks, setup, code, id=name)
    for path in sorted((Path(__file__).parent / "cases").glob("*.txt"))
    for name, leaks, setup, code in _cells_in(path)
]
_PAIRS = [
    pytest.param(setup, *pair, id=f"{library}: {name}")
    for library, (setup, pairs) in {**_TABLES, **_UNLIKE}.items()
    for name, pair in pairs.items()
]
_SILENT = [
    pytest.param(pandas_cases.SETUP, code, id=f"{name}, as {why}")
    for name, (why, code) in pandas_cases.SILENT.items()
] + [pytest.param("", code, id=f"{name}, as {why}") for name, (why, code) in other_cases.SILENT.items()]


def blamed(*sources: str) -> set[str]:
    """The rules that the notebook breaks, notes not counted."""
    cells = tuple(
        Cell(id=f"c{place}", index=place, position=place, kind=CellKind.CODE, source=source)
        for place, source in enumerate(sources)
    )
    notebook = Notebook(name="case.ipynb", language="python", kernel="python3", cells=cells)
    flow, _ = flow_of(notebook)
    return {f.rule for f in check(notebook, flow) if f.severity is not Severity.NOTE}


@pytest.mark.parametrize(("setup", "leaky", "clean"), _PAIRS)
def test_leaky_cell_is_blamed(setup: str, leaky: str, clean: str) -> None:
    _ = clean
    assert blamed(setup, leaky)


@pytest.mark.parametrize(("setup", "leaky", "clean"), _PAIRS)
def test_clean_twin_is_not_blamed(setup: str, leaky: str, clean: str) -> None:
    _ = leaky
    assert blamed(setup, clean) == set()


@pytest.mark.parametrize(("setup", "code"), _SILENT)
def test_lookalike_stays_silent(setup: str, code: str) -> None:
    assert blamed(setup, code) == set()


@pytest.mark.parametrize(
    ("leaks", "setup", "code"),
    [*_TEXTS, *(pytest.param(*cell, id=name) for name, cell in varied_cases.CELLS.items())],
)
def test_cell_is_blamed_if_it_leaks(leaks: bool, setup: str, code: str) -> None:  # noqa: FBT001
    assert bool(blamed(setup, code)) is leaks
