"""What test rows are used for besides the last score: to stop, to choose, to tune, to calibrate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbprod.leakage.evidence import is_tested_elsewhere, predicted, were_read_elsewhere
from nbprod.leakage.interpret.clocks import words
from nbprod.leakage.leaks import Leak, leak_at
from nbprod.model import Severity, Span, Step

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nbprod.leakage.interpret.context import Run, Sink
    from nbprod.leakage.interpret.facts import Rows


def test_uses(run: Run) -> Iterator[Leak]:
    """Stopping, choosing and tuning on rows that are scored as the test afterwards."""
    scored = [s for s in run.record.scored if s.rows.side == "test"]
    for sink in run.record.sinks:
        stops = sink.kind == "stop" and sink.rows.bounds and sink.rows.side != "train"
        if stops and _is_final(run, sink, scored):
            says = "the number of rounds is chosen on the rows that test the model"
            yield Leak(
                rule="early-stopping-on-test",
                span=sink.span,
                says=says,
                reach="the test rows",
                steps=(Step(span=sink.span, says=says),),
                detail=sink.name,
            )
        if sink.kind == "search" and sink.rows.side == "test":
            says = "hyperparameters are searched on the test rows"
            yield Leak(rule="tuned-on-test", span=sink.span, says=says, reach="the test rows",
                       steps=(Step(span=sink.span, says=says),))  # fmt: skip
    yield from _chosen(run)
    yield from _judged_by_itself(run)
    yield from _best_given(run)
    yield from _reused(run)


def _is_final(run: Run, stop: Sink, scored: list[Sink]) -> bool:
    """Whether the rows that stop a fit also give the last score: no others do, where they are called validation."""
    judged = (*scored, *predicted(run))
    others = any(s.rows.side == "test" and s.rows != stop.rows for s in judged)
    others = others or any(were_read_elsewhere(s.rows, stop.rows) for s in judged)
    if others and (_is_fold(stop.rows) or set(words(stop.name)) & _VALIDATION_WORDS):
        return False
    return any(s.rows == stop.rows for s in judged)


_VALIDATION_WORDS = frozenset({"val", "valid", "va", "validation", "dev", "eval", "xval", "yval"})


def _is_fold(rows: Rows) -> bool:
    return any(bound.kind == "fold" for bound in rows.bounds)


def _chosen(run: Run) -> Iterator[Leak]:
    """A loop that keeps the best of several models by their score on rows that nothing else tests."""
    scored = [s for s in run.record.scored if s.rows.side == "test"]
    for span, rows in dict.fromkeys(run.record.chosen):
        looks = [
            s for s in scored if (s.rows == rows if rows else s.in_loop and _is_just_before(s.span, span))
        ]
        told = rows or (looks[0].rows if looks else None)
        if told is None or told.side != "test" or is_tested_elsewhere(run, told):
            continue
        first = looks[0].span if looks else span
        says = "the best model is kept by its score on the rows that also give the final score"
        yield Leak(rule="tuned-on-test", span=first, says=says, reach="the test rows",
                   steps=(Step(span=first, says="scored on the test rows"), Step(span=span, says="the best is kept")))  # fmt: skip


def _is_just_before(scored: Span, chosen: Span) -> bool:
    return scored.cell == chosen.cell and scored.line <= chosen.line <= scored.line + 12


def _judged_by_itself(run: Run) -> Iterator[Leak]:
    """Test rows that score what was fitted to their labels: a threshold, a weight, a calibration."""
    fits = {s.span for s in run.record.sinks if s.kind == "fit" and s.role == "model"}
    for sink in run.record.scored:
        if sink.rows.side != "test" or is_tested_elsewhere(run, sink.rows):
            continue
        own = {ahead.key for ahead in run.facts(sink.labels).aheads}
        for ahead in run.facts(sink.features).aheads:
            learnt = ahead.rule == "tuned-on-test" or (ahead.rule == "fitted-on-test" and ahead.span in fits)
            if learnt and ahead.over == sink.rows and ahead.key not in own:
                yield leak_at(
                    ahead,
                    rule=ahead.rule,
                    column=None,
                    arrives="the score of the same rows",
                    arrived=sink.span,
                )


def _best_given(run: Run) -> Iterator[Leak]:
    """A function that gives the best score of a search as its result, where nothing was kept back to test it."""
    if any(sink.rows.side == "test" for sink in (*run.record.scored, *predicted(run))):
        return
    for span, rows in dict.fromkeys(run.record.results):
        if rows.bounds:
            continue
        says = "the best score of a search is given as the result, and no rows were kept back to test it"
        yield Leak(
            rule="tuned-on-test",
            span=span,
            says=says,
            reach="the test rows",
            steps=(Step(span=span, says="the score that chose the best candidate is returned"),),
        )


def _reused(run: Run) -> Iterator[Leak]:
    """The same test rows score many models: told, as the last of many looks is no longer a test."""
    by_rows: dict[Rows, list[Sink]] = {}
    for sink in run.record.scored:
        if sink.rows.side == "test":
            by_rows.setdefault(sink.rows, []).append(sink)
    for sinks in by_rows.values():
        models = {s.model_id for s in sinks if s.model_id is not None}
        if len(models) >= 3:
            says = f"the same test rows score {len(models)} models"
            yield Leak(rule="test-set-reused", span=sinks[-1].span, says=says, reach="the test rows",
                       steps=tuple(Step(span=s.span, says="scored on the test rows") for s in sinks[:8]),
                       severity=Severity.NOTE)  # fmt: skip
