from __future__ import annotations

import click

from nbprod.faces.cli import CLEAN
from nbprod.faces.examples import ExampleCommand
from nbprod.faces.output import say, say_json, stdout_paint


@click.command(
    "runs",
    cls=ExampleCommand,
    short_help="List the runs, or show one.",
    examples="""
    nbprod runs
    nbprod runs last
    """,
)
@click.argument("run_id", required=False)
@click.option("--root", metavar="FOLDER", help="The project folder.  [default: the one above where you are]")
@click.option(
    "-n", "--last", type=click.IntRange(min=1), default=20, show_default=True, help="How many to list."
)
@click.option("--json", "as_json", is_flag=True, help="Print the records as JSON.")
def command(*, run_id: str | None, root: str | None, last: int, as_json: bool) -> int:
    """List the runs, newest first, or show one of them (RUN_ID, or 'last')."""
    from nbprod import api
    from nbprod.faces.record_text import record_text, records_text
    from nbprod.faces.records import record_named

    folder = root or api.root_of(".")
    if run_id is None:
        records = api.records(folder)[:last]
        if as_json:
            say_json(records)
        else:
            say(records_text(records, paint=stdout_paint()))
        return CLEAN
    record = record_named(run_id, root=str(folder))
    if as_json:
        say_json(record)
    else:
        say(record_text(record, paint=stdout_paint()))
    return CLEAN
