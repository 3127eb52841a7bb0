"""What reaches a fit, a prediction, a validation or a split; knows labels."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from nbprod.leakage.evidence import (
    Evidence,
    columns_of,
    is_tested_elsewhere,
)
from nbprod.leakage.interpret.facts import Ahead, Bound, Facts, Rows
from nbprod.leakage.interpret.moving import OF_GROUPS
from nbprod.leakage.interpret.values import BY_COLUMN, Cells, Table, Value
from nbprod.leakage.leaks.labels import is_label, target, whole_target
from nbprod.leakage.leaks.leak import NEEDS_TIME, Leak, arrival, leak_at, selected

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nbprod.leakage.interpret.context import Run, Sink


def of_sink(run: Run, evidence: Evidence, sink: Sink, labels: dict[str, float]) -> Iterator[Leak]:
    label = _label_facts(run, sink)
    arrives = arrival(sink)
    named = sink.labels is None and sink.kind == "split"
    for name, facts in columns_of(run, sink.features):
        if named and is_label(name, facts, labels):
            continue
        for ahead in facts.aheads:
            if named and ahead.over is None:
                continue
            rule = _rule_at(evidence, ahead, sink, facts, label)
            if rule == "shift-into-future":
                yield from selected(run, ahead, name, arrives=arrives, before=sink.span)
            if rule is not None:
                yield leak_at(ahead, rule=rule, column=name, arrives=arrives, arrived=sink.span)
        yield from target(run, sink, name, facts, label)
    if sink.labels is not None and sink.kind in ("fit", "validate", "search", "split"):
        yield from whole_target(run, sink, label)
    yield from _presence(run, evidence, sink)


def _label_facts(run: Run, sink: Sink) -> Facts:
    """What the labels read, seen from the rows of the features: an array cut from a later row on is so much later."""
    if sink.labels is None:
        return Facts()
    labels, features = run.at(sink.labels), run.at(sink.features)
    if isinstance(labels, Cells) and isinstance(features, Cells) and labels.array:
        later = _first_row(labels.rows) - _first_row(features.rows)
        return labels.facts.moved(later) if later > 0 else labels.facts
    return run.facts(labels)


def _first_row(rows: Rows) -> int:
    """How many of the first rows were cut away."""
    return sum(b.low for b in rows.bounds if b.kind == "slice" and isinstance(b.low, int) and b.low > 0)


def _rule_at(evidence: Evidence, ahead: Ahead, sink: Sink, facts: Facts, label: Facts) -> str | None:
    """The rule that a way of looking ahead breaks when it arrives here, None if it breaks none."""
    tables = {source.partition(".")[0] for source in ahead.sources} or evidence.tables_of(facts)
    if ahead.over is not None:
        return _fitted_rule(evidence, ahead, sink, tables)
    if ahead.rule in NEEDS_TIME and not evidence.is_temporal(tables):
        return None
    if evidence.is_planned(tables) or evidence.is_in_time(ahead):
        return None
    if ahead.detail in ("bar", "period"):
        return None
    rows = ahead.reach.rows if not ahead.reach.whole else inf
    if ahead.detail == "loop" or (ahead.rule == "shift-into-future" and "loop's own" in ahead.says):
        # windows cut by a loop have no row of their own but the label's
        later = max((at for at in label.reads.values() if at < inf), default=0)
        if sink.labels is None or max(label.ahead_rows, later) > rows or not label.reads:
            return None
    return ahead.rule


def _fitted_rule(evidence: Evidence, ahead: Ahead, sink: Sink, tables: set[str]) -> str | None:  # noqa: C901
    over = ahead.over
    assert over is not None  # noqa: S101 - asked just before
    if over.tables and sink.rows.tables and not over.tables & sink.rows.tables:
        return None
    if over.side == "test":
        return _tested_rule(evidence, ahead, over, sink)
    if over.side == "train":
        return None
    if ahead.rule == "codes":
        # which categories there are is no news of rows drawn at random; in time, a new one renumbers the past
        in_time = evidence.is_temporal(tables) and any(b.in_time and _is_dated(b) for b in sink.rows.bounds)
        return "whole-sample-statistic" if in_time else None
    if ahead.detail == OF_GROUPS and _is_one_a_group(sink.features):
        # what is taken of a group stands in the group's own row
        return None
    rule = "resample-before-split" if ahead.rule == "resample-before-split" else "fit-before-split"
    if ahead.rule == "whole-sample-statistic" and evidence.is_temporal(tables):
        rule = ahead.rule
    if _splits_after(over, sink.rows):
        return rule
    if sink.kind in ("validate", "search", "split") and len(over.bounds) <= len(sink.rows.bounds):
        return rule
    if over.settled:
        return None
    if ahead.rule == "resample-before-split":
        return None
    if evidence.is_temporal(tables) and sink.rows.bounds:
        return ahead.rule
    if evidence.is_sequence(tables) and not evidence.is_for_training(over.tables):
        return ahead.rule
    return None


def _tested_rule(evidence: Evidence, ahead: Ahead, over: Rows, sink: Sink) -> str | None:
    """The rule that is broken by what was learnt from test rows, of which scores only choose where models are fitted."""
    if ahead.rule != "tuned-on-test":
        return "fitted-on-test"
    chooses = sink.kind in ("fit", "search") and not is_tested_elsewhere(evidence.run, over)
    return ahead.rule if chooses else None


def _is_dated(bound: Bound) -> bool:
    """Whether rows were divided by their times, not by their places."""
    return bound.kind == "where" or isinstance(bound.high, str) or isinstance(bound.low, str)


def _is_one_a_group(features: Value) -> bool:
    """Whether each row of a table of aggregates stands for one group, of no certain time."""
    keyed = features.keyed if isinstance(features, Table | Cells) else ()
    return bool(keyed) and keyed != BY_COLUMN and not any(key.is_time for key in keyed)


def of_part(evidence: Evidence, ahead: Ahead, rows: Rows) -> str | None:
    """The rule that a fit breaks whose result is divided into training and test rows afterwards, None for others."""
    over = ahead.over
    if over is None or ahead.rule in ("codes", "tuned-on-test") or not rows.side:
        return None
    if over.side == "test" == rows.side and ahead.rule == "fit-before-split":
        return "fitted-on-test"
    if over.side or not _splits_after(over, rows):
        return None
    if over.tables and rows.tables and not over.tables & rows.tables:
        return None
    tables = {source.partition(".")[0] for source in ahead.sources}
    temporal = ahead.rule == "whole-sample-statistic" and evidence.is_temporal(tables)
    return ahead.rule if temporal or ahead.rule == "resample-before-split" else "fit-before-split"


def _splits_after(over: Rows, rows: Rows) -> bool:
    """Whether the rows that arrive are one side of a split made after the fit."""
    extra = rows.beyond(over)
    if any(bound.side or (bound.in_time and bound.high is not None) for bound in over.beyond(rows)):
        return False
    return any(
        bound.side or bound.kind in ("part", "fold") or (bound.kind == "slice" and bound.in_time)
        for bound in extra
    )


def _presence(run: Run, evidence: Evidence, sink: Sink) -> Iterator[Leak]:
    held = run.at(sink.features)
    if not isinstance(held, Table | Cells) or sink.rows.bounds == () or sink.kind == "split":
        return
    for ahead in held.presence:
        tables = {source.partition(".")[0] for source in ahead.sources} or set(sink.rows.tables)
        if ahead.over is not None and ahead.over.settled:
            continue
        if evidence.is_sequence(tables) or any(bound.in_time for bound in sink.rows.bounds):
            yield leak_at(ahead, rule=ahead.rule, column=None, arrives="which rows exist", arrived=sink.span)
