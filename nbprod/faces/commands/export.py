from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nbprod.faces.cli import CLEAN
from nbprod.faces.commands.run import pair_from
from nbprod.faces.examples import ExampleCommand
from nbprod.faces.output import say, say_json

if TYPE_CHECKING:
    from datetime import datetime

    from click.shell_completion import CompletionItem


def _targets(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from click.shell_completion import CompletionItem

    from nbprod import api

    return [CompletionItem(name) for name in api.export_targets() if name.startswith(incomplete)]


@click.command(
    "export",
    cls=ExampleCommand,
    short_help="Write a plan for another scheduler.",
    examples="""
    nbprod export airflow flights.plan --schedule @daily -o dags/flights.py
    nbprod export github-actions flights.plan --schedule "0 6 * * 1" -o .github/workflows/flights.yml
    nbprod export argo flights.plan --image registry.example/flights:1
    """,
)
@click.argument("target", shell_complete=_targets)
@click.argument("plan", type=click.Path(path_type=str))
@click.option("-o", "--output", metavar="FILE", help="Write the file there.  [default: print it]")
@click.option("-p", "--parameter", "pairs", multiple=True, metavar="NAME=VALUE", help="Set a default.")
@click.option("--schedule", metavar="CRON", help="When it runs: five fields of cron, or @daily and its like.")
@click.option(
    "--start", type=click.DateTime(["%Y-%m-%d"]), metavar="DAY", help="Refuse runs for days before (Airflow)."
)
@click.option("--plan-path", metavar="PATH", help="Where the plan stands for the scheduler.")
@click.option("--command", "words", default="nbprod", show_default=True, help="What starts nbprod there.")
@click.option("--image", default="python:3.11", show_default=True, help="The container's image (Argo).")
@click.option("--requirements", metavar="FILE", help="What to install there (GitHub Actions).")
@click.option("--json", "as_json", is_flag=True, help="Print file, text and notes as JSON.")
def command(
    *,
    target: str,
    plan: str,
    output: str | None,
    pairs: tuple[str, ...],
    schedule: str | None,
    start: datetime | None,
    plan_path: str | None,
    words: str,
    image: str,
    requirements: str | None,
    as_json: bool,
) -> int:
    """Write a plan folder for airflow, argo or github-actions: one task a stage, each of which calls nbprod run.

    Cache, validation and records are therefore the same there. Secrets stay in the scheduler's own keeping; what must
    be there for the file to work is said on standard error.
    """
    from nbprod import api
    from nbprod.artifacts.store import write_atomically

    made = api.export(
        plan,
        target,
        parameters=dict(map(pair_from, pairs)),
        schedule=schedule,
        start=start.date() if start else None,
        plan_path=plan_path,
        command=tuple(shlex.split(words)),
        image=image,
        requirements=requirements,
    )
    if output is not None:
        write_atomically(Path(output), made.text)
    if as_json:
        say_json(made)
        return CLEAN
    if output is None:
        say(made.text.rstrip("\n"))
    for note in made.notes:
        click.echo(note, err=True)
    return CLEAN
