"""Bounds on all figures of the next batch together hold as often as they say, whatever the figures' tails."""

from __future__ import annotations

import math

import numpy as np
import pytest

from nbprod.expectations.tails import Figure, joint_bands

RATE, FIGURES = 0.01, 12


def missing_in_bursts(random, batches):
    """Logits of shares: most batches miss nothing, one in thirty some of a thousand rows."""
    share = np.where(
        random.random((batches, FIGURES)) < 1 / 30, np.exp(random.normal(-4, 1, (batches, FIGURES))), 0
    )
    hits = random.binomial(1_000, np.minimum(share, 1))
    return np.log((hits + 0.5) / (1_000 - hits + 0.5))


def of_all_sorts(random, batches):
    """A third normal and together with one another, a third skewed, a third with heavy tails."""
    third = (batches, FIGURES // 3)
    together = random.normal(size=(batches, 1)) + random.normal(size=third)
    return np.concatenate(
        [together, random.lognormal(size=third), random.standard_t(3, size=third)],
        axis=1,
    )


FAMILIES = {
    "8 of all sorts": (of_all_sorts, 8, 1e-9),
    "13 of all sorts": (of_all_sorts, 13, 1e-9),
    "60 of all sorts": (of_all_sorts, 60, 1e-9),
    "13 with bursts": (missing_in_bursts, 13, 1.0),
    "60 with bursts": (missing_in_bursts, 60, 1.0),
}


@pytest.mark.parametrize(("family", "batches", "least"), FAMILIES.values(), ids=FAMILIES)
def test_the_next_batch_leaves_any_of_its_bounds_as_rarely_as_said(family, batches, least):
    random = np.random.default_rng(3)
    rates = []
    for _ in range(24):
        figures = family(random, batches + 100)
        bands = bands_of(figures[:batches], least, may_be_wild=family is of_all_sorts)
        low, high = (np.array([getattr(one, side) for one in bands]) for side in ("low", "high"))
        fresh = figures[batches:]
        rates.append(((fresh < low) | (fresh > high)).any(axis=1).mean())
    # Fresh batches of one history share its luck: the histories count.
    assert np.mean(rates) <= RATE + 2 * np.std(rates, ddof=1) / math.sqrt(len(rates))


def bands_of(seen, least=1e-9, *, may_be_wild=True, **said):
    figures = {
        place: Figure(values=tuple(map(float, values)), least=least, **said)
        for place, values in enumerate(seen.T)
    }
    return list(joint_bands(figures, chance=RATE, may_be_wild=may_be_wild).values())


def test_many_batches_are_widened_less_than_few():
    figures = of_all_sorts(np.random.default_rng(4), 200)
    few, many = (
        np.median([one.high - one.low for one in bands_of(figures[:batches])]) for batches in (8, 200)
    )
    assert many < few * 2 / 3


def test_a_figure_with_one_wild_batch_doesnt_widen_the_others():
    figures = of_all_sorts(np.random.default_rng(5), 30)
    tame, wild = figures.copy(), figures.copy()
    wild[3, 0] = 1e6
    before, after = bands_of(tame), bands_of(wild)
    assert math.isinf(after[0].high)
    assert all(
        two.high - two.low < 1.5 * (one.high - one.low)
        for one, two in zip(before[1:], after[1:], strict=True)
    )


def test_what_never_strays_stays_where_it_is_if_that_is_its_nature():
    (exact,) = bands_of(np.zeros((10, 1)), 1.0, is_exact=True)
    (loose,) = bands_of(np.zeros((10, 1)), 1.0)
    assert (exact.low, exact.high) == (0.0, 0.0)
    assert loose.low < 0 < loose.high < 5


def test_the_words_tell_how_much_was_added_for_lack_of_batches():
    (band,) = bands_of(np.random.default_rng(6).normal(size=(13, 1)))
    assert band.said().startswith("bounds from how 13 batches differ, widened ")
