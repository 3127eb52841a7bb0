from __future__ import annotations

import click

from nbprod.faces.cli import CLEAN, cli
from nbprod.faces.examples import ExampleCommand
from nbprod.faces.output import say


@click.command(
    "completion",
    cls=ExampleCommand,
    short_help="Print the script for shell completion.",
    examples="""
    eval "$(nbprod completion bash)"     # in ~/.bashrc; likewise for zsh
    nbprod completion fish > ~/.config/fish/completions/nbprod.fish
    """,
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(*, shell: str) -> int:
    """Print the script by which a shell completes nbprod's commands, options and stages."""
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"click has no completion for {shell}.")
    say(kind(cli, {}, "nbprod", "_NBPROD_COMPLETE").source())
    return CLEAN
