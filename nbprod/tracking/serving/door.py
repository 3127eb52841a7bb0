"""What stands at the door of a loaded model: columns, their types, and the suites that the training's data met."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbprod.errors import NbprodError, did_you_mean
from nbprod.model import Importance, OnBroken

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from nbprod.model import Expectation, Suite
    from nbprod.tracking.entering import Candidate

_NUMBERS, _MOMENTS, _TRUTHS, _TEXTS = "iuf", "M", "b", "OTSU"


def admitted(rows: Any, *, history: Any, key: str) -> Any:
    """The rows with the columns and types that the history has; raises NbprodError where they lack or differ."""
    if not hasattr(rows, "iloc") or getattr(rows, "ndim", 0) != 2:
        raise NbprodError(
            f"Rows are a {type(rows).__name__}.",
            remedy="Give a frame of pandas: pd.DataFrame([row]) for one.",
        )
    for name in history.columns:
        if name not in rows.columns:
            near = did_you_mean(str(name), [str(one) for one in rows.columns])
            raise NbprodError(
                f"The rows lack '{name}', which the feature stage takes.",
                remedy=f"{near} Give it as missing where it isn't known yet.".strip(),
            )
    twice = rows[key][rows[key].duplicated()]
    if len(twice):
        raise NbprodError(f"Several rows have the {key} {twice.iloc[0]}, which tells rows apart.")
    return rows[list(history.columns)].apply(lambda column: _typed(column, history[column.name].dtype))


def _typed(column: Any, wanted: Any) -> Any:
    if column.dtype == wanted:
        return column
    if column.isna().all():
        return column.astype(wanted) if wanted.kind not in "iub" else column.astype(float)
    if _family(column.dtype, column) != _family(wanted):
        first = column.dropna().iloc[0]
        raise NbprodError(
            f"Column '{column.name}' is {column.dtype} ({first!r}): the feature stage takes {wanted}.",
            remedy="Give it as the training's rows have it.",
        )
    is_safe = wanted.kind not in "iu" or (column.notna().all() and (column == column.astype(wanted)).all())
    return column.astype(wanted) if is_safe else column


def _family(dtype: Any, column: Any = None) -> str:
    kind = getattr(dtype, "kind", "O")
    if kind == "O" and column is not None:
        known = column.dropna()
        if all(isinstance(one, int | float) and not isinstance(one, bool) for one in known):
            return _NUMBERS
    return next((family for family in (_NUMBERS, _MOMENTS, _TRUTHS, _TEXTS) if kind in family), kind)


def demand_suites(candidate: Candidate, name: str, stage: str, value: Any) -> None:
    """Raise NbprodError where a value breaks a critical expectation of the suites that the plan has on it."""
    from nbprod.running.judging import broken_reason
    from nbprod.validating import judge

    for suite in suites_of(candidate, name, stage):
        verdicts = judge(value, suite, stage=stage, parameters=candidate.record.parameters)
        broken = tuple(one for one in verdicts if one.fails)
        if broken:
            count = broken[0].broken_count
            rows = f" in {count:,} of {broken[0].element_count:,} rows" if count else ""
            raise NbprodError(
                f"Nothing is predicted: {broken_reason(broken)}{rows}.",
                where=candidate.plan.name,
                remedy="Mend the rows, or predict(rows, judged=False).",
            )


def suites_of(candidate: Candidate, name: str, stage: str) -> tuple[Suite, ...]:
    """The suites on a value that stop what breaks them."""
    from nbprod.running.judging import suites_on

    found = (suite for suite in suites_on(stage, candidate.plan) if suite.value == name)
    return tuple(suite for suite in found if suite.on_broken is not OnBroken.WARN)


def row_checks(suites: Iterable[Suite]) -> Iterator[tuple[str, Expectation, Callable[[Any], bool]]]:
    """Of critical expectations those that one row alone can break: column, expectation, and what holds of a value."""
    for suite in suites:
        for one in suite.expectations:
            column, held = one.arguments.get("column"), _held(one)
            if held is not None and isinstance(column, str):
                yield column, one, held


def _held(one: Expectation) -> Callable[[Any], bool] | None:
    arguments = one.arguments
    # Where some may break it, one row says nothing; a condition on other columns is left to a batch.
    is_strict = arguments.get("mostly", 1) == 1 and not arguments.get("row_condition")
    if one.importance is not Importance.CRITICAL or not is_strict:
        return None
    match one.type:
        case "expect_column_values_to_not_be_null":
            return lambda value: value is not None
        case "expect_column_values_to_be_in_set":
            return _within_set(arguments)
        case "expect_column_values_to_be_between":
            return _between(arguments)
        case _:
            return None


def _within_set(arguments: Mapping[str, Any]) -> Callable[[Any], bool] | None:
    known = arguments.get("value_set")
    if not isinstance(known, list) or any(isinstance(value, dict | list) for value in known):
        return None
    members = frozenset(known)
    return lambda value: value is None or value in members


def _between(arguments: Mapping[str, Any]) -> Callable[[Any], bool] | None:
    low, high = (arguments.get(name) for name in ("min_value", "max_value"))
    if any(not isinstance(one, int | float | None) or isinstance(one, bool) for one in (low, high)):
        return None
    is_above, is_below = (bool(arguments.get(name)) for name in ("strict_min", "strict_max"))

    def held(value: Any) -> bool:
        if value is None:
            return True
        enough = low is None or (value > low if is_above else value >= low)
        return bool(enough and (high is None or (value < high if is_below else value <= high)))

    return held
