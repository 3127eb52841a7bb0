"""A plan runs stage by stage, and its record says truly what became of it."""

import json
import os
import signal
import threading
import time
from pathlib import Path

import nbformat
import pytest
from msgspec.structs import replace
from plans import stage, written

from nbprod.artifacts.boundary import take
from nbprod.errors import ParameterError, PlanError, StoreError
from nbprod.model import (
    CellDone,
    Expectation,
    Importance,
    OnBroken,
    Parameter,
    RunEnded,
    RunStarted,
    StageEnded,
    StageOptions,
    StageStarted,
    State,
    Suite,
    Verdict,
)
from nbprod.running import run
from nbprod.running.processes import Kernels
from nbprod.running.records import read_record, run_folders

MONTH = Parameter(name="month", type="int", default=1)


def ran(folder: Path, plan, **options):
    return run(plan, plan_folder=folder / "plan", root=folder, **options)


def states(record) -> dict[str, str]:
    return {one.stage: one.state.value for one in record.stages}


def given(record, name: str, stage_name: str):
    return take({name: stage_name}, folder=str(Path(record.folder) / "artifacts"))[name]


def chain(folder: Path):
    """Three stages, each adding to what the one before gave."""
    return written(
        folder,
        stage("load", "rows = [month]", gives="rows", reads=["month"]),
        stage("clean", "rows.append(2)", needs={"rows": "load"}, gives="rows"),
        stage("train", "model = sum(rows)", needs={"rows": "clean"}, gives="model"),
        parameters=(MONTH,),
    )


def test_values_pass_from_stage_to_stage_with_parameters_in_their_types(tmp_path):
    record = ran(tmp_path, chain(tmp_path), parameters={"month": "3"})
    assert (record.state, states(record)) == (
        State.DONE,
        {"load": "done", "clean": "done", "train": "done"},
    )
    assert given(record, "model", "train") == 5
    assert record.parameters == {"month": 3}


def test_record_on_disk_is_the_record_given(tmp_path):
    record = ran(tmp_path, chain(tmp_path))
    assert read_record(Path(record.folder)) == record
    assert run_folders(tmp_path / ".nbprod") == [Path(record.folder)]


def test_events_tell_the_run_in_order(tmp_path):
    heard = []
    record = ran(tmp_path, chain(tmp_path), until="load", on_event=heard.append)
    assert [type(one) for one in heard] == [RunStarted, StageStarted, *[CellDone] * 4, StageEnded, RunEnded]
    assert [(one.done, one.cells) for one in heard if isinstance(one, CellDone)] == [
        (n, 4) for n in range(1, 5)
    ]
    assert heard[-1].record == record


def test_second_run_takes_every_stage_from_the_first(tmp_path):
    plan = chain(tmp_path)
    first = ran(tmp_path, plan)
    second = ran(tmp_path, plan)
    assert (second.state, set(states(second).values())) == (State.CACHED, {"cached"})
    assert [one.artifacts for one in second.stages] == [one.artifacts for one in first.stages]
    assert given(second, "model", "train") == 3


CHANGES = {
    "another parameter": ({"parameters": {"month": 2}}, {}, ["done", "done", "done"]),
    "other formatting and comments": (
        {},
        {"clean": "rows.append( 2 )  # two"},
        ["cached", "cached", "cached"],
    ),
    "other code in the middle": ({}, {"clean": "rows.append(3)"}, ["cached", "done", "done"]),
    "other code with an equal result": ({}, {"clean": "rows += [2]"}, ["cached", "done", "cached"]),
    "force": ({"force": True}, {}, ["done", "done", "done"]),
}


@pytest.mark.parametrize(("options", "edits", "expected"), CHANGES.values(), ids=CHANGES)
def test_only_what_a_change_reaches_runs_again(options, edits, expected, tmp_path):
    ran(tmp_path, chain(tmp_path))
    plan = written(
        tmp_path,
        stage("load", "rows = [month]", gives="rows", reads=["month"]),
        stage("clean", edits.get("clean", "rows.append(2)"), needs={"rows": "load"}, gives="rows"),
        stage("train", "model = sum(rows)", needs={"rows": "clean"}, gives="model"),
        parameters=(MONTH,),
    )
    assert list(states(ran(tmp_path, plan, **options)).values()) == expected


# Data that a stage reads


def test_stage_that_reads_a_file_runs_again_when_the_file_changes(tmp_path):
    plan = written(tmp_path, stage("load", "n = int(open('data.txt').read())", gives="n"))
    (tmp_path / "data.txt").write_text("1")
    ran(tmp_path, plan)
    assert states(ran(tmp_path, plan)) == {"load": "cached"}
    (tmp_path / "data.txt").write_text("2")
    record = ran(tmp_path, plan)
    assert (states(record), given(record, "n", "load")) == ({"load": "done"}, 2)
    assert record.stages[0].reason == "file data.txt changed."


def test_file_that_the_code_names_only_while_it_runs_counts_too(tmp_path):
    plan = written(tmp_path, stage("load", "name = 'da' + 'ta.txt'\nn = open(name).read()", gives="n"))
    (tmp_path / "data.txt").write_text("1")
    ran(tmp_path, plan)
    assert states(ran(tmp_path, plan)) == {"load": "cached"}
    (tmp_path / "data.txt").write_text("2")
    assert states(ran(tmp_path, plan)) == {"load": "done"}


def test_file_named_with_a_parameter_counts_for_that_value_only(tmp_path):
    # DuckDB opens files where Python does not see it.
    code = "import duckdb\nn = duckdb.sql(f\"from 'm{month}.csv'\").fetchall()"
    plan = written(tmp_path, stage("load", code, gives="n", reads=["month"]), parameters=(MONTH,))
    for month in (1, 2):
        (tmp_path / f"m{month}.csv").write_text(f"a\n{month}\n")
        ran(tmp_path, plan, parameters={"month": month})
    (tmp_path / "m2.csv").write_text("a\n3\n")
    assert states(ran(tmp_path, plan, parameters={"month": 1})) == {"load": "cached"}


def test_stage_that_writes_a_file_is_cached_until_the_file_is_gone(tmp_path):
    plan = written(tmp_path, stage("save", "open('out.txt', 'w').write('x')\ndone = True", gives="done"))
    ran(tmp_path, plan)
    assert states(ran(tmp_path, plan)) == {"save": "cached"}
    (tmp_path / "out.txt").unlink()
    assert states(ran(tmp_path, plan)) == {"save": "done"}
    assert (tmp_path / "out.txt").read_text() == "x"


UNREADABLE = {
    "the system's processes": "/proc/",
    "the root": "/",
    "the home": "~/",
    "a file that may not be read": "locked.txt",
    "a text that is no path": "a\\0b",
}


@pytest.mark.parametrize("text", UNREADABLE.values(), ids=UNREADABLE)
def test_text_that_names_no_data_hinders_nothing(text, tmp_path):
    (tmp_path / "locked.txt").touch(mode=0)
    plan = written(tmp_path, stage("load", f"n = len('{text}')", gives="n"))
    assert states(ran(tmp_path, plan)) == {"load": "done"}
    assert states(ran(tmp_path, plan)) == {"load": "cached"}


def test_folder_that_the_code_names_counts_with_all_its_files(tmp_path):
    (tmp_path / "data" / "deep").mkdir(parents=True)
    plan = written(tmp_path, stage("load", "n = './data/'", gives="n"))
    ran(tmp_path, plan)
    (tmp_path / "data" / "deep" / "new.csv").touch()
    assert states(ran(tmp_path, plan)) == {"load": "done"}


def test_module_beside_the_notebook_counts_as_code(tmp_path):
    (tmp_path / "ours.py").write_text("import deeper\nN = deeper.N")
    (tmp_path / "deeper.py").write_text("N = 1")
    plan = written(tmp_path, stage("load", "import ours\nn = ours.N", gives="n"))
    ran(tmp_path, plan)
    # Of another length: Python takes byte code for fresh if time, to the second, and length are the same.
    (tmp_path / "deeper.py").write_text("N = 1 + 1")
    record = ran(tmp_path, plan)
    assert (states(record), given(record, "n", "load")) == ({"load": "done"}, 2)


def test_stage_runs_in_the_folder_of_its_notebook(tmp_path):
    plan = written(tmp_path, stage("load", "import os\nplace = os.getcwd()", gives="place"))
    assert given(ran(tmp_path, plan), "place", "load") == str(tmp_path)


def test_threads_and_hashes_are_pinned_and_recorded(tmp_path):
    code = "import os\nthreads = os.environ['OMP_NUM_THREADS']\nletters = list(set('abcdefgh'))"
    plan = written(tmp_path, stage("load", code, gives="threads letters"))
    first, second = ran(tmp_path, plan), ran(tmp_path, plan, force=True)
    assert given(first, "threads", "load") == first.versions["OMP_NUM_THREADS"]
    assert [one.digest for one in first.stages[0].artifacts] == [
        one.digest for one in second.stages[0].artifacts
    ]


# Failures


def test_failed_cell_stops_what_depends_on_it_and_nothing_else(tmp_path):
    plan = written(
        tmp_path,
        stage("load", "rows = [1]", gives="rows"),
        stage("bad", "x = 1", "y = rows[5]", "z = 3", needs={"rows": "load"}, gives="y"),
        stage("after", "w = y", needs={"y": "bad"}, gives="w"),
        stage("last", "v = w", needs={"w": "after"}, gives="v"),
        stage("apart", "u = len(rows)", needs={"rows": "load"}, gives="u"),
    )
    record = ran(tmp_path, plan)
    assert (record.state, states(record)) == (
        State.FAILED,
        {"load": "done", "bad": "failed", "after": "skipped", "last": "skipped", "apart": "done"},
    )
    bad, after = record.stages[1], record.stages[2]
    assert (bad.failure.cell, bad.failure.source, bad.failure.error, bad.failure.message) == (
        1,
        "y = rows[5]",
        "IndexError",
        "list index out of range",
    )
    assert after.reason == "It needs stage 'bad', which failed."
    kept = nbformat.read(Path(record.folder) / bad.notebook, as_version=4)
    assert any("papermill-error-cell-tag" in cell.metadata.get("tags", ()) for cell in kept.cells)


def test_value_that_cannot_leave_fails_the_stage_and_says_which(tmp_path):
    plan = written(tmp_path, stage("load", "import threading\nlock = threading.Lock()", gives="lock"))
    (load,) = ran(tmp_path, plan).stages
    assert (load.state, load.failure.error) == (State.FAILED, "BoundaryError")
    assert "'lock'" in load.failure.message


def test_failed_stage_is_tried_again_and_every_attempt_kept(tmp_path):
    code = "from pathlib import Path\nmark = Path('mark')\nfirst = not mark.exists()\nmark.touch()\nassert not first"
    plan = written(tmp_path, stage("load", code, gives="first", options=StageOptions(retries=2)))
    record = ran(tmp_path, plan)
    (load,) = record.stages
    assert (load.state, load.attempt, load.notebook) == (State.DONE, 2, "01-load.attempt-2.ipynb")
    assert (Path(record.folder) / "01-load.ipynb").exists()


def test_stage_that_takes_too_long_is_ended(tmp_path):
    plan = written(
        tmp_path,
        stage("slow", "import time\ntime.sleep(60)", gives="time", options=StageOptions(timeout_seconds=1)),
    )
    begun = time.monotonic()
    (slow,) = ran(tmp_path, plan).stages
    assert (slow.state, slow.failure.error, slow.failure.cell) == (State.FAILED, "TimeoutError", 0)
    assert time.monotonic() - begun < 30


def test_kernel_that_dies_is_a_failure_of_its_stage(tmp_path):
    plan = written(tmp_path, stage("dies", "import os\nos.kill(os.getpid(), 9)", gives="os"))
    (dies,) = ran(tmp_path, plan).stages
    assert (dies.state, dies.failure.error) == (State.FAILED, "DeadKernelError")


def test_missing_kernel_is_said_by_name(tmp_path):
    plan = written(tmp_path, stage("load", "n = 1", gives="n", kernel="no-such-kernel"))
    (load,) = ran(tmp_path, plan).stages
    assert load.state is State.FAILED
    assert "no kernel 'no-such-kernel'" in load.reason


# Suites


def nulls(importance=Importance.CRITICAL) -> Expectation:
    return Expectation(
        type="expect_column_values_to_not_be_null", arguments={"column": "a"}, importance=importance
    )


def judge_of(calls: list, *, success: bool):
    """A judge that finds everything so, and notes what it was asked."""

    def judge(_, suite, *, stage, **__):
        calls.append((suite.value, stage))
        return tuple(
            Verdict(expectation=one, success=success, value=suite.value) for one in suite.expectations
        )

    return judge


def test_broken_critical_expectation_stops_what_depends_on_it(tmp_path):
    plan = replace(chain(tmp_path), suites=(Suite(value="rows", expectations=(nulls(),), stage="load"),))
    record = ran(tmp_path, plan, judge=judge_of([], success=False))
    assert (record.state, states(record)) == (
        State.BROKEN,
        {"load": "broken", "clean": "skipped", "train": "skipped"},
    )
    assert record.stages[0].reason == "'rows' column 'a' breaks expect_column_values_to_not_be_null."
    assert record.stages[0].verdicts[0].digest == record.stages[0].artifacts[0].digest


@pytest.mark.parametrize(
    "suite",
    [
        Suite(value="rows", expectations=(nulls(Importance.WARNING),)),
        Suite(value="rows", expectations=(nulls(),), on_broken=OnBroken.WARN),
    ],
    ids=["of importance warning", "that only warns when broken"],
)
def test_broken_expectation_that_does_not_stop_is_told(suite, tmp_path):
    plan = replace(chain(tmp_path), suites=(suite,))
    record = ran(tmp_path, plan, judge=judge_of([], success=False))
    assert record.state is State.DONE
    assert [len(one.verdicts) for one in record.stages] == [0, 1, 0]


def test_verdict_on_the_same_artifact_is_not_asked_for_twice(tmp_path):
    plan = replace(chain(tmp_path), suites=(Suite(value="rows", expectations=(nulls(),)),))
    calls: list = []
    first = ran(tmp_path, plan, judge=judge_of(calls, success=True))
    second = ran(tmp_path, plan, judge=judge_of(calls, success=True))
    assert calls == [("rows", "clean")]
    assert [one.verdicts for one in first.stages] == [one.verdicts for one in second.stages]


def test_new_suite_is_judged_on_a_stage_that_need_not_run(tmp_path):
    plan = chain(tmp_path)
    ran(tmp_path, plan)
    plan = replace(plan, suites=(Suite(value="rows", expectations=(nulls(),)),))
    assert states(ran(tmp_path, plan, judge=judge_of([], success=False))) == {
        "load": "cached",
        "clean": "broken",
        "train": "skipped",
    }


# Selection


def test_single_stage_runs_on_what_earlier_runs_gave(tmp_path):
    plan = chain(tmp_path)
    ran(tmp_path, plan, until="clean")
    record = ran(tmp_path, plan, only=["train"])
    assert (states(record), given(record, "model", "train")) == ({"train": "done"}, 3)


def test_single_stage_whose_givers_have_not_run_is_refused(tmp_path):
    with pytest.raises(PlanError, match="Stage 'load' must come first"):
        ran(tmp_path, chain(tmp_path), only=["train"])


SELECTIONS = {
    "from": ({"from_": "clean", "force": True}, ["clean", "train"]),
    "until": ({"until": "clean"}, ["load", "clean"]),
    "from and until": ({"from_": "clean", "until": "clean"}, ["clean"]),
}


@pytest.mark.parametrize(("options", "expected"), SELECTIONS.values(), ids=SELECTIONS)
def test_selection_runs_these_stages(options, expected, tmp_path):
    plan = chain(tmp_path)
    ran(tmp_path, plan)
    assert list(states(ran(tmp_path, plan, **options))) == expected


def test_unknown_stage_names_the_near_miss_before_anything_is_written(tmp_path):
    with pytest.raises(PlanError, match="Did you mean 'clean'"):
        ran(tmp_path, chain(tmp_path), only=["claen"])
    assert not (tmp_path / ".nbprod").exists()


def test_unknown_parameter_names_the_near_miss_before_anything_is_written(tmp_path):
    with pytest.raises(ParameterError, match="Did you mean 'month'"):
        ran(tmp_path, chain(tmp_path), parameters={"mnth": 1})
    assert not (tmp_path / ".nbprod").exists()


# Secrets


def test_secret_reaches_the_stage_and_nothing_that_is_kept(tmp_path):
    token = Parameter(name="token", type="str", default="", secret=True)
    plan = written(
        tmp_path,
        stage("load", "size = len(token)", gives="size", reads=["token"]),
        parameters=(token,),
    )
    record = ran(tmp_path, plan, parameters={"token": "s3cr3t-value"})
    assert given(record, "size", "load") == len("s3cr3t-value")
    kept = [path for path in (tmp_path / ".nbprod").rglob("*") if path.is_file()]
    assert [path.name for path in kept if b"s3cr3t-value" in path.read_bytes()] == []


# Parallel, cancelled


def test_independent_stages_run_side_by_side(tmp_path):
    meet = "import time\nfrom pathlib import Path\nPath('{0}').touch()\nbegun = time.monotonic()\n"
    wait = "while not Path('{1}').exists() and time.monotonic() - begun < 20: time.sleep(0.01)\nmet = Path('{1}').exists()"
    plan = written(
        tmp_path,
        stage("one", (meet + wait).format("a", "b"), gives="met"),
        stage("two", (meet + wait).format("b", "a"), gives="met"),
    )
    record = ran(tmp_path, plan, workers=2)
    assert given(record, "met", "one")
    assert given(record, "met", "two")


def test_cancelled_run_leaves_nothing_running_and_says_so(tmp_path):
    code = "import os, time\nopen('pid', 'w').write(str(os.getpid()))\ntime.sleep(60)"
    plan = written(
        tmp_path, stage("slow", code, gives="os"), stage("after", "x = 1", needs={"os": "slow"}, gives="x")
    )

    def interrupt():
        while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    record = ran(tmp_path, plan)
    assert (record.state, states(record)) == (State.CANCELLED, {"slow": "cancelled", "after": "cancelled"})
    assert read_record(Path(record.folder)) == record
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


class Ended(Kernels):
    """Ends each kernel as soon as it has a process id, and remembers it."""

    def __init__(self):
        super().__init__()
        self.heard = []

    def started(self, stage, pid):
        self.heard.append(pid)
        self.cancelled.set()
        super().started(stage, pid)


def test_kernel_that_a_cancelled_run_ends_while_it_starts_is_not_replaced(tmp_path):
    kernels = Ended()
    record = ran(tmp_path, written(tmp_path, stage("load", "n = 1", gives="n")), kernels=kernels)
    assert (states(record), len(kernels.heard)) == ({"load": "cancelled"}, 1)


# Records


def test_folder_without_a_record_is_an_error(tmp_path):
    with pytest.raises(StoreError, match="no run here"):
        read_record(tmp_path)


def test_executed_notebook_holds_its_outputs(tmp_path):
    plan = written(tmp_path, stage("load", "print('hello')", gives=""))
    record = ran(tmp_path, plan)
    kept = json.loads((Path(record.folder) / record.stages[0].notebook).read_text())
    assert "hello" in json.dumps(kept["cells"])


def test_forked_kernel_has_the_session_of_an_ordinary_one(tmp_path, monkeypatch):
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    code = (
        "import sys\n"
        "shell = get_ipython()\n"
        "missed = sorted(set(sys.modules) - shell._sys_modules_keys)\n"
        "unloaded = sorted(shell._sys_modules_keys - set(sys.modules))\n"
        "told = [source for *_, source in shell.history_manager.get_range()]\n"
        "same = In[-1] == told[-1]"
    )
    plan = written(
        tmp_path, stage("load", "early = 'seen'", code, "del shell", gives="missed unloaded told same")
    )
    record = ran(tmp_path, plan)
    assert record.state is State.DONE, record
    found = {name: given(record, name, "load") for name in ("missed", "unloaded", "told", "same")}
    assert (found["missed"], found["unloaded"], found["same"]) == ([], [], True)
    assert "early = 'seen'" in found["told"]
    assert not list((tmp_path / "ipython").rglob("history.sqlite"))
