"""GX's results as verdicts: plain values that a record can hold."""

from __future__ import annotations

import datetime as dt
import decimal
import math
from collections.abc import Mapping
from os import PathLike
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from nbprod.expectations import row_name
from nbprod.model import Importance, OnBroken, Verdict
from nbprod.validating.judging import Judged, Wish, judged
from nbprod.validating.parting import Parted, has_rows, parted
from nbprod.validating.tables import Limits

if TYPE_CHECKING:
    from nbprod.model import Expectation, Json, Suite


class Judging(Struct, frozen=True):
    """What judges values by suites, and parts the rows that break one from those that don't."""

    def __call__(
        self,
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

        `table` is a parquet file's path, a table of Ibis, a frame of pandas, Polars or Arrow, or metrics: a number,
        or a dict of them, which is a table of one row. `samples` rows are kept of those that break an expectation.
        Raises SuiteError for a value that can't be judged and for a parameter that isn't given.
        """
        wish = Wish(samples=samples, parameters=parameters or {}, limits=limits or Limits())
        found = verdicts_of(suite, judged(table, suite, wish=wish), stage=stage, digest=digest)
        return found if isinstance(table, str | PathLike) else _with_quarantine(found, table, suite, wish)

    def parted(self, value: object, suite: Suite, *, parameters: Mapping[str, Json] | None = None) -> Parted:
        """The value without the rows that break the suite, and those rows; see `parting.parted`."""
        return parted(value, suite, parameters=parameters)


judge = Judging()


def _with_quarantine(
    verdicts: tuple[Verdict, ...], value: object, suite: Suite, wish: Wish
) -> tuple[Verdict, ...]:
    """The verdicts on a live value, saying how many rows its suite would set aside in a run."""
    failing = tuple(
        one for one in verdicts if not one.success and one.expectation.importance is Importance.CRITICAL
    )
    if suite.on_broken is not OnBroken.QUARANTINE or not failing or not has_rows(value):
        return verdicts
    asked = replace(suite, expectations=tuple(one.expectation for one in failing))
    found = parted(value, asked, parameters=wish.parameters, limits=wish.limits).quarantine
    return tuple(
        replace(one, quarantine=found)
        if one in failing and found.broke.get(row_name(one.expectation))
        else one
        for one in verdicts
    )


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
