"""GX's results as verdicts: plain values that a record can hold."""

from __future__ import annotations

import datetime as dt
import decimal
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from nbprod.model import Verdict
from nbprod.validating.judging import Judged, Wish, judged

if TYPE_CHECKING:
    from nbprod.model import Expectation, Json, Suite
    from nbprod.validating.tables import Limits


def judge(
    table: object,
    suite: Suite,
    *,
    stage: str | None = None,
    digest: str | None = None,
    samples: int = 20,
    parameters: Mapping[str, Json] | None = None,
    limits: Limits | None = None,
) -> tuple[Verdict, ...]:
    """A verdict on each expectation of the suite, in its order.

    `table` is a parquet file's path, a table of Ibis, a frame of pandas, Polars or Arrow, or metrics: a number, or
    a dict of them, which is a table of one row. `samples` rows are kept of those that break an expectation.
    Raises SuiteError for a value that can't be judged and for a parameter that isn't given.
    """
    wish = Wish(samples=samples, parameters=parameters or {})
    if limits is not None:
        wish = Wish(samples=samples, parameters=parameters or {}, limits=limits)
    found = judged(table, suite, wish=wish)
    return verdicts_of(suite, found, stage=stage, digest=digest)


def verdicts_of(
    suite: Suite, found: tuple[Judged, ...], *, stage: str | None = None, digest: str | None = None
) -> tuple[Verdict, ...]:
    """What was judged as verdicts."""
    return tuple(
        _verdict(expectation, one, suite=suite, stage=stage or suite.stage, digest=digest)
        for expectation, one in zip(suite.expectations, found, strict=True)
    )


def _verdict(
    expectation: Expectation, one: Judged, *, suite: Suite, stage: str | None, digest: str | None
) -> Verdict:
    result = one.result.result or {}
    success = bool(one.result.success)
    return Verdict(
        expectation=expectation,
        success=success,
        value=suite.value,
        stage=stage,
        digest=digest,
        observed=plain(result.get("observed_value")),
        element_count=result.get("element_count"),
        broken_count=_count(result.get("unexpected_count")),
        samples=tuple(plain(value) for value in result.get("partial_unexpected_list") or ()),
        rows=tuple({str(name): plain(value) for name, value in row.items()} for row in one.rows),
        error=_exception(one.result.exception_info),
        measured_by=one.measured_by,
    )


def _count(value: Any) -> int | None:
    return None if value is None else int(value)


def _exception(info: Any) -> str:
    """The message of what was raised; GX keeps it flat, or one a metric."""
    if not info:
        return ""
    if "raised_exception" in info:
        return str(info["exception_message"]) if info["raised_exception"] else ""
    return next((said for one in info.values() if isinstance(one, Mapping) and (said := _exception(one))), "")


def plain(value: Any) -> Json:
    """A value of a table as JSON holds it: times as ISO text, what is no number as None."""
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return value if math.isfinite(value) else (None if math.isnan(value) else str(value))
        case dt.datetime() | dt.date() | dt.time():
            return None if str(value) == "NaT" else value.isoformat()
        case decimal.Decimal():
            return str(value)
        case Mapping():
            return {str(key): plain(one) for key, one in value.items()}
        case list() | tuple() | set() | frozenset():
            items = value if isinstance(value, (list, tuple)) else sorted(value, key=str)
            return [plain(one) for one in items]
        case _ if getattr(getattr(value, "dtype", None), "kind", "") == "M":
            # numpy lists times of nanoseconds as numbers.
            return plain(value.astype("datetime64[us]").tolist())
        case _ if hasattr(value, "tolist"):
            return plain(value.tolist())
        case _:
            return None if str(value) in ("NaT", "<NA>") else str(value)
