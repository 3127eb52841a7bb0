"""What the magics show of a study, in a real InteractiveShell."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from shells import Shell, loaded_shell

FLIGHTS = (
    "import pandas as pd\nflights = pd.DataFrame({'carrier': ['AA', None, 'UA'], 'distance': [1, -5, 3]})"
)


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    with loaded_shell() as loaded:
        yield loaded


def test_a_suite_is_proposed_as_a_new_cell(shell: Shell) -> None:
    shell.run(FLIGHTS)
    shell.run("%expect infer flights")
    assert (shell.next_input or "").startswith("%%expect flights\n")


def test_the_flow_of_the_cells_run_so_far_is_shown_as_a_picture(shell: Shell) -> None:
    shell.run("%%stage load\nx = 1")
    shell.run("%%stage train\nmodel = x + 1")
    shell.run("%pipeline")
    [shown] = shell.shown
    assert sorted(shown) == ["image/svg+xml", "text/html", "text/plain"]
    assert shown["image/svg+xml"] in shown["text/html"]
    assert "2 stages" in shown["text/plain"]


def test_a_leak_is_shown_under_its_cell(shell: Shell) -> None:
    shell.run(
        "import pandas as pd\nframe = pd.DataFrame({'day': pd.date_range('2020', periods=4), 'd': [1., 2., 3., 4.]})"
    )
    shell.run("%%stage features --time day\nframe['next'] = frame['d'].shift(-1)")
    assert "shift" in shell.text()


def test_a_clean_cell_shows_nothing_below_it(shell: Shell) -> None:
    shell.run(
        "import pandas as pd\nframe = pd.DataFrame({'day': pd.date_range('2020', periods=4), 'd': [1., 2., 3., 4.]})"
    )
    shell.run("%%stage features --time day\nframe['last'] = frame['d'].shift(1)")
    assert shell.shown == []
