"""What people at a terminal read."""

import io
from textwrap import dedent

import pytest
from msgspec.structs import replace
from shown import BROKE, HELD, LEAK, RECORD, STUDY

from nbprod.faces.grid import grid
from nbprod.faces.paint import ansi_paint, paint_for
from nbprod.faces.record_text import record_text, records_text, verdicts_text
from nbprod.faces.text import findings_summary, findings_text, flow_text, study_text
from nbprod.faces.words import bytes_said, cells_said, safe, seconds_said
from nbprod.model import Cell, CellKind, Flow, Notebook, Study


def block(text: str) -> str:
    return dedent(text).strip("\n")


def test_a_flow_reads_from_parameters_to_what_is_left_out() -> None:
    assert flow_text(STUDY.flow, title="flights.ipynb") == block("""
        flights.ipynb: 3 stages

        parameters
          month  int = 1

        stages
           1 load (cell 2)
             reads month
             gives flights, weather
           2 features (cells 3-4, 6)
             needs flights, weather from load
             gives table
           3 train (cell 7)
             needs table from features
             after load (the file holidays.csv)

        left out
          cell 5  it only shows values
    """)


def test_a_finding_tells_what_from_how_far_by_which_path_and_what_to_do() -> None:
    source = "%%stage features\n\n\nf['next_delay'] = f.d.shift(-1)"
    cells = [Cell(id=str(n), index=n, position=n, kind=CellKind.CODE, source=source) for n in range(3)]
    notebook = Notebook(name="flights.ipynb", language="python", kernel="python3", cells=tuple(cells))
    assert findings_text(STUDY, notebook=notebook) == block("""
        flights.ipynb
          cell 3 (features)
            line 4: error shift-into-future [suspected] (reads +1 row)
              Feature 'next_delay' reads the next row's delay.
                f['next_delay'] = f.d.shift(-1)
              -> line 4: shift(-1) reads one row ahead
              -> cell 7, line 2: 'next_delay' reaches X of fit
              remedy: Shift by a positive number of rows.
    """)


def test_a_run_tells_what_broke_with_the_rows_that_broke_it() -> None:
    assert record_text(RECORD).replace("\\", "/") == block("""
        flights 20130101-000000-abc: broken after 3.5 s (month=3)
          ⚠ broken   load      3.2 s  A critical expectation on 'flights' broke.
          » skipped  features         It needs 'flights' from 'load'.
          » skipped  train            It needs 'table' from 'features'.

        flights (stage load): 1 of 2 expectations held
          ✓ held   ColumnValuesToNotBeNull(column="carrier")
          ✗ broke  ColumnValuesToBeBetween(column="distance", min_value=0)
                   2 of 4 (50.00%) broke it
                   distance  carrier
                   -5        AA
                   -9        <b>UA</b>

        Kept in .nbprod/runs/20130101-000000-abc
    """)


def test_an_expectation_that_could_not_be_judged_says_why() -> None:
    unjudged = replace(BROKE, error="no column 'distance'", rows=(), samples=())
    assert verdicts_text([replace(unjudged, stage=None)]) == block("""
        flights: 0 of 1 expectation held
          ? error  ColumnValuesToBeBetween(column="distance", min_value=0)
                   could not be judged: no column 'distance'
    """)


@pytest.mark.parametrize(
    ("studies", "said"),
    [
        ([STUDY], "Found 1 error in 1 notebook. `nbprod explain RULE` says more about a rule."),
        ([Study(notebook="a"), Study(notebook="b")], "Nothing found in 2 notebooks."),
    ],
    ids=["findings", "none"],
)
def test_the_last_line_counts(studies: list[Study], said: str) -> None:
    assert findings_summary(studies) == said


def test_a_notebook_without_stages_and_a_folder_without_runs_say_so() -> None:
    assert (flow_text(Flow(), title="x.ipynb"), records_text([])) == (
        "x.ipynb: no cell has a stage yet.",
        "No run is recorded here yet.",
    )


def test_text_from_a_notebook_cannot_steer_the_terminal() -> None:
    wicked = replace(LEAK, message="\x1b[2Jgone\x07", remedy="\x1b]0;title\x07")
    shown = study_text(replace(STUDY, findings=(wicked,)), paint=lambda _role, text: text)
    assert ("\x1b" in shown, "\x07" in shown) == (False, False)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "environment", "is_coloured"),
    [
        (Terminal(), {}, True),
        (io.StringIO(), {}, False),
        (Terminal(), {"NO_COLOR": "1"}, False),
        (Terminal(), {"TERM": "dumb"}, False),
        (io.StringIO(), {"FORCE_COLOR": "1"}, True),
    ],
    ids=["terminal", "pipe", "NO_COLOR wins", "dumb terminal", "FORCE_COLOR insists"],
)
def test_colour_is_for_terminals_that_want_it(
    monkeypatch: pytest.MonkeyPatch, *, stream: io.StringIO, environment: dict[str, str], is_coloured: bool
) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert (paint_for(stream)("good", "x") != "x") is is_coloured


def test_colour_does_not_move_columns() -> None:
    rows = [("✓ done", "a", "x"), ("⚠ broken", "bb", "y")]
    coloured = grid(rows, roles=("good", "bad"), paint=ansi_paint)
    bare = [line.replace("\x1b[32m", "").replace("\x1b[31m", "").replace("\x1b[0m", "") for line in coloured]
    assert bare == grid(rows) == ["✓ done    a   x", "⚠ broken  bb  y"]


def test_wide_letters_keep_their_columns() -> None:
    assert grid([("東京", "x"), ("Oslo", "y")]) == ["東京  x", "Oslo  y"]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (cells_said([0]), "cell 1"),
        (cells_said([3, 4, 5, 0]), "cells 1, 4-6"),
        (cells_said([]), "no cells"),
        (seconds_said(0.34), "0.3 s"),
        (seconds_said(59.4), "59 s"),
        (seconds_said(185), "3 min 05 s"),
        (seconds_said(7_440), "2 h 04 min"),
        (bytes_said(512), "512 B"),
        (bytes_said(1_440_000), "1.4 MB"),
        (safe("a\x1b[1mb\nc\u202ed"), "a[1mb\ncd"),
    ],
)
def test_small_phrases(said: str, expected: str) -> None:
    assert said == expected


def test_held_and_broken_are_told_apart_without_colour() -> None:
    assert [line[:9] for line in verdicts_text([HELD, BROKE]).splitlines()[1:3]] == [
        "  ✓ held ",
        "  ✗ broke",
    ]
