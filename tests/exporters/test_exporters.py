"""Plans as other schedulers want them: parsed by their own schemas, and by Airflow itself where there is one."""

import ast
import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
import yaml
from notebooks import notebook_text

from nbprod import api
from nbprod.errors import NbprodError
from nbprod.exporters import schedule_from
from nbprod.faces.cli import exit_code_of

HUSHED = "s3cr3t-of-this-test"
PARAMETERS = f"""%%parameters
month: int = 1  # of the year
rate = 0.5
is_late = False
names = ['a']
note = "it's {{0}} }}}} ${{{{ x"
nothing = None
api_token = '{HUSHED}'"""
CELLS = (
    PARAMETERS,
    "%%stage load --retries 2\nrows = [month, rate, len(names), is_late, nothing]",
    "%%stage half-a\nhalf = rows[0] / 2",
    "%%stage half_a\nother = rows[:2], len(api_token)",
    "%%stage both\nprint(half, other, note)",
)
# Where Airflow 3 is installed: what `airflow` is called there.
AIRFLOW = os.environ.get("NBPROD_AIRFLOW")
# The published schema (api/jsonschema/schema.json of argoproj/argo-workflows, Apache-2.0), where it lies.
ARGO_SCHEMA = os.environ.get("NBPROD_ARGO_SCHEMA")


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text("")
    (tmp_path / "trial run.ipynb").write_text(notebook_text(*CELLS))
    api.extract(tmp_path / "trial run.ipynb")
    return tmp_path / "trial run.plan"


def exported(plan: Path, target: str, **how):
    return api.export(plan, target, **how).text


@pytest.mark.parametrize("target", ["airflow", "argo", "github-actions"])
def test_no_secret_stands_in_what_is_exported(target, plan):
    assert HUSHED not in exported(plan, target, schedule="@daily", parameters={"month": 3})
    with pytest.raises(NbprodError, match="is a secret"):
        exported(plan, target, parameters={"api_token": "x"})


def links_of_airflow(text: str) -> set[tuple[str, str]]:
    shifts = [node.value for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Expr)]
    return {
        (one.left.id, one.right.id)
        for one in shifts
        if isinstance(one, ast.BinOp) and isinstance(one.op, ast.RShift)
    }


def test_airflow_gets_a_task_a_stage_with_links_types_and_retries(plan):
    text = exported(plan, "airflow", schedule="@daily", start=date(2024, 1, 1), parameters={"month": "3"})
    assert links_of_airflow(text) == {
        ("stage_load", "stage_half_a"),
        ("stage_load", "stage_half_a_2"),
        ("stage_half_a", "stage_both"),
        ("stage_half_a_2", "stage_both"),
    }
    for says in (
        "schedule='0 0 * * *'",
        "'month': Param(3, type='integer', description='of the year')",
        "'is_late': Param(False, type='boolean')",
        "'names': Param(['a'], type='array')",
        "@task(task_id='load', retries=2",
        "FIRST_DAY = datetime(2024, 1, 1, tzinfo=UTC)",
    ):
        assert says in text


def argo(plan, **how):
    return yaml.safe_load(exported(plan, "argo", **how))


@pytest.mark.parametrize("schedule", [None, "0 6 * * 1-5"], ids=["at once", "by a schedule"])
def test_argo_workflow_is_one_by_argos_types(schedule, plan):
    models = pytest.importorskip("hera.workflows.models")
    body = argo(plan, schedule=schedule)
    parsed = getattr(models, body["kind"]).model_validate(body)
    # What Argo has no field for would be dropped on the way.
    assert json.loads(parsed.model_dump_json(by_alias=True, exclude_none=True)) == body


@pytest.mark.skipif(not ARGO_SCHEMA, reason="NBPROD_ARGO_SCHEMA names no file")
@pytest.mark.parametrize("schedule", [None, "0 6 * * 1-5"], ids=["at once", "by a schedule"])
def test_argo_workflow_fits_the_published_schema(schedule, plan):
    from jsonschema import Draft7Validator

    definitions = json.loads(Path(ARGO_SCHEMA).read_text())["definitions"]
    for one in definitions.values():
        if "properties" in one:
            one.setdefault("additionalProperties", False)
    body = argo(plan, schedule=schedule)
    kind = f"#/definitions/io.argoproj.workflow.v1alpha1.{body['kind']}"
    assert list(Draft7Validator({"definitions": definitions, "$ref": kind}).iter_errors(body)) == []


def test_argo_runs_each_stage_after_its_givers_and_takes_secrets_from_kubernetes(plan):
    spec = argo(plan)["spec"]
    pipeline, load, *_ = spec["templates"]
    tasks = {task["name"]: task.get("dependencies", []) for task in pipeline["dag"]["tasks"]}
    assert tasks == {
        "load": [],
        "half-a": ["load"],
        "half-a-2": ["load"],
        "both": ["half-a", "half-a-2"],
    }
    assert load["container"]["args"][:5] == ["run", "trial run.plan", "--only", "load", "--no-retries"]
    assert (load["retryStrategy"]["limit"], load["container"]["env"]) == (
        "2",
        [
            {
                "name": "NBPROD_SECRET_API_TOKEN",
                "valueFrom": {"secretKeyRef": {"name": "trial-run-secrets", "key": "api_token"}},
            }
        ],
    )
    assert {"name": "names", "value": '["a"]'} in spec["arguments"]["parameters"]


def github(plan, **how):
    return yaml.safe_load(exported(plan, "github-actions", **how))


def test_github_workflow_fits_the_public_schema(plan, tmp_path):
    pytest.importorskip("check_jsonschema")
    file = tmp_path / "workflow.yml"
    file.write_text(exported(plan, "github-actions", schedule="0 6 * * 1-5", parameters={"month": 3}))
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", file]
    done = subprocess.run(check, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "ok -- validation done\n")


def test_github_asks_for_typed_inputs_and_says_what_it_cannot_ask_for(plan):
    made = api.export(plan, "github-actions", parameters={"month": 3, "nothing": "x"})
    body = yaml.safe_load(made.text)
    inputs = body["on"]["workflow_dispatch"]["inputs"]
    assert {name: (one["type"], one["default"]) for name, one in inputs.items()} == {
        "month": ("number", 3),
        "rate": ("number", 0.5),
        "is_late": ("boolean", False),
        "names": ("string", '["a"]'),
        "note": ("string", "it's {0} }} ${{ x"),
    }
    assert made.notes[-1] == "These keep their defaults, since GitHub has no input for them: nothing."
    assert "-p nothing=x" in made.text
    assert body["jobs"]["pipeline"]["env"] == {"NBPROD_SECRET_API_TOKEN": "${{ secrets.API_TOKEN }}"}


def test_github_steps_run_by_what_came_before_them_and_by_nothing_else(plan):
    steps = {step["id"]: step for step in github(plan)["jobs"]["pipeline"]["steps"] if "id" in step}
    assert steps["stage_both"]["if"] == (
        "${{ !cancelled() && steps.ready.outcome == 'success' && steps.stage_half_a.outcome == 'success'"
        " && steps.stage_half_a_2.outcome == 'success' }}"
    )
    assert steps["stage_load"]["run"] == (
        "nbprod run 'trial run.plan' --only load -f .nbprod/parameters.json"
    )


def test_steps_of_the_github_workflow_run_here_one_by_one(plan, monkeypatch):
    """GitHub's runner is not here; its steps are commands, and they run."""
    monkeypatch.chdir(plan.parent)
    monkeypatch.setenv("NBPROD_SECRET_API_TOKEN", HUSHED)
    command = (sys.executable, "-m", "nbprod")
    (plan.parent / ".nbprod").mkdir()
    (plan.parent / ".nbprod/parameters.json").write_text('{"month": "4", "is_late": true, "names": "[]"}')
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    for step in github(plan, command=command)["jobs"]["pipeline"]["steps"]:
        if step.get("id", "").startswith("stage_"):
            subprocess.run(step["run"], shell=True, check=True, capture_output=True, env=environment)  # noqa: S602
    records = api.records(plan.parent)
    assert [(one.state, [run.stage for run in one.stages]) for one in reversed(records)] == [
        ("done", [name]) for name in ("load", "half-a", "half_a", "both")
    ]
    assert records[0].parameters["month"] == 4


SCHEDULES = {
    "@daily": "0 0 * * *",
    "0  6 * *   1-5": "0 6 * * 1-5",
    "*/15 0-23/2 1,15 jan-MAR,6 sun": "*/15 0-23/2 1,15 jan-MAR,6 sun",
}


@pytest.mark.parametrize(("text", "line"), SCHEDULES.items(), ids=SCHEDULES)
def test_schedule_is_a_line_of_five_fields(text, line):
    assert schedule_from(text) == line


NO_SCHEDULES = (
    *("@dayly", "0 6 * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "* * * * 8"),
    *("5-1 * * * *", "*/0 * * * *", "1,,2 * * * *", "* * * foo *", "*-3 * * * *", "-1 * * * *", "² * * * *"),
)


@pytest.mark.parametrize("text", NO_SCHEDULES)
def test_what_is_no_schedule_is_refused(text):
    with pytest.raises(NbprodError, match="schedule"):
        schedule_from(text)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["airflw", "trial run.plan"], "Did you mean 'airflow'"),
        (["airflow", "trial run.ipynb"], "nbprod extract"),
        (["airflow", "trial run.plan", "--schedule", "daily"], "five fields"),
        (["airflow", "trial run.plan", "-p", "mnth=3"], "Did you mean 'month'"),
    ],
)
def test_what_cannot_be_exported_leaves_with_2(words, says, plan, monkeypatch, capsys):
    monkeypatch.chdir(plan.parent)
    assert exit_code_of(["export", *words]) == 2
    assert says in capsys.readouterr().err


def test_command_writes_the_file_and_says_what_else_must_be_there(plan, monkeypatch, capsys):
    monkeypatch.chdir(plan.parent)
    words = ["export", "airflow", plan.name, "--schedule", "@daily", "-o", "dags/trial.py"]
    assert exit_code_of(words) == 0
    assert "Set the Airflow variable nbprod_secret_api_token" in capsys.readouterr().err
    assert (plan.parent / "dags/trial.py").read_text() == exported(plan, "airflow", schedule="@daily")


@pytest.mark.skipif(not AIRFLOW, reason="NBPROD_AIRFLOW names no airflow")
def test_airflow_itself_runs_the_dag_and_refuses_a_day_before_the_first(plan):
    home = plan.parent / "airflow"
    command = (sys.executable, "-m", "nbprod")
    dag = exported(plan, "airflow", schedule="@daily", start=date(2024, 1, 1), command=command)
    (home / "dags").mkdir(parents=True)
    (home / "dags/trial_run_dag.py").write_text(dag)
    environment = {
        **os.environ,
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }

    def airflow(*words: str) -> tuple[int, str]:
        done = subprocess.run([AIRFLOW, *words], env=environment, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    assert airflow("db", "migrate")[0] == 0
    assert airflow("variables", "set", "nbprod_secret_api_token", HUSHED)[0] == 0
    code, said = airflow("dags", "test", "trial_run", "2024-05-06", "--conf", '{"month": 7}')
    assert (code, HUSHED in said) == (0, False)
    assert [(one.state, one.parameters["month"]) for one in api.records(plan.parent)] == [("done", 7)] * 4
    code, said = airflow("dags", "test", "trial_run", "2023-05-06")
    assert (code, "2023-05-06 lies before the first day" in said) == (1, True)
