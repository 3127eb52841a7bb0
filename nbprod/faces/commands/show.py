from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from nbprod.artifacts.store import write_atomically
from nbprod.faces.cli import CLEAN
from nbprod.faces.examples import ExampleCommand
from nbprod.faces.output import say, say_json, stdout_paint
from nbprod.faces.sources import notebook_argument, notebook_from

if TYPE_CHECKING:
    from nbprod.model import Record, Study


@click.command(
    "show",
    cls=ExampleCommand,
    short_help="Show the flow: stages, what they need and give.",
    examples="""
    nbprod show flights.ipynb
    nbprod show flights.ipynb --svg flow.svg
    """,
)
@notebook_argument()
@click.option("--svg", metavar="FILE", help="Write the flow as a picture; '-' writes to standard output.")
@click.option(
    "--run", "run_id", metavar="ID", help="With --svg: show how the stages fared in that run ('last')."
)
@click.option("--json", "as_json", is_flag=True, help="Print the whole study as JSON.")
def command(*, notebook: str, svg: str | None, run_id: str | None, as_json: bool) -> int:
    """Show the flow of a notebook: its stages, what they need and give, what is expected."""
    from nbprod import api
    from nbprod.faces.text import study_text

    source = notebook_from(notebook)
    study = api.study(source)
    if as_json:
        say_json(study)
    elif svg is None:
        say(study_text(study, notebook=source, paint=stdout_paint()))
    else:
        record = _record(run_id, source.name) if run_id else None
        _write_picture(study, svg, record)
    return CLEAN


def _write_picture(study: Study, file: str, record: Record | None) -> None:
    from nbprod.faces.picture import flow_svg

    picture = flow_svg(study, record=record)
    if file == "-":
        say(picture)
        return
    write_atomically(Path(file), picture)
    say(f"Wrote {file}")


def _record(run_id: str, notebook: str) -> Record:
    from nbprod import api
    from nbprod.faces.records import record_named

    return record_named(run_id, root=api.root_of(notebook))
