"""A run as it goes: events folded into what each stage is doing, and shown as lines or as a live table."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click
from msgspec import Struct
from msgspec.structs import replace

from nbprod.faces.picture import SIGNS
from nbprod.faces.record_text import ROLES, outcome_of
from nbprod.faces.words import clipped, seconds_said
from nbprod.model import CellDone, RunEnded, RunStarted, StageEnded, StageRun, StageStarted, State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.table import Table

    from nbprod.faces.paint import Paint
    from nbprod.model import Event

RICH = {"good": "green", "bad": "red", "busy": "blue", "soft": "dim"}


class Going(Struct, frozen=True, kw_only=True):
    """One stage of a run that is going on; `since` is the clock's reading at its start."""

    run: StageRun
    done: int = 0
    cells: int = 0
    since: float | None = None

    def seconds(self, now: float) -> float | None:
        """How long the stage took, or has taken so far."""
        if self.run.state is State.RUNNING and self.since is not None:
            return now - self.since
        return self.run.seconds


class Progress(Struct, frozen=True, kw_only=True):
    """All stages of a run that is going on, in the plan's order."""

    run: str = ""
    folder: str = ""
    stages: tuple[Going, ...] = ()

    def after(self, event: Event, *, now: float) -> Progress:
        """The progress once the event has happened."""
        match event:
            case RunStarted():
                waiting = tuple(Going(run=StageRun(stage=name)) for name in event.stages)
                return Progress(run=event.run, folder=event.folder, stages=waiting)
            case StageStarted():
                run = StageRun(stage=event.stage, state=State.RUNNING, attempt=event.attempt)
                return self._with(Going(run=run, cells=event.cells, since=now))
            case CellDone():
                return self._with(replace(self._of(event.stage), done=event.done, cells=event.cells))
            case StageEnded():
                return self._with(replace(self._of(event.run.stage), run=event.run))
            case RunEnded():
                ended = {run.stage: run for run in event.record.stages}
                stages = tuple(replace(one, run=ended.get(one.run.stage, one.run)) for one in self.stages)
                return replace(self, stages=stages)

    def runs(self, *, now: float) -> tuple[StageRun, ...]:
        """Each stage as a record would tell it at this moment."""
        return tuple(
            replace(one.run, seconds=one.seconds(now), reason=said(one))
            if one.run.state is State.RUNNING
            else one.run
            for one in self.stages
        )

    def _of(self, stage: str) -> Going:
        return next((one for one in self.stages if one.run.stage == stage), Going(run=StageRun(stage=stage)))

    def _with(self, going: Going) -> Progress:
        stages = tuple(going if one.run.stage == going.run.stage else one for one in self.stages)
        return replace(self, stages=stages)


def said(going: Going) -> str:
    """What stands beside a stage: the cell it is at, what it gave, or why it stands where it stands."""
    if going.run.state is State.RUNNING:
        attempt = f", attempt {going.run.attempt}" if going.run.attempt > 1 else ""
        return (
            f"cell {min(going.done + 1, going.cells)} of {going.cells}{attempt}"
            if going.cells
            else "starting"
        )
    return clipped(outcome_of(going.run), 80)


@contextmanager
def lines_shown(paint: Paint) -> Iterator[Callable[[Event], None]]:
    """A listener that prints one line as a stage starts and one as it ends, for logs and pipes."""

    def listen(event: Event) -> None:
        match event:
            case StageStarted():
                again = f" (attempt {event.attempt})" if event.attempt > 1 else ""
                click.echo(f"{SIGNS[State.RUNNING]} running  {event.stage}{again}")
            case StageEnded(run=run):
                took = f" {seconds_said(run.seconds)}" if run.seconds is not None else ""
                tail = clipped(outcome_of(run), 110)
                state = paint(ROLES.get(run.state, "soft"), f"{SIGNS[run.state]} {run.state:<8}")
                click.echo(f"{state} {run.stage}{took}{f': {tail}' if tail else ''}")
            case _:
                pass

    yield listen


@contextmanager
def live_table(*, clock: Callable[[], float] = time.monotonic) -> Iterator[Callable[[Event], None]]:
    """A listener that keeps a table of the stages up to date on a terminal."""
    from rich.console import Console
    from rich.live import Live

    progress = Progress()

    def table() -> Table:
        return table_of(progress, now=clock())

    def listen(event: Event) -> None:
        nonlocal progress
        progress = progress.after(event, now=clock())

    with Live(get_renderable=table, console=Console(stderr=True), refresh_per_second=8, transient=True):
        yield listen


def table_of(progress: Progress, *, now: float) -> Table:
    """The stages as a rich table."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, show_header=False)
    for going in progress.stages:
        seconds = going.seconds(now)
        style = RICH.get(ROLES.get(going.run.state, "soft"), "")
        table.add_row(
            Text(f"{SIGNS[going.run.state]} {going.run.state}", style=style),
            Text(going.run.stage, style="bold"),
            Text(seconds_said(seconds) if seconds is not None else "", justify="right"),
            Text(said(going), overflow="ellipsis", no_wrap=True),
        )
    return table
