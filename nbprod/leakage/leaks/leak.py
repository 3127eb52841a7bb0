"""A leak, and how a way of looking ahead becomes one where it arrives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from nbprod.leakage.evidence import (
    columns_of,
    is_feature_name,
)
from nbprod.model import Severity, Span, Step

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nbprod.leakage.interpret.context import Run, Sink
    from nbprod.leakage.interpret.facts import Ahead


NEEDS_TIME = frozenset({"backward-fill", "interpolation-reads-ahead", "cross-entity-shift", "unsorted-shift"})
TAKEN_IN = "taken in"


class Leak(Struct, frozen=True, kw_only=True):
    """Something ahead of its row that reached a feature: where it arose, where it arrived, which column."""

    rule: str
    span: Span
    says: str
    column: str | None = None
    reach: str = ""
    steps: tuple[Step, ...] = ()
    arrives: str = ""
    arrived: Span | None = None
    edits: tuple[object, ...] = ()
    detail: str = ""
    severity: Severity | None = None
    proved: bool = True
    tables: frozenset[str] = frozenset()


def arrival(sink: Sink) -> str:
    verbs = {
        "fit": f"the features of `{sink.model}.fit`",
        "predict": f"the features of `{sink.model}.predict`",
        "validate": "the features that are cross-validated",
        "search": f"the features of `{sink.model}`",
        "split": "the data that are split",
    }
    return verbs.get(sink.kind, "a feature")


def leak_at(ahead: Ahead, *, rule: str, column: str | None, arrives: str, arrived: Span | None) -> Leak:
    last = Step(span=arrived, says=f"reaches {arrives}") if arrived is not None else None
    steps = ahead.steps or (Step(span=ahead.span, says=ahead.says),)
    return Leak(
        rule=rule,
        span=ahead.span,
        says=ahead.says,
        column=column or _stored_name(ahead),
        reach=str(ahead.reach),
        steps=(*steps, last) if last is not None else steps,
        arrives=arrives,
        arrived=arrived,
        edits=ahead.edits,
        detail=ahead.detail,
        tables=frozenset(source.partition(".")[0] for source in ahead.sources),
    )


def selected(
    run: Run, ahead: Ahead, name: str | None, *, arrives: str, before: Span | None
) -> Iterator[Leak]:
    """Where a column that looks ahead, as labels may, was taken into the features, if that is another cell."""
    column = name or _stored_name(ahead)
    if column is None:
        return
    for bound_name, value, span in run.record.bound:
        held = run.at(value)
        if not is_feature_name(bound_name) or span.cell == ahead.span.cell:
            continue
        if before is not None and span > before:
            continue
        if any(ahead.key == other.key for _, facts in columns_of(run, held) for other in facts.aheads):
            says = f"{column!r} looks {ahead.reach}, as a label does, and `{bound_name}` takes it in"
            yield Leak(
                rule="target-in-features",
                span=span,
                says=says,
                column=column,
                reach=str(ahead.reach),
                steps=(*ahead.steps, Step(span=span, says=f"taken into `{bound_name}`")),
                arrives=arrives,
                arrived=before,
                detail=TAKEN_IN,
            )
            return


def _stored_name(ahead: Ahead) -> str | None:
    for step in ahead.steps:
        if step.says.startswith("stored as column "):
            return step.says.removeprefix("stored as column ").strip("'\"")
    return None
