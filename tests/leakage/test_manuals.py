"""The pages of the rules are what the rules say, and what `nbprod check` says of their leaky code."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nbprod.faces.manual import index_markdown, manual_markdown
from nbprod.flow import flow_of
from nbprod.leakage import check
from nbprod.leakage.rules import RULES
from nbprod.model import Cell, CellKind, Finding, Notebook

PAGES = Path(__file__).parents[2] / "docs" / "rules"
AGAIN = "write it anew: NBPROD_REWRITE=1 pytest tests/leakage/test_manuals.py"


def found_in_leaky(name: str) -> tuple[Finding, ...]:
    cell = Cell(id="leaky", index=0, position=0, kind=CellKind.CODE, source=RULES[name].leaky)
    notebook = Notebook(name="leaky.ipynb", language="python", kernel="python3", cells=(cell,))
    return tuple(one for one in check(notebook, flow_of(notebook)[0]) if one.rule == name)


def kept(page: Path, text: str) -> str:
    if os.environ.get("NBPROD_REWRITE"):
        page.parent.mkdir(exist_ok=True)
        page.write_text(text)
    return page.read_text() if page.exists() else ""


@pytest.mark.parametrize("name", sorted(RULES))
def test_the_page_of_a_rule_is_current(name: str) -> None:
    page = manual_markdown(RULES[name], found=found_in_leaky(name))
    assert kept(PAGES / f"{name}.md", page) == page, AGAIN


def test_the_index_leads_to_every_rule() -> None:
    page = index_markdown(RULES.values())
    assert kept(PAGES / "index.md", page) == page, AGAIN


def test_no_page_is_left_of_a_rule_that_is_gone() -> None:
    assert {page.stem for page in PAGES.glob("*.md")} == {*RULES, "index"}
