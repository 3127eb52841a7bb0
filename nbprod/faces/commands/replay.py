from __future__ import annotations

import sys
from contextlib import nullcontext
from typing import TYPE_CHECKING

import click

from nbprod.faces.cli import CLEAN, FOUND
from nbprod.faces.examples import ExampleCommand
from nbprod.faces.output import say, say_json, stdout_paint
from nbprod.faces.sources import notebook_argument, notebook_from
from nbprod.model import Proof

if TYPE_CHECKING:
    from nbprod.api import Replayed
    from nbprod.faces.paint import Paint

ROLES = {Proof.CONFIRMED: "bad", Proof.NOT_REPRODUCED: "good", Proof.UNPROVED: "soft"}


@click.command(
    "replay",
    cls=ExampleCommand,
    short_help="Prove leaks by running a stage without its future.",
    examples="""
    nbprod replay flights.ipynb
    nbprod replay flights.ipynb --stage features --cuts 40
    """,
)
@notebook_argument()
@click.option("--stage", metavar="NAME", help="The stage to replay.  [default: the first of kind features]")
@click.option("--cuts", type=click.IntRange(min=1), help="How often the future is cut off; more finds more.")
@click.option("--seed", type=int, default=0, show_default=True, help="What chooses the random cuts.")
@click.option("--json", "as_json", is_flag=True, help="Print columns, witnesses and findings as JSON.")
def command(*, notebook: str, stage: str | None, cuts: int | None, seed: int, as_json: bool) -> int:
    """Run a feature stage again with the future withheld; what changes before the cut has seen the future.

    The stages before it are run first where no earlier run serves. The exit code is 1 where a leak is confirmed.
    """
    from nbprod import api
    from nbprod.faces.progress import lines_shown
    from nbprod.faces.text import finding_text

    source = notebook_from(notebook)
    with nullcontext() if as_json or not sys.stderr.isatty() else lines_shown(stdout_paint()) as listen:
        found = api.replay(source, stage=stage, cuts=cuts, seed=seed, on_event=listen)
    if as_json:
        say_json({"report": found.report, "findings": found.findings})
    else:
        say(replay_text(found, paint=stdout_paint()))
        for finding in found.findings:
            if finding.verdict is Proof.CONFIRMED:
                say("\n" + finding_text(finding, notebook=source, paint=stdout_paint()))
    return FOUND if found.report.confirmed else CLEAN


def replay_text(found: Replayed, *, paint: Paint) -> str:
    """A row a column: its verdict, how far ahead it reads, and the row that shows it."""
    from nbprod.faces.grid import grid
    from nbprod.faces.words import count_said

    report = found.report
    rows, roles = [], []
    for column in report.columns:
        witness = column.witness
        shown = (
            f"{witness.row}: {witness.value_with_future} with the future, {witness.value_without_future} without"
            if witness
            else column.reason
        )
        rows.append((column.verdict.value, f"{column.output}.{column.column}", column.horizon or "", shown))
        roles.append(ROLES.get(column.verdict, "soft"))
    head = ("", "column", "reads ahead", "")
    summary = f"stage '{report.stage}' ran {count_said(report.runs, 'time')}, cut at {', '.join(report.cuts) or 'nothing'}"
    return "\n".join([*grid(rows, head=head, roles=roles, paint=paint), "", summary, *report.notes])
