"""Allow comments, edits, paths and the promise that no cell makes the judge raise."""

from __future__ import annotations

import ast
import random
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nbprod.flow import flow_of
from nbprod.leakage.judge import check
from nbprod.model import Cell, CellKind, Finding, Flow, Notebook, Severity

sys.path.insert(0, str(Path(__file__).parent / "cases"))

import other_cases
import pandas_cases

SETUP = pandas_cases.SETUP


def notebook(*sources: str) -> Notebook:
    cells = tuple(
        Cell(id=f"c{place}", index=place, position=place, kind=CellKind.CODE, source=source)
        for place, source in enumerate(sources)
    )
    return Notebook(name="case.ipynb", language="python", kernel="python3", cells=cells)


def findings(*sources: str) -> tuple[Finding, ...]:
    case = notebook(*sources)
    return check(case, flow_of(case)[0])


def edited(source: str, finding: Finding) -> str:
    """The cell after the finding's edits, which lie on one line each."""
    lines = source.split("\n")
    for edit in sorted(finding.edits, key=lambda e: (e.span.line, e.span.column), reverse=True):
        line = lines[edit.span.line - 1]
        lines[edit.span.line - 1] = line[: edit.span.column] + edit.replacement + line[edit.span.end_column :]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        pytest.param("loads['f'] = loads['kw'].shift(-3)", "loads['f'] = loads['kw'].shift(3)", id="lead"),
        pytest.param(
            "loads['f'] = loads['kw'].shift(periods=-3)",
            "loads['f'] = loads['kw'].shift(periods=3)",
            id="keyword",
        ),
        pytest.param(
            "loads['f'] = loads['kw'].bfill()", "loads['f'] = loads['kw'].ffill()", id="backward fill"
        ),
        pytest.param(
            "loads['f'] = loads['kw'].fillna(method='bfill')",
            "loads['f'] = loads['kw'].fillna(method='ffill')",
            id="fill by method",
        ),
        pytest.param(
            "loads['f'] = loads['kw'].rolling(5, center=True).mean()",
            "loads['f'] = loads['kw'].rolling(5).mean()",
            id="centred window",
        ),
        pytest.param(
            "loads['größe'] = loads['wärme'].shift(-3)",
            "loads['größe'] = loads['wärme'].shift(3)",
            id="columns count code points",
        ),
    ],
)
def test_mechanical_edit_cures_the_finding(source: str, expected: str) -> None:
    found = [f for f in findings(SETUP, source) if f.edits]
    assert [edited(source, f) for f in found] == [expected]


def test_path_leads_from_the_cause_to_the_model() -> None:
    found = findings(
        SETUP,
        "loads['f'] = loads['kw'].shift(-1)",
        "from sklearn.linear_model import Ridge\nX = loads[['f']]\nRidge().fit(X, loads['kw'])",
    )
    shift = next(f for f in found if f.rule == "shift-into-future")
    assert [(step.span.cell, step.says) for step in shift.path] == [
        (1, "`loads['kw'].shift(-1)` reads 1 row ahead"),
        (1, "stored as column 'f'"),
        (2, "reaches the features of `Ridge.fit`"),
    ]


def test_column_that_looks_ahead_is_one_finding_though_the_label_is_made_of_the_same() -> None:
    found = findings(
        SETUP,
        "from sklearn.linear_model import LogisticRegression\n"
        "loads['next'] = loads['kw'].shift(-1)\n"
        "loads['up'] = loads['kw'].shift(-1) > loads['kw']\n"
        "LogisticRegression().fit(loads[['kw', 'next']], loads['up'])",
    )
    assert [(f.rule, f.column_names) for f in found] == [("shift-into-future", ("next",))]


def test_lag_of_a_filled_column_is_one_finding_though_a_later_value_of_it_is_the_label() -> None:
    found = findings(
        SETUP,
        "from sklearn.linear_model import LinearRegression\n"
        "loads['kw'] = loads['kw'].fillna(loads['kw'].mean())\n"
        "loads['lag'] = loads['kw'].shift(1)\n"
        "loads['target'] = loads['kw'].shift(-1)\n"
        "LinearRegression().fit(loads[['lag']], loads['target'])",
    )
    assert [(f.rule, f.column_names) for f in found] == [("whole-sample-statistic", ("lag",))]


def test_message_names_the_time_that_was_inferred() -> None:
    [found] = findings(SETUP, "loads['f'] = loads['kw'].shift(-1)")
    assert found.message.endswith(" was inferred.")


def test_aggregate_of_a_period_is_said_in_words() -> None:
    [found] = findings(SETUP, "loads['f'] = loads.groupby(loads['at'].dt.date)['kw'].transform('mean')")
    assert "`mean` is taken over the whole period of at" in found.message


def test_allow_with_a_reason_silences_its_line() -> None:
    assert (
        findings(
            SETUP, "# nbprod: allow backward-fill because the meter was off\nloads['f'] = loads['kw'].bfill()"
        )
        == ()
    )


@pytest.mark.parametrize(
    ("source", "rules"),
    [
        pytest.param(
            "loads['f'] = loads['kw'].bfill()  # nbprod: allow backward-fill",
            ["backward-fill", "unused-allow"],
            id="no reason given",
        ),
        pytest.param(
            "loads['f'] = loads['kw'].ffill()  # nbprod: allow backward-fill because it was there",
            ["unused-allow"],
            id="nothing to allow",
        ),
        pytest.param(
            "loads['f'] = loads['kw'].bfill()  # nbprod: allow centred-window because of noise",
            ["backward-fill", "unused-allow"],
            id="another rule's name",
        ),
    ],
)
def test_allow_that_allows_nothing_is_a_finding(source: str, rules: list[str]) -> None:
    assert sorted(f.rule for f in findings(SETUP, source)) == rules


def test_known_at_is_read_from_the_stage() -> None:
    stage = "%%stage features --kind features --time dep --known delay=arr\n"
    code = "import pandas as pd\nflights = pd.read_csv('f.csv')\nflights['late'] = flights['delay'].rolling(9).mean()"
    assert {f.rule for f in findings(stage + code)} == {"not-yet-known"}


LEAKY_STAGE = "%%stage features --time day\nloads['f'] = loads['kw'].shift(-3)"


def test_leak_after_very_much_code_is_found() -> None:
    plain = "loads['c'] = (loads['kw'] + 1) * (loads['kw'] - 2) / (loads['kw'] + 3)"
    *_, last = findings(SETUP, *["\n".join([plain] * 20)] * 300, LEAKY_STAGE)
    assert (last.rule, last.span and last.span.cell) == ("shift-into-future", 301)


def test_every_finding_is_complete() -> None:
    found = findings(SETUP, "\n".join(pair[0] for pair in list(pandas_cases.PAIRS.values())[:8]))
    assert all(f.span and f.path and f.remedy and f.horizon and f.message.endswith(".") for f in found)


_CODE = [
    code
    for pairs in (
        pandas_cases.PAIRS,
        other_cases.POLARS,
        other_cases.IBIS,
        other_cases.SQL,
        other_cases.LEARNING,
    )
    for pair in pairs.values()
    for code in pair
]


class _Mutate(ast.NodeTransformer):
    """Puts other nodes of the same program in the place of some."""

    def __init__(self, seed: int, pool: list[ast.expr]) -> None:
        self._random = random.Random(seed)  # noqa: S311
        self._pool = pool

    def visit(self, node: ast.AST) -> ast.AST:
        node = super().visit(node)
        if isinstance(node, ast.expr) and isinstance(getattr(node, "ctx", ast.Load()), ast.Load):  # noqa: SIM102
            if self._random.random() < 0.06:
                return self._random.choice(self._pool)
        return node


@given(first=st.sampled_from(_CODE), second=st.sampled_from(_CODE), seed=st.integers(0, 10**6))
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_mutated_cells_never_raise(first: str, second: str, seed: int) -> None:
    pool = [node for node in ast.walk(ast.parse(second)) if isinstance(node, ast.expr)]
    tree = ast.fix_missing_locations(_Mutate(seed, pool).visit(ast.parse(first)))
    try:
        source = ast.unparse(tree)
    except (ValueError, AttributeError, TypeError):
        return
    assert all(f.severity in Severity for f in check(notebook(SETUP, source), Flow()))


@given(st.text(max_size=200))
@settings(max_examples=40, deadline=None)
def test_any_text_is_judged_without_an_exception(text: str) -> None:
    assert isinstance(check(notebook(text), Flow()), tuple)
