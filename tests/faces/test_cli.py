"""The command line: what it prints, what it writes, with which code it leaves."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import click
import pytest
from written import CLEAN, LEAKY, UNTAGGED, write_notebook

import nbprod
from nbprod.faces.cli import COMMANDS, cli, exit_code_of
from nbprod.faces.examples import ExampleCommand, ExampleGroup
from nbprod.notebook import parse, stage_tags


@pytest.fixture(autouse=True)
def _in_a_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pyproject.toml").write_text("")
    for name in ("FORCE_COLOR", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)


class Said:
    """What a command said and the code it left with."""

    def __init__(self, capsys: pytest.CaptureFixture[str], *words: str) -> None:
        self.code = exit_code_of(words)
        self.out, self.err = capsys.readouterr()


# Help


def all_commands() -> list[tuple[str, click.Command]]:
    """Every command and subcommand, by the words that name it."""
    found: list[tuple[str, click.Command]] = [("nbprod", cli)]
    for name in COMMANDS:
        command = cli.get_command(click.Context(cli), name)
        assert command is not None
        found.append((f"nbprod {name}", command))
        if isinstance(command, click.Group):
            found += [(f"nbprod {name} {one}", sub) for one, sub in command.commands.items()]
    return found


@pytest.mark.parametrize(("name", "command"), all_commands(), ids=[name for name, _ in all_commands()])
def test_every_help_has_an_example_of_its_own(name: str, command: click.Command) -> None:
    assert isinstance(command, ExampleCommand | ExampleGroup)
    assert [line for line in command.examples if name not in line] == []


@pytest.mark.parametrize(("name", "command"), all_commands(), ids=[name for name, _ in all_commands()])
def test_every_help_fits_a_narrow_terminal(name: str, command: click.Command) -> None:
    shown = command.get_help(click.Context(command, info_name=name, terminal_width=80))
    is_repeated = re.compile(r"\b[A-Z]+\]?\.\.\.")
    assert "..." not in is_repeated.sub("", shown)


def test_the_version_is_the_package_s(capsys: pytest.CaptureFixture[str]) -> None:
    assert Said(capsys, "--version").out == f"nbprod {nbprod.__version__}\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["chek", "x.ipynb"], "error: There is no command 'chek'. Did you mean 'check'?"),
        (["show"], "error: Missing argument 'NOTEBOOK'."),
        (["show", "--svgg", "x"], "error: No such option '--svgg'."),
        (["show", "nowhere.ipynb"], "error: nowhere.ipynb: There is no such file. Check the path."),
        (["check", "nowhere"], "error: nowhere: There is no such file. Check the path."),
        (["check", "z*.ipynb"], "error: z*.ipynb: There is no notebook here."),
        (["run", "a.ipynb", "-p", "month"], "error: -p month sets nothing. Write -p NAME=VALUE"),
        (["run", "a.ipynb", "-f", "p.yaml"], "error: p.yaml: The file can't be read"),
        (["extract", "a.ipynb", "--allow", "rule"], "error: --allow rule gives no reason."),
        (["expect", "list", "zebra"], "error: No expectation has 'zebra' in its name."),
        (["expect", "infer", "a.xlsx"], "error: a.xlsx: There is no such file."),
        (["expect", "infer", "a.csv", "--alarm-rate", "2"], "error: Invalid value for '--alarm-rate': 2.0"),
        (["runs", "last"], "No run is recorded here yet."),
        (["tag", "a.ipynb", "1"], "error: Name the stage, or say --remove."),
        (["tag", "a.ipynb", "99", "load"], "error: a.ipynb: There is no code cell 99. It has 4 code cells."),
        (["tag", "a.ipynb", "3-1", "load"], "error: a.ipynb: There is no code cell 3-1."),
        (["tag", "a.ipynb", "c9", "load"], "error: a.ipynb: 'c9' is no number and no id of a code cell."),
        (["tag", "a.ipynb", "1", "2nd"], "error: a.ipynb: '2nd' is no stage name."),
    ],
)
def test_a_mistake_is_one_clear_error_and_code_2(
    words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write_notebook(tmp_path / "a.ipynb", *UNTAGGED)
    before = file.read_text()
    done = Said(capsys, *words)
    assert (done.code, done.out, said in done.err, file.read_text() == before) == (2, "", True, True), (
        done.err
    )


# Reading


def test_show_tells_the_flow(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_notebook(tmp_path / "a.ipynb", *CLEAN)
    done = Said(capsys, "show", "a.ipynb")
    assert (done.code, done.out.splitlines()[0]) == (0, "a.ipynb: 3 stages")


def test_show_writes_a_picture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_notebook(tmp_path / "a.ipynb", *CLEAN)
    assert Said(capsys, "show", "a.ipynb", "--svg", "flow.svg").out == "Wrote flow.svg\n"
    assert ET.parse(tmp_path / "flow.svg").getroot().get("role") == "img"  # noqa: S314


def test_check_of_a_clean_notebook_leaves_with_0(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_notebook(tmp_path / "a.ipynb", *CLEAN)
    done = Said(capsys, "check", "a.ipynb")
    assert (done.code, done.out) == (0, "Nothing found in 1 notebook.\n")


def test_check_of_a_leaky_notebook_leaves_with_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_notebook(tmp_path / "a.ipynb", *LEAKY)
    done = Said(capsys, "check", "a.ipynb", "--json")
    findings = json.loads(done.out)["findings"]
    assert done.code == 1
    assert sorted(findings[0]["span"]) == ["cell", "column", "end_column", "end_line", "line"]
    assert {"rule", "severity", "verdict", "message", "column_names", "horizon", "path", "remedy"} <= set(
        findings[0]
    )


def test_check_reads_folders_less_checkpoints_and_plans(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for folder in ("deep/er", "deep/.ipynb_checkpoints", "deep/a.plan"):
        (tmp_path / folder).mkdir(parents=True)
        write_notebook(tmp_path / folder / "n.ipynb", *CLEAN)
    (tmp_path / "deep/a.plan/pipeline.yaml").write_text("")
    done = Said(capsys, "check", "deep", "--json")
    assert json.loads(done.out)["notebooks"] == ["deep/er/n.ipynb"]


def test_check_goes_on_past_a_notebook_that_cannot_be_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_notebook(tmp_path / "b.ipynb", *CLEAN)
    (tmp_path / "a.ipynb").write_text("{")
    done = Said(capsys, "check", "*.ipynb")
    assert (done.code, "Nothing found in 1 notebook." in done.out, "a.ipynb" in done.err) == (2, True, True)


@pytest.mark.parametrize(
    ("shape", "start"), [("github", "::error file=a.ipynb,line="), ("sarif", '{\n  "$schema": ')]
)
def test_check_speaks_to_code_hosts(
    shape: str, start: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_notebook(tmp_path / "a.ipynb", *LEAKY)
    assert Said(capsys, "check", "a.ipynb", "--format", shape).out.startswith(start)


def test_a_notebook_may_come_from_standard_input(tmp_path: Path) -> None:
    text = write_notebook(tmp_path / "a.ipynb", *CLEAN).read_text()
    done = subprocess.run(
        [sys.executable, "-m", "nbprod", "show", "-"], input=text, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, "stdin.ipynb: 3 stages")


# Tagging


@pytest.mark.parametrize(
    ("cells", "tagged"),
    [("2", [1]), ("2-3,4", [1, 2, 3]), ("c3", [2])],
    ids=["by number", "by ranges", "by id"],
)
def test_cells_are_tagged(
    cells: str, tagged: list[int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write_notebook(tmp_path / "a.ipynb", *UNTAGGED)
    assert Said(capsys, "tag", "a.ipynb", cells, "load").code == 0
    notebook = parse(file.read_text(), name="a.ipynb")
    assert [cell.position for cell in notebook.code if stage_tags(cell) == ("load",)] == tagged


def test_tagging_and_removing_leaves_the_rest_of_the_file_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write_notebook(tmp_path / "a.ipynb", *UNTAGGED)
    before = json.loads(file.read_text())
    Said(capsys, "tag", "a.ipynb", "2", "load")
    Said(capsys, "tag", "a.ipynb", "2", "--remove")
    after = json.loads(file.read_text())
    assert after["cells"][1]["metadata"].pop("tags", []) == []
    assert after == before


def test_the_cells_are_listed_with_their_stages(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_notebook(tmp_path / "a.ipynb", *CLEAN)
    assert [line.split()[:2] for line in Said(capsys, "tag", "a.ipynb").out.splitlines()[2:5]] == [
        ["2", "(parameters)"],
        ["3", "load"],
        ["4", "(expects"],
    ]


def test_a_suggestion_is_written_only_when_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = write_notebook(tmp_path / "a.ipynb", *UNTAGGED)
    before = file.read_text()
    assert "Nothing is written yet" in Said(capsys, "tag", "a.ipynb", "--suggest").out
    assert file.read_text() == before
    assert Said(capsys, "tag", "a.ipynb", "--suggest", "--write").code == 0
    assert Said(capsys, "show", "a.ipynb").out.startswith("a.ipynb: ")
    assert "stage:" in file.read_text()


# The shell around it


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_its_completion(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert "_NBPROD_COMPLETE" in Said(capsys, "completion", shell).out


def test_stages_are_completed_from_the_notebook(tmp_path: Path) -> None:
    write_notebook(tmp_path / "a.ipynb", *CLEAN)
    words = "nbprod run a.ipynb --from "
    environment = {**os.environ, "_NBPROD_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": "4"}
    done = subprocess.run(
        [sys.executable, "-c", "from nbprod.faces.cli import main; main()"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split() == ["plain,load", "plain,features", "plain,train"]


def test_a_reader_that_leaves_early_is_no_error() -> None:
    words = [sys.executable, "-m", "nbprod", "expect", "list"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert (process.stderr.read(), process.wait()) == ("", 141)


def test_an_unexpected_failure_is_short_and_says_how_to_see_more(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("nbprod.api.doctor", lambda: 1 / 0)
    monkeypatch.delenv("NBPROD_TRACEBACK", raising=False)
    done = Said(capsys, "doctor")
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert done.err.startswith(
        "error: nbprod failed where it shouldn't: ZeroDivisionError: division by zero Sorry."
    )
    assert "NBPROD_TRACEBACK=1" in done.err


def test_an_interruption_leaves_with_130(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("nbprod.api.doctor", interrupted)
    assert Said(capsys, "doctor").code == 130


HEAVY = (
    "papermill",
    "great_expectations",
    "ibis",
    "pandas",
    "numpy",
    "IPython",
    "sklearn",
    "duckdb",
    "rich",
    "pyarrow",
)


@pytest.mark.parametrize(
    "words",
    [["--help"], ["check", "a.ipynb"], ["show", "a.ipynb"], ["runs"]],
    ids=["help", "check", "show", "runs"],
)
def test_reading_commands_load_nothing_heavy(words: list[str], tmp_path: Path) -> None:
    write_notebook(tmp_path / "a.ipynb", *CLEAN)
    program = f"""
import json, sys
from nbprod.faces.cli import exit_code_of
exit_code_of({words!r})
print(json.dumps([name for name in {HEAVY!r} if name in sys.modules]), file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert json.loads(done.stderr.splitlines()[-1]) == []
