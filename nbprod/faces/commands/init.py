from __future__ import annotations

import click

from nbprod.faces.cli import CLEAN
from nbprod.faces.examples import ExampleCommand
from nbprod.faces.output import say


@click.command("init", cls=ExampleCommand, short_help="Make a project folder ready.", examples="nbprod init")
@click.argument("folder", default=".", type=click.Path(path_type=str))
def command(*, folder: str) -> int:
    """Make a project folder ready: settings in pyproject.toml, and what git should ignore."""
    from nbprod import api

    for line in api.init(folder):
        say(str(line))
    return CLEAN
