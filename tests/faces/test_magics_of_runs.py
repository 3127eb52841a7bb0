"""`%pipeline run` and `%pipeline extract` in a real InteractiveShell, runs in a process of their own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from shells import Shell, loaded_shell
from written import CLEAN, write_notebook


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    (tmp_path / "pyproject.toml").write_text("")
    write_notebook(tmp_path / "a.ipynb", *CLEAN)
    with loaded_shell() as loaded:
        yield loaded


def test_a_run_is_shown_as_it_goes_and_to_its_end(shell: Shell) -> None:
    shell.inner.kernel = None  # what tells a front end that can update its output from a terminal
    assert shell.run("%pipeline run a.ipynb -p rows=3").success is True
    texts = [one["text/plain"] for one in shell.shown]
    assert texts[0] == "The run is starting."
    assert any("▶ running  load" in text for text in texts)
    assert "broken" in texts[-1].splitlines()[0]
    assert "✗ broke  TableRowCountToBeBetween(min_value=5)" in texts[-1]
    assert all("<svg" in one["text/html"] for one in shell.shown)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("%pipeline run a.ipynb -p row=3", "UsageError: There is no parameter 'row'. Did you mean 'rows'?"),
        ("%pipeline run a.ipynb --from lode", "There is no stage 'lode'. Did you mean 'load'?"),
    ],
    ids=["unknown parameter", "unknown stage"],
)
def test_a_run_that_cannot_start_says_why(shell: Shell, line: str, said: str) -> None:
    assert (shell.run(line).success, said in shell.err) == (False, True)


def test_extract_writes_the_plan_of_the_session(shell: Shell, tmp_path: Path) -> None:
    for number, source in enumerate(CLEAN[1:3]):
        shell.run(source, cell_id=f"c{number}")
    shell.run("%pipeline extract -o plan")
    assert shell.out.splitlines()[0] == "Extracted session: 1 stage in plan"
    assert sorted(path.name for path in (tmp_path / "plan").iterdir()) == ["01-load.ipynb", "pipeline.yaml"]
