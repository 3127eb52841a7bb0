"""Stages as tasks of a Dask cluster of two worker processes."""

import os
import signal
import threading
import time
from pathlib import Path

import pytest
from plans import stage, written

from nbprod.artifacts.boundary import take
from nbprod.errors import NbprodError
from nbprod.model import CellDone, Parameter, State
from nbprod.running import backfill, read_record, run, states_of

distributed = pytest.importorskip("distributed")

# Dask's own sockets and loops, closed by its threads when they please.
pytestmark = pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)
MONTH = Parameter(name="month", type="int", default=1)


def ran(folder: Path, plan, **options):
    return run(plan, plan_folder=folder / "plan", root=folder, engine="dask", workers=2, **options)


def digests(record) -> dict[str, list[str]]:
    return {one.stage: [artifact.digest for artifact in one.artifacts] for one in record.stages}


def test_cluster_gives_what_this_machine_gives(tmp_path):
    plan = written(
        tmp_path,
        stage("load", "rows = [month, 2]", gives="rows", reads=["month"]),
        stage("left", "a = sum(rows)", needs={"rows": "load"}, gives="a"),
        stage("right", "b = max(rows)", needs={"rows": "load"}, gives="b"),
        stage("both", "c = a + b", needs={"a": "left", "b": "right"}, gives="c"),
        parameters=(MONTH,),
    )
    heard = []
    remote = ran(tmp_path, plan, on_event=heard.append)
    local = run(plan, plan_folder=tmp_path / "plan", root=tmp_path, force=True)
    assert (remote.state, digests(remote)) == (State.DONE, digests(local))
    assert take({"c": "both"}, folder=f"{remote.folder}/artifacts") == {"c": 5}
    assert read_record(Path(remote.folder)) == remote
    assert all((Path(remote.folder) / one.notebook).exists() for one in remote.stages)
    assert {one.stage for one in heard if isinstance(one, CellDone)} == {"load", "left", "right", "both"}


def test_failed_cell_on_a_worker_is_told_as_here(tmp_path):
    plan = written(tmp_path, stage("bad", "x = 1", "y = {}['k']", gives="y"))
    (bad,) = ran(tmp_path, plan).stages
    assert (bad.state, bad.failure.error, bad.failure.cell) == (State.FAILED, "KeyError", 1)


def test_stage_whose_worker_is_killed_runs_on_another(tmp_path):
    # The kernel is a child of the fork server, which is a child of the worker.
    code = (
        "import os, signal\nfrom pathlib import Path\n"
        "def parent(pid): return int(Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()[1])\n"
        "if not os.path.exists('kil' + 'led'):\n    open('kil' + 'led', 'w').close()\n"
        "    os.kill(parent(os.getppid()), signal.SIGKILL)\n    import time\n    time.sleep(60)\n"
        "n = 1"
    )
    plan = written(tmp_path, stage("load", code, gives="n"))
    (load,) = ran(tmp_path, plan).stages
    assert (load.state, load.reason) == (State.DONE, "It has not run before.")


def test_cancelled_run_ends_the_kernels_on_the_workers(tmp_path):
    plan = written(
        tmp_path,
        stage(
            "slow", "import os, time\nopen('pid', 'w').write(str(os.getpid()))\ntime.sleep(60)", gives="os"
        ),
    )

    def interrupt():
        while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    record = ran(tmp_path, plan)
    assert [one.state for one in record.stages] == [State.CANCELLED]
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_cancelled_run_withdraws_the_stages_that_wait_for_a_worker(tmp_path):
    code = "import os, time\nopen(f'{name}.pid', 'w').write(str(os.getpid()))\ntime.sleep(60)\nn = 1"
    names = ("one", "two", "three")
    plan = written(tmp_path, *(stage(name, f"name = {name!r}\n{code}", gives="n") for name in names))

    def begun() -> list[Path]:
        return [path for path in tmp_path.glob("*.pid") if path.read_text()]

    with distributed.LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster:

        def interrupt():
            while not begun() or len(cluster.scheduler.tasks) < len(names):
                time.sleep(0.05)
            os.kill(os.getpid(), signal.SIGINT)

        threading.Thread(target=interrupt, daemon=True).start()
        engine = f"dask={cluster.scheduler_address}"
        record = run(plan, plan_folder=tmp_path / "plan", root=tmp_path, engine=engine, workers=len(names))
        (worker,) = cluster.scheduler.workers.values()
        while cluster.scheduler.tasks or worker.processing:
            time.sleep(0.05)
    assert {one.state for one in record.stages} == {State.CANCELLED}
    (pid,) = (int(path.read_text()) for path in begun())
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_backfill_on_a_cluster_gives_the_artifacts_of_a_serial_one(tmp_path):
    plans = {
        name: written(
            tmp_path / name, stage("load", "n = month * 10", gives="n", reads=["month"]), parameters=(MONTH,)
        )
        for name in ("serial", "cluster")
    }
    filled = {
        name: backfill(
            plan,
            over={"month": "1..4"},
            plan_folder=tmp_path / name / "plan",
            root=tmp_path / name,
            engine="dask" if name == "cluster" else "local",
            workers=2 if name == "cluster" else 1,
        )
        for name, plan in plans.items()
    }
    assert states_of(filled["cluster"]) == {State.DONE: 4}
    assert [digests(one.record) for one in filled["cluster"]] == [
        digests(one.record) for one in filled["serial"]
    ]


def test_worker_with_other_packages_is_refused_by_name(tmp_path, monkeypatch):
    from nbprod.running import cluster

    monkeypatch.setattr(cluster, "installed", lambda: ("pandas-0.1",))
    plan = written(tmp_path, stage("load", "n = 1", gives="n"))
    (load,) = ran(tmp_path, plan).stages
    assert load.state is State.FAILED
    assert "other packages than the driver" in load.reason
    assert "tcp://" in load.reason


def test_unknown_engine_names_the_near_miss(tmp_path):
    plan = written(tmp_path, stage("load", "n = 1", gives="n"))
    with pytest.raises(NbprodError, match="Did you mean 'dask'"):
        run(plan, plan_folder=tmp_path / "plan", root=tmp_path, engine="dusk")
