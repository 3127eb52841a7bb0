"""Thresholds of drift by resampling: chance alone exceeds them as rarely as was said, whatever the batch's size."""

from __future__ import annotations

import numpy as np
import pytest

from nbprod.expectations import drift, psi_thresholds
from nbprod.expectations.profile import ColumnProfile, Profile, Sort

SHARES = {"many": [0.5, 0.3, 0.15, 0.05], "few": [0.9, 0.1]}
RATE = 0.05


def drawn(rows, seed, shares=SHARES):
    random = np.random.default_rng(seed)
    columns = []
    for name, chances in shares.items():
        counts = random.multinomial(rows, chances)
        columns.append(
            ColumnProfile(
                name=name,
                type="string",
                sort=Sort.TEXT,
                nulls=0,
                distinct=len(counts),
                singletons=0,
                counts=tuple((f"v{place}", int(count)) for place, count in enumerate(counts) if count),
            )
        )
    return Profile(rows=rows, columns=tuple(columns))


def exceeds(reference, batch, thresholds):
    return any(one.psi > thresholds[one.column] for one in drift(reference, batch))


@pytest.mark.parametrize("rows", [200, 5_000], ids=["few rows", "many rows"])
def test_without_drift_thresholds_are_exceeded_at_most_at_the_rate(rows):
    # A reference of its own for each batch, as the rate speaks of both.
    alarms = 0
    for seed in range(100):
        reference = drawn(2_000, 2 * seed)
        thresholds = psi_thresholds(reference, batch_rows=rows, alarm_rate=RATE)
        alarms += exceeds(reference, drawn(rows, 2 * seed + 1), thresholds)
    # 5 are expected of 100; 13 are had by chance in one of 700 such tests.
    assert alarms <= 12


def test_smaller_batches_have_wider_thresholds_and_drift_exceeds_them():
    reference = drawn(2_000, 1)
    small, large = (psi_thresholds(reference, batch_rows=rows) for rows in (100, 5_000))
    moved = drawn(5_000, 2, {"many": [0.4, 0.3, 0.15, 0.15], "few": [0.9, 0.1]})
    assert all(small[name] > 3 * large[name] for name in SHARES)
    assert exceeds(reference, moved, large)
