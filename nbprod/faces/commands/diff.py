from __future__ import annotations

import click

from nbprod.faces.cli import CLEAN, FOUND
from nbprod.faces.examples import ExampleCommand
from nbprod.faces.grid import grid
from nbprod.faces.output import say, say_json, stdout_paint
from nbprod.faces.sources import notebook_argument, notebook_from


@click.command(
    "diff",
    cls=ExampleCommand,
    short_help="Say which stages an edit touches.",
    examples="""
    nbprod diff flights.ipynb
    nbprod diff flights.ipynb -o plan
    """,
)
@notebook_argument()
@click.option("-o", "--output", "folder", metavar="FOLDER", help="The plan's folder.  [default: NAME.plan]")
@click.option("--json", "as_json", is_flag=True, help="Print the changes as JSON.")
def command(*, notebook: str, folder: str | None, as_json: bool) -> int:
    """Say which stages a notebook's edits since it was extracted touch, and what must run again.

    The exit code is 1 where a stage must run again.
    """
    from nbprod import api

    changes = api.diff(notebook_from(notebook), folder)
    if as_json:
        say_json(changes)
    else:
        rows = [(str(one.change), one.stage, "; ".join(one.says)) for one in changes]
        roles = ["warning" if one.must_run else "soft" for one in changes]
        say("\n".join(grid(rows, roles=roles, paint=stdout_paint())))
    return FOUND if any(one.must_run for one in changes) else CLEAN
