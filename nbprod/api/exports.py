"""Plans for other schedulers."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from nbprod.api.plans import read_plan
from nbprod.api.project import root_of
from nbprod.errors import NbprodError, ParameterError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from nbprod.exporters import Exported
    from nbprod.model import Json, Plan


def export_targets() -> tuple[str, ...]:
    """What a plan can be exported to."""
    from nbprod.exporters import targets

    return targets()


def export(
    folder: str | os.PathLike[str],
    target: str,
    *,
    parameters: Mapping[str, object] | None = None,
    schedule: str | None = None,
    start: date | None = None,
    plan_path: str | None = None,
    command: tuple[str, ...] = ("nbprod",),
    image: str = "python:3.11",
    requirements: str | None = None,
) -> Exported:
    """A plan folder as a file for another scheduler (`airflow`, `argo`, `github-actions` ...); nothing is written.

    `parameters` take the place of the plan's defaults; a secret's value is never exported. `schedule` is a cron
    line or `@daily` and its like. `plan_path` is where the plan stands for the scheduler: unless said, its absolute
    path for Airflow, its path within the project for the others.
    """
    from nbprod.exporters import Wanted, exported, schedule_from, targets

    if target not in targets():
        raise NbprodError(f"Nothing exports to '{target}'.", remedy=did_you_mean(target, targets()))
    plan = read_plan(folder)
    return exported(
        target,
        Wanted(
            plan=plan,
            plan_path=plan_path or _path_for(target, Path(folder), plan),
            command=command,
            parameters=_values(plan, parameters or {}),
            schedule=schedule_from(schedule) if schedule else None,
            start=start,
            image=image,
            requirements=requirements,
        ),
    )


def _values(plan: Plan, given: Mapping[str, object]) -> dict[str, Json]:
    from nbprod.running import typed

    for one in plan.parameters:
        if one.secret and one.name in given:
            raise ParameterError(
                f"Parameter '{one.name}' is a secret and stands in no exported file.",
                remedy="Leave it out; the export says where the scheduler keeps it.",
            )
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", one.name):
            raise ParameterError(
                f"Parameter '{one.name}' has letters that schedulers don't take in names.",
                where=plan.name,
                remedy="Name it with letters of ASCII, digits and '_'.",
            )
    values = typed(given, plan.parameters)
    return {name: values[name] for name in given}


def _path_for(target: str, folder: Path, plan: Plan) -> str:
    if target == "airflow":
        return str(folder.resolve())
    root = root_of(folder.resolve() / plan.source)
    return Path(os.path.relpath(folder.resolve(), root)).as_posix()
