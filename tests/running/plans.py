"""Plans written by hand: a stage is its name, what it needs and gives, and its cells."""

import json
from collections.abc import Mapping
from pathlib import Path

from nbprod.extract import digest_of
from nbprod.model import Kind, Need, Parameter, Plan, PlannedStage, StageOptions, Suite


def stage(name: str, *cells: str, needs: Mapping[str, str] = {}, gives: str = "", **more):
    """One stage: `needs` maps names to givers, `gives` is names separated by spaces."""
    return {"name": name, "cells": cells, "needs": dict(needs), "gives": tuple(gives.split()), **more}


def written(
    folder: Path, *stages, parameters: tuple[Parameter, ...] = (), suites: tuple[Suite, ...] = ()
) -> Plan:
    """The plan in `folder/plan`, as extraction writes it, of a notebook that stands in `folder`."""
    plan_folder = folder / "plan"
    plan_folder.mkdir(parents=True, exist_ok=True)
    planned, files = [], {}
    for number, one in enumerate(stages, start=1):
        file = f"{number:02}-{one['name']}.ipynb"
        files[file] = notebook(one, parameters)
        (plan_folder / file).write_text(files[file])
        planned.append(
            PlannedStage(
                name=one["name"],
                kind=Kind.OTHER,
                notebook=file,
                needs=tuple(Need(name=name, giver=giver) for name, giver in one["needs"].items()),
                gives=one["gives"],
                reads=tuple(one.get("reads", ())),
                after=tuple(one.get("after", ())),
                cells=tuple(range(len(one["cells"]))),
                options=one.get("options", StageOptions()),
                digest=digest_of(files[file]),
            )
        )
    return Plan(
        name="trial",
        source="../trial.ipynb",
        stages=tuple(planned),
        parameters=parameters,
        suites=suites,
        files=files,
    )


def notebook(one, parameters) -> str:
    head = "".join(f"{p.name} = {p.default!r}\n" for p in parameters if p.name in one.get("reads", ()))
    cells = [_cell(f'{head}nbprod_folder = "artifacts"', tags=["parameters"])]
    if one["needs"]:
        source = (
            "from nbprod.artifacts.boundary import take\n\n"
            f"globals().update(take({json.dumps(one['needs'])}, folder=nbprod_folder))"
        )
        cells.append(_cell(source, tags=["nbprod:inputs"]))
    for position, source in enumerate(one["cells"]):
        cell = _cell(source)
        cell["metadata"]["nbprod"] = {"cell": position}
        cells.append(cell)
    source = (
        "from nbprod.artifacts.boundary import give\n\n"
        f"give({json.dumps(one['gives'])}, globals(), stage={one['name']!r}, folder=nbprod_folder)"
    )
    cells.append(_cell(source, tags=["nbprod:outputs"]))
    kernel = {"name": one.get("kernel", "python3"), "display_name": "Python 3", "language": "python"}
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    return json.dumps({"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5})


def _cell(source: str, tags=()):
    metadata = {"tags": list(tags)} if tags else {}
    return {
        "cell_type": "code",
        "execution_count": None,
        "metadata": metadata,
        "outputs": [],
        "source": source,
    }
