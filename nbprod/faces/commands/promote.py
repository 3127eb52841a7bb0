from __future__ import annotations

import click

from nbprod.errors import NbprodError
from nbprod.faces.cli import CLEAN, FOUND
from nbprod.faces.examples import ExampleCommand
from nbprod.faces.output import say, say_json, stdout_paint


@click.command(
    "promote",
    cls=ExampleCommand,
    short_help="Make a run's model the champion.",
    examples="""
    nbprod promote last --why "first model"
    nbprod promote challenger
    """,
)
@click.argument("wanted", metavar="RUN|MODEL")
@click.option("--why", default="", metavar="TEXT", help="The reason, which is recorded.")
@click.option("--force", is_flag=True, help="Promote although the gate refuses; the record says so.")
@click.option("--root", metavar="FOLDER", help="The project folder.  [default: the one above where you are]")
@click.option("--json", "as_json", is_flag=True, help="Print the version, the gate and the change as JSON.")
def command(*, wanted: str, why: str, force: bool, root: str | None, as_json: bool) -> int:
    """Make the model of a run (its id, the start of it, or 'last') or a version ('3', 'challenger') the champion.

    It must be better than the champion on the same later rows by more than chance explains, and its run must have
    broken no critical expectation. The exit code is 1 where the gate refuses.
    """
    from nbprod import api
    from nbprod.faces.model_text import promotion_text
    from nbprod.faces.records import record_named

    if force and not why:
        raise NbprodError("--force needs a reason.", remedy='Give it: --why "...".')
    home = root or api.root_of(".")
    is_number = wanted.isdecimal() and len(wanted) < 6
    is_version = is_number or wanted in ("champion", "challenger") or "@" in wanted
    target = wanted if is_version else record_named(wanted, root=home)
    found = api.promote(home, target, why=why, force=force)
    if as_json:
        say_json(found)
    else:
        say(promotion_text(found, paint=stdout_paint()))
    return CLEAN if found.change else FOUND
