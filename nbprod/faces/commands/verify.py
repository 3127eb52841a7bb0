from __future__ import annotations

from typing import TYPE_CHECKING

import click

from nbprod.faces.cli import CLEAN, FOUND
from nbprod.faces.examples import ExampleCommand
from nbprod.faces.output import say, say_json, stdout_paint
from nbprod.faces.sources import notebook_argument

if TYPE_CHECKING:
    from nbprod.faces.paint import Paint
    from nbprod.verifying.verify import Verification

ROLES = {"equal": "good", "different": "bad", "not compared": "soft"}


@click.command(
    "verify",
    cls=ExampleCommand,
    short_help="Prove that the pipeline gives what the notebook gives.",
    examples="""
    nbprod verify flights.ipynb
    nbprod verify untagged.ipynb --cut suggested
    """,
)
@notebook_argument()
@click.option(
    "--cut",
    type=click.Choice(["stages", "suggested", "every-cell"]),
    default="stages",
    show_default=True,
    help="The stages as tagged, as suggested, or one a cell.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the proof as JSON.")
def command(*, notebook: str, cut: str, as_json: bool) -> int:
    """Run a notebook top to bottom and as a pipeline, and compare every value that a stage gives.

    Frames, arrays and estimators are compared to the bit. Cells run in the notebook's folder, as they always do.
    """
    from nbprod import api

    found = api.verify(notebook, cut=cut)
    if as_json:
        say_json(found)
    else:
        say(verification_text(found, paint=stdout_paint()))
    return CLEAN if found.is_equal else FOUND


def verification_text(found: Verification, *, paint: Paint) -> str:
    """The table of values, or why there is none."""
    from nbprod.faces.grid import grid
    from nbprod.faces.words import count_said

    if found.refused:
        lines = [f"{one.span}: {one.message} {one.remedy}".rstrip() for one in found.refused]
        return "\n".join([paint("bad", "Refused before anything ran:"), *lines])
    if found.failure:
        return paint("bad", found.failure)
    rows = [(one.outcome.value, one.stage, one.name, one.says) for one in found.values]
    table = grid(rows, head=("", "stage", "value", ""), roles=[ROLES[row[0]] for row in rows], paint=paint)
    counts = [
        f"{sum(row[0] == outcome for row in rows)} {outcome}"
        for outcome in ROLES
        if any(row[0] == outcome for row in rows)
    ]
    return "\n".join([*table, "", f"{count_said(len(rows), 'value')}: {', '.join(counts)}"])
