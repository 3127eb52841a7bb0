from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

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


def _stages(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
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
    """,
)
@click.argument("source", type=click.Path(path_type=str, allow_dash=True))
@click.option("-p", "--parameter", "pairs", multiple=True, metavar="NAME=VALUE", help="Set a parameter.")
@click.option("-f", "--parameters-file", metavar="FILE", help="Parameters from a YAML or JSON file.")
@click.option("--workers", type=click.IntRange(min=1), metavar="N", help="Stages that may run at once.")
@click.option("--only", multiple=True, metavar="STAGE", shell_complete=_stages, help="Run only this stage.")
@click.option("--from", "from_", metavar="STAGE", shell_complete=_stages, help="Start at this stage.")
@click.option("--until", metavar="STAGE", shell_complete=_stages, help="Stop after this stage.")
@click.option("--force", is_flag=True, help="Run stages again although nothing they depend on has changed.")
@click.option("--allow", "allowed", multiple=True, metavar="RULE=REASON", help="Let a rule's findings pass.")
@click.option("--root", metavar="FOLDER", help="The project folder, which keeps the runs under .nbprod.")
@click.option("--json", "as_json", is_flag=True, help="Print the record as JSON at the end.")
@click.option("--events", is_flag=True, help="Print each event as one line of JSON as it happens.")
def command(
    *,
    source: str,
    pairs: tuple[str, ...],
    parameters_file: str | None,
    workers: int | None,
    only: tuple[str, ...],
    from_: str | None,
    until: str | None,
    force: bool,
    allowed: tuple[str, ...],
    root: str | None,
    as_json: bool,
    events: bool,
) -> int:
    """Run a notebook, or a plan folder, stage by stage.

    A broken critical expectation or a failed cell stops what depends on it; the exit code is then 1, and what is
    finished stays. Values of -p take the type of the parameter; lists and dictionaries are written as JSON.
    """
    from nbprod import api

    parameters = {**_from_file(parameters_file), **dict(map(pair_from, pairs))}
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
