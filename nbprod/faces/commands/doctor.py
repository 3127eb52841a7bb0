from __future__ import annotations

import click

from nbprod.faces.cli import CLEAN, FOUND
from nbprod.faces.examples import ExampleCommand
from nbprod.faces.grid import grid
from nbprod.faces.output import say, say_json, stdout_paint


@click.command("doctor", cls=ExampleCommand, examples="nbprod doctor")
@click.option("--json", "as_json", is_flag=True, help="Print the checks as JSON.")
def command(*, as_json: bool) -> int:
    """Say what is missing in this environment, and how to get it."""
    from nbprod import api

    checks = api.doctor()
    if as_json:
        say_json(checks)
    else:
        rows = [("✓ good" if one.is_good else "✗ not", one.name, one.says, one.remedy) for one in checks]
        roles = ["good" if one.is_good else "bad" for one in checks]
        say("\n".join(grid(rows, roles=roles, paint=stdout_paint())))
    return CLEAN if all(one.is_good for one in checks) else FOUND
