"""How far a batch has drifted from its reference, column by column, told from the two profiles alone.

Effect sizes say how much (PSI, Jensen-Shannon, Kolmogorov-Smirnov, Wasserstein), p-values whether chance explains it;
they are corrected over the columns (Holm), so that one number holds for the whole table.
"""

from __future__ import annotations

import bisect
import math
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from nbprod.expectations.infer import infer
from nbprod.expectations.profile import ColumnProfile, Profile, Sort

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nbprod.model import Json, Suite

_BINS = 10
# A share of nothing would make PSI infinite: half a row of a thousand stands for it.
LEAST_SHARE = 0.0005
_DRIFT_TYPES = (
    "expect_column_quantile_values_to_be_between",
    "expect_column_kl_divergence_to_be_less_than",
    "expect_column_values_to_be_in_set",
    "expect_column_values_to_not_be_null",
)


class Bar(Struct, frozen=True, kw_only=True):
    """One category or one tenth of the reference: its share there and in the batch."""

    label: str
    reference: float
    batch: float


class ColumnDrift(Struct, frozen=True, kw_only=True):
    """How one column drifted; `has_drifted` once its p-value, corrected for all columns, is below the rate.

    `wasserstein` is in the reference's interquartile ranges. `psi` above 0.25 is a large change by custom.
    """

    column: str
    p_value: float
    psi: float
    jensen_shannon: float
    kolmogorov_smirnov: float | None = None
    wasserstein: float | None = None
    nulls_reference: float = 0.0
    nulls_batch: float = 0.0
    new_values: tuple[Json, ...] = ()
    lost_values: tuple[Json, ...] = ()
    bars: tuple[Bar, ...] = ()
    has_drifted: bool = False


def drift(reference: Profile, batch: Profile, *, alarm_rate: float = 0.01) -> tuple[ColumnDrift, ...]:
    """The drift of each column that both have, the largest change first.

    Without any drift a column is marked in at most `alarm_rate` of tables of independent rows.
    """
    found = [
        one
        for column in reference.columns
        if (other := batch.column(column.name)) is not None
        and (one := column_drift(column, reference.rows, other, batch.rows)) is not None
    ]
    return tuple(sorted(_corrected(found, alarm_rate), key=lambda one: (not one.has_drifted, -one.psi)))


def drift_suite(
    reference: Profile, *, value: str, alarm_rate: float = 0.01, batch_rows: int | None = None
) -> Suite:
    """Drift against the reference as GX expectations, so that it lives in suites and stops pipelines."""
    whole = infer(reference, value=value, alarm_rate=alarm_rate, batch_rows=batch_rows)
    return replace(whole, expectations=tuple(one for one in whole.expectations if one.type in _DRIFT_TYPES))


def column_drift(column: ColumnProfile, rows: int, other: ColumnProfile, others: int) -> ColumnDrift | None:
    """One column's drift, its p-value not yet corrected for the other columns."""
    here, there = rows - column.nulls, others - other.nulls
    p_nulls = _two_shares(column.nulls, rows, other.nulls, others)
    found = None
    if here and there and column.ladder and other.ladder:
        found = _numbers(column, here, other, there)
    elif here and there and column.counts and column.sort in (Sort.TEXT, Sort.FLAG):
        found = _categories(column, other, there)
    if found is None:
        found = ColumnDrift(column=column.name, p_value=1.0, psi=0.0, jensen_shannon=0.0)
    return replace(
        found,
        # Two tests a column: the smaller p-value counts twice.
        p_value=min(1.0, 2 * min(found.p_value, p_nulls)),
        nulls_reference=column.nulls / rows if rows else 0.0,
        nulls_batch=other.nulls / others if others else 0.0,
    )


def _numbers(column: ColumnProfile, rows: int, other: ColumnProfile, others: int) -> ColumnDrift:
    from scipy.stats import kstwobign

    distance = max(
        abs(_share_up_to(column.ladder, one) - _share_up_to(other.ladder, one))
        for one in (*column.ladder, *other.ladder)
    )
    # A ladder knows shares to half a rung of each; what may be rounding is no evidence.
    sure = max(distance - 2 / (len(column.ladder) - 1), 0.0)
    p_value = float(kstwobign.sf(sure * math.sqrt(rows * others / (rows + others)))) if sure else 1.0
    bars = _tenths(column, other)
    return ColumnDrift(
        column=column.name,
        p_value=p_value,
        psi=_psi(bars),
        jensen_shannon=_jensen_shannon(bars),
        kolmogorov_smirnov=distance,
        wasserstein=_wasserstein(column.ladder, other.ladder),
        bars=bars,
    )


def _share_up_to(ladder: Sequence[float], value: float) -> float:
    return bisect.bisect_right(ladder, value) / len(ladder)


def _tenths(column: ColumnProfile, other: ColumnProfile) -> tuple[Bar, ...]:
    last = len(column.ladder) - 1
    edges = sorted({column.ladder[round(last * place / _BINS)] for place in range(1, _BINS)})
    bars, before = [], (0.0, 0.0)
    for place, edge in enumerate([*edges, math.inf]):
        upto = (_share_up_to(column.ladder, edge), _share_up_to(other.ladder, edge))
        low = f"{edges[place - 1]:.4g}" if place else ""
        label = f"{low} to {edge:.4g}" if math.isfinite(edge) else f"above {low}"
        bars.append(Bar(label=label, reference=upto[0] - before[0], batch=upto[1] - before[1]))
        before = upto
    return tuple(bars)


def _wasserstein(ladder: Sequence[float], other: Sequence[float]) -> float | None:
    if len(ladder) != len(other):
        return None
    last = len(ladder) - 1
    spread = ladder[round(0.75 * last)] - ladder[round(0.25 * last)]
    moved = sum(abs(one - two) for one, two in zip(ladder, other, strict=True)) / len(ladder)
    return moved / spread if spread > 0 and math.isfinite(moved) else None


def _categories(column: ColumnProfile, other: ColumnProfile, others: int) -> ColumnDrift | None:
    from scipy.stats import chi2_contingency

    here, there = dict(column.counts), dict(other.counts)
    if not there:
        # So many values came in that the batch's profile counts none of them.
        return ColumnDrift(column=column.name, p_value=0.0, psi=math.inf, jensen_shannon=1.0)
    rows = sum(here.values())
    names = sorted({*here, *there}, key=str)
    bars = tuple(
        Bar(label=str(name), reference=here.get(name, 0) / rows, batch=there.get(name, 0) / others)
        for name in names
    )
    table = _merged([(here.get(name, 0), there.get(name, 0)) for name in names])
    p_value = float(chi2_contingency(list(zip(*table, strict=True)))[1]) if len(table) > 1 else 1.0
    return ColumnDrift(
        column=column.name,
        p_value=p_value,
        psi=_psi(bars),
        jensen_shannon=_jensen_shannon(bars),
        new_values=tuple(name for name in names if name not in here),
        lost_values=tuple(name for name in names if name not in there),
        bars=bars,
    )


def _merged(counts: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The counts with those too rare for chi-squared put together."""
    totals = [sum(column) for column in zip(*counts, strict=True)]
    share = min(totals) / max(sum(totals), 1)
    common = [one for one in counts if sum(one) * share >= 5]
    rare = [one for one in counts if sum(one) * share < 5]
    rest = (sum(one[0] for one in rare), sum(one[1] for one in rare))
    return [*common, rest] if sum(rest) * share >= 5 else common


def _two_shares(hits: int, rows: int, others_hits: int, others: int) -> float:
    from scipy.stats import fisher_exact

    if not rows or not others:
        return 1.0
    table = [[hits, rows - hits], [others_hits, others - others_hits]]
    return float(fisher_exact(table)[1])


def _psi(bars: Sequence[Bar]) -> float:
    pairs = [(max(bar.reference, LEAST_SHARE), max(bar.batch, LEAST_SHARE)) for bar in bars]
    return sum((batch - reference) * math.log(batch / reference) for reference, batch in pairs)


def _jensen_shannon(bars: Sequence[Bar]) -> float:
    """The distance, between 0 and 1."""

    def towards_middle(one: float, two: float) -> float:
        return one * math.log2(2 * one / (one + two)) if one > 0 else 0.0

    both = sum(
        towards_middle(bar.reference, bar.batch) + towards_middle(bar.batch, bar.reference) for bar in bars
    )
    return math.sqrt(max(both / 2, 0.0))


def _corrected(found: Sequence[ColumnDrift], rate: float) -> list[ColumnDrift]:
    """Holm: the smallest p-value counts as often as there are columns, the next once less."""
    ordered = sorted(found, key=lambda one: one.p_value)
    done, floor = [], 0.0
    for place, one in enumerate(ordered):
        floor = max(floor, min(1.0, one.p_value * (len(ordered) - place)))
        done.append(replace(one, p_value=floor, has_drifted=floor < rate))
    return done
