"""Each rule's manual is its test: the leaky code breaks the rule, the clean code breaks none."""

from __future__ import annotations

import pytest

from nbprod.flow import flow_of
from nbprod.leakage.judge import check
from nbprod.leakage.rules import RULES
from nbprod.model import Cell, CellKind, Finding, Notebook, Severity


def notebook(*sources: str) -> Notebook:
    cells = tuple(
        Cell(id=f"c{place}", index=place, position=place, kind=CellKind.CODE, source=source)
        for place, source in enumerate(sources)
    )
    return Notebook(name="case.ipynb", language="python", kernel="python3", cells=cells)


def findings_of(*sources: str) -> tuple[Finding, ...]:
    case = notebook(*sources)
    flow, _ = flow_of(case)
    return check(case, flow)


def blamed(findings: tuple[Finding, ...]) -> set[str]:
    return {finding.rule for finding in findings if finding.severity is not Severity.NOTE}


# what only running can show
_BY_REPLAY = {"reads-the-future"}


@pytest.mark.parametrize("name", sorted(set(RULES) - _BY_REPLAY))
def test_leaky_code_of_the_manual_breaks_its_rule(name: str) -> None:
    found = findings_of(RULES[name].leaky)
    assert name in {finding.rule for finding in found}


@pytest.mark.parametrize("name", sorted(RULES))
def test_clean_code_of_the_manual_breaks_no_rule(name: str) -> None:
    assert blamed(findings_of(RULES[name].clean)) == set()
