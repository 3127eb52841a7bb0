from __future__ import annotations

from typing import TYPE_CHECKING

import click

from nbprod.errors import NbprodError
from nbprod.faces.cli import CLEAN, FOUND
from nbprod.faces.examples import ExampleCommand
from nbprod.faces.grid import grid
from nbprod.faces.output import say, say_json, stdout_paint
from nbprod.faces.words import clipped

if TYPE_CHECKING:
    from nbprod.faces.paint import Paint
    from nbprod.tracking.reproducing import Reproduction

_SAME = frozenset({"identical bytes", "equal values", "equal predictions", "predictions within 1e-9"})


@click.command(
    "reproduce",
    cls=ExampleCommand,
    short_help="Do a run again and compare what comes out.",
    examples="""
    nbprod reproduce last
    nbprod reproduce 20260301-0600 --env
    nbprod reproduce last --env --with scikit-learn=1.8.0
    """,
)
@click.argument("run_id", metavar="RUN")
@click.option("--env", "fresh", is_flag=True, help="Build the versions that the run had, and run in them.")
@click.option(
    "--with",
    "replaced",
    multiple=True,
    metavar="NAME=VERSION",
    help="With --env: another version on purpose.",
)
@click.option("--folder", metavar="FOLDER", help="Where to do it.  [default: a new temporary folder]")
@click.option("--root", metavar="FOLDER", help="The project folder.  [default: the one above where you are]")
@click.option("--json", "as_json", is_flag=True, help="Print what came of it as JSON.")
def command(
    *,
    run_id: str,
    fresh: bool,
    replaced: tuple[str, ...],
    folder: str | None,
    root: str | None,
    as_json: bool,
) -> int:
    """Do a run (its id, the start of it, or 'last') again, in a fresh folder, from what it kept.

    Code, parameters and data are put back by digest, whatever has been edited since. For each value it says whether
    the bytes are identical, the values or predictions equal, or what differs. The exit code is 1 where something does.
    """
    from nbprod import api
    from nbprod.faces.records import record_named

    if replaced and not fresh:
        raise NbprodError("--with needs --env.", remedy="Only a fresh environment can have other versions.")
    home = root or api.root_of(".")
    found = api.reproduce(
        home,
        record_named(run_id, root=home),
        folder=folder,
        fresh_environment=fresh,
        replaced=dict(map(_pin, replaced)),
        tell=lambda sentence: click.echo(sentence, err=True),
    )
    if as_json:
        say_json(found)
    else:
        say(reproduction_text(found, paint=stdout_paint()))
    return CLEAN if found.level in _SAME else FOUND


def reproduction_text(found: Reproduction, *, paint: Paint) -> str:
    """One line a value, then the level that all of them reach."""
    rows = [(str(one.level), f"{one.stage}.{one.name}", clipped(one.why, 110)) for one in found.values]
    roles = ["good" if one.level in _SAME else "bad" for one in found.values]
    last = f"Run {found.run} done again in {found.folder}: {paint('strong', str(found.level))}."
    return "\n".join([*grid(rows, roles=roles, paint=paint), last])


def _pin(word: str) -> tuple[str, str]:
    name, equals, version = word.partition("=")
    if not equals or not version:
        raise NbprodError(f"--with {word} names no version.", remedy="Write --with scikit-learn=1.8.0.")
    return name, version.lstrip("=")
