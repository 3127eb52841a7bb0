"""Runs, their stages and their verdicts as text for people at a terminal."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from nbprod.faces.grid import grid
from nbprod.faces.paint import no_paint
from nbprod.faces.picture import SIGNS
from nbprod.faces.words import (
    bytes_said,
    clipped,
    count_said,
    expectation_said,
    safe,
    seconds_said,
    value_said,
)
from nbprod.model import Importance, State

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nbprod.faces.paint import Paint
    from nbprod.model import Artifact, CellFailure, Record, StageRun, Verdict

SAMPLE_ROWS = 5
ROLES = {
    State.DONE: "good",
    State.CACHED: "good",
    State.FAILED: "bad",
    State.BROKEN: "bad",
    State.RUNNING: "busy",
}


def record_text(record: Record, *, paint: Paint = no_paint) -> str:
    """What became of a run: its stages, what broke with sample rows, what failed, where it is kept."""
    parts = ["\n".join([_head(record, paint), *stage_lines(record.stages, paint=paint)])]
    judged = [verdict for run in record.stages for verdict in run.verdicts]
    if judged:
        parts.append(verdicts_text(judged, paint=paint))
    parts += [_failure_text(run, run.failure, record, paint) for run in record.stages if run.failure]
    parts.append(f"Kept in {safe(record.folder)}")
    return "\n\n".join(parts)


def _head(record: Record, paint: Paint) -> str:
    after = f" after {seconds_said(record.seconds)}" if record.seconds is not None else ""
    state = paint(ROLES.get(record.state, ""), record.state.value)
    given = ", ".join(f"{name}={value_said(value)}" for name, value in record.parameters.items())
    return f"{paint('strong', record.pipeline)} {record.id}: {state}{after}" + (
        f" ({given})" if given else ""
    )


def stage_lines(runs: Sequence[StageRun], *, paint: Paint = no_paint) -> list[str]:
    """One line a stage: state, time, what it gave or why it stands where it stands."""
    rows = [
        (
            f"{SIGNS[run.state]} {run.state}",
            run.stage,
            seconds_said(run.seconds) if run.seconds is not None else "",
            clipped(outcome_of(run), 100),
        )
        for run in runs
    ]
    return grid(rows, indent="  ", roles=[ROLES.get(run.state, "soft") for run in runs], paint=paint)


def outcome_of(run: StageRun) -> str:
    """What the stage gave, and why it ran or stands where it stands."""
    return "; ".join(said for said in (artifacts_said(run.artifacts), run.reason) if said)


def artifacts_said(artifacts: Sequence[Artifact]) -> str:
    """What a stage gave: `flights (336,776 rows), model (1.2 MB)`."""
    return ", ".join(
        f"{one.name} ({count_said(one.rows, 'row') if one.rows is not None else bytes_said(one.bytes)})"
        for one in artifacts
    )


def _failure_text(run: StageRun, failure: CellFailure, record: Record, paint: Paint) -> str:
    where = f"cell {failure.cell + 1}" if failure.cell is not None else "a cell that nbprod added"
    lines = [
        f"{paint('error', 'Failed')} in stage {paint('strong', run.stage)}, {where}:",
        *(f"    {line}" for line in safe(failure.source).strip("\n").split("\n")[-12:]),
        f"  {paint('bad', failure.error)}: {clipped(failure.message, 400)}",
    ]
    if run.notebook:
        lines.append(f"  The executed notebook: {safe(record.folder)}/{run.notebook}")
    return "\n".join(lines)


# Verdicts


def verdicts_text(verdicts: Sequence[Verdict], *, paint: Paint = no_paint) -> str:
    """What held and what broke, value by value; under each broken expectation, sample rows."""
    lines = []
    for (value, stage), group in groupby(verdicts, key=lambda one: (one.value, one.stage)):
        judged = list(group)
        held = sum(one.success for one in judged)
        at = f" (stage {stage})" if stage else ""
        lines.append(f"{paint('strong', value)}{at}: {held} of {count_said(len(judged), 'expectation')} held")
        for verdict in judged:
            lines += _verdict_lines(verdict, paint)
    return "\n".join(lines)


def _verdict_lines(verdict: Verdict, paint: Paint) -> Iterator[str]:
    word, role = outcome(verdict)
    said = paint(role, f"{word:<8}")
    yield f"  {said} {expectation_said(verdict.expectation)}"
    if verdict.success:
        return
    detail = detail_said(verdict)
    if detail:
        yield f"           {detail}"
    if verdict.expectation.notes:
        yield f"           {paint('soft', clipped(verdict.expectation.notes, 120))}"
    if verdict.rows:
        head, rows = sample_rows(verdict)
        yield from grid(rows, head=head, indent="           ", paint=paint)


def outcome(verdict: Verdict) -> tuple[str, str]:
    """The word for a verdict and the role it is painted in."""
    if verdict.success:
        return "✓ held", "good"
    if verdict.error:
        return "? error", "error"
    is_critical = verdict.expectation.importance is Importance.CRITICAL
    return ("✗ broke", "bad") if is_critical else ("! broke", "warning")


def detail_said(verdict: Verdict) -> str:
    """How much broke, or what was observed, or why there is no judgement."""
    if verdict.error:
        return f"could not be judged: {clipped(verdict.error, 200)}"
    parts = []
    if verdict.broken_count == 0 and verdict.element_count:
        parts.append(f"all {verdict.element_count:,}")
    elif verdict.broken_count is not None and verdict.element_count:
        share = verdict.broken_count / verdict.element_count
        parts.append(f"{verdict.broken_count:,} of {verdict.element_count:,} ({share:.2%}) broke it")
    elif verdict.observed is not None:
        parts.append(f"observed {value_said(verdict.observed)}")
    if verdict.quarantine is not None:
        rows = verdict.quarantine.rows_taken + verdict.quarantine.rows_kept
        parts.append(f"set aside: {verdict.quarantine.rows_taken:,} of {rows:,} rows")
    if verdict.samples and not verdict.rows:
        parts.append("for example " + ", ".join(value_said(one) for one in verdict.samples[:SAMPLE_ROWS]))
    return ", ".join(parts)


def sample_rows(verdict: Verdict, *, most_columns: int = 8) -> tuple[list[str], list[list[str]]]:
    """Head and rows of the sample table: the columns that the expectation names come first."""
    named = [value for value in verdict.expectation.arguments.values() if isinstance(value, str)]
    present = dict.fromkeys(column for row in verdict.rows for column in row)
    columns = sorted(present, key=lambda column: column not in named)[:most_columns]
    rows = [[value_said(row.get(column)) for column in columns] for row in verdict.rows[:SAMPLE_ROWS]]
    return [clipped(column, 24) for column in columns], rows


# Many runs


def records_text(records: Sequence[Record], *, paint: Paint = no_paint) -> str:
    """One line a run, newest first."""
    if not records:
        return "No run is recorded here yet."
    rows = [
        (
            f"{SIGNS[one.state]} {one.state}",
            one.id,
            one.pipeline,
            one.started[:19].replace("T", " "),
            seconds_said(one.seconds) if one.seconds is not None else "",
            clipped(", ".join(f"{name}={value_said(value)}" for name, value in one.parameters.items()), 40),
        )
        for one in records
    ]
    head = ("state", "run", "pipeline", "started (UTC)", "took", "parameters")
    return "\n".join(
        grid(rows, head=head, roles=[ROLES.get(one.state, "soft") for one in records], paint=paint)
    )
