from __future__ import annotations

from typing import TYPE_CHECKING

import click

from nbprod.errors import NbprodError, did_you_mean
from nbprod.faces.cli import CLEAN
from nbprod.faces.examples import ExampleCommand
from nbprod.faces.grid import grid
from nbprod.faces.manual import manual_text
from nbprod.faces.output import say, stdout_paint

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


def _rules(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from click.shell_completion import CompletionItem

    from nbprod.leakage.rules import RULES

    return [CompletionItem(name) for name in RULES if name.startswith(incomplete)]


@click.command("explain", cls=ExampleCommand, examples="nbprod explain shift-into-future")
@click.argument("rule", required=False, shell_complete=_rules)
def command(*, rule: str | None) -> int:
    """Explain a rule: what it finds, why it matters, and the rewrite.

    Without RULE, all rules on leakage are listed.
    """
    from nbprod.leakage.rules import RULES

    if rule is None:
        say("\n".join(grid((one.name, str(one.severity), one.title) for one in RULES.values())))
        return CLEAN
    if rule not in RULES:
        near = did_you_mean(rule, RULES)
        raise NbprodError(
            f"No rule on leakage is called '{rule}'.", remedy=near or "`nbprod explain` lists them."
        )
    say(manual_text(RULES[rule], paint=stdout_paint()))
    return CLEAN
