"""Labels among the features: the label's own column, or what is made of it."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from nbprod.leakage.evidence import (
    is_label_name,
    reaches_label,
)
from nbprod.leakage.interpret.values import Cells, Table
from nbprod.leakage.leaks.leak import Leak, arrival
from nbprod.model import Step

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nbprod.leakage.interpret.context import Run, Sink
    from nbprod.leakage.interpret.facts import Facts


MADE_OF_LABEL = "made of the label's column"
MADE_OF_LATER_LABEL = "made of the label's column, ahead of its own row"


def label_sources(run: Run, sinks: list[Sink]) -> dict[str, float]:
    """The columns that some model is to predict, with the rows ahead at which it reads them."""
    found: dict[str, float] = {}
    for sink in sinks:
        if sink.labels is None:
            continue
        for source, at in run.facts(sink.labels).reads.items():
            found[source] = max(at, found.get(source, -inf))
    return found


def is_label(name: str | None, facts: Facts, labels: dict[str, float]) -> bool:
    if name is not None and is_label_name(name):
        return True
    if any(labels.get(source) == at and at > 0 for source, at in facts.reads.items()):
        return True
    return bool(facts.reads) and not facts.derived and all(source in labels for source in facts.reads)


def target(run: Run, sink: Sink, name: str | None, facts: Facts, label: Facts) -> Iterator[Leak]:
    """A single feature that is made of the label's own column, at the label's row or later."""
    if not label.reads or sink.labels is None or sink.kind not in ("fit", "validate", "search", "split"):
        return
    several = len(label.reads) > 1
    if sink.features == sink.labels or not facts.reads:
        return
    if several and (name not in run.record.stored or set(facts.reads) != set(label.reads)):
        return
    hit = reaches_label(facts, dict(label.reads))
    if several and len(hit) < len(label.reads):
        # made of the same columns, but of earlier rows
        return
    if not hit or (isinstance(run.at(sink.features), Cells) and len(facts.reads) > 6):
        return
    if (
        isinstance(run.at(sink.features), Cells)
        and set(facts.reads) == set(label.reads)
        and not facts.derived
    ):
        return
    span = sink.entered.span if sink.entered is not None else sink.span
    column = ", ".join(sorted(source.partition(".")[2] for source in hit))
    says = f"{name or 'a feature'!s} is made of {column!r}, which is what is to be predicted"
    stored = next((step for ahead in facts.aheads for step in ahead.steps if "stored" in step.says), None)
    yield Leak(
        rule="target-in-features",
        span=stored.span if stored is not None else span,
        says=says,
        column=name or column,
        reach="the label's own row",
        steps=(
            Step(span=span, says=f"the label is made of {column!r}"),
            Step(span=sink.span, says=f"reaches {arrival(sink)}"),
        ),
        arrives=arrival(sink),
        arrived=sink.span,
        detail=MADE_OF_LATER_LABEL if min(label.reads.values()) > 0 else MADE_OF_LABEL,
    )


def whole_target(run: Run, sink: Sink, label: Facts) -> Iterator[Leak]:
    """A frame of features that still holds the label's own column, or the one that alone it is made of."""
    held = run.at(sink.features)
    if (
        not isinstance(held, Table)
        or held.rest is None
        or held.guessed
        or len(label.reads) != 1
        or (label.derived and (sink.kind == "split" or label.change or label.aheads))
    ):
        return
    [(source, at)] = label.reads.items()
    table, _, column = source.partition(".")
    if at != 0 or table != held.root or column in held.gone or column in held.columns or column in ("*", ""):
        return
    says = f"the features still hold {column!r}, which is what is to be predicted"
    yield Leak(
        rule="target-in-features",
        span=sink.span,
        says=says,
        column=column,
        reach="the label's own row",
        steps=(Step(span=sink.span, says=says),),
        arrives=arrival(sink),
        arrived=sink.span,
    )
