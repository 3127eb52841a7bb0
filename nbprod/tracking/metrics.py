"""The figures that a run reports of itself: what its evaluating stages gave as a table of one row, or as numbers."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from nbprod.errors import NbprodError
from nbprod.model import Kind
from nbprod.running.keeping import plan_kept
from nbprod.running.records import given_by

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from nbprod.model import Artifact, Record, StageRun

_LARGEST_BYTES = 1_000_000


def metrics_of(record: Record) -> dict[str, float]:
    """Every figure by its name; where two values hold one of the same name, as `VALUE.NAME`."""
    found = [(name, key, figure) for name, key, figure in _figures(record)]
    names = [key for _, key, _ in found]
    return {key if names.count(key) == 1 else f"{name}.{key}": figure for name, key, figure in found}


def _figures(record: Record) -> Iterator[tuple[str, str, float]]:
    seen: set[str] = set()
    for stage in _reporting(record):
        for artifact in stage.artifacts:
            if artifact.name not in seen and _may_hold_figures(artifact):
                seen.add(artifact.name)
                for key, figure in _of_value(_value(record, stage.stage, artifact), artifact.name):
                    yield artifact.name, key, figure


def _reporting(record: Record) -> tuple[StageRun, ...]:
    """The stages of kind evaluate; all where none is, or where the run kept no plan."""
    plan = plan_kept(Path(record.folder))
    kinds = {one.name: one.kind for one in plan.stages} if plan else {}
    chosen = tuple(one for one in record.stages if kinds.get(one.stage) is Kind.EVALUATE)
    return chosen or record.stages


def _may_hold_figures(artifact: Artifact) -> bool:
    if artifact.format == "parquet":
        return artifact.rows == 1 and bool(artifact.columns)
    return artifact.format in ("json", "npy-scalar") and artifact.bytes < _LARGEST_BYTES


def _value(record: Record, stage: str, artifact: Artifact) -> object:
    try:
        return given_by(record, {artifact.name: stage}).get(artifact.name)
    except NbprodError:
        # The store may have been emptied since: the record stays readable.
        return None


def _of_value(value: object, name: str) -> Iterator[tuple[str, float]]:
    match value:
        case bool():
            return
        case int() | float() if math.isfinite(value):
            yield name, float(value)
        case dict():
            yield from _of_mapping(value)
        case _ if hasattr(value, "iloc") and getattr(value, "ndim", 0) == 2:
            yield from _of_mapping(value.iloc[0].to_dict())
        case _ if getattr(value, "ndim", None) == 0 and hasattr(value, "item"):
            yield from _of_value(value.item(), name)
        case _:
            return


def _of_mapping(values: Mapping[object, object]) -> Iterator[tuple[str, float]]:
    for key, one in values.items():
        number = one.item() if hasattr(one, "item") else one
        if isinstance(number, int | float) and not isinstance(number, bool) and math.isfinite(number):
            yield str(key), float(number)
