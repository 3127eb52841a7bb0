"""A plan run for many values: every run once, failed ones alone again."""

import os
import signal
import threading
import time
from pathlib import Path

import pytest
from plans import stage, written

from nbprod.artifacts.boundary import take
from nbprod.errors import ParameterError
from nbprod.model import Parameter, State
from nbprod.running import backfill, states_of
from nbprod.running.backfill import values_of

MONTH = Parameter(name="month", type="int", default=1)


def plan_of(folder: Path, code: str = "n = month * 10"):
    return written(folder, stage("load", code, gives="n", reads=["month"]), parameters=(MONTH,))


def filled(folder: Path, plan, **options):
    return backfill(plan, plan_folder=folder / "plan", root=folder, **options)


SPELLINGS = {
    "1..3": ("1", "2", "3"),
    "0..10/5": ("0", "5", "10"),
    "08..11": ("08", "09", "10", "11"),
    "-1..1": ("-1", "0", "1"),
    "a,b": ("a", "b"),
    "1..2,7": ("1", "2", "7"),
    "2012-12..2013-02": ("2012-12", "2013-01", "2013-02"),
    "2013-02-27..2013-03-01": ("2013-02-27", "2013-02-28", "2013-03-01"),
    "2013-01-01..2013-01-15/7": ("2013-01-01", "2013-01-08", "2013-01-15"),
}


@pytest.mark.parametrize(("text", "values"), SPELLINGS.items(), ids=SPELLINGS)
def test_spelling_stands_for_these_values(text, values):
    assert values_of(text, name="p") == values


WRONG = {
    "a range that runs backwards": ({"month": "12..1"}, "runs backwards"),
    "a range of nothing known": ({"month": "jan..dec"}, "is no range"),
    "a day that does not exist": ({"month": "2013-02-30..2013-03-01"}, "is no range"),
    "a step of nothing": ({"month": "1..3/0"}, "is no range"),
    "an unknown parameter": ({"mnth": "1..3"}, "Did you mean 'month'"),
    "a value of another type": ({"month": "a,b"}, "takes int"),
    "more runs than anyone wants": ({"month": "1..1000000"}, "the most"),
}


@pytest.mark.parametrize(("over", "says"), WRONG.values(), ids=WRONG)
def test_wrong_spelling_is_refused_before_anything_runs(over, says, tmp_path):
    with pytest.raises(ParameterError, match=says):
        filled(tmp_path, plan_of(tmp_path), over=over)
    assert not (tmp_path / ".nbprod").exists()


def test_every_value_has_its_own_run_and_result(tmp_path):
    runs = filled(tmp_path, plan_of(tmp_path), over={"month": "1..4"}, workers=2)
    values = [take({"n": "load"}, folder=f"{one.record.folder}/artifacts")["n"] for one in runs]
    assert (values, states_of(runs)) == ([10, 20, 30, 40], {State.DONE: 4})


def test_failed_runs_resume_alone(tmp_path, monkeypatch):
    code = "import os\nassert month != 2 or os.environ.get('NBPROD_TEST_REPAIRED')\nn = month"
    plan = plan_of(tmp_path, code)
    first = filled(tmp_path, plan, over={"month": "1..3"}, workers=2)
    monkeypatch.setenv("NBPROD_TEST_REPAIRED", "yes")
    second = filled(tmp_path, plan, over={"month": "1..3"}, workers=2)
    assert [one.record.state for one in first] == [State.DONE, State.FAILED, State.DONE]
    assert [one.record.state for one in second] == [State.CACHED, State.DONE, State.CACHED]


def test_events_say_which_run_they_belong_to(tmp_path):
    heard = []
    filled(
        tmp_path,
        plan_of(tmp_path),
        over={"month": "1..2"},
        on_event=lambda v, e: heard.append((v["month"], e.kind)),
    )
    assert [one for one in heard if one[1] in ("run started", "run ended")] == [
        ("1", "run started"),
        ("1", "run ended"),
        ("2", "run started"),
        ("2", "run ended"),
    ]


def test_cancelled_backfill_leaves_nothing_running(tmp_path):
    code = "import os, time\nopen(f'pid-{month}', 'w').write(str(os.getpid()))\ntime.sleep(60)\nn = 1"
    plan = plan_of(tmp_path, code)

    def pids() -> list[int]:
        return [int(path.read_text()) for path in tmp_path.glob("pid-*") if path.read_text()]

    def interrupt():
        while len(pids()) < 2:
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    runs = filled(tmp_path, plan, over={"month": "1..9"}, workers=2)
    assert states_of(runs) == {State.CANCELLED: 2}
    for pid in pids():
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
