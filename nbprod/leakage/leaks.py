"""Leaks: the ways of looking ahead that reach a feature, decided sink by sink."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf
from typing import TYPE_CHECKING

from nbprod.leakage.evidence import (
    Evidence,
    columns_of,
    is_feature_name,
    is_forward_name,
    is_label_name,
    names_label,
    reaches_label,
)
from nbprod.leakage.interpret.clocks import words
from nbprod.leakage.interpret.values import Ahead, Cells, Facts, Opaque, Ref, Rows, Seq, Table, Value
from nbprod.model import Severity, Span, Step

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from nbprod.leakage.interpret.context import Run, Sink

_NEEDS_TIME = frozenset(
    {"backward-fill", "interpolation-reads-ahead", "cross-entity-shift", "unsorted-shift"}
)
_TAKEN_IN = "taken in"
_MADE_OF_LABEL = "made of the label's column"
_MODEL_KINDS = frozenset({"fit", "predict", "validate", "search"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Leak:
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


def leaks(run: Run, evidence: Evidence, *, features_stage: bool) -> Iterator[Leak]:
    """Every leak, sink by sink; without a model, in what the notebook leaves behind."""
    model_sinks = [sink for sink in run.record.sinks if sink.kind in _MODEL_KINDS and sink.role == "model"]
    labels = _label_sources(run, model_sinks)
    for sink in model_sinks:
        yield from _of_sink(run, evidence, sink, labels)
    for sink in run.record.sinks:
        if sink.kind == "split" and (sink.labels is not None or not model_sinks):
            yield from _of_sink(run, evidence, sink, labels)
    if model_sinks and evidence.lone and not features_stage:
        yield from _of_predictions(run, evidence, model_sinks)
    if not model_sinks or features_stage:
        yield from _of_outputs(run, evidence, labels, has_model=bool(model_sinks))
    yield from _of_returns(run, evidence, labels, has_model=bool(model_sinks))


def one_a_cause(found: Iterable[Leak], *, features_stage: bool) -> list[Leak]:
    """Each cause once: a column that looks ahead is no second leak for being made of what the label is made of.

    Where such a column is taken into the features elsewhere, that place is told too, as it may be a label until
    then; in a stage of features there are no labels, and the look ahead alone is the mistake.
    """
    every = list(found)
    shifts = {(leak.column, leak.span) for leak in every if leak.rule == "shift-into-future"}
    ahead = {column for column, _ in shifts}

    def is_told(leak: Leak) -> bool:
        if leak.detail == _MADE_OF_LABEL:
            return leak.column in ahead
        is_taken = features_stage and leak.detail == _TAKEN_IN and bool(leak.steps)
        return is_taken and (leak.column, leak.steps[0].span) in shifts

    return [leak for leak in every if not is_told(leak)]


def _label_sources(run: Run, sinks: list[Sink]) -> dict[str, float]:
    """The columns that some model is to predict, with the rows ahead at which it reads them."""
    found: dict[str, float] = {}
    for sink in sinks:
        if sink.labels is None:
            continue
        for source, at in run.facts(sink.labels).reads.items():
            found[source] = max(at, found.get(source, -inf))
    return found


# A sink


def _of_sink(run: Run, evidence: Evidence, sink: Sink, labels: dict[str, float]) -> Iterator[Leak]:
    label = run.facts(sink.labels) if sink.labels is not None else Facts()
    arrives = _arrival(sink)
    named = sink.labels is None and sink.kind == "split"
    for name, facts in columns_of(run, sink.features):
        if named and _is_label(name, facts, labels):
            continue
        for ahead in facts.aheads:
            if named and ahead.over is None:
                continue
            rule = _rule_at(run, evidence, ahead, sink, facts, label)
            if rule == "shift-into-future":
                yield from _selected(run, ahead, name, arrives=arrives, before=sink.span)
            if rule is not None:
                yield _leak(ahead, rule=rule, column=name, arrives=arrives, arrived=sink.span)
        yield from _target(run, sink, name, facts, label)
    if sink.labels is not None and sink.kind in ("fit", "validate", "search", "split"):
        yield from _whole_target(run, sink, label)
    yield from _presence(run, evidence, sink)


def _arrival(sink: Sink) -> str:
    verbs = {
        "fit": f"the features of `{sink.model}.fit`",
        "predict": f"the features of `{sink.model}.predict`",
        "validate": "the features that are cross-validated",
        "search": f"the features of `{sink.model}`",
        "split": "the data that are split",
    }
    return verbs.get(sink.kind, "a feature")


def _rule_at(  # noqa: PLR0917
    run: Run, evidence: Evidence, ahead: Ahead, sink: Sink, facts: Facts, label: Facts
) -> str | None:
    """The rule that a way of looking ahead breaks when it arrives here, None if it breaks none."""
    tables = {source.partition(".")[0] for source in ahead.sources} or evidence.tables_of(facts)
    if ahead.over is not None:
        return _fitted_rule(evidence, ahead, sink, tables)
    if ahead.rule in _NEEDS_TIME and not evidence.is_temporal(tables):
        return None
    if ahead.detail == "bar":
        return None
    rows = ahead.reach.rows if not ahead.reach.whole else inf
    if ahead.detail == "loop" or (ahead.rule == "shift-into-future" and "loop's own" in ahead.says):  # noqa: SIM102
        # windows cut by a loop have no row of their own but the label's
        if sink.labels is None or label.ahead_rows > rows or not label.reads:
            return None
    _ = run
    return ahead.rule


def _fitted_rule(evidence: Evidence, ahead: Ahead, sink: Sink, tables: set[str]) -> str | None:  # noqa: C901
    over = ahead.over
    assert over is not None  # noqa: S101 - asked just before
    if over.tables and sink.rows.tables and not over.tables & sink.rows.tables:
        return None
    if over.side == "test":
        return "fitted-on-test"
    if over.side == "train":
        return None
    if ahead.rule == "codes":
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
    if evidence.is_sequence(tables):
        return ahead.rule
    return None


def _splits_after(over: Rows, rows: Rows) -> bool:
    """Whether the rows that arrive are one side of a split made after the fit."""
    extra = rows.beyond(over)
    if any(bound.side for bound in over.beyond(rows)):
        return False
    return any(
        bound.side or bound.kind in ("part", "fold") or (bound.kind == "slice" and bound.in_time)
        for bound in extra
    )


def _leak(ahead: Ahead, *, rule: str, column: str | None, arrives: str, arrived: Span | None) -> Leak:
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


def _selected(
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
                detail=_TAKEN_IN,
            )
            return


def _stored_name(ahead: Ahead) -> str | None:
    for step in ahead.steps:
        if step.says.startswith("stored as column "):
            return step.says.removeprefix("stored as column ").strip("'\"")
    return None


# Labels among the features


def _is_label(name: str | None, facts: Facts, labels: dict[str, float]) -> bool:
    if name is not None and is_label_name(name):
        return True
    if any(labels.get(source) == at and at > 0 for source, at in facts.reads.items()):
        return True
    return bool(facts.reads) and not facts.derived and all(source in labels for source in facts.reads)


def _target(run: Run, sink: Sink, name: str | None, facts: Facts, label: Facts) -> Iterator[Leak]:
    """A single feature that is made of the label's own column, at the label's row or later."""
    if not label.reads or sink.labels is None or sink.kind not in ("fit", "validate", "search", "split"):
        return
    if sink.features == sink.labels or len(label.reads) > 1 or not facts.reads:
        return
    hit = reaches_label(facts, dict(label.reads))
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
            Step(span=sink.span, says=f"reaches {_arrival(sink)}"),
        ),
        arrives=_arrival(sink),
        arrived=sink.span,
        detail=_MADE_OF_LABEL,
    )


def _whole_target(run: Run, sink: Sink, label: Facts) -> Iterator[Leak]:
    """A frame of features that still holds the label's own column, as nothing has taken it out."""
    held = run.at(sink.features)
    if (
        not isinstance(held, Table)
        or held.rest is None
        or held.guessed
        or label.derived
        or len(label.reads) != 1
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
        arrives=_arrival(sink),
        arrived=sink.span,
    )


def _presence(run: Run, evidence: Evidence, sink: Sink) -> Iterator[Leak]:
    held = run.at(sink.features)
    if not isinstance(held, Table) or sink.rows.bounds == () or sink.kind == "split":
        return
    for ahead in held.presence:
        tables = {source.partition(".")[0] for source in ahead.sources}
        if ahead.over is not None and ahead.over.settled:
            continue
        if evidence.run.time is not None and evidence.is_temporal(tables):
            yield _leak(ahead, rule=ahead.rule, column=None, arrives="which rows exist", arrived=sink.span)


_PREDICTION_WORDS = frozenset(
    ["pred", "preds", "predicted", "prediction", "predictions", "yhat", "hat", "fitted", "forecast", "forecasts", "proba",
     "probability", "score", "estimate", "estimated"]
)  # fmt: skip


def _of_predictions(run: Run, evidence: Evidence, sinks: list[Sink]) -> Iterator[Leak]:
    """Columns made of what a model says of the rows that it was fitted on, where nothing else is done with it.

    A plain prediction is a result; a residual or a second feature is meant for a next model.
    """
    fits = {sink.span for sink in sinks if sink.kind == "fit"}
    last = max(sink.span for sink in sinks)
    for name, value in run.env.items():
        held = run.at(value)
        if not isinstance(held, Table) or _only_shown(run, name):
            continue
        for column, facts in held.columns.items():
            stored = run.record.stored.get(column)
            plain = bool(set(words(column)) & _PREDICTION_WORDS) or is_label_name(column)
            if (
                plain
                or stored is None
                or stored < replace(last, column=0)
                or _column_only_shown(run, held, column)
            ):
                continue
            for ahead in facts.aheads:
                rule = _lone_rule(evidence, ahead, facts, held.rows) if ahead.span in fits else None
                if rule is not None:
                    yield _leak(
                        ahead,
                        rule=rule,
                        column=column,
                        arrives=f"column {column!r} of `{name}`",
                        arrived=None,
                    )


# What the notebook leaves behind


def _of_outputs(run: Run, evidence: Evidence, labels: dict[str, float], *, has_model: bool) -> Iterator[Leak]:  # noqa: C901
    named_features = [(n, v) for n, v in run.env.items() if is_feature_name(n)]
    used = _labels_by_use(run)
    frees = {name: value for name, value in run.frees.items() if name not in run.env}
    for name, value in (*run.env.items(), *frees.items()):
        held = run.at(value)
        if isinstance(held, Table):
            if _only_shown(run, name) or name.startswith("_"):
                continue
            if held.keyed and _is_used(run, name, value) and not is_feature_name(name):
                continue
            explicit = is_feature_name(name)
            if not (evidence.lone or evidence.declared or explicit):
                held = _fits_only(held)
            if named_features and not explicit and not has_model and _feeds(run, named_features, held):
                held = _stored_after(run, held, named_features)
            if has_model and not explicit:
                # a table of what happens may wait for it; the model's features may not
                held = held.mapped(lambda facts: facts.without(lambda a: a.rule == "not-yet-known"))
            yield from _of_table(
                run, evidence, held, {**labels}, used if not explicit else {}, name=name, explicit=explicit
            )
        elif isinstance(held, Cells | Seq) and is_feature_name(name) and not has_model:
            for column, facts in columns_of(run, held):
                for ahead in facts.aheads:
                    rule = _lone_rule(evidence, ahead, facts)
                    if rule == "shift-into-future":
                        yield from _selected(run, ahead, column, arrives=f"`{name}`", before=None)
                    if rule is not None:
                        yield _leak(ahead, rule=rule, column=column, arrives=f"`{name}`", arrived=None)


def _fits_only(table: Table) -> Table:
    """In a long notebook without a model, what is computed may only be looked at: fits that are kept still count."""
    kept = table.mapped(lambda facts: facts.without(lambda ahead: ahead.rule != "fit-before-split"))
    return replace(kept, presence=())


def _stored_after(run: Run, table: Table, named: list[tuple[str, Value]]) -> Table:
    """The frame with only those columns that were stored after the features had been taken from it."""
    names = {name for name, _ in named}
    taken = [span for name, _, span in run.record.bound if name in names]
    first = min(taken, default=None)
    if first is None:
        return table
    later = {
        n: f for n, f in table.columns.items() if (s := run.record.stored.get(n)) is not None and s > first
    }
    return replace(table, columns=later, rest=None)


def _feeds(run: Run, named: list[tuple[str, Value]], table: Table) -> bool:
    """Whether a variable named for features takes its columns from this frame: then that is what counts."""
    roots = set(table.rows.tables)
    return any(roots & set(run.rows(value).tables) for _, value in named)


def _labels_by_use(run: Run) -> dict[str, Facts]:
    """Columns that a variable named as a label was made of."""
    found: dict[str, Facts] = {}
    for name, value, _span in run.record.bound:
        if not is_label_name(name):
            continue
        held = run.at(value)
        if isinstance(held, Cells) and held.name is not None:
            found[held.name] = held.facts
        elif isinstance(held, Table) and held.rest is None:
            found |= held.columns
    return found


def _is_used(run: Run, name: str, value: Value) -> bool:
    return isinstance(value, Ref) and run.record.used.get(f"{name}@{value.place}", 0) > 0


def _only_shown(run: Run, name: str) -> bool:
    return run.record.shown.get(name, 0) > 0 and run.record.used.get(name, 0) == 0


def _of_table(  # noqa: C901
    run: Run,
    evidence: Evidence,
    table: Table,
    labels: dict[str, float],
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
        if column is not None and _column_only_shown(run, table, column):
            continue
        where = arrives.format(column=repr(column)) if column is not None else f"`{name}`"
        found = False
        for ahead in facts.aheads:
            if ahead.rule == "not-yet-known" and not facts.derived:
                continue
            rule = _lone_rule(evidence, ahead, facts, table.rows)
            if rule == "shift-into-future" and explicit:
                yield from _selected(run, ahead, column, arrives=where, before=None)
            if rule is not None:
                found = True
                yield _leak(ahead, rule=rule, column=column, arrives=where, arrived=None)
        if not found and facts.derived and (evidence.lone or evidence.declared):
            yield from _lone_target(column, facts, labels, used, table, run)
    for ahead in table.presence:
        tables = {source.partition(".")[0] for source in ahead.sources} or set(table.rows.tables)
        settled = ahead.over is not None and (ahead.over.settled or ahead.over.side)
        if not settled and evidence.is_temporal(tables):
            yield _leak(ahead, rule="whole-sample-statistic" if ahead.over is not None else ahead.rule, column=None,
                        arrives=f"which rows `{name}` has", arrived=None)  # fmt: skip


def _column_only_shown(run: Run, table: Table, column: str) -> bool:
    key = (table.root, column)
    return key in run.record.columns_shown and key not in run.record.columns_used and len(run.sources) > 1


def _is_label_column(column: str, facts: Facts) -> bool:
    if is_label_name(column):
        return True
    return is_forward_name(column) and any(a.rule == "shift-into-future" for a in facts.aheads)


def _lone_rule(evidence: Evidence, ahead: Ahead, facts: Facts, rows: Rows | None = None) -> str | None:
    tables = {source.partition(".")[0] for source in ahead.sources} or evidence.tables_of(facts)
    if ahead.over is not None:
        over = ahead.over
        if rows is not None and over.tables and rows.tables and not over.tables & rows.tables:
            return None
        if over.side == "test":
            return "fitted-on-test"
        if over.settled or over.side == "train":
            return None
        if not evidence.is_temporal(tables) and not _reads_label(ahead):
            return None
        return "whole-sample-statistic" if ahead.rule == "codes" else ahead.rule
    in_function = bool(tables) and all("·" in table for table in tables)
    if ahead.rule in _NEEDS_TIME and not in_function and not evidence.is_temporal(tables):
        return None
    return ahead.rule


def _reads_label(ahead: Ahead) -> bool:
    return any(is_label_name(source.partition(".")[2]) for source in ahead.sources)


def _lone_target(  # noqa: PLR0917
    column: str | None, facts: Facts, labels: dict[str, float], used: dict[str, Facts], table: Table, run: Run
) -> Iterator[Leak]:
    """Without a model: a column made of the label's own row."""
    _ = used, labels
    sources = {source for source in names_label(facts) if facts.reads[source] >= 0}
    if not sources or column is None or (facts.aheads == () and not facts.derived):
        return
    text = ", ".join(sorted(source.partition(".")[2] for source in sources))
    span = next((step.span for ahead in facts.aheads for step in ahead.steps), None) or _span_of(
        run, table, column
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


def _span_of(run: Run, table: Table, column: str) -> Span | None:
    _ = table
    return run.record.stored.get(column)


def _of_returns(run: Run, evidence: Evidence, labels: dict[str, float], *, has_model: bool) -> Iterator[Leak]:
    """What functions that nothing calls give back, or store into the frames they are given."""
    for name, value, _span in run.record.returned:
        held = run.at(value)
        is_parameter = ":" in name
        for part in _tables_in(run, held):
            if has_model and not is_parameter:
                continue
            yield from _of_table(run, evidence, part, labels, {}, name=name.partition(":")[0])
        if not is_parameter:
            for _column, facts in columns_of(run, held) if not isinstance(held, Table) else ():
                for ahead in facts.aheads:
                    if ahead.over is not None and ahead.over.side == "test":
                        yield _leak(
                            ahead,
                            rule="fitted-on-test",
                            column=None,
                            arrives=f"what `{name}` returns",
                            arrived=None,
                        )
                    elif ahead.over is None and "feature" in name and ahead.rule != "backward-fill":
                        yield _leak(
                            ahead,
                            rule=ahead.rule,
                            column=None,
                            arrives=f"what `{name}` returns",
                            arrived=None,
                        )


def _tables_in(run: Run, value: Value) -> Iterator[Table]:
    held = run.at(value)
    if isinstance(held, Table):
        yield held
    elif isinstance(held, Seq) and held.items is not None:
        for item in held.items[:8]:
            yield from _tables_in(run, item)


__all__ = ["Leak", "Opaque", "leaks", "replace"]
