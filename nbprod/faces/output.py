"""What every command prints with: text in the terminal's colours, or JSON for machines."""

from __future__ import annotations

import json
import sys

import click

from nbprod.faces.paint import Paint, paint_for


def stdout_paint() -> Paint:
    """The paint that standard output wants."""
    return paint_for(sys.stdout)


def say(text: str) -> None:
    """Print text, even to a terminal that can't show all of its letters."""
    encoding = sys.stdout.encoding or "utf-8"
    # Our colours are decided already: click would strip them for pipes that FORCE_COLOR insists on.
    click.echo(text.encode(encoding, errors="replace").decode(encoding), color=True)


def say_json(value: object) -> None:
    """Print a noun, or JSON, as indented JSON."""
    from nbprod.wire import plain

    click.echo(json.dumps(plain(value), indent=2, ensure_ascii=False))
