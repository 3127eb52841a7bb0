"""The command line: turns words into nouns, calls one verb of `api`, prints what comes back.

Exit codes: 0 done and clean, 1 findings or failures, 2 could not proceed, 130 interrupted.
"""

from __future__ import annotations

import gc
import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING

import click

from nbprod import __version__
from nbprod.errors import NbprodError, did_you_mean
from nbprod.faces.examples import ExampleGroup

if TYPE_CHECKING:
    from collections.abc import Sequence

CLEAN, FOUND, COULD_NOT = 0, 1, 2
INTERRUPTED, BROKEN_PIPE = 130, 141
COMMANDS = (
    "init",
    "tag",
    "show",
    "check",
    "explain",
    "replay",
    "extract",
    "diff",
    "verify",
    "run",
    "runs",
    "why",
    "store",
    "export",
    "reproduce",
    "promote",
    "rollback",
    "score",
    "retrain",
    "monitor",
    "mirror",
    "expect",
    "doctor",
    "completion",
)


class LazyGroup(ExampleGroup):
    """A group whose commands are modules, imported when they are named."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"nbprod.faces.commands.{cmd_name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            raise click.UsageError(
                f"There is no command '{args[0]}'. {did_you_mean(args[0], COMMANDS)}".rstrip(), ctx
            )
        return super().resolve_command(ctx, args)


@click.command(
    cls=LazyGroup,
    examples="""
    nbprod show flights.ipynb
    nbprod check flights.ipynb
    nbprod run flights.ipynb -p month=3
    """,
    context_settings={"max_content_width": 100},
    epilog="Exit codes: 0 done and clean, 1 findings or failures, 2 could not proceed.",
)
@click.version_option(__version__, prog_name="nbprod", message="%(prog)s %(version)s")
def cli() -> None:
    """From a notebook to a validated pipeline: tag cells, see the flow, catch leaks, run it as papermill stages."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave with its exit code."""
    # Nearly all that a command makes it keeps to its end: looking for what could go is a twelfth of a check.
    gc.set_threshold(50_000, 20, 50)
    sys.exit(exit_code_of(arguments))


def exit_code_of(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and give its exit code; every error becomes one line on stderr."""
    try:
        code = cli.main(list(arguments) if arguments is not None else None, "nbprod", standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        _say_usage_error(error)
        return COULD_NOT
    except NbprodError as error:
        say_error(error)
        return COULD_NOT
    except (KeyboardInterrupt, click.Abort):
        click.echo("Interrupted.", err=True)
        return INTERRUPTED
    except SystemExit as left:
        # How click leaves after printing completions (0), and where it finds the pipe broken (1).
        return BROKEN_PIPE if left.code == 1 else CLEAN
    except BrokenPipeError:
        # The reader has gone; what Python would flush at exit must go nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except Exception as error:
        if os.environ.get("NBPROD_TRACEBACK"):
            raise
        click.echo(
            f"error: nbprod failed where it shouldn't: {type(error).__name__}: {error} "
            "Sorry. Run it again with NBPROD_TRACEBACK=1 to see where, and report that.",
            err=True,
        )
        return COULD_NOT
    return code if isinstance(code, int) else CLEAN


def say_error(error: NbprodError) -> None:
    """`error: where: what remedy` on stderr."""
    from nbprod.faces.paint import paint_for
    from nbprod.faces.words import safe

    click.echo(f"{paint_for(sys.stderr)('error', 'error:')} {safe(str(error))}", err=True)


def _say_usage_error(error: click.ClickException) -> None:
    click.echo(f"error: {error.format_message()}", err=True)
    context = error.ctx if isinstance(error, click.UsageError) else None
    if context is not None:
        click.echo(f"{context.get_usage()}\nTry '{context.command_path} --help'.", err=True)
