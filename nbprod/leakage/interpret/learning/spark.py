"""Estimators of `pyspark.ml`: they are told their columns where they are made, and give tables with columns added."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from nbprod.leakage.interpret import frames
from nbprod.leakage.interpret.facts import Facts, joined
from nbprod.leakage.interpret.values import Estimator, Table, Value

if TYPE_CHECKING:
    from nbprod.leakage.interpret.context import Run
    from nbprod.leakage.interpret.facts import Ahead

_INPUTS = ("inputCol", "inputCols", "featuresCol")
_OUTPUTS = ("outputCol", "outputCols")


def is_sparks(table: Value) -> bool:
    return isinstance(table, Table) and table.library == "pyspark"


def given(run: Run, estimator: Estimator, table: Table) -> tuple[Value, Value | None]:
    """The features and the labels that a model takes of a table, by the columns that it names."""
    label = _setting(run, estimator, "labelCol")
    features = _setting(run, estimator, "featuresCol") or ("features",)
    labels: Value | None = None
    if label:
        labels = frames.column(run, table, label[0])
        table = frames.dropped(table, label)
    elif _is_supervised(run, estimator):
        labels = frames.column(run, table, "label")
        table = frames.dropped(table, ("label",))
    if features[0] in table.columns:
        return run.new(frames.projected(run, table, features[:1])), labels
    return run.new(table), labels


def _is_supervised(run: Run, estimator: Estimator) -> bool:
    last = run.at(estimator.parts[-1]) if estimator.parts else None
    return estimator.role == "predictor" or (isinstance(last, Estimator) and last.role == "predictor")


def _setting(run: Run, estimator: Estimator, name: str) -> tuple[str, ...]:
    """The columns that a setting names, of the estimator or of the parts within it."""
    value = estimator.settings.get(name)
    if value is not None:
        return frames.columns_named(run, Table(), value) or ()
    for part in reversed(estimator.parts):
        held = run.at(part)
        if isinstance(held, Estimator) and (found := _setting(run, held, name)):
            return found
    return ()


def learnt_from(run: Run, estimator: Estimator, table: Table) -> Facts:
    """What a transformer reads of a table: the columns it names, else all."""
    names = [column for name in _INPUTS for column in _setting(run, estimator, name)]
    if not names or estimator.parts:
        return run.facts(table)
    return joined(frames.column(run, table, name).facts for name in names)


def with_outputs(run: Run, estimator: Estimator, table: Table, aheads: tuple[Ahead, ...]) -> Table:
    """The table with the columns that a transformer adds."""
    for each in _steps(run, estimator):
        made = replace(learnt_from(run, each, table), derived=True, clock=None).with_ahead(*aheads)
        outputs = [name for key in _OUTPUTS for name in _setting(run, each, key)]
        inputs = [name for key in _INPUTS[:2] for name in _setting(run, each, key)]
        predicts = each.role in ("predictor", "pipeline", "search")
        for place, name in enumerate(outputs or (["prediction", "probability"] if predicts else ["output"])):
            one = made
            if len(inputs) == len(outputs) > 1:
                # one column each, in their order
                one = replace(frames.column(run, table, inputs[place]).facts, derived=True).with_ahead(
                    *aheads
                )
            table = table.with_column(name, one)
    return table


def _steps(run: Run, estimator: Estimator) -> list[Estimator]:
    if estimator.role not in ("pipeline", "pipeline-transformer"):
        return [estimator]
    parts = [run.at(part) for part in estimator.parts]
    return [each for part in parts if isinstance(part, Estimator) for each in _steps(run, part)]
