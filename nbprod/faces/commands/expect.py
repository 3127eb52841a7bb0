from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nbprod.errors import NbprodError
from nbprod.faces.cli import CLEAN, FOUND
from nbprod.faces.examples import ExampleCommand, ExampleGroup
from nbprod.faces.output import say, say_json, stdout_paint

if TYPE_CHECKING:
    from nbprod.expectations import Signature


@click.group(
    "expect",
    cls=ExampleGroup,
    short_help="List, propose or check expectations.",
    examples="""
    nbprod expect list between
    nbprod expect infer flights.parquet
    """,
)
def command() -> None:
    """List the expectations there are, have some proposed, or judge a file by a suite."""


@command.command(
    "list",
    cls=ExampleCommand,
    short_help="List the expectations there are.",
    examples="nbprod expect list between",
)
@click.argument("word", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON.")
def list_(*, word: str | None, as_json: bool) -> int:
    """List Great Expectations' expectations as a %%expect cell writes them; WORD narrows the list."""
    from nbprod.expectations import all_signatures
    from nbprod.faces.grid import grid

    wanted = (word or "").replace("_", "").lower()
    found = [one for one in all_signatures() if wanted in one.class_name.lower()]
    if as_json:
        say_json(found)
        return CLEAN
    if not found:
        raise NbprodError(
            f"No expectation has '{word}' in its name.", remedy="`nbprod expect list` lists all."
        )
    lines = grid(((one.short_name, _arguments(one)) for one in found), paint=stdout_paint())
    say("\n".join([*lines, "", "Those in brackets may be left out; severity and notes can be given to all."]))
    return CLEAN


def _arguments(signature: Signature) -> str:
    common = ("row_condition", "condition_parser")
    return ", ".join(
        one.name if one.required else f"[{one.name}]" for one in signature.arguments if one.name not in common
    )


@command.command(
    "infer",
    cls=ExampleCommand,
    short_help="Propose a suite for a table.",
    examples="""
    nbprod expect infer flights.parquet
    nbprod expect infer flights.ipynb features    # as the last run gave it
    """,
)
@click.argument("source", type=click.Path(path_type=str))
@click.argument("name", required=False)
def infer(*, source: str, name: str | None) -> int:
    """Propose a suite, as a %%expect cell, for a table in a parquet or CSV file or for a value of the last run.

    SOURCE is the file, or the notebook whose run gave the value NAME.
    """
    from nbprod import api

    if Path(source).suffix not in (".ipynb", ".py"):
        say(api.infer(_table(source), name or _name_of(source)))
    elif name is None:
        raise click.UsageError("Say which value of the notebook is meant.")
    else:
        api.read(source)
        say(api.infer_from_last_run(Path(source), name))
    return CLEAN


@command.command(
    "check",
    cls=ExampleCommand,
    short_help="Judge a file by a suite.",
    examples="nbprod expect check april.parquet flights.plan/suites/flights.json",
)
@click.argument("file", type=click.Path(path_type=str))
@click.argument("suite", type=click.Path(path_type=str))
@click.option("--json", "as_json", is_flag=True, help="Print the verdicts as JSON.")
def check(*, file: str, suite: str, as_json: bool) -> int:
    """Judge a table in a parquet or CSV file by a suite in Great Expectations' own JSON."""
    from nbprod import api
    from nbprod.expectations import suite_from_gx
    from nbprod.faces.record_text import verdicts_text

    try:
        raw = json.loads(Path(suite).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise NbprodError(f"The suite can't be read: {error}.", where=suite) from error
    verdicts = api.validate(_table(file), suite_from_gx(raw, value=_name_of(file)))
    if as_json:
        say_json(verdicts)
    else:
        say(verdicts_text(verdicts, paint=stdout_paint()))
    return CLEAN if all(one.success for one in verdicts) else FOUND


def _name_of(file: str) -> str:
    stem = "".join(letter if letter.isalnum() else "_" for letter in Path(file).stem)
    return stem if stem.isidentifier() else f"table_{stem}"


def _table(file: str) -> Any:
    if not Path(file).is_file():
        raise NbprodError("There is no such file.", where=file, remedy="Check the path.")
    match Path(file).suffix:
        case ".parquet":
            return Path(file)
        case ".csv":
            import pandas as pd

            try:
                return pd.read_csv(file)
            except (ValueError, OSError) as error:
                raise NbprodError(f"The table can't be read: {error}.", where=file) from error
        case _:
            raise NbprodError("This is no table.", where=file, remedy="Give a .parquet or a .csv file.")
