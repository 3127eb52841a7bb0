from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from msgspec.structs import replace

from nbprod.errors import NbprodError
from nbprod.faces.cli import CLEAN, FOUND
from nbprod.faces.examples import ExampleCommand, ExampleGroup
from nbprod.faces.output import say, say_json, stdout_paint

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbprod.expectations import Signature
    from nbprod.model import Expectation, Suite
    from nbprod.validating import Proposing


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
    """List the expectations there are, have some proposed, look at and compare suites, or judge a file by one."""


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
    nbprod expect infer flights.parquet --batches-by month --batches-by day --followed
    nbprod expect infer predicted.parquet --predictions delay -o predicted.json
    """,
)
@click.argument("source", type=click.Path(path_type=str))
@click.argument("name", required=False)
@click.option(
    "--alarm-rate",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.01,
    show_default=True,
    help="How many of good batches may break the suite.",
)
@click.option(
    "--batch-rows",
    type=click.IntRange(min=1),
    metavar="ROWS",
    help="The size of the smallest batch to come.  [default: the table's]",
)
@click.option(
    "--batches-by",
    multiple=True,
    metavar="COLUMN",
    help="A column that makes batches of the table, where they are no random rows.",
)
@click.option(
    "--batch-of",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="How many of these a batch to come has.",
)
@click.option("--followed", is_flag=True, help="The batches to come are later, each a stretch of time.")
@click.option(
    "--predictions",
    multiple=True,
    metavar="COLUMN",
    help="A column of the champion's predictions: fresh ones shall be distributed as these.",
)
@click.option("-o", "--output", metavar="JSON", help="Write Great Expectations' JSON there, not a cell.")
def infer(
    *,
    source: str,
    name: str | None,
    alarm_rate: float,
    batch_rows: int | None,
    batches_by: tuple[str, ...],
    batch_of: int,
    followed: bool,
    predictions: tuple[str, ...],
    output: str | None,
) -> int:
    """Propose a suite, as a %%expect cell, for a table in a parquet or CSV file or for a value of the last run.

    SOURCE is the file, or the notebook whose run gave the value NAME.
    """
    from nbprod import api
    from nbprod.expectations import text_of

    table, named = _table_of(source, name)
    if predictions and (batches_by or followed):
        raise click.UsageError(
            "Predictions are held against the champion's alone: leave out what is said of batches."
        )
    if batch_of > 1 and not batches_by:
        raise click.UsageError("Say by --batches-by what a batch has several of.")
    if predictions:
        suite = api.prediction_proposal(
            table, named, columns=predictions, alarm_rate=alarm_rate, batch_rows=batch_rows
        )
    else:
        how: Proposing = {"alarm_rate": alarm_rate, "batches_by": batches_by, "is_followed": followed}
        how["batch_of"] = batch_of
        if batch_rows is not None:
            how["batch_rows"] = batch_rows
        suite = api.proposal(table, named, **how)
    say(_written(suite, output) if output else text_of(suite))
    return CLEAN


def _table_of(source: str, name: str | None) -> tuple[Any, str]:
    from nbprod import api

    if Path(source).suffix not in (".ipynb", ".py"):
        return _table(source), name or _name_of(source)
    if name is None:
        raise click.UsageError("Say which value of the notebook is meant.")
    api.read(source)
    return api.given_last(Path(source), name), name


def _written(suite: Suite, output: str) -> str:
    from nbprod.artifacts.store import write_atomically
    from nbprod.expectations import gx_json

    write_atomically(Path(output), json.dumps(gx_json(suite), indent=2) + "\n")
    return f"Written to {output}."


@command.command(
    "skew",
    cls=ExampleCommand,
    short_help="Hold served features against those trained on.",
    examples="""
    nbprod expect skew trained.parquet served.parquet --entity flight --entity day
    nbprod expect skew trained.parquet served.parquet --entity id --relative 1e-9 -o served.json
    """,
)
@click.argument("trained", type=click.Path(path_type=str))
@click.argument("served", type=click.Path(path_type=str))
@click.option(
    "--entity",
    multiple=True,
    required=True,
    metavar="COLUMN",
    help="A column that tells rows apart, in both tables.",
)
@click.option(
    "--relative",
    type=click.FloatRange(0, 1, max_open=True),
    default=0.0,
    help="By which share numbers may differ.  [default: not at all]",
)
@click.option(
    "-o", "--output", metavar="JSON", help="Write the suite there too; the pairs go to JSON.parquet."
)
@click.option("--json", "as_json", is_flag=True, help="Print the verdicts as JSON.")
def skew(
    *,
    trained: str,
    served: str,
    entity: tuple[str, ...],
    relative: float,
    output: str | None,
    as_json: bool,
) -> int:
    """Judge whether features were served as they were trained on, row by row of the same entity.

    TRAINED and SERVED are parquet or CSV files; the columns that both have are compared.
    """
    from nbprod import api
    from nbprod.faces.record_text import verdicts_text

    table, suite = api.served_as_trained(_table(trained), _table(served), entity=entity, relative=relative)
    if output:
        _written(suite, output)
        _write_parquet(table, f"{output}.parquet")
    verdicts = api.validate(table, suite)
    if as_json:
        say_json(verdicts)
    else:
        say(verdicts_text(verdicts, paint=stdout_paint()))
    return CLEAN if all(one.success for one in verdicts) else FOUND


def _write_parquet(table: Any, path: str) -> None:
    from pyarrow import parquet

    from nbprod.artifacts.store import writing

    file = Path(path)
    scratch = file.with_name(f".{file.name}")
    with writing(file.parent):
        parquet.write_table(table, scratch)
        scratch.replace(file)


@command.command(
    "review",
    cls=ExampleCommand,
    short_help="Draw a table beside its expectations.",
    examples="""
    nbprod expect review flights.parquet
    nbprod expect review april.parquet --suite flights.plan/suites/flights.json -o april.html
    """,
)
@click.argument("file", type=click.Path(path_type=str))
@click.option("--suite", metavar="JSON", help="The suite to draw.  [default: the one that the file proposes]")
@click.option("-o", "--output", metavar="HTML", help="The page.  [default: FILE.review.html]")
def review(*, file: str, suite: str | None, output: str | None) -> int:
    """Write a page that shows each column of a parquet or CSV file beside what is expected of it, and why."""
    from nbprod import api
    from nbprod.artifacts.store import write_atomically

    name = _name_of(file)
    page = api.review(_table(file), name, suite=_suite(suite, name) if suite else None)
    path = Path(output or f"{file}.review.html")
    write_atomically(path, page)
    say(f"Written to {path}.")
    return CLEAN


@command.command(
    "diff",
    cls=ExampleCommand,
    short_help="Compare two suites.",
    examples="""
    nbprod expect diff old.plan/suites/flights.json new.plan/suites/flights.json
    nbprod expect diff flights.plan/suites/flights.json april.parquet    # with what April would propose
    """,
)
@click.argument("before", type=click.Path(path_type=str))
@click.argument("after", type=click.Path(path_type=str))
@click.option("--json", "as_json", is_flag=True, help="Print the changes as JSON.")
def diff(*, before: str, after: str, as_json: bool) -> int:
    """Show what AFTER adds to, drops from and says otherwise than BEFORE.

    Each is a suite in Great Expectations' JSON, or a table in a parquet or CSV file: the suite that it proposes.
    """
    from nbprod.expectations import changes, expectation_text

    old, new = _suite_or_proposal(before), _suite_or_proposal(after)
    found = changes(old, new)
    if as_json:
        say_json(found)
        return FOUND if found else CLEAN
    paint = stdout_paint()
    lines = []
    for one in found:
        if one.before is not None:
            lines.append(paint("bad", f"- {_unexplained(one.before, expectation_text)}"))
        if one.after is not None:
            lines.append(paint("good", f"+ {_unexplained(one.after, expectation_text)}"))
    say("\n".join(lines) if lines else "Both expect the same.")
    return FOUND if found else CLEAN


def _unexplained(one: Expectation, text: Callable[[Expectation], str]) -> str:
    return " ".join(text(replace(one, notes="")).split())


def _suite_or_proposal(file: str) -> Suite:
    from nbprod import api

    name = _name_of(file)
    return _suite(file, name) if Path(file).suffix == ".json" else api.proposal(_table(file), name)


def _suite(file: str, name: str) -> Suite:
    from nbprod.expectations import suite_from_gx

    try:
        raw = json.loads(Path(file).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise NbprodError(f"The suite can't be read: {error}.", where=file) from error
    return suite_from_gx(raw, value=name)


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
    from nbprod.faces.record_text import verdicts_text

    verdicts = api.validate(_table(file), _suite(suite, _name_of(file)))
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
