from __future__ import annotations

from typing import TYPE_CHECKING

import click

from nbprod.faces.cli import CLEAN
from nbprod.faces.examples import ExampleCommand, ExampleGroup
from nbprod.faces.grid import grid
from nbprod.faces.output import say, say_json, stdout_paint
from nbprod.faces.words import bytes_said, clipped, count_said, seconds_said

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nbprod.running import Collected, Stored

_ROOT_HELP = "The project folder.  [default: the one above where you are]"


@click.group(
    "store",
    cls=ExampleGroup,
    short_help="List what the store holds, or make room.",
    examples="""
    nbprod store ls
    nbprod store gc --dry-run
    """,
)
def command() -> None:
    """List what the store holds, or remove what no run refers to."""


@command.command(
    "ls", cls=ExampleCommand, short_help="List what the store holds.", examples="nbprod store ls -n 5"
)
@click.option("--root", metavar="FOLDER", help=_ROOT_HELP)
@click.option(
    "-n", "--largest", type=click.IntRange(min=1), default=20, show_default=True, help="How many to list."
)
@click.option("--json", "as_json", is_flag=True, help="Print all objects as JSON.")
def ls(*, root: str | None, largest: int, as_json: bool) -> int:
    """List the objects in the store, the largest first: what each is, in which format, and how many runs have it."""
    from nbprod import api

    found = api.stored(root or api.root_of("."))
    if as_json:
        say_json(found)
    else:
        say(_listed(found, largest=largest))
    return CLEAN


@command.command(
    "gc",
    cls=ExampleCommand,
    short_help="Remove what no run refers to.",
    examples="""
    nbprod store gc --dry-run
    nbprod store gc --older-than 0
    """,
)
@click.option("--root", metavar="FOLDER", help=_ROOT_HELP)
@click.option("--dry-run", is_flag=True, help="Only say how much would be removed.")
@click.option(
    "--older-than",
    "hours",
    type=click.FloatRange(min=0),
    default=1.0,
    show_default=True,
    metavar="HOURS",
    help="Leave what is younger: a run that goes on may want it.",
)
@click.option("--json", "as_json", is_flag=True, help="Print what was removed as JSON.")
def gc(*, root: str | None, dry_run: bool, hours: float, as_json: bool) -> int:
    """Remove the objects that no run refers to.

    To be rid of a run, remove its folder under .nbprod/runs first: what it alone gave then goes, from the cache too.
    """
    from nbprod import api

    done = api.collect(root or api.root_of("."), grace_seconds=hours * 3600, dry_run=dry_run)
    if as_json:
        say_json(done)
    else:
        say(_collected(done, dry_run=dry_run))
    return CLEAN


def _listed(found: Sequence[Stored], *, largest: int) -> str:
    if not found:
        return "The store is empty."
    rows = [
        (
            one.digest[:12],
            bytes_said(one.bytes),
            seconds_said(one.age_seconds),
            ", ".join(one.formats),
            count_said(len(one.runs), "run"),
            clipped(", ".join(one.names) or "nothing refers to it", 60),
        )
        for one in found[:largest]
    ]
    head = ("object", "size", "age", "format", "in", "what")
    total = f"{count_said(len(found), 'object')}, {bytes_said(sum(one.bytes for one in found))}"
    orphans = [one for one in found if not one.names]
    free = f"; {bytes_said(sum(one.bytes for one in orphans))} nothing refers to" if orphans else ""
    return "\n".join([*grid(rows, head=head, paint=stdout_paint()), "", f"{total}{free}"])


def _collected(done: Collected, *, dry_run: bool) -> str:
    verb = "Would remove" if dry_run else "Removed"
    return (
        f"{verb} {count_said(done.removed, 'object')} ({bytes_said(done.bytes)}); "
        f"{'would keep' if dry_run else 'kept'} {count_said(done.kept, 'object')}."
    )
