"""Alarms on batches without drift stay within the stated rate; alarms on drift do not stay away."""

import numpy as np

from nbprod.expectations.drift import drift
from nbprod.expectations.profile import ColumnProfile, Profile, Sort

RATE = 0.01
# As many as a profile measures.
RUNGS = 201
KINDS = ("a", "b", "c", "d")


def profile(random, *, rows, shift=0.0):
    """What a profile says of rows of two independent numbers, one kind, and a tenth missing in the first."""
    columns = [
        number("normal", random.normal(loc=shift, size=rows), random.random(rows) < 0.1),
        number("skewed", random.exponential(size=rows)),
        kinds("kind", random.choice(KINDS, p=(0.5, 0.3, 0.15, 0.05), size=rows)),
    ]
    return Profile(rows=rows, columns=tuple(columns))


def number(name, values, missing=None):
    kept = np.sort(values if missing is None else values[~missing])
    ladder = kept[np.round(np.linspace(0, len(kept) - 1, RUNGS)).astype(int)]
    return ColumnProfile(
        name=name,
        type="float64",
        sort=Sort.NUMBER,
        nulls=len(values) - len(kept),
        distinct=len(kept),
        singletons=len(kept),
        ladder=tuple(ladder.tolist()),
    )


def kinds(name, values):
    counts = tuple((one, int((values == one).sum())) for one in KINDS)
    return ColumnProfile(
        name=name, type="string", sort=Sort.TEXT, nulls=0, distinct=len(KINDS), singletons=0, counts=counts
    )


def alarms(random, batches, **batch):
    reference = profile(random, rows=20_000)
    return sum(
        any(one.has_drifted for one in drift(reference, profile(random, **batch), alarm_rate=RATE))
        for _ in range(batches)
    )


def test_batches_without_drift_raise_no_more_alarms_than_stated():
    # At most one in a hundred: 10 of 1,000, and more than 20 once in a thousand such tests.
    assert alarms(np.random.default_rng(11), 1000, rows=1_000) <= 20


def test_batches_with_drift_raise_alarms():
    assert alarms(np.random.default_rng(12), 50, rows=5_000, shift=0.2) == 50
