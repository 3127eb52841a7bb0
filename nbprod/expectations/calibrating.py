"""Thresholds for drift figures, from resampling the reference: what chance alone does to a batch of a given size.

PSI's customary 0.1 and 0.25 know nothing of how many rows a batch has or how many bins: a hundred rows without any drift
exceed them, a million with a real one may not.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from nbprod.expectations.drift import LEAST_SHARE, column_drift

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nbprod.expectations.profile import Profile

_MOST_ROUNDS = 20_000
_IN_THE_TAIL = 20


def psi_thresholds(
    reference: Profile, *, batch_rows: int, alarm_rate: float = 0.01, seed: int = 7
) -> Mapping[str, float]:
    """By column, the PSI that a batch without drift exceeds so rarely that all columns together alarm at the rate.

    Both the reference and the batch are drawn anew from the reference's shares in each round, so that a reference of few
    rows widens the threshold too. Rows are taken as independent.
    """
    import numpy as np

    random = np.random.default_rng(seed)
    found = {
        column.name: drawn.bars
        for column in reference.columns
        if (drawn := column_drift(column, reference.rows, column, reference.rows)) is not None and drawn.bars
    }
    chance = alarm_rate / max(len(found), 1)
    rounds = min(math.ceil(_IN_THE_TAIL / chance), _MOST_ROUNDS)
    thresholds = {}
    for name, bars in found.items():
        shares = np.array([bar.reference for bar in bars])
        shares = shares / shares.sum()
        here = random.multinomial(reference.rows, shares, rounds) / reference.rows
        there = random.multinomial(batch_rows, shares, rounds) / batch_rows
        # The value above which at most that share of the rounds lies, and not one between two rounds.
        thresholds[name] = float(np.quantile(_psi(here, there), 1 - chance, method="higher"))
    return thresholds


def _psi(here: Any, there: Any) -> Any:
    import numpy as np

    one, two = np.maximum(here, LEAST_SHARE), np.maximum(there, LEAST_SHARE)
    return ((two - one) * np.log(two / one)).sum(axis=1)
