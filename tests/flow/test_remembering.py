"""After an edit, cells are followed again only where the edit may reach them."""

import pytest
from notebooks import notebook_text

from nbprod.flow import StepMemory
from nbprod.flow.steps import read_steps
from nbprod.notebook import parse

CELLS = (
    "import pandas as pd\nfrom sklearn.linear_model import Ridge\ndf = pd.read_csv('a.csv')\nkept = []",
    "def found(table):\n    return table[table['x'] > outside]",
    "first = df.head()",
    "second = first.query('x > @limit')",
    "third = found(second)",
)
ALL_AFTER = {2, 3, 4}
TYPED = {
    "a number that no other cell names": ("rate = 3", {2}),
    "a table that no other cell names": ("part = df.head().groupby('x').mean()", {2}),
    "a function that no other cell names": ("late = lambda table: df", {2}),
    "a function that calls itself": ("def again(n):\n    return again(n - 1)", ALL_AFTER),
    "a model that looks at a known table": ("model = Ridge().fit(df, df)", {2}),
    "a value that nobody keeps": ("df.head()", {2}),
    "an import that others may get at": ("import xml.dom", ALL_AFTER),
    "a name that a later string has": ("limit = 3", ALL_AFTER),
    "a name that an earlier function looks up": ("outside = 3", ALL_AFTER),
    "a text that may be looked up": ("words = 'x > @words'", ALL_AFTER),
    "a name that later cells take": ("df = df.dropna()", ALL_AFTER),
    "an object put into a known one": ("kept.append([1])", ALL_AFTER),
    "a known object put into a new one": ("holder = [df]", {2}),
}


@pytest.mark.parametrize(("typed", "expected"), TYPED.values(), ids=TYPED)
def test_cells_are_followed_again_where_the_edit_may_reach_them(typed, expected):
    memory = StepMemory()
    written_in(memory, "")
    # From the first key on it is known where somebody writes.
    before = written_in(memory, "#")
    known = {id(step.effects) for step in before}
    assert {step.cell for step in written_in(memory, typed) if id(step.effects) not in known} == expected


def written_in(memory, text):
    """The steps with that text behind the third cell."""
    cells = [*CELLS[:2], f"{CELLS[2]}\n{text}", *CELLS[3:]]
    return read_steps(parse(notebook_text(*cells), name="typed.ipynb").code, memory=memory).steps
