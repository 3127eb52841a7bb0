from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nbprod.errors import ParameterError
from nbprod.faces.cli import CLEAN, FOUND, INTERRUPTED
from nbprod.faces.commands.extract import reasons_from
from nbprod.faces.examples import ExampleCommand
from nbprod.faces.output import say, say_json, stdout_paint
from nbprod.faces.sources import STDIN, notebook_from
from nbprod.model import State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from click.shell_completion import CompletionItem

    from nbprod.model import Event


def stages_completed(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """What a shell offers where a stage's name stands."""
    from click.shell_completion import CompletionItem

    from nbprod import api
    from nbprod.errors import NbprodError

    # An option that still lacks its value keeps click from giving the argument its own.
    source = ctx.params.get("source") or next(iter(ctx.args), None)
    try:
        names = [one.name for one in api.study(source, leakage=False).flow.stages] if source else []
    except NbprodError:
        names = []
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


@click.command(
    "run",
    cls=ExampleCommand,
    examples="""
    nbprod run flights.ipynb -p month=3
    nbprod run flights.plan -f params.yaml --from train
    nbprod run flights.plan --over month=1..12 --engine dask --workers 2
    """,
)
@click.argument("source", type=click.Path(path_type=str, allow_dash=True))
@click.option("-p", "--parameter", "pairs", multiple=True, metavar="NAME=VALUE", help="Set a parameter.")
@click.option("-f", "--parameters-file", metavar="FILE", help="Parameters from a YAML or JSON file.")
@click.option(
    "--over",
    "ranges",
    multiple=True,
    metavar="NAME=VALUES",
    help="Run once for each value: 1..12, 2013-01..2013-12, 2013-01-01..2013-01-31/7, or a,b,c.",
)
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    metavar="N",
    help="Stages, or runs of --over, that may run at once.",
)
@click.option("--memory", metavar="SIZE", help="What stages that run at once may need together, as 4GB.")
@click.option("--engine", metavar="ENGINE", help="Where stages run: local, dask, or dask=ADDRESS.")
@click.option(
    "--only", multiple=True, metavar="STAGE", shell_complete=stages_completed, help="Run only this stage."
)
@click.option(
    "--from", "from_", metavar="STAGE", shell_complete=stages_completed, help="Start at this stage."
)
@click.option("--until", metavar="STAGE", shell_complete=stages_completed, help="Stop after this stage.")
@click.option("--force", is_flag=True, help="Run stages again although nothing they depend on has changed.")
@click.option(
    "--no-retries", is_flag=True, help="Try each stage once: a scheduler that calls this tries again."
)
@click.option("--allow", "allowed", multiple=True, metavar="RULE=REASON", help="Let a rule's findings pass.")
@click.option("--root", metavar="FOLDER", help="The project folder, which keeps the runs under .nbprod.")
@click.option("--json", "as_json", is_flag=True, help="Print the record as JSON at the end.")
@click.option("--events", is_flag=True, help="Print each event as one line of JSON as it happens.")
def command(
    *,
    source: str,
    pairs: tuple[str, ...],
    parameters_file: str | None,
    ranges: tuple[str, ...],
    workers: int | None,
    memory: str | None,
    engine: str | None,
    only: tuple[str, ...],
    from_: str | None,
    until: str | None,
    force: bool,
    no_retries: bool,
    allowed: tuple[str, ...],
    root: str | None,
    as_json: bool,
    events: bool,
) -> int:
    """Run a notebook, or a plan folder, stage by stage.

    A broken critical expectation or a failed cell stops what depends on it; the exit code is then 1, and what is
    finished stays. Values of -p take the type of the parameter; lists and dictionaries are written as JSON. A
    parameter that is a secret is better given in the environment, as NBPROD_SECRET_ and its name in capitals.

    With --over, runs that are done are taken from the cache: the same command again runs those that failed.
    """
    from nbprod import api

    parameters = {**_from_file(parameters_file), **dict(map(pair_from, pairs))}
    if ranges:
        _refuse_parts(only, from_, until)
        return filled(
            source,
            over=dict(map(pair_from, ranges)),
            as_json=as_json,
            events=events,
            root=root,
            parameters=parameters,
            allow=reasons_from(allowed),
            workers=workers,
            force=force,
            engine=engine,
            memory=memory,
        )
    with _listening(as_json=as_json, events=events) as listen:
        record = api.run(
            notebook_from(source) if source == STDIN else source,
            root=root,
            parameters=parameters,
            allow=reasons_from(allowed),
            workers=workers,
            only=only,
            from_=from_,
            until=until,
            force=force,
            engine=engine,
            memory=memory,
            retries=not no_retries,
            on_event=listen,
        )
    if as_json:
        say_json(record)
    elif not events:
        from nbprod.faces.record_text import record_text

        say(record_text(record, paint=stdout_paint()))
    if record.state is State.CANCELLED:
        return INTERRUPTED
    return CLEAN if record.state.is_good else FOUND


def filled(source: str, *, over: dict[str, str], as_json: bool, events: bool, **options: Any) -> int:
    """Run for each value, show all runs as they go, and say what became of them."""
    from nbprod import api
    from nbprod.faces.filling import filled_text, listening

    with listening("events" if events else "nothing" if as_json else "table") as listen:
        runs = api.backfill(
            notebook_from(source) if source == STDIN else source, over=over, on_event=listen, **options
        )
    if as_json:
        say_json(runs)
    elif not events:
        say(filled_text(runs, paint=stdout_paint()))
    if any(one.record and one.record.state is State.CANCELLED for one in runs):
        return INTERRUPTED
    return CLEAN if all(one.is_good for one in runs) else FOUND


def _refuse_parts(only: tuple[str, ...], from_: str | None, until: str | None) -> None:
    if only or from_ or until:
        raise click.UsageError("--over runs whole pipelines: leave out --only, --from and --until.")


def pair_from(word: str) -> tuple[str, str]:
    """`NAME=VALUE` as a pair; raises ParameterError where nothing is set."""
    name, equals, value = word.partition("=")
    if not equals or not name:
        raise ParameterError(f"-p {word} sets nothing.", remedy="Write -p NAME=VALUE, as in -p month=3.")
    return name.strip(), value


def _from_file(file: str | None) -> dict[str, object]:
    if file is None:
        return {}
    import yaml

    try:
        values = yaml.safe_load(Path(file).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ParameterError(f"The file can't be read: {error}.", where=file) from error
    except yaml.YAMLError as error:
        raise ParameterError(f"This is no YAML: {' '.join(str(error).split())}.", where=file) from error
    if values is not None and not isinstance(values, dict):
        raise ParameterError(
            f"The file holds a {type(values).__name__}, not parameters.",
            where=file,
            remedy="One `NAME: VALUE` a line.",
        )
    return {str(name): value for name, value in (values or {}).items()}


@contextmanager
def _listening(*, as_json: bool, events: bool) -> Iterator[Callable[[Event], None] | None]:
    """What shows the run as it goes: JSON lines, nothing, a live table on a terminal, or plain lines."""
    if events:
        yield _say_event
    elif as_json:
        yield None
    else:
        from nbprod.faces.progress import lines_shown, live_table

        with live_table() if sys.stderr.isatty() else lines_shown(stdout_paint()) as listen:
            yield listen


def _say_event(event: Event) -> None:
    from nbprod.wire import plain

    click.echo(json.dumps(plain(event), ensure_ascii=False))
    sys.stdout.flush()
