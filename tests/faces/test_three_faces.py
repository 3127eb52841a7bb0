"""The same cases through the Python API, the magics and the command line give the same study as JSON."""

import json
from pathlib import Path
from typing import Any

import pytest
from shells import loaded_shell
from written import CLEAN, LEAKY, write_notebook

from nbprod import api
from nbprod.faces.cli import exit_code_of
from nbprod.wire import plain

# One that is in order, one that leaks, one whose suite has a mistake and whose helper travels by definition.
CASES = {
    "clean": CLEAN,
    "leaky": LEAKY,
    "mistaken": (
        "%load_ext nbprod",
        "def double(x):\n    return 2 * x",
        "%%stage load\nx = 1",
        "%%stage other --retries 2\ny = double(x)",
        "%%expect z\nColumnMaxToBeBetween(column='a', max_value=3)",
        "print(y)",
    ),
}


def by_command_line(file: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    assert exit_code_of(["show", str(file), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def by_magics_of_the_file(file: Path) -> Any:
    with loaded_shell() as shell:
        shell.run(f"%pipeline show '{file}' --json")
        return json.loads(shell.out)


def by_magics_of_the_session(sources: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> Any:
    """The cells are run one by one in a kernel that knows no file."""
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    with loaded_shell() as shell:
        for number, source in enumerate(sources):
            if source != "%load_ext nbprod":
                shell.run(source, cell_id=f"cell-{number}")
        shell.run("%pipeline show --json")
        return json.loads(shell.out)


@pytest.mark.parametrize("case", CASES)
def test_every_face_gives_the_same_study(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    file = write_notebook(tmp_path / "session.ipynb", *CASES[case])
    study = plain(api.study("session.ipynb"))
    assert isinstance(study, dict)
    assert len(study["flow"]["stages"]) >= 2
    absolute = {**study, "notebook": str(file)}
    assert by_command_line(file, capsys) == absolute
    assert by_magics_of_the_file(file) == absolute
    assert by_magics_of_the_session(CASES[case], monkeypatch) == study


def test_the_cases_differ_in_what_is_found(tmp_path: Path) -> None:
    found = {
        case: api.study(write_notebook(tmp_path / "n.ipynb", *sources)).findings
        for case, sources in CASES.items()
    }
    first = {case: findings[0].rule if findings else "" for case, findings in found.items()}
    assert first == {"clean": "", "leaky": "shift-into-future", "mistaken": "suite-of-nothing"}
