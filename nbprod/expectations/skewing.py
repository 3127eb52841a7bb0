"""Training/serving skew: expectations on a table that has an entity's features as trained beside those as served."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbprod.expectations.queries import quoted
from nbprod.model import Expectation, Suite

if TYPE_CHECKING:
    from collections.abc import Sequence

SERVED = "_served"


def skew_suite(
    features: Sequence[str],
    *,
    value: str = "served",
    entity: Sequence[str] = (),
    relative: float = 0.0,
    mostly: float = 1.0,
) -> Suite:
    """Each feature was served as it was trained on, in a table that `paired` made.

    With `relative` numbers may differ by that share of the larger one, and all features must be numbers; `mostly` is the
    share of rows that must agree where they may not. A value that only one side misses is skew.
    """
    pairs = [_close(one, tuple(entity), relative) if relative else _equal(one, mostly) for one in features]
    some = Expectation(
        type="expect_table_row_count_to_be_between",
        arguments={"min_value": 1},
        notes="Where no entity is on both sides nothing was compared.",
    )
    return Suite(value=value, expectations=(some, *pairs))


def _equal(feature: str, mostly: float) -> Expectation:
    exact = {} if mostly >= 1 else {"mostly": mostly}
    return Expectation(
        type="expect_column_pair_values_to_be_equal",
        arguments={
            "column_A": feature,
            "column_B": feature + SERVED,
            "ignore_row_if": "both_values_are_missing",
            **exact,
        },
        notes=f"'{feature}' of the same entity as in training.",
    )


def _close(feature: str, entity: tuple[str, ...], relative: float) -> Expectation:
    here, there = _quoted(feature), _quoted(feature + SERVED)
    shown = ", ".join([*map(_quoted, entity), here, there])
    # Nobody but the notebook's own author names the columns; their quotes are doubled.
    query = (
        f"SELECT {shown} FROM {{batch}} WHERE ({here} IS NULL) <> ({there} IS NULL) "  # noqa: S608
        f"OR abs({here} - {there}) > {relative} * greatest(abs({here}), abs({there}))"
    )
    return Expectation(
        type="unexpected_rows_expectation",
        arguments={"unexpected_rows_query": query},
        description=f"{feature} was served as trained on, to {relative:g} of its value.",
        notes=f"'{feature}' of the same entity as in training.",
    )


def _quoted(name: str) -> str:
    # Braces would be taken for a place in the query's text.
    return quoted(name).replace("{", "{{").replace("}", "}}")
