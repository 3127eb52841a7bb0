"""A plan for Argo Workflows: a DAG of containers, as CronWorkflow where there is a schedule, else as Workflow.

What is written is checked against Argo's published schema; nbprod's tests do not execute it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from nbprod.exporters.wanted import Exported, Wanted, plain_name, plain_names, variable_of

if TYPE_CHECKING:
    from nbprod.model import Json, PlannedStage

_PROJECT = "/project"
_HEAD = """\
# Written by `nbprod export argo`; export again rather than edit.
# Checked against the published schema of Argo Workflows, but not executed by nbprod's tests.
# The claim holds the project at {project}: a disk of one node (ReadWriteOnce), no network file system, because the
# ledger under .nbprod is SQLite in WAL mode.
"""


def export(wanted: Wanted) -> Exported:
    """The workflow as YAML."""
    import yaml

    name = plain_name(wanted.plan.name).lower()
    spec = _workflow(wanted, name)
    if wanted.schedule is None:
        body: dict[str, Any] = {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Workflow",
            "metadata": {"generateName": f"{name}-"},
            "spec": spec,
        }
    else:
        body = {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "CronWorkflow",
            "metadata": {"name": name},
            "spec": {
                "schedules": [wanted.schedule],
                "concurrencyPolicy": "Forbid",
                "workflowSpec": spec,
            },
        }
    notes = [
        f"The persistent volume claim '{_claim(name)}' must hold the project, with the plan at {wanted.plan_path}.",
        f"The image {wanted.image} must have nbprod.",
    ]
    if wanted.secrets:
        keys = ", ".join(one.name for one in wanted.secrets)
        notes.append(f"The Kubernetes secret '{_secret(name)}' must hold: {keys}.")
    text = yaml.safe_dump(body, sort_keys=False, allow_unicode=True, width=110)
    return Exported(file=f"{name}.yaml", text=_HEAD.format(project=_PROJECT) + text, notes=tuple(notes))


def _workflow(wanted: Wanted, name: str) -> dict[str, Any]:
    plan = wanted.plan
    tasks = plain_names(stage.name for stage in plan.stages)
    parameters = [
        {
            "name": one.name,
            "value": _text(wanted.default(one)),
            **({"description": one.description} if one.description else {}),
        }
        for one in wanted.open_parameters
    ]
    return {
        "entrypoint": "pipeline",
        **({"arguments": {"parameters": parameters}} if parameters else {}),
        "volumes": [{"name": "project", "persistentVolumeClaim": {"claimName": _claim(name)}}],
        "templates": [
            {
                "name": "pipeline",
                # A stage that fails shall not keep those beside it from coming to their end.
                "dag": {
                    "failFast": False,
                    "tasks": [_task(stage, wanted, tasks) for stage in plan.stages],
                },
            },
            *(_template(stage, wanted, tasks, name) for stage in plan.stages),
        ],
    }


def _task(stage: PlannedStage, wanted: Wanted, tasks: dict[str, str]) -> dict[str, Any]:
    before = [tasks[giver] for giver in wanted.plan.before(stage.name)]
    return {
        "name": tasks[stage.name],
        "template": _template_name(tasks[stage.name]),
        **({"dependencies": before} if before else {}),
    }


def _template(stage: PlannedStage, wanted: Wanted, tasks: dict[str, str], name: str) -> dict[str, Any]:
    command, *words = wanted.command
    given = [
        word
        for one in wanted.open_parameters
        for word in ("-p", f"{one.name}={{{{workflow.parameters.{one.name}}}}}")
    ]
    container: dict[str, Any] = {
        "image": wanted.image,
        "command": [command],
        "args": [*words, "run", wanted.plan_path, "--only", stage.name, "--no-retries", *given],
        "workingDir": _PROJECT,
        "volumeMounts": [{"name": "project", "mountPath": _PROJECT}],
    }
    if wanted.secrets:
        container["env"] = [
            {
                "name": variable_of(one),
                "valueFrom": {"secretKeyRef": {"name": _secret(name), "key": one.name}},
            }
            for one in wanted.secrets
        ]
    template: dict[str, Any] = {"name": _template_name(tasks[stage.name])}
    if stage.options.retries:
        template["retryStrategy"] = {
            "limit": str(stage.options.retries),
            "retryPolicy": "Always",
            # What could not even begin (exit code 2) is not tried again.
            "expression": "asInt(lastRetry.exitCode) != 2",
            "backoff": {"duration": "1s", "factor": "2", "maxDuration": "10m"},
        }
    return {**template, "container": container}


def _template_name(task: str) -> str:
    """None of the stages' templates is called as the pipeline's."""
    return f"stage-{task}"


def _claim(name: str) -> str:
    return f"{name}-project"


def _secret(name: str) -> str:
    return f"{name}-secrets"


def _text(value: Json) -> str:
    """Argo's parameters are text."""
    return value if isinstance(value, str) else json.dumps(value)
