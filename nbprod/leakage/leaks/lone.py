"""A frame's columns judged on their own, without a model that takes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbprod.leakage.evidence import (
    Evidence,
    columns_of,
    is_forward_name,
    is_label_name,
    names_label,
)
from nbprod.leakage.interpret.moving import OF_GROUPS
from nbprod.leakage.leaks.leak import NEEDS_TIME, Leak, leak_at, selected
from nbprod.model import Step

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nbprod.leakage.interpret.context import Run
    from nbprod.leakage.interpret.facts import Ahead, Facts, Rows
    from nbprod.leakage.interpret.values import Table


def only_shown(run: Run, name: str) -> bool:
    return run.record.shown.get(name, 0) > 0 and run.record.used.get(name, 0) == 0


def of_table(  # noqa: C901
    run: Run,
    evidence: Evidence,
    table: Table,
    used: dict[str, Facts],
    *,
    name: str,
    explicit: bool = False,
) -> Iterator[Leak]:
    arrives = f"column {{column}} of `{name}`"
    for column, facts in columns_of(run, table):
        if column is not None and not explicit and (column in used or _is_label_column(column, facts)):
            continue
        if column is not None and explicit and is_label_name(column):
            continue
        if column is not None and column_only_shown(run, table, column):
            continue
        where = arrives.format(column=repr(column)) if column is not None else f"`{name}`"
        found = False
        for ahead in facts.aheads:
            if ahead.rule == "not-yet-known" and not facts.derived:
                continue
            rule = lone_rule(evidence, ahead, facts, table.rows)
            if rule == "shift-into-future" and explicit:
                yield from selected(run, ahead, column, arrives=where, before=None)
            if rule is not None:
                found = True
                yield leak_at(ahead, rule=rule, column=column, arrives=where, arrived=None)
        if not found and facts.derived and (evidence.lone or evidence.declared):
            yield from _lone_target(run, column, facts)
    for ahead in table.presence:
        tables = {source.partition(".")[0] for source in ahead.sources} or set(table.rows.tables)
        settled = ahead.over is not None and (ahead.over.settled or ahead.over.side)
        if not settled and evidence.is_temporal(tables):
            yield leak_at(ahead, rule="whole-sample-statistic" if ahead.over is not None else ahead.rule, column=None,
                        arrives=f"which rows `{name}` has", arrived=None)  # fmt: skip


def column_only_shown(run: Run, table: Table, column: str) -> bool:
    key = (table.root, column)
    return key in run.record.columns_shown and key not in run.record.columns_used


def _is_label_column(column: str, facts: Facts) -> bool:
    if is_label_name(column):
        return True
    return is_forward_name(column) and any(a.rule == "shift-into-future" for a in facts.aheads)


def lone_rule(evidence: Evidence, ahead: Ahead, facts: Facts, rows: Rows | None = None) -> str | None:
    tables = {source.partition(".")[0] for source in ahead.sources} or evidence.tables_of(facts)
    if ahead.rule == "tuned-on-test":
        # a score is what a notebook is written for: only what is chosen by it counts
        return None
    if ahead.over is not None:
        over = ahead.over
        if rows is not None and over.tables and rows.tables and not over.tables & rows.tables:
            return None
        if over.side == "test":
            return "fitted-on-test"
        if over.settled or over.side == "train" or evidence.is_for_training(over.tables):
            return None
        of_events = ahead.detail == OF_GROUPS and evidence.lone and evidence.are_events(tables)
        by_calendar = ahead.rule != "fit-before-split"
        temporal = of_events or evidence.is_temporal(tables, by_calendar=by_calendar)
        if not temporal and not _reads_label(ahead):
            return None
        return "whole-sample-statistic" if ahead.rule == "codes" else ahead.rule
    if ahead.detail == "period" or evidence.is_planned(tables) or evidence.is_in_time(ahead):
        return None
    in_function = bool(tables) and all("·" in table for table in tables)
    if ahead.rule in NEEDS_TIME and not in_function and not evidence.is_temporal(tables):
        return None
    return ahead.rule


def _reads_label(ahead: Ahead) -> bool:
    return any(is_label_name(source.partition(".")[2]) for source in ahead.sources)


def _lone_target(run: Run, column: str | None, facts: Facts) -> Iterator[Leak]:
    """Without a model: a column made of the label's own row."""
    sources = {source for source in names_label(facts) if facts.reads[source] >= 0}
    if not sources or column is None or (facts.aheads == () and not facts.derived):
        return
    text = ", ".join(sorted(source.partition(".")[2] for source in sources))
    span = next((step.span for ahead in facts.aheads for step in ahead.steps), None) or run.record.stored.get(
        column
    )
    if span is None:
        return
    yield Leak(
        rule="target-in-features",
        span=span,
        says=f"{column!r} reads {text!r} of its own row, which is not known yet",
        column=column,
        reach="the label's own row",
        steps=(Step(span=span, says=f"made of {text!r}"),),
        arrives=f"column {column!r}",
    )
