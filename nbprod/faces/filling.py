"""Many runs of one plan as they go: events folded into where each run stands, shown as lines or as a live table."""

from __future__ import annotations

import json
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click
from msgspec import Struct, field
from msgspec.structs import replace

from nbprod.faces.grid import grid
from nbprod.faces.output import stdout_paint
from nbprod.faces.paint import no_paint
from nbprod.faces.picture import SIGNS
from nbprod.faces.progress import RICH
from nbprod.faces.record_text import ROLES
from nbprod.faces.words import clipped, count_said, seconds_said, value_said
from nbprod.model import RunEnded, RunStarted, StageEnded, StageStarted, State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from rich.table import Table

    from nbprod.faces.paint import Paint
    from nbprod.model import Event, Json, Record
    from nbprod.running import Filled

    Listen = Callable[[Mapping[str, Json], Event], None]

# What stands below the table's rows, and the line where the next prompt goes.
_ROWS_BESIDE = 3


class Row(Struct, frozen=True, kw_only=True):
    """Where one run stands: the stage it is at, how many of its stages have ended, and when it began."""

    values: str
    state: State = State.RUNNING
    stage: str = ""
    ended: int = 0
    stages: int = 0
    since: float = 0.0
    seconds: float | None = None
    says: str = ""


class Filling(Struct, frozen=True, kw_only=True):
    """All runs that have begun, in that order, by their values."""

    rows: Mapping[str, Row] = field(default_factory=dict)

    def after(self, values: Mapping[str, Json], event: Event, *, now: float) -> Filling:
        """Where the runs stand once the event has happened."""
        name = values_said(values)
        row = self.rows.get(name, Row(values=name))
        match event:
            case RunStarted(stages=stages):
                row = Row(values=name, stages=len(stages), since=now)
            case StageStarted(stage=stage, attempt=attempt):
                row = replace(row, stage=f"{stage}, attempt {attempt}" if attempt > 1 else stage)
            case StageEnded():
                row = replace(row, ended=row.ended + 1)
            case RunEnded(record=record):
                row = replace(row, state=record.state, seconds=record.seconds, says=reason_of(record))
            case _:
                return self
        return Filling(rows={**self.rows, name: row})

    def shown(self, room: int) -> tuple[Row, ...]:
        """As many rows as there is room for, in order: those that run come first, then bad ones, then the latest."""
        ranked = sorted(enumerate(self.rows.values()), key=lambda one: (_rank(one[1]), -one[0]))
        return tuple(row for _, row in sorted(ranked[: max(1, room)]))

    def counts(self) -> str:
        """How many runs are in which state: `3 done, 1 failed, 2 running`."""
        found: dict[State, int] = {}
        for row in self.rows.values():
            found[row.state] = found.get(row.state, 0) + 1
        return _counted(found)


def values_said(values: Mapping[str, Json]) -> str:
    """`month=3, carrier=AA`."""
    return ", ".join(f"{name}={value_said(value)}" for name, value in values.items())


def reason_of(record: Record) -> str:
    """Why a run ended badly: the first of its stages that did, with its reason."""
    bad = next((one for one in record.stages if not one.state.is_good), None)
    return f"{bad.stage}: {bad.reason}" if bad else ""


def listening(how: str) -> AbstractContextManager[Listen | None]:
    """What shows the runs: `events` as lines of JSON, `nothing`, or a `table` where there is a terminal, else lines."""
    match how:
        case "events":
            return _event_lines()
        case "nothing":
            return _nothing()
        case _:
            return live_runs() if sys.stderr.isatty() else run_lines()


@contextmanager
def _nothing() -> Iterator[None]:
    yield None


@contextmanager
def _event_lines() -> Iterator[Listen]:
    from nbprod.wire import plain

    def listen(values: Mapping[str, Json], event: Event) -> None:
        click.echo(json.dumps({"values": plain(values), "event": plain(event)}, ensure_ascii=False))
        sys.stdout.flush()

    yield listen


@contextmanager
def run_lines() -> Iterator[Listen]:
    """A listener that prints one line as a run ends, for logs and pipes."""
    paint = stdout_paint()

    def listen(values: Mapping[str, Json], event: Event) -> None:
        if not isinstance(event, RunEnded):
            return
        record = event.record
        state = paint(ROLES.get(record.state, "soft"), f"{SIGNS[record.state]} {record.state:<9}")
        reason = clipped(reason_of(record), 100)
        took = seconds_said(record.seconds) if record.seconds is not None else ""
        click.echo(f"{state} {values_said(values)} {took}{f': {reason}' if reason else ''}")

    yield listen


@contextmanager
def live_runs(*, clock: Callable[[], float] = time.monotonic) -> Iterator[Listen]:
    """A listener that keeps a table of the runs up to date on a terminal."""
    from rich.console import Console
    from rich.live import Live

    filling = Filling()
    console = Console(stderr=True)

    def table() -> Table:
        return table_of(filling, now=clock(), room=console.height - _ROWS_BESIDE)

    def listen(values: Mapping[str, Json], event: Event) -> None:
        nonlocal filling
        filling = filling.after(values, event, now=clock())

    with Live(get_renderable=table, console=console, refresh_per_second=4, transient=True):
        yield listen


def table_of(filling: Filling, *, now: float, room: int) -> Table:
    """The runs as a rich table, as many as there is room for, and the counts of all."""
    from rich.table import Table
    from rich.text import Text

    table = Table(
        box=None, pad_edge=False, show_header=False, caption=filling.counts(), caption_justify="left"
    )
    for row in filling.shown(room):
        seconds = row.seconds if row.seconds is not None else now - row.since
        says = row.says or (
            f"{row.stage} ({row.ended} of {row.stages})" if row.state is State.RUNNING else ""
        )
        table.add_row(
            Text(f"{SIGNS[row.state]} {row.state}", style=RICH.get(ROLES.get(row.state, "soft"), "")),
            Text(row.values, style="bold"),
            Text(seconds_said(seconds), justify="right"),
            Text(clipped(says, 80), overflow="ellipsis", no_wrap=True),
        )
    return table


def filled_text(runs: Sequence[Filled], *, paint: Paint = no_paint) -> str:
    """What became of all runs: one line each, then the counts."""
    states = [one.record.state if one.record else State.FAILED for one in runs]
    rows = [
        (
            f"{SIGNS[state]} {state}",
            values_said(one.values),
            seconds_said(one.record.seconds or 0.0) if one.record else "",
            one.record.id if one.record else "",
            clipped(reason_of(one.record) if one.record else one.error, 80),
        )
        for state, one in zip(states, runs, strict=True)
    ]
    lines = grid(rows, roles=[ROLES.get(state, "soft") for state in states], paint=paint)
    counts = _counted({state: states.count(state) for state in states})
    return "\n".join([*lines, "", f"{count_said(len(runs), 'run')}: {counts or 'none'}."])


_RANKS = {State.RUNNING: 0, State.FAILED: 1, State.BROKEN: 1, State.CANCELLED: 1}


def _rank(row: Row) -> int:
    return _RANKS.get(row.state, 2)


def _counted(found: Mapping[State, int]) -> str:
    return ", ".join(f"{found[state]} {state}" for state in State if state in found)
