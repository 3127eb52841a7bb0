"""The magics in a real InteractiveShell."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from shells import Shell, loaded_shell

from nbprod.faces.magics import PipelineMagics
from nbprod.faces.pipeline import options_of
from nbprod.faces.session import Session, notebook_file


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    with loaded_shell() as loaded:
        yield loaded


FLIGHTS = (
    "import pandas as pd\nflights = pd.DataFrame({'carrier': ['AA', None, 'UA'], 'distance': [1, -5, 3]})"
)


# A tagged cell is run as usual


def test_the_last_expression_is_the_result(shell: Shell) -> None:
    assert shell.run("%%stage load\nx = 20\nx + 1").result == 21


def test_an_error_names_the_line_as_the_cell_counts_it(shell: Shell) -> None:
    result = shell.run("%%stage load\n\nx = 1\nx / 0")
    assert isinstance(result.error_in_exec, ZeroDivisionError)
    assert "line 4" in shell.out
    assert "----> 4 x / 0" in shell.out


def test_a_syntax_error_names_the_line_as_the_cell_counts_it(shell: Shell) -> None:
    result = shell.run("%%stage load\nx = 1\nx = = 2")
    assert result.error_before_exec is not None
    assert "line 3" in shell.out


def test_top_level_await_works(shell: Shell) -> None:
    cell = "%%stage load\nimport asyncio\nawait asyncio.sleep(0)\n'waited'"
    assert shell.run(cell).result == "waited"


@pytest.mark.parametrize(
    "cell",
    [
        "%%stage load\n%%time\nx = 3\nx",
        "%%time\n%%stage load\nx = 3\nx",
        "%%stage load\n\n%%capture shown\nx = 3",
    ],
    ids=["below", "above", "below an empty line"],
)
def test_another_cell_magic_works_too(shell: Shell, cell: str) -> None:
    assert (shell.run(cell).success, shell.inner.user_ns["x"]) == (True, 3)


def test_names_stay_in_the_user_namespace(shell: Shell) -> None:
    shell.run("%%parameters\nmonth: int = 3  # which month")
    assert shell.inner.user_ns["month"] == 3


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("%%stage\nx = 1", "UsageError: line 1: %%stage wants a name."),
        ("%%stage load --kind lode\nx = 1", "UsageError: line 1: 'lode' is no kind of stage."),
        ("%%stage load --tyme t\nx = 1", "Did you mean 'time'?"),
        ("%%stage 2nd\nx = 1", "'2nd' is no stage name."),
    ],
    ids=["no name", "unknown kind", "misspelt option", "no such name"],
)
def test_a_mistake_in_the_line_is_said_and_nothing_runs(shell: Shell, cell: str, said: str) -> None:
    result = shell.run(cell)
    assert (result.success, said in shell.err, "x" in shell.inner.user_ns) == (False, True, False)


@pytest.mark.parametrize("magic", ["%%stage", "%%expect", "%%parameters", "%pipeline", "%expect"])
def test_each_magic_has_help_with_an_example(shell: Shell, magic: str) -> None:
    found = shell.inner.object_inspect(magic)
    assert "Example::" in found["docstring"]


def test_the_help_of_pipeline_names_every_option() -> None:
    options = vars(options_of(""))
    words = {"output": "-o", "parameter": "-p", "from_": "--from"}
    expected = [words.get(name, f"--{name}") for name in options if name not in ("what", "notebook")]
    told = PipelineMagics.pipeline.__doc__ or ""
    assert [word for word in expected if word not in told] == []


def test_unloading_takes_everything_back(shell: Shell) -> None:
    shell.inner.run_line_magic("unload_ext", "nbprod")
    assert shell.run("%%stage load\nx = 1").success is False
    shell.run("%load_ext nbprod")
    assert shell.run("%%stage load\nx = 1").success is True


# Judging a live value


def test_a_live_value_is_judged_with_sample_rows(shell: Shell) -> None:
    shell.run(FLIGHTS)
    shell.run(
        '%%expect flights\nColumnValuesToNotBeNull(column="carrier")\nTableRowCountToBeBetween(min_value=1)'
    )
    assert shell.text().splitlines() == [
        "flights: 1 of 2 expectations held",
        '  ✗ broke  ColumnValuesToNotBeNull(column="carrier")',
        "           1 of 3 (33.33%) broke it",
        "           carrier  distance",
        "           null     -5",
        "  ✓ held   TableRowCountToBeBetween(min_value=1)",
    ]


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        (
            "%%expect flihgts\nTableRowCountToBeBetween(min_value=1)",
            "There is no value 'flihgts' yet. Did you mean",
        ),
        ("%%expect flights\nColumnValuesToNotBNull(column='a')", "Did you mean 'ColumnValuesToNotBeNull'"),
        ("%%expect\nTableRowCountToBeBetween(min_value=1)", "%%expect wants a name"),
        ("%expect inferr flights", "Did you mean 'infer'?"),
        ("%expect infer nothing", "There is no value 'nothing' yet."),
    ],
    ids=["unknown value", "unknown expectation", "no value", "misspelt word", "nothing to infer from"],
)
def test_a_mistake_in_a_suite_names_the_nearest(shell: Shell, cell: str, said: str) -> None:
    shell.run(FLIGHTS)
    assert (shell.run(cell).success, said in shell.err) == (False, True)


def test_expectations_are_listed_by_a_word(shell: Shell) -> None:
    shell.run("%expect list unique value count")
    assert shell.out.splitlines() == ["ColumnUniqueValueCountToBeBetween"]


# The pipeline of the session


def test_a_stage_cell_of_a_half_run_notebook_is_not_judged(shell: Shell) -> None:
    assert shell.run("%%stage a\n1").success is True
    assert shell.err == ""


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("%pipeline shwo", "%pipeline has no 'shwo'. Did you mean 'show'?"),
        ("%pipeline show nowhere.ipynb", "nowhere.ipynb: There is no such file."),
        ("%pipeline show --svg", "`%pipeline?` shows what there is."),
    ],
    ids=["misspelt", "no file", "unknown option"],
)
def test_a_mistake_after_pipeline_is_said(shell: Shell, line: str, said: str) -> None:
    shell.run("%%stage a\nx = 1")
    assert (shell.run(line).success, said in shell.err) == (False, True)


# What the tab key offers


@pytest.mark.parametrize(
    ("text", "offers"),
    [
        ("%%stage lo", ["load"]),
        ("%%stage my", ["my_stage"]),
        ("%%stage f --kn", ["--known"]),
        ("%%stage f --kind fe", ["features"]),
        ("%%stage f --time ", ["carrier", "distance"]),
        ("%%stage f --known carrier=d", ["distance"]),
        ("%%expect fl", ["flights"]),
        ("%%expect flights\nColumnValuesToNotBeN", ["ColumnValuesToNotBeNull("]),
        ("%%expect flights\nColumnValuesToBeBetween(mi", ["min_value="]),
        ('%%expect flights\nColumnValuesToBeBetween(column="d', ["distance"]),
        ('%%expect flights\nColumnValuesToBeBetween(column="distance", mo', ["mostly="]),
        ('%%expect flights\nCompoundColumnsToBeUnique(column_list=["carrier", "di', ["distance"]),
        ("%expect in", ["infer"]),
        ("%expect infer f", ["flights"]),
        ("%pipeline ", ["check", "extract", "run", "show"]),
        ("%pipeline run --from m", ["my_stage"]),
    ],
)
def test_the_tab_key_offers(shell: Shell, text: str, offers: list[str]) -> None:
    shell.run(FLIGHTS)
    shell.run("%%stage my_stage\nx = 1")
    assert shell.complete(text) == offers


def test_outside_of_magics_the_tab_key_is_as_ever(shell: Shell) -> None:
    shell.run(FLIGHTS)
    assert "carrier" in shell.complete("flights.carr")


# The session as a notebook


def test_an_edited_cell_takes_its_old_place() -> None:
    session = Session()
    session.saw("a = 1", "one")
    session.saw("b = 1", "two")
    session.saw("a = 2", "one")
    assert [cell.source for cell in session.notebook().code] == ["a = 2", "b = 1"]


def test_without_names_the_same_source_is_the_same_cell() -> None:
    session = Session(["a = 1"])
    session.saw("b = 1")
    session.saw("a = 1")
    session.saw("a = 1", "now-with-a-name")
    assert [cell.source for cell in session.notebook().code] == ["a = 1", "b = 1"]


def test_a_nameless_cell_that_raised_is_forgotten(shell: Shell) -> None:
    shell.run("1 / 0")
    shell.run("%%stage a\nx = 1")
    magics = shell.inner.magics_manager.registry["PipelineMagics"]
    assert [cell.source for cell in magics.session.notebook().code][-1:] == ["%%stage a\nx = 1"]
    assert "1 / 0" not in [cell.source for cell in magics.session.notebook().code]


def test_cells_run_before_loading_count(shell: Shell) -> None:
    magics = shell.inner.magics_manager.registry["PipelineMagics"]
    assert [cell.source for cell in magics.session.notebook().code] == ["%load_ext nbprod"]


def test_the_front_end_names_the_file(tmp_path: Path) -> None:
    file = tmp_path / "a.ipynb"
    file.write_text("{}")
    vscode, jupyter = {"__vsc_ipynb_file__": str(file)}, {"JPY_SESSION_NAME": str(file)}
    gone = {"JPY_SESSION_NAME": str(tmp_path / "gone.ipynb")}
    assert [
        notebook_file(vscode, {}),
        notebook_file({}, jupyter),
        notebook_file({}, gone),
        notebook_file({}, {}),
    ] == [
        file,
        file,
        None,
        None,
    ]


def test_columns_of_foreign_objects_are_not_asked_for(shell: Shell) -> None:
    class Trap:
        @property
        def columns(self) -> list[str]:
            raise AssertionError("asked")

    shell.inner.user_ns["trap"] = Trap()
    shell.inner.user_ns["frame"] = pd.DataFrame({"a": [1]})
    assert shell.complete("%%expect ") == ["frame"]


def test_loading_the_extension_is_quick_and_loads_nothing_heavy() -> None:
    program = """
import json, sys, time
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
before = set(sys.modules)
started = time.process_time()
shell.run_line_magic("load_ext", "nbprod")
seconds = time.process_time() - started
heavy = ("papermill", "great_expectations", "ibis", "pandas", "sklearn", "rich", "click", "yaml", "sqlglot")
print(json.dumps([seconds, [name for name in heavy if name in set(sys.modules) - before]]))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    seconds, heavy = json.loads(done.stdout)
    assert (heavy, seconds < 0.15) == ([], True), seconds
