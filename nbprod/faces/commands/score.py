from __future__ import annotations

from typing import TYPE_CHECKING

import click

from nbprod.faces.cli import CLEAN, FOUND
from nbprod.faces.examples import ExampleCommand
from nbprod.faces.grid import grid
from nbprod.faces.output import say, say_json, stdout_paint
from nbprod.faces.words import count_said

if TYPE_CHECKING:
    from nbprod.faces.paint import Paint
    from nbprod.tracking.parity import Parity


@click.command(
    "score",
    cls=ExampleCommand,
    short_help="Score a batch with the champion.",
    examples="""
    nbprod score november.parquet -p month=11
    nbprod score november.parquet --model flights@3 -o scores.parquet
    nbprod score --against served.parquet
    """,
)
@click.argument("data", required=False)
@click.option("--model", default="champion", show_default=True, help="An alias or a version, as NAME@3.")
@click.option("-p", "--parameter", "pairs", multiple=True, metavar="NAME=VALUE", help="Set a parameter.")
@click.option("--since", metavar="TIME", help="Score the rows from then on; earlier ones are history only.")
@click.option("-o", "--output", metavar="FILE", help="Where the predictions go, as parquet.")
@click.option("--against", metavar="FILE", help="Hold features that were served against the model's own.")
@click.option("--root", metavar="FOLDER", help="The project folder.  [default: the one above where you are]")
@click.option("--json", "as_json", is_flag=True, help="Print what came of it as JSON.")
def command(
    *,
    data: str | None,
    model: str,
    pairs: tuple[str, ...],
    since: str | None,
    output: str | None,
    against: str | None,
    root: str | None,
    as_json: bool,
) -> int:
    """Score a file of data with a model, by the very stages that made its training features.

    The same suites judge the data: where a critical expectation breaks, nothing is scored and the exit code is 2.
    With --against, features that were served are compared with the model's own; the exit code is 1 where they differ.
    """
    from nbprod import api
    from nbprod.faces.commands.run import pair_from

    home = root or api.root_of(".")
    if against is not None:
        found = api.skew(home, against, model=model)
        if as_json:
            say_json(found)
        else:
            say(parity_text(found, paint=stdout_paint()))
        return CLEAN if found.holds else FOUND
    batch = api.score(
        home, data, model=model, parameters=dict(map(pair_from, pairs)), output=output, since=since
    )
    if as_json:
        say_json(batch)
    else:
        say(f"{batch.model}@{batch.version} scored {count_said(batch.rows, 'row')}: {batch.file}")
    return CLEAN


def parity_text(found: Parity, *, paint: Paint) -> str:
    """What differs, column by column, then how much was compared."""
    rows = [
        (
            one.column,
            count_said(one.rows, "row"),
            f"{one.first}: trained on {one.trained}, served {one.served}",
        )
        for one in found.skewed
    ]
    lines = grid(rows, roles=["bad"] * len(rows), paint=paint)
    lines += [f"{paint('bad', name)} was not served" for name in found.missing_columns]
    if found.missing_rows:
        lines.append(f"{count_said(found.missing_rows, 'served row')} the model's run never saw")
    said = "the same bit for bit" if found.holds else "not the same"
    return "\n".join(
        [*lines, f"{count_said(found.columns, 'column')} in {count_said(found.rows, 'row')}: {said}"]
    )
