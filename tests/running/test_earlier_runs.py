"""What earlier runs left: why a stage would run, what the store keeps, what the ledger never loses."""

import json
import multiprocessing
import shutil
import sqlite3
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from plans import stage, written

from nbprod.artifacts.store import store_at
from nbprod.errors import PlanError, StoreError
from nbprod.model import Artifact, Parameter, Record, StageRun, State
from nbprod.running import collect, run, why
from nbprod.running.ledger import Ledger, Result
from nbprod.running.records import new_run_folder

MONTH = Parameter(name="month", type="int", default=1)


def chain(folder: Path, clean: str = "rows.append(2)"):
    return written(
        folder,
        stage("load", "rows = [month]", gives="rows", reads=["month"]),
        stage("clean", clean, needs={"rows": "load"}, gives="rows"),
        parameters=(MONTH,),
    )


def asked(folder: Path, plan, name: str, **parameters):
    return why(plan, name, plan_folder=folder / "plan", root=folder, parameters=parameters)


def ran(folder: Path, plan, **options):
    return run(plan, plan_folder=folder / "plan", root=folder, **options)


def test_why_tells_what_changed_and_what_follows_from_it(tmp_path):
    plan = chain(tmp_path)
    before = asked(tmp_path, plan, "clean")
    ran(tmp_path, plan)
    edited = chain(tmp_path, clean="rows.append(3)")
    told = [
        before,
        asked(tmp_path, plan, "clean"),
        asked(tmp_path, edited, "clean"),
        asked(tmp_path, plan, "load", month=2),
        asked(tmp_path, plan, "clean", month=2),
    ]
    assert [(one.would_run, one.reasons) for one in told] == [
        (True, ("stage load would run: It has not run before",)),
        (False, ("Nothing has changed since it last ran.",)),
        (True, ("code changed",)),
        (True, ("parameter month changed (was 1, is 2)",)),
        (True, ("stage load would run: parameter month changed (was 1, is 2)",)),
    ]


def test_why_of_an_unknown_stage_names_the_near_miss(tmp_path):
    with pytest.raises(PlanError, match="Did you mean 'clean'"):
        asked(tmp_path, chain(tmp_path), "cleen")


# The store


def objects(folder: Path) -> list[Path]:
    return sorted((folder / ".nbprod/store/objects").glob("??/*"))


def test_collecting_keeps_what_records_refer_to(tmp_path):
    ran(tmp_path, chain(tmp_path))
    kept = objects(tmp_path)
    stray = tmp_path / ".nbprod/store/objects/ab" / ("ab" * 32)
    stray.parent.mkdir(exist_ok=True)
    stray.write_bytes(b"nobody's")
    scrap = tmp_path / ".nbprod/store/objects/.123-abc"
    scrap.write_bytes(b"half")
    assert collect(root=tmp_path).removed == 0
    done = collect(root=tmp_path, grace_seconds=-1)
    assert (done.removed, done.bytes, done.kept) == (1, len(b"nobody's") + len(b"half"), len(kept))
    assert objects(tmp_path) == kept
    assert not scrap.exists()


def test_collecting_removes_nothing_while_a_manifest_is_damaged(tmp_path):
    record = ran(tmp_path, chain(tmp_path))
    (Path(record.folder) / "artifacts" / "load.json").write_text("{")
    kept = objects(tmp_path)
    with pytest.raises(StoreError, match="damaged"):
        collect(root=tmp_path, grace_seconds=-1)
    assert objects(tmp_path) == kept


def test_what_a_model_of_the_registry_needs_is_kept_without_its_run(tmp_path):
    plan = written(tmp_path, stage("train", "model = {'a': 1}", gives="model"))
    record = run(plan, plan_folder=tmp_path / "plan", root=tmp_path)
    (model,) = record.stages[0].artifacts
    with Ledger(path=tmp_path / ".nbprod/ledger.sqlite").writing() as db:
        db.execute(
            "insert into versions values ('m', 1, ?, 'train', 'model', ?, '2013', null, null, '{}')",
            (record.id, model.digest),
        )
    shutil.rmtree(record.folder)
    assert collect(root=tmp_path, grace_seconds=-1).removed == 0


def test_rows_that_a_run_set_aside_are_kept_with_it(tmp_path):
    plan = written(tmp_path, stage("load", "n = 1", gives="n"))
    record = run(plan, plan_folder=tmp_path / "plan", root=tmp_path)
    aside, _ = store_at(str(tmp_path / ".nbprod/store")).put(lambda path: path.write_bytes(b"rows"))
    file = Path(record.folder) / "record.json"
    raw = json.loads(file.read_text())
    raw["stages"][0]["verdicts"] = [{"quarantine": {"kept": None, "taken": {"digest": aside}}}]
    file.write_text(json.dumps(raw))
    assert collect(root=tmp_path, grace_seconds=-1).removed == 0
    shutil.rmtree(record.folder)
    assert collect(root=tmp_path, grace_seconds=-1).removed == 2


# The ledger


def record_of(number: int) -> Record:
    return Record(
        id=f"run-{number}", pipeline="p", source="s", folder="f", state=State.RUNNING, started="2013-01-01"
    )


def stage_of(number: int) -> StageRun:
    artifact = Artifact(name="x", digest="0" * 64, format="json", type="int", bytes=1)
    return StageRun(stage=f"stage-{number}", state=State.DONE, key="k", artifacts=(artifact,))


def result_of(key: str) -> Result:
    return Result(key=key, pipeline="p", stage="s", run="r", notebook="n", made="2013-01-01", manifest="{}")


def write_many(path: Path, worker: int, count: int, times) -> None:
    ledger, spent = Ledger(path=path), []
    ledger.put_run(record_of(worker))
    for number in range(count):
        begun = time.perf_counter()
        ledger.put_stage(f"run-{worker}", stage_of(number), result=result_of(f"{worker}-{number}"))
        spent.append(time.perf_counter() - begun)
    times.put(spent)


def test_six_processes_write_one_fresh_ledger_without_loss(tmp_path):
    context = multiprocessing.get_context("spawn")
    times, count = context.SimpleQueue(), 100
    workers = [
        context.Process(target=write_many, args=(tmp_path / "ledger.sqlite", worker, count, times))
        for worker in range(6)
    ]
    for worker in workers:
        worker.start()
    spent = [one for _ in workers for one in times.get()]
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0] * 6
    assert len(spent) == len(list(Ledger(path=tmp_path / "ledger.sqlite").results())) == 6 * count


def test_result_is_given_back_as_it_was_put(tmp_path):
    ledger = Ledger(path=tmp_path / "ledger.sqlite")
    ledger.put_run(record_of(1))
    network = Result(
        key="a",
        pipeline="p",
        stage="s",
        run="r",
        notebook="n",
        made="m",
        manifest="{}",
        ingredients={"code": "c"},
        reads=None,
    )
    ledger.put_stage("run-1", stage_of(1), result=network)
    assert ledger.result("a") == network
    assert ledger.last_result("p", "s") == network
    assert ledger.result("b") is None


def test_ledger_of_a_newer_version_is_refused(tmp_path):
    path = tmp_path / "ledger.sqlite"
    with sqlite3.connect(path) as db:
        db.execute("pragma user_version = 99")
    db.close()
    with pytest.raises(StoreError, match="version 99"):
        Ledger(path=path).result("a")


def test_damaged_ledger_is_an_error_that_says_where(tmp_path):
    path = tmp_path / "ledger.sqlite"
    path.write_bytes(b"no database at all" * 100)
    with pytest.raises(StoreError, match=r"ledger\.sqlite: The ledger refuses"):
        Ledger(path=path).result("a")


def test_names_of_runs_within_a_second_are_in_the_order_of_the_runs(tmp_path):
    began = datetime(2026, 3, 1, 6, 0, tzinfo=UTC)
    folders = [new_run_folder(tmp_path, now=began + timedelta(milliseconds=2 * each)) for each in range(40)]
    assert folders == sorted(folders)
