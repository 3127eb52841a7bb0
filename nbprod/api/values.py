"""Judging a value against a suite, and proposing a suite for one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from nbprod.api.project import root_of
from nbprod.api.runs import records
from nbprod.errors import StoreError

if TYPE_CHECKING:
    from nbprod.model import Record, Suite, Verdict
    from nbprod.validating import Proposing


def value(record: Record, name: str, *, stage: str) -> object:
    """What a stage of a run gave under a name; raises NbprodError where there is none, or it is gone."""
    from nbprod.running.records import given_by

    return given_by(record, {name: stage})[name]


def validate(value: object, suite: Suite) -> tuple[Verdict, ...]:
    """The suite's verdicts on a value: a frame, an Ibis table, a parquet file's path, or a dict of metrics."""
    from nbprod.validating import judge

    return judge(value, suite)


def infer(value: object, name: str, **how: Unpack[Proposing]) -> str:
    """The text of a `%%expect` cell that proposes a suite for a value; raises SuiteError where none can be."""
    from nbprod.expectations import text_of

    return text_of(proposal(value, name, **how))


def proposal(value: object, name: str, **how: Unpack[Proposing]) -> Suite:
    """The suite that a value proposes; raises SuiteError where none can be."""
    from nbprod.validating import propose

    return propose(value, value=name, **how)


def review(value: object, name: str, *, suite: Suite | None = None) -> str:
    """A page of HTML with each column of a value drawn beside what the suite, or the one it proposes, expects of it."""
    from nbprod.expectations import infer, review_page
    from nbprod.validating import profile_of

    profile = profile_of(value)
    expected = suite or infer(profile, value=name)
    return review_page(profile, expected, title=f"What is expected of {name}")


def infer_from_last_run(notebook: Path, value: str, **how: Unpack[Proposing]) -> str:
    """A proposed suite for a value as the notebook's last run gave it; raises StoreError where there is none."""
    from nbprod.artifacts.manifest import store_of

    for record in records(root_of(notebook)):
        for run in reversed(record.stages):
            for artifact in run.artifacts:
                if artifact.name == value and artifact.format == "parquet":
                    return infer(
                        store_of(Path(record.folder) / "artifacts").path(artifact.digest), value, **how
                    )
    raise StoreError(
        f"No run has given a table '{value}' yet.", where=str(notebook), remedy="Run the pipeline once."
    )
