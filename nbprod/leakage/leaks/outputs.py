"""What the notebook leaves behind, or its functions give back, where no model says what is a feature."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from nbprod.leakage.evidence import (
    Evidence,
    columns_of,
    is_feature_name,
    is_label_name,
)
from nbprod.leakage.interpret.clocks import words
from nbprod.leakage.interpret.database import KEPT
from nbprod.leakage.interpret.values import Cells, Ref, Seq, Table, Value
from nbprod.leakage.leaks.leak import Leak, leak_at, selected
from nbprod.leakage.leaks.lone import column_only_shown, lone_rule, of_table, only_shown
from nbprod.leakage.leaks.sinks import of_part

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nbprod.leakage.interpret.context import Run, Sink
    from nbprod.leakage.interpret.facts import Ahead, Facts


_PREDICTION_WORDS = frozenset(
    ["pred", "preds", "predicted", "prediction", "predictions", "yhat", "hat", "fitted", "forecast", "forecasts", "proba",
     "probability", "score", "estimate", "estimated"]
)  # fmt: skip


def of_predictions(run: Run, evidence: Evidence, sinks: list[Sink]) -> Iterator[Leak]:
    """Columns made of what a model says of the rows that it was fitted on, where nothing else is done with it.

    A plain prediction is a result; a residual or a second feature is meant for a next model.
    """
    fits = {sink.span for sink in sinks if sink.kind == "fit"}
    last = max(sink.span for sink in sinks)
    for name, value in run.env.items():
        held = run.at(value)
        if not isinstance(held, Table) or only_shown(run, name):
            continue
        for column, facts in held.columns.items():
            stored = run.record.stored.get(column)
            plain = bool(set(words(column)) & _PREDICTION_WORDS) or is_label_name(column)
            if (
                plain
                or stored is None
                or stored < replace(last, column=0)
                or column_only_shown(run, held, column)
            ):
                continue
            for ahead in facts.aheads:
                rule = lone_rule(evidence, ahead, facts, held.rows) if ahead.span in fits else None
                if rule is not None:
                    yield leak_at(
                        ahead,
                        rule=rule,
                        column=column,
                        arrives=f"column {column!r} of `{name}`",
                        arrived=None,
                    )


def of_parts(run: Run, evidence: Evidence) -> Iterator[Leak]:
    """Training and test rows that hold what was fitted before they were divided, whatever is done with them."""
    for name, value, span in run.record.bound:
        rows = run.rows(value)
        for column, facts in columns_of(run, value) if rows.side else ():
            for ahead in facts.aheads:
                rule = of_part(evidence, ahead, rows)
                if rule is not None:
                    yield leak_at(ahead, rule=rule, column=column, arrives=f"`{name}`", arrived=span)


def of_outputs(run: Run, evidence: Evidence, *, has_model: bool) -> Iterator[Leak]:  # noqa: C901
    named_features = [(n, v) for n, v in run.env.items() if is_feature_name(n)]
    used = _labels_by_use(run)
    frees = {name: value for name, value in run.frees.items() if name not in run.env}
    for name, value in (*run.env.items(), *frees.items()):
        held = run.at(value)
        if isinstance(held, Table):
            if only_shown(run, name) or name.startswith(("_", KEPT)):
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
            yield from of_table(
                run, evidence, held, used if not explicit else {}, name=name, explicit=explicit
            )
        elif isinstance(held, Cells | Seq) and is_feature_name(name) and not has_model:
            for column, facts in columns_of(run, held):
                for ahead in facts.aheads:
                    rule = lone_rule(evidence, ahead, facts)
                    if rule == "shift-into-future":
                        yield from selected(run, ahead, column, arrives=f"`{name}`", before=None)
                    if rule is not None:
                        yield leak_at(ahead, rule=rule, column=column, arrives=f"`{name}`", arrived=None)


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


def of_returns(run: Run, evidence: Evidence, *, has_model: bool) -> Iterator[Leak]:
    """What functions that nothing calls give back, or store into the frames they are given."""
    for name, value, _span in run.record.returned:
        held = run.at(value)
        is_parameter = ":" in name
        for part in _tables_in(run, held):
            if has_model and not is_parameter:
                continue
            yield from of_table(run, evidence, part, {}, name=name.partition(":")[0])
        if is_parameter or isinstance(held, Table):
            continue
        for _column, facts in columns_of(run, held):
            for ahead in facts.aheads:
                rule = _returned_rule(ahead, name)
                if rule is not None:
                    yield leak_at(
                        ahead, rule=rule, column=None, arrives=f"what `{name}` returns", arrived=None
                    )


def _returned_rule(ahead: Ahead, name: str) -> str | None:
    if ahead.over is not None:
        return "fitted-on-test" if ahead.over.side == "test" and ahead.rule != "tuned-on-test" else None
    return ahead.rule if "feature" in name and ahead.rule != "backward-fill" else None


def _tables_in(run: Run, value: Value) -> Iterator[Table]:
    held = run.at(value)
    if isinstance(held, Table):
        yield held
    elif isinstance(held, Seq) and held.items is not None:
        for item in held.items[:8]:
            yield from _tables_in(run, item)
