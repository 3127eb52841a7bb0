"""A small year of the loop: what arrives, what is decided, and that nothing is lost or done twice."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime

import pandas as pd
import pytest
from projects import project, rows

from nbprod import api
from nbprod.continuous.loop import Busy, single_flight
from nbprod.faces.cli import exit_code_of

CONDITION = "drift or mae > 0.5 or age > 300d"
EXPECT = (
    "%%expect raw\nColumnValuesToNotBeNull(column='x')\n"
    "ColumnValuesToBeBetween(column='x', min_value=-50, max_value=50)"
)


def arrived(folder, *, days, at=None, change=lambda frame: frame):
    """The file as it stands after so many days; from day `at` on something is different."""
    frame = rows(days=days, seed=3)
    if at is not None:
        later = frame["time"].dt.day_of_year > at
        frame = pd.concat([frame[~later], change(frame[later].copy())], ignore_index=True)
    frame.to_parquet(folder / "rows.parquet")


def nulls(frame):
    frame.loc[frame.index[::3], "x"] = None
    return frame


def in_thousandths(frame):
    return frame.assign(x=frame["x"] * 1000)


def moved(frame):
    return frame.assign(x=frame["x"] + 3, y=frame["y"] + 6)


def steeper(frame):
    return moved(frame).assign(y=lambda f: f["y"] + 2 * f["x"])


@pytest.fixture(scope="module")
def year(tmp_path_factory):
    """The folder, and each decision of the year."""
    folder = tmp_path_factory.mktemp("year")
    notebook = project(folder, expect=EXPECT)
    told = []

    def turn(day, **data):
        arrived(folder, days=day + 10, **data)
        told.append(api.retrain(notebook, CONDITION, parameters={"day": day}))

    turn(40)
    turn(40)
    turn(50)
    turn(60, at=62, change=nulls)
    turn(60, at=62, change=in_thousandths)
    turn(60, at=60, change=moved)
    turn(60, at=60, change=moved)
    turn(75, at=60, change=steeper)
    return folder, told


def test_each_thing_that_arrives_leads_to_its_decision(year):
    _, told = year
    assert [(str(one.action), one.champion, one.challenger) for one in told] == [
        ("promoted", None, 1),
        ("nothing", 1, None),
        ("nothing", 1, None),
        ("stopped", 1, None),
        ("stopped", 1, None),
        ("kept", 1, 2),
        ("nothing", 1, None),
        ("promoted", 1, 3),
    ]


def test_each_decision_says_its_reason(year):
    _, told = year
    parts = [
        "no champion yet",
        "No reason to train",
        "No reason to train",
        "breaks raw.x column values to not be null",
        "breaks raw.x column values to be between",
        "where more than 0 is asked. (mae ",
        "acted on before",
        "which exceeds 0. (mae ",
    ]
    assert [part in one.reason for one, part in zip(told, parts, strict=True)] == [True] * len(parts), [
        one.reason for one in told
    ]


def test_a_training_says_what_led_to_it(year):
    _, told = year
    assert [[one.partition(":")[0] for one in each.triggers] for each in told] == [
        ["no champion"],
        *([] for _ in range(4)),
        ["drift"],
        [],
        ["drift", "mae > 0.5"],
    ]


def test_data_that_is_stopped_never_reaches_training(year):
    folder, told = year
    ran = [
        [stage.stage for stage in api.record(folder, one.run).stages if stage.state.is_good] for one in told
    ]
    assert [ran[3], ran[4], "train" in ran[5]] == [[], [], True]


def test_the_ledger_holds_every_decision_and_rolling_back_works(year, capsys):
    folder, told = year
    held = api.decisions(folder, "pipeline")
    code = exit_code_of(["rollback", "--root", str(folder), "--why", "a drill"])
    (state,) = api.models(folder)
    assert (held, code, state.aliases) == (tuple(told), 0, {"champion": 1, "challenger": 3})
    assert "3 → 1" in capsys.readouterr().out


def test_a_turn_that_can_not_be_finished_is_a_decision_too(year):
    folder, _ = year
    before = api.decisions(folder, "pipeline")
    # A regression has no chances to make an area of.
    failed = api.retrain(folder / "pipeline.ipynb", "auc < 0.8", parameters={"day": 75})
    assert (str(failed.action), "'auc' can't be computed for this model" in failed.reason) == ("failed", True)
    assert api.decisions(folder, "pipeline") == (*before, failed)


def test_two_turns_at_once_are_one(year):
    folder, _ = year
    before = len(api.decisions(folder, "pipeline"))
    with single_flight(folder / ".nbprod" / "retrain.lock"), pytest.raises(Busy):
        api.retrain(folder / "pipeline.ipynb", CONDITION, parameters={"day": 75})
    assert len(api.decisions(folder, "pipeline")) == before


def test_a_turn_that_is_killed_is_taken_up_and_promotes_once(tmp_path):
    notebook = project(tmp_path, expect="")
    command = [sys.executable, "-m", "nbprod", "retrain", str(notebook), "--if", CONDITION, "-p", "day=40"]
    chance = random.Random(7)  # noqa: S311 - moments to kill at
    for _ in range(3):
        process = subprocess.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL)
        time.sleep(chance.uniform(0.5, 6))
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    told = api.decisions(tmp_path, "pipeline")
    promoted = [one for one in told if str(one.action) == "promoted"]
    (state,) = api.models(tmp_path)
    changes = [one for one in state.history if one.alias == "champion"]
    assert (len(promoted), len(changes), [one.action for one in told if one.ended is None]) == (1, 1, [])
    assert done.stdout


def test_age_is_a_reason_once(year):
    folder, _ = year
    later = datetime(2028, 1, 1, tzinfo=UTC)
    arrived(folder, days=85, at=60, change=steeper)
    told = [
        api.retrain(folder / "pipeline.ipynb", "age > 300d", parameters={"day": 75}, now=lambda: later).reason
        for _ in range(2)
    ]
    assert ["acted on before" in one for one in told] == [False, True]


def test_a_loop_that_finds_another_at_work_waits_for_its_next_turn(year):
    folder, _ = year
    command = [sys.executable, "-m", "nbprod", "retrain", str(folder / "pipeline.ipynb"), "--if", "never"]
    loop = subprocess.Popen(
        [*command, "--every", "1s", "-p", "day=75"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        first = loop.stdout.readline()
        while True:
            with contextlib.suppress(Busy), single_flight(folder / ".nbprod" / "retrain.lock"):
                told = loop.stderr.readline()
                break
        after = loop.stdout.readline()
    finally:
        loop.kill()
        loop.communicate()
    assert ["nothing: pipeline" in one for one in (first, after)] == [True, True]
    assert "Another retrain is under way" in told
    assert "The next turn comes in 1s" in told
