"""What a run may use: memory together, time a cell, room in a notebook; and what it says when it is stopped."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import nbformat
import pytest
from msgspec import Struct, field
from plans import stage, written

from nbprod import api
from nbprod.errors import NbprodError
from nbprod.model import StageEnded, StageOptions, StageStarted, State
from nbprod.notebook.lines import options_from
from nbprod.running import Budget, bytes_from, run
from nbprod.running.ledger import Ledger

SIZES = {"4GB": 4 * 10**9, "512 MB": 512 * 10**6, "1.5GiB": 3 * 2**29, "800000": 800_000, "2k": 2000}


@pytest.mark.parametrize(("text", "size"), SIZES.items(), ids=SIZES)
def test_amount_of_memory_is_spelt(text, size):
    assert bytes_from(text) == size


@pytest.mark.parametrize("text", ["", "4XB", "-1GB", "GB", "0", "1e9"])
def test_what_is_no_amount_of_memory_is_refused(text):
    with pytest.raises(NbprodError, match="is no amount of memory"):
        bytes_from(text)


class Crowd(Struct):
    """How many stages ran at once, at most, as events tell."""

    now: int = 0
    most: int = 0
    names: list[str] = field(default_factory=list)

    def __call__(self, event):
        match event:
            case StageStarted(stage=name):
                self.now += 1
                self.most = max(self.most, self.now)
                self.names.append(name)
            case StageEnded(run=ended) if ended.state is State.DONE:
                self.now -= 1


def three(folder: Path):
    code = "import time\nblock = bytearray({} * 1_000_000)\ntime.sleep(0.3)\nn = {}"
    return written(
        folder, *(stage(f"s{one}", code.format(size, one), gives="n") for one, size in enumerate((300, 1, 1)))
    )


def ran(folder: Path, plan, **how):
    crowd = Crowd()
    record = run(plan, plan_folder=folder / "plan", root=folder, on_event=crowd, workers=3, **how)
    return record, crowd


def test_stages_run_together_only_while_what_they_needed_fits(tmp_path):
    plan = three(tmp_path)
    first, unknown = ran(tmp_path, plan, budget=Budget(bytes=10**9))
    peaks = {one.stage: one.peak_bytes for one in first.stages}
    # The first needs what it holds beside what every kernel has.
    assert peaks["s0"] - peaks["s1"] > 250_000_000
    assert Ledger(path=tmp_path / ".nbprod/ledger.sqlite").peaks("trial") == peaks
    _, beside = ran(tmp_path, plan, force=True, budget=Budget(bytes=sum(peaks.values())))
    _, two = ran(tmp_path, plan, force=True, budget=Budget(bytes=peaks["s0"] + peaks["s1"] // 2))
    _, alone = ran(tmp_path, plan, force=True, budget=Budget(bytes=1))
    assert [one.most for one in (unknown, beside, two, alone)] == [1, 3, 2, 1]
    # What fits goes ahead of what doesn't, and all come to their end.
    assert [sorted(one.names) for one in (unknown, two, alone)] == [["s0", "s1", "s2"]] * 3


def test_budget_is_shared_between_runs():
    budget = Budget(bytes=100)
    taken = [budget.take("a", 60), budget.take("b", 60), budget.take("c", 40), budget.take("d", None)]
    budget.give_back("a")
    assert (taken, budget.take("b", 60)) == ([True, False, True, False], True)


def test_cell_that_takes_too_long_ends_its_stage(tmp_path):
    slow = StageOptions(cell_timeout_seconds=1, timeout_seconds=60)
    plan = written(
        tmp_path, stage("slow", "x = 1", "import time\ntime.sleep(30)", "y = 2", gives="y", options=slow)
    )
    (one,) = ran(tmp_path, plan)[0].stages
    assert (one.state, one.reason, one.failure.cell) == (
        State.FAILED,
        "The cell took longer than its 1 seconds.",
        1,
    )


def test_many_short_cells_are_not_one_long_cell(tmp_path):
    quick = StageOptions(cell_timeout_seconds=2)
    cells = ["import time\ntime.sleep(0.8)"] * 4
    plan = written(tmp_path, stage("slow", *cells, "y = 2", gives="y", options=quick))
    assert ran(tmp_path, plan)[0].state is State.DONE


def test_time_for_a_cell_is_an_option_of_the_stage():
    assert options_from({"cell-timeout": 90}, where="here").cell_timeout_seconds == 90


def test_what_a_notebook_cannot_hold_stands_in_a_file_beside_it(tmp_path):
    line = "print('%07d' % number)"
    plan = written(tmp_path, stage("talk", f"for number in range(270_000):\n    {line}", "n = 1", gives="n"))
    record, _ = ran(tmp_path, plan)
    folder = Path(record.folder)
    cells = nbformat.read(folder / record.stages[0].notebook, as_version=4).cells
    kept = "".join(one["text"] for cell in cells for one in cell.get("outputs", ()) if "text" in one)
    spilled = (folder / "01-talk.output.txt").read_text()
    said = "\n[what follows stands in 01-talk.output.txt]\n"
    assert record.state is State.DONE
    assert kept.count(said) == 1
    assert kept.replace(said, "") + spilled == "".join(f"{number:07}\n" for number in range(270_000))
    assert len(kept) < 2_100_000


STOPPED = """
import sys
sys.path.insert(0, {tests!r})
from pathlib import Path
from plans import stage, written
from nbprod.running import run
code = "import os, time\\nopen('begun', 'w').close()\\ntime.sleep(60)"
plan = written(Path("."), stage("slow", code, "n = 1", gives="n"))
print(run(plan, plan_folder=Path("plan"), root=Path(".")).state)
"""


def test_stopped_run_says_nothing_of_dead_kernels(tmp_path):
    program = STOPPED.format(tests=str(Path(__file__).parent))
    root = str(Path(__file__).parents[2])
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": root},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    watch = threading.Timer(60, process.kill)
    watch.start()
    while not (tmp_path / "begun").exists() and process.poll() is None:
        watch.join(0.05)
    process.send_signal(signal.SIGINT)
    said, complained = process.communicate()
    watch.cancel()
    assert (said, complained) == ("cancelled\n", "")


def test_settings_name_memory_and_engine(tmp_path):
    (tmp_path / "pyproject.toml").write_text('[tool.nbprod]\nmemory = "plenty"\n')
    cells = [{"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None, "id": "a"}]
    cells[0]["source"] = "%%stage one\nn = 1"
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    notebook = {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    (tmp_path / "a.ipynb").write_text(json.dumps(notebook))
    with pytest.raises(NbprodError, match=re.escape("'plenty' is no amount of memory")):
        api.run(tmp_path / "a.ipynb")
