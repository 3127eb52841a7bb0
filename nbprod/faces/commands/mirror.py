from __future__ import annotations

import click

from nbprod.faces.cli import CLEAN
from nbprod.faces.examples import ExampleCommand
from nbprod.faces.output import say, say_json
from nbprod.faces.words import count_said


@click.command(
    "mirror",
    cls=ExampleCommand,
    short_help="Bring runs, models and aliases to MLflow.",
    examples="nbprod mirror",
)
@click.option("--root", metavar="FOLDER", help="The project folder.  [default: the one above where you are]")
@click.option("--json", "as_json", is_flag=True, help="Print what was brought there as JSON.")
def command(*, root: str | None, as_json: bool) -> int:
    """Bring to MLflow what the ledger has and it hasn't: runs, metrics, notebooks, plots, models, aliases.

    Where to is said by MLFLOW_TRACKING_URI or [tool.nbprod] mlflow, else a SQLite file under .nbprod.
    """
    from nbprod import api

    found = api.mirror(root or api.root_of("."))
    if as_json:
        say_json(found)
    else:
        runs, versions = count_said(len(found.runs), "run"), count_said(len(found.versions), "version")
        say(f"{runs} and {versions} brought to {found.address}")
    return CLEAN
