from __future__ import annotations

from typing import TYPE_CHECKING

import click

from nbprod.faces.cli import CLEAN, COULD_NOT, FOUND
from nbprod.faces.examples import ExampleCommand
from nbprod.faces.grid import grid
from nbprod.faces.output import say, say_json, stdout_paint
from nbprod.faces.sources import notebook_argument, notebook_from
from nbprod.faces.words import clipped, count_said

if TYPE_CHECKING:
    from nbprod.faces.paint import Paint
    from nbprod.verifying.verify import Verification

ROLES = {"equal": "good", "different": "bad", "not compared": "warning"}


@click.command(
    "verify",
    cls=ExampleCommand,
    short_help="Prove that the plan computes what the notebook does.",
    examples="""
    nbprod verify flights.ipynb
    nbprod verify flights.ipynb --cut every-cell
    """,
)
@notebook_argument()
@click.option(
    "--cut",
    type=click.Choice(["stages", "suggested", "every-cell"]),
    default="stages",
    show_default=True,
    help="The stages as tagged, as proposed, or one a cell.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the comparison as JSON.")
def command(*, notebook: str, cut: str, as_json: bool) -> int:
    """Run a notebook top to bottom and as a plan, and compare every value that a stage gives."""
    from nbprod import api

    found = api.verify(notebook_from(notebook), cut=cut)
    if as_json:
        say_json(found)
    else:
        say(verification_text(found, paint=stdout_paint()))
    if found.refused or found.failure:
        return COULD_NOT
    return CLEAN if found.is_equal else FOUND


def verification_text(found: Verification, *, paint: Paint) -> str:
    """The table of values: equal, different with the first difference, not compared with the reason."""
    if found.failure:
        return f"{paint('error', 'Not compared')}: {found.failure}"
    if found.refused:
        return "\n".join(
            f"{paint('error', 'Refused')}: {one.span or found.notebook}: {one.message} {one.remedy}"
            for one in found.refused
        )
    rows = [(str(one.outcome), one.stage, one.name, clipped(one.says, 120)) for one in found.values]
    lines = grid(rows, roles=[ROLES[row[0]] for row in rows], paint=paint)
    counts = {word: [row[0] for row in rows].count(word) for word in ROLES}
    said = ", ".join(f"{count} {word}" for word, count in counts.items())
    return "\n".join([*lines, "", f"{count_said(len(rows), 'value')}: {said}."])
