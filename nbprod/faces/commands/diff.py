from __future__ import annotations

import click

from nbprod.faces.cli import CLEAN, FOUND
from nbprod.faces.examples import ExampleCommand
from nbprod.faces.grid import grid
from nbprod.faces.output import say, say_json, stdout_paint
from nbprod.faces.sources import notebook_from


@click.command(
    "diff",
    cls=ExampleCommand,
    short_help="Say which stages an edit touches, or how runs differ.",
    examples="""
    nbprod diff flights.ipynb
    nbprod diff flights.ipynb -o plan
    nbprod diff 20260301-0600 last
    """,
)
@click.argument("first", metavar="NOTEBOOK|RUN", type=click.Path(path_type=str, allow_dash=True))
@click.argument("second", metavar="[RUN]", required=False)
@click.option("-o", "--output", "folder", metavar="FOLDER", help="The plan's folder.  [default: NAME.plan]")
@click.option("--root", metavar="FOLDER", help="The runs' project folder.  [default: the one above here]")
@click.option("--json", "as_json", is_flag=True, help="Print the changes as JSON.")
def command(*, first: str, second: str | None, folder: str | None, root: str | None, as_json: bool) -> int:
    """Say which stages a notebook's edits since it was extracted touch, or how two runs differ.

    Given two runs (ids, the start of one, or 'last') it compares parameters, code by cell, data, environment,
    metrics and verdicts. The exit code is 1 where a stage must run again, or where the runs differ.
    """
    if second is not None:
        return _of_runs(first, second, root=root, as_json=as_json)
    from nbprod import api

    changes = api.diff(notebook_from(first), folder)
    if as_json:
        say_json(changes)
    else:
        rows = [(str(one.change), one.stage, "; ".join(one.says)) for one in changes]
        roles = ["warning" if one.must_run else "soft" for one in changes]
        say("\n".join(grid(rows, roles=roles, paint=stdout_paint())))
    return FOUND if any(one.must_run for one in changes) else CLEAN


def _of_runs(before: str, after: str, *, root: str | None, as_json: bool) -> int:
    from nbprod import api
    from nbprod.faces.comparison_text import comparison_text
    from nbprod.faces.records import record_named

    home = root or api.root_of(".")
    found = api.diff_runs(record_named(before, root=home), record_named(after, root=home))
    if as_json:
        say_json(found)
    else:
        say(comparison_text(found, paint=stdout_paint()))
    return CLEAN if found.is_same else FOUND
