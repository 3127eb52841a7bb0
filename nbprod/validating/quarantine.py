"""Rows that break row-level expectations set aside in a parquet file, each with the names of what it broke.

What is about a column as a whole (a mean, a set of columns) breaks no row in particular and sets none aside.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from nbprod.model import Importance
from nbprod.validating.asking import measured
from nbprod.validating.broken import UNIQUE, broken_rows
from nbprod.validating.gx import great_expectations, quiet
from nbprod.validating.judging import Wish, cases_of
from nbprod.validating.rows import both, domain_of
from nbprod.validating.sources import source_of
from nbprod.validating.tables import Limits, opened

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence
    from pathlib import Path

    from nbprod.model import Json, Suite
    from nbprod.validating.asking import Formula
    from nbprod.validating.judging import Case
    from nbprod.validating.rows import Domain
    from nbprod.validating.sources import Source

BROKE = "nbprod_broke"
ROW = "nbprod_row"
_SAMPLE = ".unexpected_values"


class Quarantined(Struct, frozen=True, kw_only=True):
    """What was set aside: how many rows stay and how many were taken, and how many rows each expectation took.

    `uncovered` names the broken expectations whose rows only GX's own engine knows; they take none.
    """

    kept: int
    taken: int
    by_expectation: Mapping[str, int]
    uncovered: tuple[str, ...] = ()


def quarantine(
    table: object,
    suite: Suite,
    *,
    kept: Path,
    taken: Path,
    parameters: Mapping[str, Json] | None = None,
    limits: Limits | None = None,
) -> Quarantined:
    """Write the rows that keep all critical row-level expectations to `kept` and the others to `taken`, as parquet.

    Rows in `taken` have a list column `nbprod_broke` more: the expectations they broke, as `type(column)`. `mostly`
    is not asked: each row that breaks an expectation is taken.
    """
    great_expectations()
    wish = Wish(parameters=parameters or {}, limits=limits or Limits())
    with quiet(), opened(table, limits=wish.limits) as open_table:
        source = source_of(open_table.table, columns=open_table.columns, samples=0)
        cases = [
            case
            for case, one in zip(cases_of(suite, source, wish), suite.expectations, strict=True)
            if one.importance is Importance.CRITICAL
        ]
        tests = measured(source.judged, row_tests(cases, source))
        return _written(source, dict(tests.values), tuple(map(str, tests.failed)), kept=kept, taken=taken)


def row_tests(cases: Sequence[Case], source: Source) -> dict[Hashable, Formula]:
    """By the names of the row-level expectations, formulas for what is true on the rows that break them.

    Two of one name, such as two ranges of one column, are one: what breaks either.
    """
    found: dict[str, list[Any]] = {}
    for case in cases:
        if _main(case) is not None:
            found.setdefault(_name(case), []).append(_main(case))
    return {name: _any_of(metrics, source.judged) for name, metrics in found.items()}


def _any_of(metrics: Sequence[Any], table: Any) -> Formula:
    broken = yield from _test(metrics[0], table)
    for metric in metrics[1:]:
        other = yield from _test(metric, table)
        broken = broken.fill_null(False) | other.fill_null(False)
    return broken


def _main(case: Case) -> Any:
    return next((one for one in case.metrics if one.metric_name.endswith(_SAMPLE)), None)


def _name(case: Case) -> str:
    kwargs = case.configuration.kwargs
    columns = [kwargs[name] for name in ("column", "column_A", "column_B") if kwargs.get(name)]
    return f"{case.configuration.type}({', '.join([*columns, *(kwargs.get('column_list') or ())])})"


def _test(metric: Any, table: Any) -> Formula:
    base = metric.metric_name.removesuffix(_SAMPLE)
    domain = domain_of(table, metric.metric_domain_kwargs)
    if base in UNIQUE:
        yield from ()
        return _repeats(domain)
    broken = yield from broken_rows(base, domain, metric.metric_value_kwargs)
    return broken


def _repeats(domain: Domain) -> Any:
    """Whether the row's values stand in another row as well."""
    import ibis

    keys = [domain.table[name] for name in domain.columns]
    present = both(domain.rows, domain.column.notnull()) if len(keys) == 1 else domain.rows
    window = ibis.window(group_by=[*keys, present] if present is not None else keys)
    count = domain.table.count().over(window)
    return count > 1 if present is None else present & (count > 1)


def _written(
    source: Any, tests: Mapping[Any, Any], uncovered: tuple[str, ...], *, kept: Path, taken: Path
) -> Quarantined:

    flags = {f"nbprod_test_{place}": test.fill_null(False) for place, test in enumerate(tests.values())}
    flagged = source.judged.mutate(**flags) if flags else source.judged
    broke = broke_names(flagged, dict(zip(flags, tests, strict=True)))
    marked = flagged.mutate(**{BROKE: broke}).drop(*flags).cache()
    clean, dirty = marked[BROKE].length() == 0, marked[BROKE].length() > 0
    marked.filter(clean).drop(BROKE).to_parquet(kept)
    marked.filter(dirty).to_parquet(taken)
    (counts,) = _rows(marked.aggregate(kept=clean.sum(), taken=dirty.sum()))
    each = marked.filter(dirty).select(name=marked[BROKE].unnest())
    by_name = _rows(each.group_by("name").aggregate(n=each.count()).order_by("name"))
    return Quarantined(
        kept=counts["kept"] or 0,
        taken=counts["taken"] or 0,
        by_expectation={row["name"]: row["n"] for row in by_name},
        uncovered=uncovered,
    )


def broke_names(flagged: Any, names: Mapping[str, Any]) -> Any:
    """The names of the flags that are true of a row, as a list."""
    import ibis

    said = [
        ibis.ifelse(flagged[flag], ibis.literal(str(name)), ibis.null("string"))
        for flag, name in names.items()
    ]
    return ibis.array(said).filter(lambda name: name.notnull()) if said else ibis.literal([], "array<string>")


def _rows(expression: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = expression.to_pyarrow().to_pylist()
    return rows
