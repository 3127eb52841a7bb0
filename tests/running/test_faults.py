"""Kills, damage and full disks: nothing lost, nothing wrong, nobody left running."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from plans import stage, written

from nbprod.artifacts.boundary import give, take
from nbprod.errors import StoreError
from nbprod.model import State
from nbprod.running import read_record, run, run_folders
from nbprod.running.ledger import Ledger

HERE = Path(__file__).parent
KILLS = 6


def chain(folder: Path):
    return written(
        folder,
        stage("load", "rows = list(range(1000))", gives="rows"),
        stage("clean", "rows = [(n, n % 7) for n in rows]", needs={"rows": "load"}, gives="rows"),
        stage("train", "model = {'sum': sum(b for _, b in rows)}", needs={"rows": "clean"}, gives="model"),
    )


def ran(folder: Path, plan, **options):
    return run(plan, plan_folder=folder / "plan", root=folder, **options)


def digests(record) -> dict[str, list[str]]:
    return {one.stage: [artifact.digest for artifact in one.artifacts] for one in record.stages}


def started(folder: Path, **options) -> subprocess.Popen:
    """A process of its own that runs the chain; its plan is that of `chain`."""
    code = (
        f"import sys; sys.path.insert(0, {str(HERE)!r})\n"
        "from pathlib import Path\nfrom test_faults import chain, ran\n"
        f"folder = Path({str(folder)!r})\nran(folder, chain(folder), **{options!r})"
    )
    return subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def processes_in(folder: Path) -> list[int]:
    """The processes whose working folder is this one: the stages' kernels."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if (entry / "cwd").readlink() == folder:
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def wait_until(condition, seconds: float = 20) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return False


@pytest.mark.skipif(not Path("/proc").exists(), reason="finds processes by /proc")
def test_run_killed_at_any_moment_resumes_to_the_same_result(tmp_path):
    expected = digests(ran(tmp_path / "undisturbed", chain(tmp_path / "undisturbed")))
    folder, chance = tmp_path / "killed", random.Random(7)  # noqa: S311 - moments, not secrets
    chain(folder)
    for _ in range(KILLS):
        process = started(folder)
        time.sleep(chance.uniform(0.3, 4.0))
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert wait_until(lambda: not processes_in(folder)), "a kernel outlived its run"
        for record in run_folders(folder / ".nbprod"):
            read_record(record)
    record = ran(folder, chain(folder))
    assert record.state in (State.DONE, State.CACHED)
    assert digests(record) == expected


@pytest.mark.parametrize(
    "damage", [lambda file: file.write_bytes(b"x"), Path.unlink], ids=["damaged", "missing"]
)
def test_damaged_artifact_is_found_and_made_again(damage, tmp_path):
    plan = chain(tmp_path)
    first = ran(tmp_path, plan)
    digest = first.stages[1].artifacts[0].digest
    damage(tmp_path / ".nbprod/store/objects" / digest[:2] / digest)
    second = ran(tmp_path, plan)
    assert [one.state for one in second.stages] == [State.CACHED, State.DONE, State.CACHED]
    assert second.stages[1].reason == "What it gave is missing from the store or damaged."
    assert digests(second) == digests(first)


def test_two_runs_at_once_on_one_store_both_succeed(tmp_path):
    chain(tmp_path)
    both = [started(tmp_path, force=True) for _ in range(2)]
    assert [process.wait() for process in both] == [0, 0]
    records = [read_record(folder) for folder in run_folders(tmp_path / ".nbprod")]
    assert [record.state for record in records] == [State.DONE, State.DONE]
    assert digests(records[0]) == digests(records[1])


def test_ledger_that_many_make_at_the_same_moment_refuses_none(tmp_path):
    def opened(path: Path, together: threading.Barrier) -> None:
        together.wait()
        with Ledger(path=path).kept_open():
            pass

    with ThreadPoolExecutor(8) as pool:
        for turn in range(40):
            together = threading.Barrier(8)
            path = tmp_path / f"{turn}" / "ledger.sqlite"
            for one in [pool.submit(opened, path, together) for _ in range(8)]:
                one.result()


def small_disk(folder: Path, size: str) -> bool:
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], capture_output=True, check=False
    )
    return done.returncode == 0


def test_full_disk_is_said_and_what_was_stored_stays_whole(tmp_path):
    disk = tmp_path / "disk"
    if not small_disk(disk, "256k"):
        pytest.skip("no right to mount a small disk here")
    try:
        give({"a": (1, 2)}, stage="small", folder=str(disk))
        with pytest.raises(StoreError, match="No space left"):
            give({"b": os.urandom(1_000_000)}, stage="large", folder=str(disk))
        assert take({"a": "small"}, folder=str(disk)) == {"a": (1, 2)}
        assert not (disk / "large.json").exists()
        assert not list((disk / "objects").glob(".*"))
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_run_on_a_full_disk_fails_and_succeeds_once_there_is_room(tmp_path):
    disk = tmp_path / "disk"
    if not small_disk(disk, "600k"):
        pytest.skip("no right to mount a small disk here")
    try:
        plan = written(
            disk,
            stage("load", "import os\nrows = os.urandom(1000)", gives="rows"),
            stage("large", "import os\nblob = os.urandom(900_000)", needs={"rows": "load"}, gives="blob"),
        )
        record = ran(disk, plan)
        assert [one.state for one in record.stages] == [State.DONE, State.FAILED]
        assert "No space left" in record.stages[1].reason
        subprocess.run(["mount", "-o", "remount,size=20m", str(disk)], check=True)
        assert [one.state for one in ran(disk, plan).stages] == [State.CACHED, State.DONE]
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def test_clock_that_jumps_changes_no_duration_and_loses_no_run(tmp_path):
    moments = iter(datetime(2026, 1, 1, tzinfo=UTC) - timedelta(days=n) for n in range(100))
    record = ran(tmp_path, chain(tmp_path), now=lambda: next(moments))
    assert record.seconds >= max(one.seconds for one in record.stages) >= 0
    second = ran(tmp_path, chain(tmp_path), now=lambda: next(moments))
    assert second.state is State.CACHED


def test_stage_after_the_fork_server_was_killed_runs_in_a_new_one(tmp_path):
    kill = (
        "import os, signal\nif not os.path.exists('killed'):\n    open('killed', 'w').close()\n"
        "    os.kill(os.getppid(), signal.SIGKILL)"
    )
    plan = written(tmp_path, stage("one", kill, gives=""), stage("two", "n = 1", gives="n"))
    record = ran(tmp_path, plan)
    assert record.stages[1].state is State.DONE
