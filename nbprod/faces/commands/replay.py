from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from nbprod.faces.cli import CLEAN, FOUND
from nbprod.faces.examples import ExampleCommand
from nbprod.faces.grid import grid
from nbprod.faces.output import say, say_json, stdout_paint
from nbprod.faces.sources import notebook_argument, notebook_from
from nbprod.faces.words import clipped, count_said
from nbprod.model import Proof

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nbprod.faces.paint import Paint
    from nbprod.replaying.report import ColumnReplay, Replay

ROLES = {Proof.CONFIRMED: "bad", Proof.NOT_REPRODUCED: "good", Proof.PROVED_CLEAN: "good"}


@click.command(
    "replay",
    cls=ExampleCommand,
    short_help="Prove leaks by running without the future.",
    examples="""
    nbprod replay flights.ipynb
    nbprod replay flights.ipynb --stage features --cuts 8
    """,
)
@notebook_argument()
@click.option("--stage", metavar="STAGE", help="The stage to replay.  [default: the first of kind features]")
@click.option(
    "--cuts", type=click.IntRange(min=1), metavar="N", help="How many times to cut at: one run each."
)
@click.option("-p", "--parameter", "pairs", multiple=True, metavar="NAME=VALUE", help="Set a parameter.")
@click.option("--plots", metavar="FOLDER", help="Write a picture of each column that changes.")
@click.option("--json", "as_json", is_flag=True, help="Print the report and the findings as JSON.")
def command(
    *,
    notebook: str,
    stage: str | None,
    cuts: int | None,
    pairs: tuple[str, ...],
    plots: str | None,
    as_json: bool,
) -> int:
    """Run a feature stage again with the future withheld, and say which columns change.

    A changed value is a witness: its row, what it was with the future and without. The exit code is then 1.
    """
    from nbprod import api
    from nbprod.faces.commands.run import pair_from

    found = api.replay(
        notebook_from(notebook), stage=stage, cuts=cuts, parameters=dict(map(pair_from, pairs))
    )
    if as_json:
        say_json(found)
    else:
        say(replay_text(found.report, paint=stdout_paint()))
        if plots:
            _write_plots(found.report.confirmed, Path(plots))
    return FOUND if found.report.confirmed else CLEAN


def replay_text(report: Replay, *, paint: Paint) -> str:
    """One line a column, then each witness then how hard the replay tried."""
    rows = [
        (str(one.verdict), f"{one.output}.{one.column}", one.horizon or "", clipped(one.reason, 90))
        for one in report.columns
    ]
    roles = [ROLES.get(one.verdict, "warning") for one in report.columns]
    parts = [f"Stage {paint('strong', report.stage)}: {count_said(len(rows), 'column')}"]
    parts += grid(rows, indent="  ", roles=roles, paint=paint)
    for one in report.confirmed:
        parts += _witness_lines(one, paint)
    parts += ["", f"{count_said(report.runs, 'run')} of the stage; {report.power}."]
    return "\n".join([*parts, *report.notes])


def _witness_lines(column: ColumnReplay, paint: Paint) -> list[str]:
    seen = column.witness
    if seen is None:
        return []
    said = (
        f"{paint('bad', column.column)}: in row {clipped(seen.row, 60)} it is {clipped(seen.value_with_future, 40)}"
        f" with the future and {clipped(seen.value_without_future, 40)} without ({seen.probe}, cut at {seen.cut};"
        f" {count_said(column.rows_changed, 'row')} changed)"
    )
    return ["", said]


def _write_plots(columns: Iterable[ColumnReplay], folder: Path) -> None:
    from nbprod.artifacts.store import write_atomically

    for one in columns:
        if one.plot:
            file = folder / f"{one.output}.{''.join(c if c.isalnum() else '_' for c in one.column)}.svg"
            write_atomically(file, one.plot)
            say(f"Wrote {file}")
