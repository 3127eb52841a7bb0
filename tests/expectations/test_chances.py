"""Bounds hold as often as they say, for fresh batches of the same distribution, whatever it is."""

from __future__ import annotations

import numpy as np
import pytest

from nbprod.expectations.chances import (
    counts_band,
    divergence_bound,
    earlier_by,
    outside_bound,
    rank_band,
    share_bound,
)

CHANCE, TRIALS = 0.05, 2_000
# Five standard errors above the stated chance.
TOLERATED = CHANCE + 5 * (CHANCE / TRIALS) ** 0.5


@pytest.mark.parametrize("rate", [0.0, 0.001, 0.02, 0.5], ids=str)
def test_a_share_is_exceeded_as_rarely_as_said(rate):
    random = np.random.default_rng(1)
    reference = random.binomial(1_000, rate, TRIALS)
    batch = random.binomial(400, rate, TRIALS) / 400
    bounds = np.array([share_bound(hits, 1_000, batch=400, chance=CHANCE) for hits in range(1_001)])
    assert np.mean(batch > bounds[reference] + 1e-12) <= TOLERATED


@pytest.mark.parametrize("draw", ["normal", "lognormal", "standard_cauchy", "uniform"])
def test_values_outside_the_extremes_are_as_rare_as_said(draw):
    random = np.random.default_rng(2)
    reference = getattr(random, draw)(size=(TRIALS, 300))
    batch = getattr(random, draw)(size=(TRIALS, 200))
    outside = (batch < reference.min(axis=1, keepdims=True)) | (batch > reference.max(axis=1, keepdims=True))
    assert np.mean(outside.mean(axis=1) > outside_bound(300, batch=200, chance=CHANCE) + 1e-12) <= TOLERATED


@pytest.mark.parametrize("quantile", [0.05, 0.5, 0.95], ids=str)
@pytest.mark.parametrize("draw", ["normal", "lognormal", "standard_cauchy"])
def test_quantiles_leave_their_bands_as_rarely_as_said(draw, quantile):
    random = np.random.default_rng(3)
    reference = np.sort(getattr(random, draw)(size=(TRIALS, 400)), axis=1)
    batch = np.quantile(getattr(random, draw)(size=(TRIALS, 150)), quantile, axis=1, method="nearest")
    low, high = rank_band(quantile, 400, batch=150, chance=CHANCE)
    below = batch < reference[:, int(np.floor(low * 399))]
    above = batch > reference[:, int(np.ceil(high * 399))]
    assert np.mean(below | above) <= TOLERATED


def test_shares_of_categories_diverge_as_rarely_as_said():
    random = np.random.default_rng(4)
    weights = [0.5, 0.3, 0.15, 0.05]
    alarms = 0
    for _ in range(TRIALS):
        reference, batch = random.multinomial(2_000, weights), random.multinomial(1_000, weights)
        bound = divergence_bound(list(map(int, reference)), batch=1_000, chance=CHANCE)
        seen, expected = batch / 1_000, reference / 2_000
        divergence = np.sum(np.where(seen > 0, seen * np.log(np.maximum(seen, 1e-300) / expected), 0))
        alarms += bound is not None and divergence >= bound
    assert alarms / TRIALS <= TOLERATED


def test_rare_categories_have_no_bound():
    assert divergence_bound([1_000, 3], batch=500, chance=0.01) is None


def test_a_bound_is_not_so_wide_that_it_means_nothing():
    assert share_bound(0, 10_000, batch=10_000, chance=1e-4) < 0.002
    low, high = rank_band(0.5, 10_000, batch=10_000, chance=1e-4)
    assert 0.46 < low < high < 0.54


@pytest.mark.parametrize("batches", [8, 60], ids=str)
def test_the_next_batch_starts_earlier_than_allowed_as_rarely_as_said(batches):
    starts = np.random.default_rng(5).uniform(size=(TRIALS, batches + 1))
    allowed = [min(row[:-1]) - earlier_by(list(row[:-1]), chance=CHANCE) for row in starts]
    assert np.mean(starts[:, -1] < allowed) <= TOLERATED


def test_counts_of_what_is_independent_leave_their_band_as_rarely_as_said():
    counts = np.random.default_rng(6).poisson(30, (TRIALS, 21))
    bands = [counts_band(list(map(int, row[:20])), chance=CHANCE) for row in counts]
    outside = [
        band is not None and not band[0] <= row[20] <= band[1]
        for row, band in zip(counts, bands, strict=True)
    ]
    assert np.mean(outside) <= TOLERATED


def test_counts_that_differ_by_more_than_chance_are_left_to_how_they_differ():
    assert counts_band([10, 50] * 10, chance=CHANCE) is None
