"""How far the next batch may stray from the batches seen, judged on all of its figures at once.

Each figure's deviations from its median are taken in units of their mean and logarithmically (asinh): there the tails of
normal, skewed and power-law figures all fall off about exponentially, at a pace that their own largest deviations show.
Every batch is then held against bounds made from the others (leave one out). How far its worst figure lies past their
extreme, in units of that pace, is its score, and the level that the next batch's score exceeds with the stated chance
widens all figures alike. Where fewer batches were seen than the chance has parts, the level is the scores' own exponential
tail, never thought lighter than that of a standard exponential and made heavier for what few scores leave unsure.

A figure of which one batch lies far past all the others (a sensor's error, say) would widen all: where few are so and
they are said to be wild each for itself, they are set apart, with bounds of their own chance, and left open where these
would say nothing. Where many are so the next one to be is among the others, and all are widened.

The idea of scores by leaving one out is that of the jackknife+ (Barber, Candes, Ramdas, Tibshirani 2021), the tail that of
peaks over a threshold (Pickands 1975). It takes the batches as exchangeable: alike, and in no order that matters.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, TypeVar

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    Key = TypeVar("Key", bound=Hashable)

# More batches than these say little more, and leaving out one of so many is as good as leaving out a few.
_MOST_BATCHES = 600
_MOST_FOLDS = 40
# The largest deviations that show a tail's pace, and how much is known of it beforehand.
_TAIL_SHARE, _FEWEST_IN_TAIL, _MOST_IN_TAIL = 0.15, 2, 20
_PACE, _PACE_WEIGHT = 0.2, 3
_SCORES_SHARE, _FEWEST_SCORES = 0.25, 3
_TOLD = 1.05
# A batch so many paces past the others makes a figure wild: an exponential tail brings e to minus that. Set apart are at
# most so many of all, for which that part of the chance is kept.
_WILD, _MOST_WILD, _OF_THE_WILD = 8.0, 0.1, 0.2
# A bound so many times further out than any batch seen says nothing.
_OPEN = 100.0


class Figure(Struct, frozen=True, kw_only=True):
    """One figure of each batch, None where a batch hasn't it.

    `least` is the smallest spread that the figure is thought to have; `is_held_below` and `is_held_above` say on which
    sides it is bounded. `is_exact` keeps a side on which no batch ever strayed at all where it is.
    """

    values: tuple[float | None, ...]
    least: float
    is_held_below: bool = True
    is_held_above: bool = True
    is_exact: bool = False


class Band(Struct, frozen=True, kw_only=True):
    """Where the next batch's figure lies; `times` is how much further from the median than any batch seen."""

    low: float
    high: float
    times: float
    batches: int

    def said(self) -> str:
        """Where the bounds come from, in words."""
        wider = f", widened {self.times:.1f} times for what {self.batches} can't show"
        return f"bounds from how {self.batches} batches differ{wider if self.times >= _TOLD else ''}"


def joint_bands(
    figures: Mapping[Key, Figure], *, chance: float, may_be_wild: bool = True
) -> Mapping[Key, Band]:
    """By figure, bounds of which the next batch breaks any with about that chance; infinite where they'd say nothing.

    `may_be_wild` says that one figure's wildness says nothing of the others'.
    """
    if not figures:
        return {}
    matrix = _Matrix.of(tuple(figures.values()))
    worst = matrix.scores().max(axis=0)
    wild = [key for key, score in zip(figures, worst, strict=True) if score > _WILD]
    if not may_be_wild or len(wild) > max(len(figures) * _MOST_WILD, 1):
        wild = []
    tame = {key: one for key, one in figures.items() if key not in wild}
    of_tame = chance * (1 - _OF_THE_WILD) if wild else chance
    of_wild = (chance - of_tame if tame else chance) / max(len(wild), 1)
    bands = dict(_together(tame, chance=of_tame))
    for key in wild:
        bands.update(_together({key: figures[key]}, chance=of_wild))
    return {key: bands[key] for key in figures}


class _Matrix(Struct, frozen=True):
    """The figures of each batch, their least spreads, and by side (below, above) which are held."""

    seen: Any
    least: Any
    held: Any

    @staticmethod
    def of(figures: Sequence[Figure]) -> _Matrix:
        import numpy as np

        return _Matrix(
            _thinned(np.array([one.values for one in figures], dtype=float).T),
            np.array([max(one.least, 1e-12) for one in figures]),
            np.array([[one.is_held_below for one in figures], [one.is_held_above for one in figures]]),
        )

    def scores(self) -> Any:
        """By batch and figure, how far it lies past the extreme of the other batches, in paces of the tail."""
        return _scores(self.seen, self.least, self.held)


def _together(figures: Mapping[Key, Figure], *, chance: float) -> Mapping[Key, Band]:
    import numpy as np

    if not figures:
        return {}
    matrix = _Matrix.of(tuple(figures.values()))
    level = _level(matrix.scores().max(axis=1), chance)
    fit = _fitted(matrix.seen, matrix.least)
    reach = np.sinh(np.minimum(fit.most + fit.pace * level, 300.0)) * fit.spread
    return {
        key: _band(one, fit, reach[:, place], place, batches=len(one.values))
        for place, (key, one) in enumerate(figures.items())
    }


class _Fit(Struct, frozen=True):
    """By figure its middle and spread; by side (below, above) and figure the largest deviation and the tail's pace."""

    middle: Any
    spread: Any
    most: Any
    pace: Any


def _fitted(seen: Any, least: Any) -> _Fit:
    import numpy as np

    # Passing over what is missing takes five times as long.
    is_full = not np.isnan(seen).any()
    middle = np.median(seen, axis=0) if is_full else np.nanmedian(seen, axis=0)
    spread = np.maximum(np.nanmean(np.abs(seen - middle), axis=0) * math.sqrt(math.pi / 2), least)
    away = np.arcsinh((seen - middle) / spread)
    sides = np.maximum(np.nan_to_num(np.stack([-away, away], axis=1)), 0.0)
    count = max(_FEWEST_IN_TAIL, min(math.ceil(len(seen) * _TAIL_SHARE), _MOST_IN_TAIL))
    largest = -np.sort(-sides, axis=0)[: count + 1]
    excess = (largest[:-1] - largest[-1]).sum(axis=0)
    pace = np.maximum((excess + _PACE_WEIGHT * _PACE) / (count + _PACE_WEIGHT), _PACE)
    return _Fit(middle, spread, largest[0], pace)


def _scores(seen: Any, least: Any, held: Any) -> Any:
    import numpy as np

    folds = np.arange(len(seen)) % min(len(seen), _MOST_FOLDS)
    found = np.empty(seen.shape)
    for fold in range(folds.max() + 1):
        fit = _fitted(seen[folds != fold], least)
        away = np.arcsinh((seen[folds == fold] - fit.middle) / fit.spread)
        past = (np.nan_to_num(np.stack([-away, away], axis=1)) - fit.most) / fit.pace
        found[folds == fold] = np.where(held, past, -np.inf).max(axis=1)
    return found


def _level(scores: Any, chance: float) -> float:
    """What the next batch's score exceeds with that chance: an exponential tail over the upper quarter of the scores."""
    import numpy as np

    ordered = -np.sort(-scores)
    count = min(max(_FEWEST_SCORES, math.ceil(len(scores) * _SCORES_SHARE)), len(scores) - 1)
    excess = float((ordered[:count] - ordered[count]).mean())
    # An estimate from so few is as often too small as too large, and too small costs more.
    pace = max(excess, 1.0) * (1 + 0.5 / math.sqrt(count))
    level = float(ordered[count]) + pace * math.log(max((count + 1) / ((len(scores) + 1) * chance), 1.0))
    return max(level, float(ordered[0])) if len(scores) < 1 / chance else level


def _thinned(seen: Any) -> Any:
    import numpy as np

    places = np.linspace(0, len(seen) - 1, min(len(seen), _MOST_BATCHES)).round().astype(int)
    return seen[places]


def _band(one: Figure, fit: _Fit, reach: Sequence[float], place: int, *, batches: int) -> Band:
    middle, spread = float(fit.middle[place]), float(fit.spread[place])
    bounds = [-math.inf, math.inf]
    times = 1.0
    for side, is_held in enumerate((one.is_held_below, one.is_held_above)):
        strayed = math.sinh(float(fit.most[side, place])) * spread
        far = 0.0 if one.is_exact and not strayed else float(reach[side])
        wider = far / max(strayed, spread)
        if is_held and wider < _OPEN:
            bounds[side] = middle + (far if side else -far)
            times = max(times, wider)
    return Band(low=bounds[0], high=bounds[1], times=times, batches=batches)
