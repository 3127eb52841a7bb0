from __future__ import annotations

import click

from nbprod.faces.cli import CLEAN
from nbprod.faces.examples import ExampleCommand
from nbprod.faces.output import say, say_json


@click.command(
    "rollback",
    cls=ExampleCommand,
    short_help="Make the champion before this one the champion again.",
    examples='nbprod rollback --why "it predicts nothing but zeros"',
)
@click.argument("model", required=False)
@click.option("--why", default="", metavar="TEXT", help="The reason, which is recorded.")
@click.option("--root", metavar="FOLDER", help="The project folder.  [default: the one above where you are]")
@click.option("--json", "as_json", is_flag=True, help="Print the change as JSON.")
def command(*, model: str | None, why: str, root: str | None, as_json: bool) -> int:
    """Make the champion before this one the champion again, at once.

    MODEL may be left out where the project has one. Who, when and why are recorded.
    """
    from nbprod import api
    from nbprod.faces.model_text import change_said

    change = api.rollback(root or api.root_of("."), model, why=why)
    if as_json:
        say_json(change)
    else:
        say(f"Rolled back: {change_said(change)}")
    return CLEAN
