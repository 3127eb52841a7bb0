"""Judging a value against a suite, and proposing a suite for one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from msgspec.structs import replace

from nbprod.api.project import root_of
from nbprod.api.runs import records
from nbprod.errors import StoreError, SuiteError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Sequence

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


def prediction_proposal(
    value: object,
    name: str,
    *,
    columns: Sequence[str],
    alarm_rate: float = 0.01,
    batch_rows: int | None = None,
) -> Suite:
    """The suite that fresh predictions keep if they are distributed as these of the champion's, in the named columns."""
    from nbprod.expectations import prediction_suite
    from nbprod.validating import profile_of

    profile = profile_of(value)
    known = [one.name for one in profile.columns]
    for column in columns:
        if column not in known:
            raise SuiteError(
                f"No column '{column}' holds predictions: the table has none of that name.",
                remedy=did_you_mean(column, known) or "Name columns of the table.",
            )
    return prediction_suite(
        profile, value=name, columns=columns, alarm_rate=alarm_rate, batch_rows=batch_rows
    )


def served_as_trained(
    trained: object, served: object, *, entity: Sequence[str], relative: float = 0.0
) -> tuple[object, Suite]:
    """Features as trained beside those as served, by entity, and the suite that expects them to be the same.

    With `relative` numbers may differ by that share of the larger one. Raises SuiteError where the columns of `entity`
    don't tell the rows apart.
    """
    import pyarrow as pa

    from nbprod.expectations import skew_suite
    from nbprod.expectations.skewing import SERVED
    from nbprod.validating import paired

    table = paired(trained, served, entity=entity)
    features = [name for name in table.column_names if name + SERVED in table.column_names]
    if not features:
        raise SuiteError(
            "The two tables share no feature.",
            remedy="Log the features under the names that they were trained by.",
        )
    kinds = {name: table.schema.field(name).type for name in features}
    numbers = [
        name
        for name, kind in kinds.items()
        if relative and (pa.types.is_integer(kind) or pa.types.is_floating(kind))
    ]
    equal = skew_suite([name for name in features if name not in numbers])
    close = skew_suite(numbers, entity=entity, relative=relative).expectations[1:] if numbers else ()
    return table, replace(equal, expectations=(*equal.expectations, *close))


def review(value: object, name: str, *, suite: Suite | None = None) -> str:
    """A page of HTML with each column of a value drawn beside what the suite, or the one it proposes, expects of it."""
    from nbprod.expectations import infer, review_page
    from nbprod.validating import profile_of

    profile = profile_of(value)
    expected = suite or infer(profile, value=name)
    return review_page(profile, expected, title=f"What is expected of {name}")


def infer_from_last_run(notebook: Path, value: str, **how: Unpack[Proposing]) -> str:
    """A proposed suite for a value as the notebook's last run gave it; raises StoreError where there is none."""
    return infer(given_last(notebook, value), value, **how)


def given_last(notebook: Path, value: str) -> Path:
    """The file of a table as the notebook's last run gave it; raises StoreError where there is none."""
    from nbprod.artifacts.manifest import store_of

    for record in records(root_of(notebook)):
        for run in reversed(record.stages):
            for artifact in run.artifacts:
                if artifact.name == value and artifact.format == "parquet":
                    return Path(store_of(Path(record.folder) / "artifacts").path(artifact.digest))
    raise StoreError(
        f"No run has given a table '{value}' yet.", where=str(notebook), remedy="Run the pipeline once."
    )
