from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from nbprod.errors import NbprodError
from nbprod.faces.cli import CLEAN, FOUND
from nbprod.faces.commands.extract import reasons_from
from nbprod.faces.examples import ExampleCommand
from nbprod.faces.output import say, say_json, stdout_paint

if TYPE_CHECKING:
    from nbprod.continuous.decisions import Decision
    from nbprod.faces.paint import Paint

ROLES = {"promoted": "good", "stopped": "bad", "failed": "bad", "kept": "warning", "nothing": "soft"}


@click.command(
    "retrain",
    cls=ExampleCommand,
    short_help="Train again if there is a reason to, and promote if better.",
    examples="""
    nbprod retrain flights.ipynb --if "new-data or drift or metric < 0.8 or age > 30d" --once
    nbprod retrain flights.ipynb --if "mae > 12" --every 1h -p month=11
    """,
)
@click.argument("source", type=click.Path(path_type=str))
@click.option("--if", "condition", required=True, metavar="CONDITION", help="When to train: see below.")
@click.option("--once", is_flag=True, help="Look once and leave, as a cron job does.  [default]")
@click.option("--every", metavar="DURATION", help="Look again and again: 10min, 1h, 7d.")
@click.option("-p", "--parameter", "pairs", multiple=True, metavar="NAME=VALUE", help="Set a parameter.")
@click.option("--allow", "allowed", multiple=True, metavar="RULE=REASON", help="Let a rule's findings pass.")
@click.option("--root", metavar="FOLDER", help="The project folder, which keeps the runs under .nbprod.")
@click.option("--json", "as_json", is_flag=True, help="Print each decision as JSON.")
def command(
    *,
    source: str,
    condition: str,
    once: bool,
    every: str | None,
    pairs: tuple[str, ...],
    allowed: tuple[str, ...],
    root: str | None,
    as_json: bool,
) -> int:
    """Train again if there is a reason to, hold the new model against the champion, promote it or keep the old.

    CONDITION joins facts by and, or, not and brackets: new-data, drift (or drift > 0.1), metric < 0.8 (or mae > 12),
    rows > 1000, age > 30d. Every decision is recorded with its reason, also to do nothing. Data that breaks a critical
    expectation never reaches training. The exit code is 1 where the data was stopped or a stage failed.
    """
    from nbprod import api
    from nbprod.faces.commands.run import pair_from

    if once and every:
        raise NbprodError("--once and --every exclude each other.", remedy="Give one of them.")
    pause = api.seconds_of(every) if every else None

    def turn() -> Decision:
        decision = api.retrain(
            source,
            condition,
            root=root,
            parameters=dict(map(pair_from, pairs)),
            allow=reasons_from(allowed),
            tell=lambda sentence: click.echo(sentence, err=True),
        )
        if as_json:
            say_json(decision)
        else:
            say(decision_text(decision, paint=stdout_paint()))
        return decision

    decision = turn()
    while pause is not None:
        time.sleep(pause)
        try:
            turn()
        except NbprodError as error:
            # The wish could be read, as the first turn shows: another process or an unfinished edit is in the way.
            click.echo(f"{error} The next turn comes in {every}.", err=True)
    return FOUND if str(decision.action) in ("stopped", "failed") else CLEAN


def decision_text(decision: Decision, *, paint: Paint) -> str:
    """What was done and why, on one line."""
    action = str(decision.action)
    return f"{paint(ROLES.get(action, ''), action)}: {decision.model}, {decision.reason}"
