"""`nbprod why`, `nbprod store` and `nbprod run --over`: what they print and with which code they leave."""

import json
import shutil
from pathlib import Path

import pytest
from written import write_notebook

from nbprod import api
from nbprod.faces.cli import exit_code_of
from nbprod.faces.filling import Filling, filled_text, table_of
from nbprod.model import State

LINES = (
    "%%parameters\nmonth: int = 1",
    "%%stage load\nrows = [month, 2]",
    "%%stage half\nassert month != 3, 'no March'\nhalf = sum(rows) / 2",
)


@pytest.fixture(autouse=True)
def notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pyproject.toml").write_text("")
    return write_notebook(tmp_path / "a.ipynb", *LINES)


def said(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    capsys.readouterr()
    code = exit_code_of(words)
    return code, capsys.readouterr().out


def test_why_names_what_changed_since_the_last_result(
    notebook: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = said(capsys, "why", "a.ipynb", "half")
    assert exit_code_of(["run", "a.ipynb"]) == 0
    unchanged = said(capsys, "why", "a.ipynb")
    other = said(capsys, "why", "a.ipynb", "load", "-p", "month=2")
    write_notebook(notebook, *LINES[:2], "%%stage half\nhalf = sum(rows) / 4")
    edited = said(capsys, "why", "a.ipynb", "--json")
    assert before == (1, "would run  half  stage load would run: It has not run before\n")
    assert unchanged == (
        0,
        "".join(f"unchanged  {name}  Nothing has changed since it last ran.\n" for name in ("load", "half")),
    )
    assert other == (1, "would run  load  parameter month changed (was 1, is 2)\n")
    assert (edited[0], [one["would_run"] for one in json.loads(edited[1])]) == (1, [False, True])
    assert "code changed" in json.loads(edited[1])[1]["reasons"]


def test_why_of_a_stage_that_is_not_there_leaves_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code_of(["why", "a.ipynb", "lode"]) == 2
    assert "Did you mean 'load'" in capsys.readouterr().err


def test_why_writes_nothing(notebook: Path) -> None:
    exit_code_of(["why", "a.ipynb"])
    assert not (notebook.parent / ".nbprod/plans").exists()


def test_store_lists_and_collects(notebook: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, "store", "ls") == (0, "The store is empty.\n")
    assert exit_code_of(["run", "a.ipynb"]) == 0
    objects = notebook.parent / ".nbprod/store/objects"
    orphan = objects / "00" / ("0" * 64)
    orphan.parent.mkdir(exist_ok=True)
    orphan.write_bytes(b"x" * 500)
    listed = json.loads(said(capsys, "store", "ls", "--json")[1])
    assert {name for one in listed for name in one["names"]} == {"load.rows", "load.month", "half.half"} & {
        name for one in listed for name in one["names"]
    }
    assert [one["names"] for one in listed if one["digest"] == "0" * 64] == [[]]
    assert "500 B nothing refers to" in said(capsys, "store", "ls")[1]
    dry = said(capsys, "store", "gc", "--older-than", "0", "--dry-run")
    assert dry == (0, f"Would remove 1 object (500 B); would keep {len(listed) - 1} objects.\n")
    assert orphan.exists()
    assert json.loads(said(capsys, "store", "gc", "--json")[1])["removed"] == 0  # it is too young
    assert json.loads(said(capsys, "store", "gc", "--older-than", "0", "--json")[1])["removed"] == 1
    assert not orphan.exists()
    assert exit_code_of(["why", "a.ipynb"]) == 0


def test_collecting_forgets_runs_whose_folders_are_gone(
    notebook: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = api.run(notebook, parameters={"month": 1})
    second = api.run(notebook, parameters={"month": 2})
    shutil.rmtree(first.folder)
    assert said(capsys, "store", "gc", "--older-than", "0")[1].startswith("Removed 2 objects")
    with_one = [one.would_run for one in api.why(notebook, parameters={"month": 1})]
    with_two = [one.would_run for one in api.why(notebook, parameters={"month": 2})]
    assert (with_one, with_two) == ([True, True], [False, False])
    assert {one.digest for one in api.stored(notebook.parent)} == {
        artifact.digest for run in second.stages for artifact in run.artifacts
    }


def test_over_runs_every_value_and_only_bad_ones_again(
    notebook: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, text = said(capsys, "run", "a.ipynb", "--over", "month=2..4", "--workers", "2")
    assert (code, text.splitlines()[-1]) == (1, "3 runs: 2 done, 1 failed.")
    assert "month=3" in text
    assert "AssertionError: no March" in text
    write_notebook(notebook, *LINES[:2], "%%stage half\nhalf = sum(rows) / 2")
    code, text = said(capsys, "run", "a.ipynb", "--over", "month=2..4", "--json")
    states = [one["record"]["stages"][0]["state"] for one in json.loads(text)]
    assert (code, states) == (0, ["cached"] * 3)
    code, text = said(capsys, "run", "a.ipynb", "--over", "month=2", "--events")
    lines = [json.loads(line) for line in text.splitlines()]
    assert {line["values"]["month"] for line in lines} == {"2"}
    assert [line["event"]["kind"] for line in lines][-1] == "run ended"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--over", "month=4..1"], "runs backwards"),
        (["--over", "mnth=1..2"], "Did you mean 'month'"),
        (["--over", "month=1..2", "--only", "load"], "leave out --only"),
        (["--engine", "dusk"], "Did you mean 'dask'"),
    ],
)
def test_what_cannot_be_run_so_leaves_with_2(
    words: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code_of(["run", "a.ipynb", *words]) == 2
    assert says in capsys.readouterr().err


def test_table_of_runs_shows_those_that_run_and_fail_where_room_is_short() -> None:
    filling = Filling()
    for month in range(1, 8):
        filling = _heard(filling, month)
    assert filling.counts() == "1 running, 5 done, 1 failed"
    assert [row.values for row in filling.shown(3)] == ["month=3", "month=6", "month=7"]
    assert table_of(filling, now=5.0, room=3).row_count == 3
    assert filled_text(()) == "\n0 runs: none."


def _heard(filling: Filling, month: int) -> Filling:
    """Month 3 fails, month 7 goes on, the others are done."""
    from nbprod.model import Record, RunEnded, RunStarted

    values = {"month": month}
    filling = filling.after(values, RunStarted(run="r", folder="f", stages=("load",)), now=1.0)
    if month == 7:
        return filling
    state = State.FAILED if month == 3 else State.DONE
    record = Record(id="r", pipeline="a", source="a", folder="f", state=state, started="", seconds=1.0)
    return filling.after(values, RunEnded(record=record), now=2.0)


def test_secret_is_taken_from_the_environment_and_kept_nowhere(
    notebook: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_notebook(
        notebook,
        "%%parameters\napi_token: str = ''",
        "%%stage load\nlength = len(api_token)",
    )
    monkeypatch.setenv("NBPROD_SECRET_API_TOKEN", "s3cr3t-of-this-test")
    record = api.run(notebook)
    kept = [path for path in (notebook.parent / ".nbprod").rglob("*") if path.is_file()]
    assert (record.state, record.parameters) == (State.DONE, {"api_token": "***"})
    assert not [path for path in kept if b"s3cr3t-of-this-test" in path.read_bytes()]
