"""Every leak of a notebook, each cause once; knows sinks and outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbprod.leakage.leaks.labels import MADE_OF_LABEL, MADE_OF_LATER_LABEL, label_sources
from nbprod.leakage.leaks.leak import TAKEN_IN, Leak
from nbprod.leakage.leaks.outputs import of_outputs, of_parts, of_predictions, of_returns
from nbprod.leakage.leaks.sinks import of_sink

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from nbprod.leakage.evidence import (
        Evidence,
    )
    from nbprod.leakage.interpret.context import Run


_MODEL_KINDS = frozenset({"fit", "predict", "validate", "search"})


def leaks(run: Run, evidence: Evidence, *, features_stage: bool) -> Iterator[Leak]:
    """Every leak, sink by sink; without a model, in what the notebook leaves behind."""
    model_sinks = [sink for sink in run.record.sinks if sink.kind in _MODEL_KINDS and sink.role == "model"]
    labels = label_sources(run, model_sinks)
    for sink in model_sinks:
        yield from of_sink(run, evidence, sink, labels)
    for sink in run.record.sinks:
        if sink.kind == "split" and (sink.labels is not None or not model_sinks):
            yield from of_sink(run, evidence, sink, labels)
    if model_sinks and evidence.lone and not features_stage:
        yield from of_predictions(run, evidence, model_sinks)
    if not model_sinks:
        yield from of_parts(run, evidence)
    if not model_sinks or features_stage:
        yield from of_outputs(run, evidence, has_model=bool(model_sinks))
    yield from of_returns(run, evidence, has_model=bool(model_sinks))


def one_a_cause(found: Iterable[Leak], *, features_stage: bool) -> list[Leak]:
    """Each cause once: a column that looks ahead is no second leak for being made of what the label is made of.

    Where such a column is taken into the features elsewhere, that place is told too, as it may be a label until
    then; in a stage of features there are no labels, and the look ahead alone is the mistake.
    """
    every = list(found)
    shifts = {(leak.column, leak.span) for leak in every if leak.rule == "shift-into-future"}
    ahead = {column for column, _ in shifts}
    # What reads as far as a label that lies ahead looks ahead itself, whichever rule says so.
    otherwise = {leak.column for leak in every if leak.rule != "target-in-features"}

    def is_told(leak: Leak) -> bool:
        if leak.detail == MADE_OF_LABEL:
            return leak.column in ahead
        if leak.detail == MADE_OF_LATER_LABEL:
            return leak.column in otherwise
        is_taken = features_stage and leak.detail == TAKEN_IN and bool(leak.steps)
        return is_taken and (leak.column, leak.steps[0].span) in shifts

    return [leak for leak in every if not is_told(leak)]
