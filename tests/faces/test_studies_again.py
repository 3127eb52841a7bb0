"""A notebook in which somebody writes: a study with a memory is the study of a notebook never seen before."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Struct
from notebooks import notebook_text

from nbprod import api
from nbprod.notebook import parse

if TYPE_CHECKING:
    from nbprod.model import Study

SAMPLES = Path(__file__).parents[2] / "sample_notebooks"

# Cells that take from each other what they can: frames, functions, closures, models, state, half-written lines.
CELLS = (
    "import pandas as pd\nimport numpy as np",
    "import numpy as pd",
    "import ibis\nfrom ibis import _",
    "import polars as pl\nframe = pl.read_csv('a.csv')",
    "from sklearn.linear_model import LinearRegression\nfrom sklearn.model_selection import train_test_split",
    "from math import *",
    "%%stage load\ndf = pd.read_csv('flights.csv', parse_dates=['date'])",
    "%%stage load\ndf = pd.read_csv('other.csv')\nother = df.copy()",
    "df = df.sort_values('date')",
    "df = df.sort_values('date', ascending=False)",
    "%%stage features --time date\ndf['ahead'] = df['delay'].shift(-1)\ndf['mean'] = df['delay'].mean()",
    "df['lag'] = df['delay'].shift(steps)",
    "steps = 1",
    "steps = True",
    "steps = -1",
    "def turned(frame, by=steps):\n    frame['moved'] = frame['delay'].shift(by)\n    return frame",
    "def turned(frame):\n    return frame.bfill()",
    "df = turned(df)",
    "key = lambda frame: frame['delay'].rolling(steps, center=True).mean()\ndf = df.assign(smooth=key)",
    "if steps > 0:\n    df = df.dropna()\nelse:\n    other = df.bfill()",
    "for name in ['delay', 'distance']:\n    df[name] = df[name] - df[name].mean()",
    "X = df.drop(columns=['delay'])\ny = df['delay']",
    "y = df['delay'].shift(-3)",
    "X_train, X_test, y_train, y_test = train_test_split(X, y)",
    "%%stage train\nmodel = LinearRegression().fit(X_train, y_train)\nscore = model.score(X_test, y_test)",
    "model = LinearRegression().fit(X, y)",
    "class Maker:\n    def fit(self, frame):\n        self.mean = frame.mean()\n        return self\nmaker = Maker().fit(df)",
    "t = ibis.read_csv('t.csv')\nt = t.mutate(next=_.delay.lead().over(ibis.window(order_by=_.date)))",
    "frame = frame.with_columns(pl.col('x').shift(-1).alias('y'))",
    "chosen = df.query('delay > @steps')",
    "del df",
    "%%expect df\nColumnValuesToNotBeNull(column='delay')",
    "%%parameters\nsteps = 2",
    "np.random.seed(0)\nnoise = np.random.rand(3)",
    "both = [df]\nboth.append(df)\nboth[0]['extra'] = 1",
    "df['new'] = df['old'].sh",
    "extra = df.head(3).groupby('carrier').mean()",
    "extra = [df, frame]",
    "late = lambda table: table.assign(rate=steps)",
    "late = [one for one in range(steps)]",
    "text = 'delay > @steps'",
    "class Late:\n    rate = steps",
    "print(globals()['extra'], text)",
    "holder = Late()\nholder.df = df",
    "df = df[",
    "df['soon'] = df['delay'].shift(-2)  # nbprod: allow shift-into-future because it is the label",
    "# a time series of flights",
    "%%parameters\nlimit = 3  # how many",
    "!ls  # here",
    "%%timeit\ndf.head()",
    "df.head();",
    "print(df.head())",
    "",
)


class Edit(Struct, frozen=True):
    """What happens to one cell: its text becomes another's, or gets some text before or behind it."""

    at: int
    how: str
    text: str

    def made(self, cells: list[str]) -> list[str]:
        at = self.at % len(cells)
        match self.how:
            case "other":
                return [*cells[:at], self.text, *cells[at + 1 :]]
            case "new":
                return [*cells[:at], self.text, *cells[at:]]
            case "gone" if len(cells) > 1:
                return [*cells[:at], *cells[at + 1 :]]
            case "comment":
                return [*cells[:at], f"{cells[at]}  # {self.text.splitlines()[-1:]}", *cells[at + 1 :]]
            case "blank":
                return [*cells[:at], f"{cells[at]} \n", *cells[at + 1 :]]
            case "renamed":
                return [*cells[:at], re.sub(r"^%%stage (\w+)", r"%%stage \1x", cells[at]), *cells[at + 1 :]]
            case "renamed everywhere":
                return [re.sub(r"^%%stage (\w+)", r"%%stage x\1", cell) for cell in cells]
            case "line before":
                return [*cells[:at], f"# {at}\n{cells[at]}", *cells[at + 1 :]]
            case _:
                return [*cells[:at], f"{cells[at]}\n{self.text}", *cells[at + 1 :]]


EDITS = st.builds(
    Edit,
    at=st.integers(0, 40),
    how=st.sampled_from(
        [
            "other",
            "other",
            "behind",
            "comment",
            "blank",
            "line before",
            "new",
            "gone",
            "renamed",
            "renamed everywhere",
        ]
    ),
    text=st.sampled_from(CELLS),
)


def studied(cells: list[str], memory: api.StudyMemory | None = None) -> object:
    return api.study(parse(notebook_text(*cells), name="written.ipynb"), memory=memory)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(
    cells=st.lists(st.sampled_from(CELLS), min_size=1, max_size=40),
    edits=st.lists(EDITS, min_size=1, max_size=6),
)
def test_a_study_with_a_memory_is_that_of_a_new_notebook(cells: list[str], edits: list[Edit]) -> None:
    memory = api.StudyMemory()
    studied(cells, memory)
    for edit in edits:
        cells = edit.made(cells)
        assert studied(cells, memory) == studied(cells)


def code_of(sample: Path) -> list[str]:
    raw = json.loads(sample.read_text(encoding="utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in raw if cell["cell_type"] == "code"]


@pytest.mark.parametrize("sample", sorted(SAMPLES.glob("*.ipynb")), ids=lambda sample: sample.stem)
@pytest.mark.parametrize("at", [0, 3, -1])
def test_each_keystroke_of_a_line_in_a_sample_gives_the_study_of_a_new_notebook(
    sample: Path, at: int
) -> None:
    cells, memory = code_of(sample), api.StudyMemory()
    written = cells[at]
    studied(cells, memory)
    for count in range(0, len("\nextra = [1]"), 3):
        cells[at] = written + "\nextra = [1]"[:count]
        assert studied(cells, memory) == studied(cells)


def test_a_star_import_is_read_again_as_its_module_may_have_changed(tmp_path: Path) -> None:
    memory = api.StudyMemory()
    text = notebook_text(
        "%%stage load\nfrom beside import *", "%%stage use\nprint(made_later)", "%%stage end\nx = 1"
    )
    notebook = parse(text, name=str(tmp_path / "written.ipynb"))
    (tmp_path / "beside.py").write_text("made_before = 1\n", encoding="utf-8")
    before = api.study(notebook, memory=memory)
    (tmp_path / "beside.py").write_text("made_later = 1\n", encoding="utf-8")
    assert api.study(notebook, memory=memory) == api.study(notebook) != before


def test_a_cell_that_is_half_written_counts_as_it_was_and_says_so() -> None:
    memory, whole = api.StudyMemory(), ["%%stage a\nx = [1]", "%%stage b\ny = x + [2]"]
    before = in_writing(whole, memory)
    half = in_writing(["%%stage a\nx = [1]\nz = (", whole[1]], memory)
    assert (half.flow, [one.rule for one in half.findings]) == (before.flow, ["syntax-error"])
    assert half.findings[0].span is not None
    assert str(half.findings[0].span) == "cell 1, line 3"
    assert in_writing(whole, memory) == before


def test_a_cell_that_never_was_python_or_became_another_stage_is_left_out() -> None:
    memory = api.StudyMemory()
    in_writing(["%%stage a\nx = [1]", "%%stage b\ny = ("], memory)
    changed = ["%%stage c\nx = (", "%%stage b\ny = ("]
    assert in_writing(changed, memory) == studied(changed)


def in_writing(cells: list[str], memory: api.StudyMemory) -> Study:
    return api.study_in_writing(parse(notebook_text(*cells), name="written.ipynb"), memory=memory)
