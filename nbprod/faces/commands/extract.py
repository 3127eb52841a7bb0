from __future__ import annotations

from pathlib import Path

import click

from nbprod.errors import NbprodError
from nbprod.faces.cli import CLEAN
from nbprod.faces.examples import ExampleCommand
from nbprod.faces.output import say, say_json, stdout_paint
from nbprod.faces.sources import notebook_argument, notebook_from


@click.command(
    "extract",
    cls=ExampleCommand,
    short_help="Write the pipeline as a plain folder.",
    examples="""
    nbprod extract flights.ipynb
    nbprod extract flights.ipynb -o plan --allow "shift-into-future=the label is meant"
    """,
)
@notebook_argument()
@click.option("-o", "--output", "folder", metavar="FOLDER", help="Where the plan goes.  [default: NAME.plan]")
@click.option(
    "--allow", "allowed", multiple=True, metavar="RULE=REASON", help="Let a rule's findings pass; recorded."
)
@click.option("--keep-all", is_flag=True, help="Keep the cells that serve no stage.")
@click.option("--force", is_flag=True, help="Overwrite files of the plan that were edited by hand.")
@click.option("--json", "as_json", is_flag=True, help="Print the plan as JSON.")
def command(
    *, notebook: str, folder: str | None, allowed: tuple[str, ...], keep_all: bool, force: bool, as_json: bool
) -> int:
    """Extract a notebook's pipeline into a plain folder: papermill notebooks, suites, pipeline.yaml.

    Errors among the findings stop it. Extracting again writes only the files that change.
    """
    from nbprod import api
    from nbprod.faces.text import plan_text

    source = notebook_from(notebook)
    plan = api.extract(source, folder, allow=reasons_from(allowed), keep_all=keep_all, force=force)
    where = folder or str(Path(source.name).with_suffix(api.PLAN_SUFFIX))
    if as_json:
        say_json(plan)
    else:
        say(plan_text(plan, folder=where, paint=stdout_paint()))
    return CLEAN


def reasons_from(allowed: tuple[str, ...]) -> dict[str, str]:
    """`RULE=REASON` words as a mapping; raises NbprodError where the reason is missing."""
    reasons = {}
    for word in allowed:
        rule, _, reason = word.partition("=")
        if not reason.strip():
            raise NbprodError(
                f"--allow {word} gives no reason.",
                remedy="Say why it may pass, as in --allow 'shift-into-future=the label is meant'.",
            )
        reasons[rule.strip()] = reason.strip()
    return reasons
