from __future__ import annotations

import click

from nbprod.faces.cli import CLEAN, FOUND
from nbprod.faces.examples import ExampleCommand
from nbprod.faces.output import say, say_json


@click.command(
    "monitor",
    cls=ExampleCommand,
    short_help="Watch the champion's batches: drift, metric, decisions.",
    examples="""
    nbprod monitor
    nbprod monitor --labels arrived.parquet -o monitor.html
    """,
)
@click.argument("model", default="champion")
@click.option(
    "--labels", metavar="FILE", help="Labels that have arrived: the rows' key and the label, as parquet."
)
@click.option("--served", metavar="FILE", help="Features that were served, with the rows' key, as parquet.")
@click.option("-o", "--output", metavar="FILE", help="The page.  [default: .nbprod/monitor/NAME.html]")
@click.option("--root", metavar="FOLDER", help="The project folder.  [default: the one above where you are]")
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
def command(
    *,
    model: str,
    labels: str | None,
    served: str | None,
    output: str | None,
    root: str | None,
    as_json: bool,
) -> int:
    """Hold the batches that MODEL scored against what it learned from, and its metric against what it promised.

    Writes one page of HTML with plots over time. The exit code is 1 where a feature of the latest batch has drifted or
    what is served is not what was trained on.
    """
    from nbprod import api

    found = api.monitor(root or api.root_of("."), model, labels=labels, served=served, page=output)
    if as_json:
        say_json(found.monitor)
    else:
        say("\n".join([*found.news, f"Wrote {found.page}"]))
    batches = found.monitor.batches
    has_skew = found.monitor.skew is not None and not found.monitor.skew.holds
    return FOUND if has_skew or (batches and batches[-1].alarms) else CLEAN
