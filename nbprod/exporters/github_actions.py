"""A plan as a GitHub Actions workflow: one step a stage, so that all find what those before them left on the disk."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any

from nbprod.exporters.wanted import Exported, Wanted, plain_name, plain_names, variable_of

if TYPE_CHECKING:
    from nbprod.model import Json, Parameter, PlannedStage

_HEAD = "# Written by `nbprod export github-actions`; export again rather than edit.\n"
_TYPES = {
    "int": "number",
    "float": "number",
    "bool": "boolean",
    "str": "string",
    "list": "string",
    "dict": "string",
}
# GitHub refuses a workflow with more.
_MOST_INPUTS = 25
_STATE = ".nbprod"
_PARAMETERS = f"{_STATE}/parameters.json"


def export(wanted: Wanted) -> Exported:
    """The workflow as YAML."""
    import yaml

    name = plain_name(wanted.plan.name)
    shown = _shown(wanted)
    hidden = _hidden(wanted)
    body = {
        "name": wanted.plan.name,
        "on": {
            **({"schedule": [{"cron": wanted.schedule}]} if wanted.schedule else {}),
            "workflow_dispatch": {"inputs": {one.name: _input(one, wanted) for one in shown}}
            if shown
            else {},
        },
        "permissions": {"contents": "read"},
        "concurrency": {"group": f"nbprod-{name}", "cancel-in-progress": False},
        "jobs": {"pipeline": _job(wanted, name)},
    }
    notes = [f"Put it into .github/workflows; {wanted.plan_path} must be in the repository."]
    notes += [f"Set the repository secret {one.name.upper()}." for one in wanted.secrets]
    if hidden:
        notes.append(f"These keep their defaults, since GitHub has no input for them: {', '.join(hidden)}.")
    text = yaml.safe_dump(body, sort_keys=False, allow_unicode=True, width=110)
    return Exported(file=f".github/workflows/{name}.yml", text=_HEAD + text, notes=tuple(notes))


def _shown(wanted: Wanted) -> list[Parameter]:
    """The parameters that a form can ask for: those with a type and a default that text can hold."""
    known = [one for one in wanted.open_parameters if one.type in _TYPES and wanted.default(one) is not None]
    return known[:_MOST_INPUTS]


def _hidden(wanted: Wanted) -> list[str]:
    shown = _shown(wanted)
    return [one.name for one in wanted.open_parameters if one not in shown]


def _input(parameter: Parameter, wanted: Wanted) -> dict[str, Any]:
    default = wanted.default(parameter)
    kind = _TYPES[parameter.type]
    return {
        **({"description": parameter.description} if parameter.description else {}),
        "type": kind,
        "default": default if kind != "string" else _text(default),
    }


def _job(wanted: Wanted, name: str) -> dict[str, Any]:
    ids = plain_names((stage.name for stage in wanted.plan.stages), separator="_")
    return {
        "runs-on": "ubuntu-latest",
        **({"env": _secrets(wanted)} if wanted.secrets else {}),
        "steps": [
            {"uses": "actions/checkout@v4"},
            {"uses": "actions/setup-python@v5", "with": {"python-version": "3.11"}},
            {"name": "Install", "run": _install(wanted)},
            {
                "name": "Bring back what earlier runs left",
                "uses": "actions/cache@v4",
                "with": {
                    "path": _STATE,
                    "key": f"nbprod-{name}-${{{{ github.run_id }}}}-${{{{ github.run_attempt }}}}",
                    "restore-keys": f"nbprod-{name}-",
                },
            },
            {"id": "ready", "name": "Write down the parameters", **_parameters(wanted)},
            *(_step(stage, wanted, ids) for stage in wanted.plan.stages),
            {
                "name": "Keep the records",
                "if": "always()",
                "uses": "actions/upload-artifact@v4",
                "with": {"name": f"nbprod-{name}", "path": f"{_STATE}/runs", "include-hidden-files": True},
            },
        ],
    }


def _install(wanted: Wanted) -> str:
    if wanted.requirements is None:
        return "python -m pip install nbprod"
    return f"python -m pip install --requirement {shlex.quote(wanted.requirements)}"


def _parameters(wanted: Wanted) -> dict[str, Any]:
    """By the environment, never within a command: what a person types must not become a part of a script."""
    given: Json = dict(wanted.parameters)
    fixed = json.dumps(given, ensure_ascii=False).replace("'", "''")
    return {
        "env": {
            "PARAMETERS": f"${{{{ github.event_name == 'workflow_dispatch' && toJSON(inputs) || '{fixed}' }}}}"
        },
        "run": f'mkdir -p {_STATE}\nprintf "%s" "$PARAMETERS" > {_PARAMETERS}\n',
    }


def _step(stage: PlannedStage, wanted: Wanted, ids: dict[str, str]) -> dict[str, Any]:
    before = ["ready", *(f"stage_{ids[giver]}" for giver in wanted.plan.before(stage.name))]
    # A stage that fails must not keep those from running that don't need it.
    good = " && ".join(f"steps.{one}.outcome == 'success'" for one in before)
    words = [*wanted.command, "run", wanted.plan_path, "--only", stage.name, "-f", _PARAMETERS]
    for name in _hidden(wanted):
        if name in wanted.parameters:
            words += ["-p", f"{name}={_text(wanted.parameters[name])}"]
    return {
        "id": f"stage_{ids[stage.name]}",
        "name": f"Stage {stage.name}",
        "if": f"${{{{ !cancelled() && {good} }}}}",
        "run": shlex.join(words),
    }


def _secrets(wanted: Wanted) -> dict[str, str]:
    return {variable_of(one): f"${{{{ secrets.{one.name.upper()} }}}}" for one in wanted.secrets}


def _text(value: Json) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
