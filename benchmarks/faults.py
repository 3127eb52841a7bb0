"""What goes wrong in production, done on purpose and often: kills, crowds, lost workers, a store that fails.

Run as `python benchmarks/faults.py [--quick] [NAME ...]`; names are those of `FAULTS`. Prints one JSON object with what
was counted; a fault that harms a result, or leaves a process behind, ends it with an error. `--quick` does a few of each.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import shutil
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

HERE = Path(__file__).parent
SAMPLE = HERE.parent / "sample_notebooks" / "flight_delays.ipynb"
sys.path[:0] = [str(HERE.parent / "tests" / "running"), str(HERE.parent)]

from plans import stage, written  # noqa: E402 - it stands with the tests

from nbprod import api  # noqa: E402
from nbprod.model import Parameter, Record, StageRun, State  # noqa: E402
from nbprod.running import backfill, run, run_folders, states_of  # noqa: E402
from nbprod.running.ledger import Ledger  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbprod.model import Plan

CHANCE = random.Random(20130101)  # noqa: S311 - moments, not secrets
RUN_SAMPLE = """
import sys
from pathlib import Path
sys.path.insert(0, {house!r})
from nbprod import api
from nbprod.running import run
root = Path({root!r})
run(api.read_plan(root / "flight_delays.plan"), plan_folder=root / "flight_delays.plan", root=root, workers=2)
"""


def main() -> None:
    """Do the faults named, or all."""
    words = sys.argv[1:]
    quick = "--quick" in words
    named = [word for word in words if not word.startswith("--")] or list(FAULTS)
    figures: dict[str, Any] = {}
    for name in named:
        with tempfile.TemporaryDirectory(prefix="nbprod-faults-") as folder:
            begun = time.perf_counter()
            found = FAULTS[name](Path(folder).resolve(), quick=quick)
            left = _processes_in(Path(folder).resolve())
            if left:
                raise RuntimeError(f"{name} left processes behind: {left}")
            figures[name] = {**found, "seconds": round(time.perf_counter() - begun, 1)}
        print(json.dumps({name: figures[name]}), file=sys.stderr, flush=True)
    print(json.dumps(figures, indent=1))


# Kill -9 in the middle of a run


def killed_runs(folder: Path, *, quick: bool) -> dict[str, Any]:
    """Runs of the sample killed at random moments, five times on their way to the end; every end must be the same."""
    rounds, kills = (1, 3) if quick else (10, 5)
    expected = _digests(_sample_run(folder / "undisturbed"))
    done = 0
    for number in range(rounds):
        root = folder / f"killed-{number}"
        _sample_plan(root)
        for _ in range(kills):
            done += _killed(root, after_seconds=CHANCE.uniform(0.5, 9))
        _demand(_digests(_sample_run(root)) == expected, f"round {number} came to another result")
        shutil.rmtree(root)
    return {"killed while they ran": done, "of": rounds * kills, "resumed to equal results": rounds}


def _sample_plan(root: Path) -> Plan:
    root.mkdir(parents=True, exist_ok=True)
    (root / "pyproject.toml").touch()
    shutil.copy(SAMPLE, root)
    return api.extract(root / SAMPLE.name)


def _sample_run(root: Path, *, workers: int = 2) -> Record:
    plan = _sample_plan(root)
    return run(plan, plan_folder=root / "flight_delays.plan", root=root, workers=workers)


def _killed(root: Path, *, after_seconds: float) -> bool:
    """Whether the run was still under way when it was killed; nothing of it may live on."""
    code = RUN_SAMPLE.format(house=str(HERE.parent), root=str(root))
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    time.sleep(after_seconds)
    under_way = process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.wait()
    _demand(_wait_until(lambda: not _processes_in(root)), "a kernel outlived its run")
    return under_way


# Many at once


def crowd(folder: Path, *, quick: bool) -> dict[str, Any]:
    """Processes that run one plan on one store at once; all must end well and equal."""
    rounds, size = (1, 2) if quick else (10, 3)
    for number in range(rounds):
        root = folder / f"crowd-{number}"
        plan = _chain(root)
        spawn = multiprocessing.get_context("spawn")
        with spawn.Pool(size) as pool:
            found = pool.map(_run_chain, [root] * size)
        _demand(len({json.dumps(one) for one in found}) == 1, "results differ")
        _demand(len(run_folders(root / ".nbprod")) == size, "a run is missing")
        again = run(plan, plan_folder=root / "plan", root=root)
        _demand(again.state is State.CACHED, "what they left is not whole")
    return {"rounds": rounds, "runs at once": size}


def _chain(root: Path) -> Plan:
    return written(
        root,
        stage("load", "rows = list(range(1000))", gives="rows"),
        stage("clean", "rows = [(n, n % 7) for n in rows]", needs={"rows": "load"}, gives="rows"),
        stage("train", "model = {'sum': sum(b for _, b in rows)}", needs={"rows": "clean"}, gives="model"),
    )


def _run_chain(root: Path) -> dict[str, list[str]]:
    return _digests(run(_chain(root), plan_folder=root / "plan", root=root))


# Kernels


def kernel_starts(folder: Path, *, quick: bool) -> dict[str, Any]:
    """Kernels started, asked and ended one after another; each must answer."""
    from nbprod.running.kernels import LeanManager

    times = []
    for number in range(20 if quick else 2000):
        begun = time.perf_counter()
        manager = LeanManager(kernel_name="python3")
        _run_async(_asked(manager, number, str(folder)))
        times.append(time.perf_counter() - begun)
    return {"started": len(times), "median milliseconds, start to end": round(statistics.median(times) * 1e3)}


async def _asked(manager: Any, number: int, cwd: str) -> None:
    await manager.start_kernel(cwd=cwd)
    client = manager.client()
    client.start_channels()
    try:
        await client.wait_for_ready(timeout=60)
        reply = await client.execute_interactive(
            f"answer = {number} + 1",
            user_expressions={"answer": "answer"},
            output_hook=lambda _: None,
            timeout=60,
        )
        answer = reply["content"]["user_expressions"]["answer"]["data"]["text/plain"]
        _demand(answer == str(number + 1), f"kernel {number} answered {answer}")
    finally:
        client.stop_channels()
        await manager.shutdown_kernel(now=True)


def _run_async(work: Any) -> None:
    import asyncio

    asyncio.run(work)


# A cluster whose workers die


def lost_workers(folder: Path, *, quick: bool) -> dict[str, Any]:
    """A backfill on two Dask workers of which some are killed on the way: all runs complete, each once."""
    runs, kills = (12, 1) if quick else (200, 5)
    plan = _monthly(folder)
    ended: list[object] = []
    killed: list[int] = []
    killer = threading.Thread(target=_kill_workers, args=(ended, killed, runs, kills), daemon=True)
    killer.start()
    found = backfill(
        plan,
        over={"month": f"1..{runs}"},
        plan_folder=folder / "plan",
        root=folder,
        engine="dask",
        workers=2,
        on_event=lambda values, event: ended.append(values) if event.kind == "run ended" else None,
    )
    killer.join()
    _demand(len(killed) == kills, f"{len(killed)} workers were killed")
    _demand(states_of(found) == {State.DONE: runs}, f"runs ended so: {states_of(found)}")
    _demand(len(run_folders(folder / ".nbprod")) == runs, "there are not as many runs as values")
    results = list(Ledger(path=folder / ".nbprod/ledger.sqlite").results())
    twice = [key for key, count in Counter(one.key for one in results).items() if count > 1]
    _demand(not twice and len(results) == 2 * runs, f"{len(results)} results, {len(twice)} of them twice")
    given = [_digests(one.record)["double"] for one in found if one.record]
    _demand(len({tuple(one) for one in given}) == runs, "values of different months are the same")
    return {"runs": runs, "workers killed": len(killed), "results": len(results)}


def _monthly(folder: Path) -> Plan:
    return written(
        folder,
        stage("load", "import time\ntime.sleep(0.2)\nn = month * 10", gives="n", reads=["month"]),
        stage("double", "m = n * 2", needs={"n": "load"}, gives="m"),
        parameters=(Parameter(name="month", type="int", default=1),),
    )


def _kill_workers(ended: list[object], killed: list[int], runs: int, kills: int) -> None:
    """Kill a worker each time when a random number of runs more has ended."""
    for moment in sorted(CHANCE.sample(range(2, runs - 4), kills)):
        while len(ended) < moment:
            time.sleep(0.02)
        _demand(_wait_until(lambda: bool(_workers())), "no worker is left")
        killed.append(CHANCE.choice(_workers()))
        os.kill(killed[-1], signal.SIGKILL)


def _workers() -> list[int]:
    """The worker processes that this process has started."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            command = (entry / "cmdline").read_bytes()
        except OSError:
            continue
        if parent == os.getpid() and b"spawn_main" in command:
            found.append(int(entry.name))
    return found


# The ledger


def ledger(folder: Path, *, quick: bool) -> dict[str, Any]:
    """Six processes that write into one ledger at once."""
    writes = 200 if quick else 10_000
    path = folder / "ledger.sqlite"
    spawn = multiprocessing.get_context("spawn")
    with spawn.Pool(6) as pool:
        shares = [(path, number, writes // 6 + (number < writes % 6)) for number in range(6)]
        times = [one for found in pool.starmap(_write, shares) for one in found]
    with sqlite3.connect(path) as db:
        (kept,) = db.execute("select count(*) from stage_runs").fetchone()
    db.close()
    _demand(kept == writes == len(times), f"{kept} of {writes} are there")
    return {
        "writes": len(times),
        "median milliseconds": round(statistics.median(times) * 1e3, 2),
        "99th percentile": round(sorted(times)[int(len(times) * 0.99)] * 1e3, 1),
    }


def _write(path: Path, process: int, count: int) -> list[float]:
    times = []
    book = Ledger(path=path)
    record = Record(
        id=f"run-{process}", pipeline="p", source="s", folder="f", state=State.RUNNING, started="2013"
    )
    book.put_run(record)
    for number in range(count):
        begun = time.perf_counter()
        book.put_stage(record.id, StageRun(stage=f"stage-{number}", state=State.DONE, key=f"k{number}"))
        times.append(time.perf_counter() - begun)
    return times


# A store that fails


def failing_store(folder: Path, *, quick: bool) -> dict[str, Any]:
    """Runs against an S3 server that refuses and dawdles: each ends well, or says so; none is wrong."""
    from s3_server import Moods, server

    runs = 2 if quick else 20
    found: Counter[str] = Counter()
    with server(Moods(refuses=0.1, dawdles=0.1, seconds=1.0)) as store:
        for number in range(runs):
            root = folder / f"s3-{number}"
            plan = _chain(root)
            record = run(plan, plan_folder=root / "plan", root=root, store=store.address)
            found[record.state.value] += 1
            if not record.state.is_good:
                _demand("store" in json.dumps([one.reason for one in record.stages]), f"unclear: {record}")
                store.moods = Moods()
                record = run(plan, plan_folder=root / "plan", root=root, store=store.address)
                _demand(record.state.is_good, "did not resume once the server was well")
                store.moods = Moods(refuses=0.1, dawdles=0.1, seconds=1.0)
        asked, refused = store.asked, store.refused
    return {"runs": dict(found), "requests": asked, "of them refused": refused}


# The same on a cluster


def cluster_backfill(folder: Path, *, quick: bool) -> dict[str, Any]:
    """Months of flights by two Dask workers and one after another here: the same digests."""
    months = "11..12" if quick else "1..12"
    found = {}
    for name, engine, workers in (("cluster", "dask", 2), ("serial", "local", 1)):
        root = folder / name
        plan = _sample_plan(root)
        begun = time.perf_counter()
        filled = backfill(
            plan,
            over={"month": months},
            plan_folder=root / "flight_delays.plan",
            root=root,
            engine=engine,
            workers=workers,
        )
        found[name] = {
            "seconds": round(time.perf_counter() - begun),
            "states": {str(state): count for state, count in states_of(filled).items()},
            "digests": [_digests(one.record) if one.record else one.error for one in filled],
        }
    _demand(found["cluster"]["digests"] == found["serial"]["digests"], "digests differ")
    return {
        f"{name}, {what}": found[name][what]
        for name in ("cluster", "serial")
        for what in ("seconds", "states")
    }


def _digests(record: Record) -> dict[str, list[str]]:
    _demand(record.state.is_good or record.state is State.FAILED, f"the run ended {record.state}")
    return {one.stage: [artifact.digest for artifact in one.artifacts] for one in record.stages}


def _processes_in(folder: Path) -> list[int]:
    """The processes whose working folder is this one, or below it."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if (entry / "cwd").readlink().is_relative_to(folder):
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def _wait_until(condition: Callable[[], bool], seconds: float = 20) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return False


def _demand(holds: bool, otherwise: str) -> None:  # noqa: FBT001 - reads as a sentence
    if not holds:
        raise RuntimeError(otherwise)


FAULTS: dict[str, Callable[..., dict[str, Any]]] = {
    "killed_runs": killed_runs,
    "crowd": crowd,
    "kernel_starts": kernel_starts,
    "lost_workers": lost_workers,
    "ledger": ledger,
    "failing_store": failing_store,
    "cluster_backfill": cluster_backfill,
}

if __name__ == "__main__":
    main()
