"""Sampling distributions that need no shape of the data: how far a fresh batch may stray from its reference.

All hold for rows drawn independently from one distribution, whatever it is. `chance` is the probability with which
a fresh batch breaks the bound. Sizes above a cap are taken as the cap, which only widens the bounds.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_CAP = 20_000
# Counts that chance spreads so rarely are spread by more than chance.
_DISPERSED = 0.1


def share_bound(hits: float, rows: int, *, batch: int, chance: float) -> float:
    """The share of a batch's rows that is exceeded with at most that chance, after `hits` in `rows`.

    Beta-binomial with Jeffreys' prior: 0 hits in 1,000 rows don't promise 0 in the next 1,000.
    """
    scale = min(1.0, _CAP / max(rows, 1))
    return _exceeded(hits * scale + 0.5, (rows - hits) * scale + 0.5, batch, chance)


def outside_bound(rows: int, *, batch: int, chance: float) -> float:
    """The share of a batch that falls outside the extremes of `rows` values with at most that chance.

    Wilks: what a sample's extremes leave out of a continuous distribution is Beta(2, rows - 1), whatever it is.
    """
    return _exceeded(2.0, max(min(rows, _CAP) - 1.0, 0.5), batch, chance)


def rank_band(quantile: float, rows: int, *, batch: int, chance: float) -> tuple[float, float]:
    """Between which quantiles of the reference a batch's quantile lies but for that chance, half on each side.

    How many of `rows` values lie below the batch's j-th of m is beta-binomial with j and m - j + 1.
    """
    size, sample = min(rows, _CAP), min(batch, _CAP)
    place = round(quantile * (sample - 1)) + 1
    below = _cumulated(size, float(place), float(sample - place + 1))
    low = int(below.searchsorted(chance / 2))
    high = int(below.searchsorted(1 - chance / 2)) + 1
    return max(low - 1, 0) / size, min(high + 1, size) / size


def divergence_bound(counts: Sequence[int], *, batch: int, chance: float) -> float | None:
    """The Kullback-Leibler divergence from the reference's shares that a batch exceeds with that chance.

    The likelihood-ratio statistic is chi-squared, widened as the reference is a sample too. None where categories
    are too rare for that to hold.
    """
    from scipy.stats import chi2

    rows = sum(counts)
    if len(counts) < 2 or min(counts) * min(batch / rows, 1.0) < 10:
        return None
    return float(chi2.ppf(1 - chance, len(counts) - 1)) * (1 + batch / rows) / (2 * batch)


def counts_band(counts: Sequence[int], *, chance: float) -> tuple[int, int] | None:
    """Between which counts the next hour's or day's lies but for that chance; None where they differ by more than chance.

    Counts of what happens independently are Poisson's: the next one, after all these, is negative binomial.
    """
    from scipy.stats import chi2, nbinom

    count, whole = len(counts), sum(counts)
    if count < 2 or not whole:
        return None
    mean = whole / count
    if chi2.sf(sum((one - mean) ** 2 for one in counts) / mean, count - 1) < _DISPERSED:
        return None
    odds = count / (count + 1)
    return int(nbinom.ppf(chance / 2, whole + 0.5, odds)), int(nbinom.ppf(1 - chance / 2, whole + 0.5, odds))


def earlier_by(starts: Sequence[float], *, chance: float) -> float:
    """By how much the next batch starts before all those seen with that chance, if starts are spread evenly.

    The next of count + 1 even starts is the first with chance 1 / (count + 1), and then rarely far before the others.
    """
    count = len(starts)
    rarer = max(1 / ((count + 1) * chance), 1.0)
    return (max(starts) - min(starts)) * (math.pow(rarer, 1 / max(count - 1, 1)) - 1)


def _exceeded(a: float, b: float, batch: int, chance: float) -> float:
    size = max(min(batch, _CAP), 1)
    most = int(_cumulated(size, a, b).searchsorted(1 - chance))
    return min(most / size, 1.0)


def _cumulated(size: int, a: float, b: float) -> NDArray[float]:  # type: ignore[type-var]
    """P(X <= k) for k from 0 to size, X beta-binomial."""
    import numpy as np
    from scipy.special import betaln, gammaln

    k = np.arange(size + 1)
    ways = gammaln(size + 1) - gammaln(k + 1) - gammaln(size - k + 1)
    cumulated: NDArray[float] = np.cumsum(np.exp(ways + betaln(k + a, size - k + b) - betaln(a, b)))  # type: ignore[type-var]
    return cumulated
