"""`%%stage --replay` in a real InteractiveShell: the cell runs as ever, and what leaks in it is proved below."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from shells import Shell, loaded_shell

from nbprod.replaying.workers import Worker

LOADED = """
import pandas as pd
import numpy as np
frame = pd.DataFrame({"day": pd.date_range("2020", periods=60), "d": np.arange(60.0) % 7})
extra = {"scale": [1.0, 2.0]}
"""


@pytest.fixture(scope="module")
def session() -> Iterator[Shell]:
    with loaded_shell() as loaded:
        yield loaded


@pytest.fixture
def shell(session: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    session.inner.run_line_magic("unload_ext", "nbprod")
    session.inner.reset()
    session.run("%load_ext nbprod")
    session.run(LOADED)
    return session


def test_a_leak_is_confirmed_under_its_cell_with_a_witness_and_a_picture(shell: Shell) -> None:
    cell = "%%stage features --time day --replay\nframe['next'] = frame['d'].shift(-1)\nlen(frame)"
    result = shell.run(cell)
    [shown] = [one for one in shell.shown if "text/html" in one]
    assert result.result == 60
    assert "[confirmed]" in shown["text/plain"]
    assert "witness: row day=" in shown["text/plain"]
    assert "Replay: 1 column read the future" in shown["text/plain"]
    assert "<svg" in shown["text/html"]


def test_the_replay_starts_from_what_was_there_before_the_cell_changed_it(shell: Shell) -> None:
    """Run twice on the changed frame, the cell would find no column `d`; on the changed dict, no key."""
    shell.run(
        "%%stage features --time day --replay\n"
        "scale = extra.pop('scale')\n"
        "frame['past'] = frame.pop('d').shift(1) * scale[0]\n"
        "frame.loc[0, 'past'] = 0.0"
    )
    assert shell.text().startswith(
        "Replay: 1 column did not change (5 runs; 3 cuts with the future withheld, "
    )
    assert (sorted(shell.inner.user_ns["frame"]), len(shell.inner.user_ns["frame"])) == (["day", "past"], 60)


def test_functions_of_earlier_cells_come_along_and_read_the_cut_table(shell: Shell) -> None:
    shell.run("def level():\n    return frame['d'].max()")
    shell.run("frame.loc[59, 'd'] = 99.0")
    shell.run("%%stage features --time day --replay\nframe['level'] = frame['d'] / level()")
    assert "[confirmed]" in shell.text()


def test_options_of_another_cell_of_the_stage_count(shell: Shell) -> None:
    shell.run("%%stage features --time day\nframe['past'] = frame['d'].shift(1)")
    shell.run("%%stage features --replay\nframe['mean'] = frame['d'].mean()")
    assert "[confirmed]" in shell.text()
    assert "was inferred" not in shell.text()


@pytest.mark.parametrize(
    ("before", "cell", "said"),
    [
        ("", "frame['past'] = frame['nothing']", "Not replayed: the cell failed."),
        (
            "import threading\nlock = threading.Lock()",
            "with lock:\n    frame['past'] = frame['d'].shift(1)",
            "Not replayed: 'lock' can't be copied to a worker (TypeError: cannot pickle '_thread.lock' object).",
        ),
        (
            "frame = frame.drop(columns='day')",
            "frame['past'] = frame['d'].shift(1)",
            "Not replayed: no input has a time column: name it with --time.",
        ),
    ],
    ids=["the cell fails", "an input can't be copied", "no time column"],
)
def test_why_nothing_was_replayed_is_said_in_a_sentence(
    shell: Shell, before: str, cell: str, said: str
) -> None:
    shell.run(before)
    shell.run(f"%%stage features --replay\n{cell}")
    assert said in shell.text().splitlines()


def test_a_cell_that_only_runs_here_says_why_it_was_not_assessed(shell: Shell) -> None:
    shell.run(
        "%%stage features --time day --replay\nimport os\nos.system('true')\nframe['past'] = frame['d'].shift(1)"
    )
    assert "a replayed stage may not start another program" in shell.text()


def test_progress_takes_one_place_where_a_front_end_can_update(shell: Shell) -> None:
    shell.inner.kernel = None  # what tells a front end that can update its output from a terminal
    try:
        shell.run("%%stage features --time day --replay\nframe['next'] = frame['d'].shift(-1)")
    finally:
        del shell.inner.kernel
    texts = [one["text/plain"] for one in shell.shown]
    assert texts[0] == "Replaying: starting a worker ..."
    assert texts[1] == "Replaying: run 1 of at most 6 ..."
    assert "[confirmed]" in texts[-1]


def test_an_interrupt_ends_the_replay_and_keeps_the_cells_work(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    def struck(*_arguments: object, **_options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Worker, "run", struck)
    shell.run("%%stage features --time day --replay\nframe['past'] = frame['d'].shift(1)")
    assert shell.text() == "Not replayed: it was interrupted. The cell itself has run."
    assert "past" in shell.inner.user_ns["frame"]


def test_without_the_option_nothing_is_replayed(shell: Shell) -> None:
    shell.run("%%stage features --time day\nframe['next'] = frame['d'].shift(-1)")
    assert ("[suspected]" in shell.text(), "Replay" in shell.text()) == (True, False)
