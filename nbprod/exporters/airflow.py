"""A plan as an Airflow 3 DAG: one task a stage, typed params, schedule and retries.

Airflow runs nothing and says success where a date lies before a DAG's `start_date`. The DAG therefore starts at a
date that nothing lies before, and its tasks refuse what lies before the plan's own first day.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbprod.exporters.wanted import Exported, Wanted, plain_name, plain_names, variable_of

if TYPE_CHECKING:
    from nbprod.model import Json, Parameter, PlannedStage

_TYPES = {
    "int": "integer",
    "float": "number",
    "bool": "boolean",
    "str": "string",
    "list": "array",
    "dict": "object",
}
_HEAD = '''"""The pipeline {name} as an Airflow DAG: one task a stage.

Written by `nbprod export airflow`; export again rather than edit. Needs Airflow 3, and nbprod where tasks run.
"""

import json
import os
import subprocess
from datetime import UTC, datetime, timedelta

from airflow.sdk import DAG, Param{variable}, task
from airflow.sdk.exceptions import AirflowFailException

PLAN = {plan!r}
NBPROD = {command!r}
# The environment variables in which nbprod looks for secrets, and the Airflow variables that hold them.
SECRETS = {secrets!r}
# The first day that there is something to run for.
FIRST_DAY = {first_day}
COULD_NOT_PROCEED = 2


def run_stage(stage, *, params, logical_date):
    """Run one stage of the plan; what could not even begin is not tried again."""
    if FIRST_DAY is not None and logical_date is not None and logical_date < FIRST_DAY:
        raise AirflowFailException(f"{{logical_date:%Y-%m-%d}} lies before the first day, {{FIRST_DAY:%Y-%m-%d}}.")
    words = [*NBPROD, "run", PLAN, "--only", stage, "--no-retries"]
    for name, value in params.items():
        words += ["-p", f"{{name}}={{value if isinstance(value, str) else json.dumps(value)}}"]
    secrets = {{variable: {get} for variable, key in SECRETS.items()}}
    done = subprocess.run(words, env={{**os.environ, **secrets}}, check=False)
    if done.returncode == COULD_NOT_PROCEED:
        raise AirflowFailException(f"nbprod could not proceed with stage {{stage}}.")
    if done.returncode != 0:
        raise RuntimeError(f"Stage {{stage}} left with {{done.returncode}}.")


with DAG(
    dag_id={dag!r},
    description={description!r},
    schedule={schedule!r},
    # Airflow lets a run before its DAG's start pass with no task run; nothing lies before this.
    start_date=datetime(1970, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    tags=["nbprod"],
    params={{{params}}},
) as dag:
'''
_TASK = """
    @task(task_id={id!r}, retries={retries}, retry_delay=timedelta(seconds=30))
    def {function}(params=None, logical_date=None):
        run_stage({stage!r}, params=dict(params or {{}}), logical_date=logical_date)
"""


def export(wanted: Wanted) -> Exported:
    """The DAG file."""
    plan = wanted.plan
    dag = plain_name(plan.name, separator="_")
    secrets = {
        variable_of(one): f"nbprod_secret_{plain_name(one.name, separator='_')}" for one in wanted.secrets
    }
    start = wanted.start
    head = _HEAD.format(
        name=_safe(plan.name),
        variable=", Variable" if secrets else "",
        get="Variable.get(key)" if secrets else "key",
        plan=wanted.plan_path,
        command=list(wanted.command),
        secrets=secrets,
        first_day=f"datetime({start.year}, {start.month}, {start.day}, tzinfo=UTC)" if start else None,
        dag=dag,
        description=f"{plan.name}, exported by nbprod",
        schedule=wanted.schedule,
        params=_params(wanted),
    )
    functions = plain_names((stage.name for stage in plan.stages), separator="_")
    functions = {stage: f"stage_{name}" for stage, name in functions.items()}
    tasks = [_task(stage, functions[stage.name]) for stage in plan.stages]
    notes = [
        f"Put it into Airflow's DAGs folder; {wanted.plan_path} and its project must be there where tasks run."
    ]
    notes += [f"Set the Airflow variable {name}: a secret." for name in secrets.values()]
    return Exported(
        file=f"{dag}_dag.py", text=head + "".join(tasks) + _links(wanted, functions), notes=tuple(notes)
    )


def _params(wanted: Wanted) -> str:
    lines = [f"        {one.name!r}: {_param(one, wanted.default(one))},\n" for one in wanted.open_parameters]
    return f"\n{''.join(lines)}    " if lines else ""


def _param(parameter: Parameter, default: Json) -> str:
    words = [repr(default)]
    kind = _TYPES.get(parameter.type)
    if kind is not None:
        words.append(f"type={['null', kind]!r}" if default is None else f"type={kind!r}")
    if parameter.description:
        words.append(f"description={parameter.description!r}")
    return f"Param({', '.join(words)})"


def _task(stage: PlannedStage, function: str) -> str:
    return _TASK.format(id=stage.name, retries=stage.options.retries, function=function, stage=stage.name)


def _links(wanted: Wanted, functions: dict[str, str]) -> str:
    plan = wanted.plan
    lines = [f"    {function} = {function}()" for function in functions.values()]
    for stage in plan.stages:
        lines += [f"    {functions[giver]} >> {functions[stage.name]}" for giver in plan.before(stage.name)]
    return "\n" + "\n".join(lines) + "\n"


def _safe(text: str) -> str:
    """The text as it may stand within a docstring."""
    return repr(text).replace('"""', "'")
