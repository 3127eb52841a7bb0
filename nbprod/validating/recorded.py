"""Data Docs from a run's record: GX's results made again from verdicts, those taken from earlier runs included."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbprod.expectations import gx_json
from nbprod.model import Suite
from nbprod.validating.docs import write_docs
from nbprod.validating.gx import great_expectations, quiet
from nbprod.validating.judging import IBIS, Judged, suite_result

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nbprod.model import Record, Verdict

FOLDER = "docs"


def record_docs(record: Record) -> Path | None:
    """The first page of Data Docs on all verdicts of a run, in the run's folder; None where nothing was judged."""
    judged = list(_judged(record))
    if not judged:
        return None
    with quiet():
        great_expectations()
        results = [
            suite_result(suite, [_result(one, suite) for one in verdicts], parameters={})
            for suite, verdicts in judged
        ]
    return write_docs(
        results,
        Path(record.folder) / FOLDER,
        suites=[suite for suite, _ in judged],
        run=record.id,
        started=dt.datetime.fromisoformat(record.started),
    )


def _judged(record: Record) -> Iterator[tuple[Suite, tuple[Verdict, ...]]]:
    """Each value that a stage gave and that was judged, with its verdicts."""
    for stage in record.stages:
        for value in dict.fromkeys(one.value for one in stage.verdicts):
            verdicts = tuple(one for one in stage.verdicts if one.value == value)
            expectations = tuple(one.expectation for one in verdicts)
            yield Suite(value=value, stage=stage.stage, expectations=expectations), verdicts


def _result(verdict: Verdict, suite: Suite) -> Judged:
    from great_expectations.core import ExpectationValidationResult
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    place = suite.expectations.index(verdict.expectation)
    written: Any = gx_json(suite)["expectations"]
    raised = {
        "raised_exception": bool(verdict.error),
        "exception_traceback": "",
        "exception_message": verdict.error,
    }
    result = ExpectationValidationResult(
        success=verdict.success,
        result=_members(verdict),
        expectation_config=ExpectationConfiguration(**written[place]),
        exception_info=raised,
    )
    return Judged(result=result, measured_by=IBIS, rows=())


def _members(verdict: Verdict) -> dict[str, Any]:
    """What the verdict holds in the names of GX's result format SUMMARY."""
    members: dict[str, Any] = {} if verdict.observed is None else {"observed_value": verdict.observed}
    if verdict.element_count is not None:
        members["element_count"] = verdict.element_count
    if verdict.broken_count is not None:
        share = verdict.broken_count / verdict.element_count if verdict.element_count else 0.0
        members |= {
            "unexpected_count": verdict.broken_count,
            "unexpected_percent": 100 * share,
            "partial_unexpected_list": list(verdict.samples),
        }
    return members
