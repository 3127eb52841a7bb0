from __future__ import annotations

from typing import TYPE_CHECKING

import click

from nbprod.faces.cli import CLEAN, FOUND
from nbprod.faces.commands.run import pair_from, stages_completed
from nbprod.faces.examples import ExampleCommand
from nbprod.faces.grid import grid
from nbprod.faces.output import say, say_json, stdout_paint
from nbprod.faces.sources import STDIN, notebook_from

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nbprod.running import Why


@click.command(
    "why",
    cls=ExampleCommand,
    short_help="Say why a stage would run again.",
    examples="""
    nbprod why flights.ipynb train
    nbprod why flights.plan -p month=3
    """,
)
@click.argument("source", type=click.Path(path_type=str, allow_dash=True))
@click.argument("stages", nargs=-1, shell_complete=stages_completed)
@click.option("-p", "--parameter", "pairs", multiple=True, metavar="NAME=VALUE", help="Set a parameter.")
@click.option("--root", metavar="FOLDER", help="The project folder, which keeps the runs under .nbprod.")
@click.option("--json", "as_json", is_flag=True, help="Print the answers as JSON.")
def command(
    *, source: str, stages: tuple[str, ...], pairs: tuple[str, ...], root: str | None, as_json: bool
) -> int:
    """Say whether stages would run now, and what has changed since their last result: all, unless some are named.

    Nothing runs. The exit code is 1 where a stage would run.
    """
    from nbprod import api

    found = api.why(
        notebook_from(source) if source == STDIN else source,
        stages,
        root=root,
        parameters=dict(map(pair_from, pairs)),
    )
    if as_json:
        say_json(found)
    else:
        roles = ["warning" if one.would_run else "good" for one in _lines_of(found)]
        rows = [
            ("would run" if one.would_run else "unchanged", one.stage, reason) for one, reason in _said(found)
        ]
        say("\n".join(grid(rows, roles=roles, paint=stdout_paint())))
    return FOUND if any(one.would_run for one in found) else CLEAN


def _said(found: Sequence[Why]) -> Iterator[tuple[Why, str]]:
    return ((one, reason) for one in found for reason in one.reasons)


def _lines_of(found: Sequence[Why]) -> Iterator[Why]:
    return (one for one, _ in _said(found))
