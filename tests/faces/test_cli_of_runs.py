"""`nbprod run` and `nbprod runs`: what they print and with which code they leave."""

import json
from pathlib import Path

import pytest
from written import CLEAN, write_notebook

from nbprod.faces.cli import exit_code_of


@pytest.fixture(autouse=True)
def _in_a_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pyproject.toml").write_text("")


def test_a_run_leaves_with_1_when_data_break_and_with_0_when_they_hold(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_notebook(tmp_path / "a.ipynb", *CLEAN)
    assert exit_code_of(["run", "a.ipynb", "-p", "rows=3"]) == 1
    said = capsys.readouterr().out
    assert "✗ broke  TableRowCountToBeBetween(min_value=5)" in said
    assert "» skipped  train" in said
    (tmp_path / "p.yaml").write_text("rows: 8\n")
    assert exit_code_of(["run", "a.ipynb", "-f", "p.yaml", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["parameters"] == {"rows": 8}
    assert exit_code_of(["runs", "--json"]) == 0
    assert [run["state"] for run in json.loads(capsys.readouterr().out)] == ["done", "broken"]
    assert exit_code_of(["runs", "last"]) == 0
    assert ": done after" in capsys.readouterr().out.splitlines()[0]


def test_a_failed_cell_is_shown_with_its_error_and_the_path_of_its_notebook(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_notebook(
        tmp_path / "a.ipynb", "%%stage load\nx = 0", "%%stage half\ny = 1 / x", "%%stage last\nprint(y)"
    )
    assert exit_code_of(["run", "a.ipynb"]) == 1
    said = capsys.readouterr().out
    assert "Failed in stage half, cell 2:" in said
    assert "y = 1 / x" in said
    assert "ZeroDivisionError: division by zero" in said
    [path] = [line.split(": ", 1)[1] for line in said.splitlines() if "The executed notebook: " in line]
    assert Path(path).is_file()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["-p", "row=3"], "error: There is no parameter 'row'. Did you mean 'rows'?"),
        (["-p", "rows=three"], "error: Parameter 'rows' takes int, not 'three'."),
        (["--from", "lode"], "There is no stage 'lode'. Did you mean 'load'?"),
    ],
)
def test_a_run_that_cannot_start_leaves_with_2(
    words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_notebook(tmp_path / "a.ipynb", *CLEAN)
    code = exit_code_of(["run", "a.ipynb", *words])
    assert (code, said in capsys.readouterr().err) == (2, True)
