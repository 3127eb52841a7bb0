from __future__ import annotations

import click

from nbprod.faces.cli import CLEAN, FOUND
from nbprod.faces.examples import ExampleCommand
from nbprod.faces.output import say, say_json, stdout_paint
from nbprod.faces.sources import notebook_argument

ROLES = {"same": "soft", "changed": "busy", "added": "good", "removed": "bad", "affected": "busy"}


@click.command(
    "diff",
    cls=ExampleCommand,
    short_help="Say which stages an edit touches.",
    examples="nbprod diff flights.ipynb",
)
@notebook_argument()
@click.argument("plan", required=False, type=click.Path(path_type=str))
@click.option("--json", "as_json", is_flag=True, help="Print the changes as JSON.")
def command(*, notebook: str, plan: str | None, as_json: bool) -> int:
    """Say what the notebook's edits since it was extracted do to each stage, and which must run again.

    PLAN is the plan's folder, NAME.plan beside the notebook unless given. The exit code is 1 where a stage must run.
    """
    from nbprod import api
    from nbprod.faces.grid import grid

    changes = api.diff(notebook, plan)
    if as_json:
        say_json(changes)
    else:
        rows = [(one.change.value, one.stage, " ".join(one.says)) for one in changes]
        say("\n".join(grid(rows, roles=[ROLES[row[0]] for row in rows], paint=stdout_paint())))
    return FOUND if any(one.must_run for one in changes) else CLEAN
