"""How good predictions are, by name: the figure itself, which way is better, and each row's share of it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from nbprod.errors import NbprodError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable


class Score(Struct, frozen=True, kw_only=True):
    """A figure of merit. `losses` gives each row's loss where the figure is their mean (or one less it)."""

    name: str
    is_better_higher: bool
    needs_chances: bool = False
    losses: Callable[[Any, Any], Any] | None = None
    whole: Callable[[Any, Any], float] = lambda *_: math.nan

    def of(self, labels: Any, predicted: Any) -> float:
        """The figure for these labels and predictions."""
        if self.losses is None:
            return self.whole(labels, predicted)
        mean = float(self.losses(labels, predicted).mean())
        return 1 - mean if self.is_better_higher else mean

    def gain(self, champion: float, challenger: float) -> float:
        """By how much the challenger's figure is better."""
        return challenger - champion if self.is_better_higher else champion - challenger


def score_named(name: str) -> Score:
    """The figure of that name; raises NbprodError naming what there is."""
    for one in SCORES:
        if one.name == name:
            return one
    known = [one.name for one in SCORES]
    raise NbprodError(
        f"There is no metric '{name}'.",
        where="[tool.nbprod.production]",
        remedy=did_you_mean(name, known),
    )


def usual_score(model: Any) -> Score:
    """What a model is judged by unless it is said: accuracy for a classifier, the mean absolute error else."""
    return score_named("accuracy" if _is_classifier(model) else "mae")


def predictions(model: Any, rows: Any, score: Score) -> Any:
    """What the model says of the rows: of two classes the chance of the second where the score asks for chances.

    One thread adds up in one order, so that the same rows always give the same numbers.
    """
    import numpy as np
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1):
        if not score.needs_chances:
            return np.asarray(model.predict(rows)).reshape(len(rows))
        return np.asarray(model.predict_proba(rows))[:, 1]


def _is_classifier(model: Any) -> bool:
    if hasattr(model, "__sklearn_tags__"):
        from sklearn.base import is_classifier

        return bool(is_classifier(model))
    return hasattr(model, "predict_proba")


def _absolute(labels: Any, predicted: Any) -> Any:
    return abs(labels - predicted)


def _squared(labels: Any, predicted: Any) -> Any:
    return (labels - predicted) ** 2


def _wrong(labels: Any, predicted: Any) -> Any:
    return (labels != predicted).astype(float)


def _surprise(labels: Any, chances: Any) -> Any:
    import numpy as np

    sure = np.clip(chances, 1e-15, 1 - 1e-15)
    return -np.where(labels == np.max(labels), np.log(sure), np.log(1 - sure))


def _root(labels: Any, predicted: Any) -> float:
    return float(_squared(labels, predicted).mean() ** 0.5)


def _determined(labels: Any, predicted: Any) -> float:
    spread = ((labels - labels.mean()) ** 2).sum()
    return float(1 - _squared(labels, predicted).sum() / spread) if spread else float("nan")


def _area(labels: Any, chances: Any) -> float:
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(labels, chances)) if len(set(labels.tolist())) == 2 else float("nan")


def _f1(labels: Any, predicted: Any) -> float:
    from sklearn.metrics import f1_score

    return float(f1_score(labels, predicted, average="macro"))


SCORES = (
    Score(name="mae", is_better_higher=False, losses=_absolute),
    Score(name="mse", is_better_higher=False, losses=_squared),
    Score(name="accuracy", is_better_higher=True, losses=_wrong),
    Score(name="log_loss", is_better_higher=False, needs_chances=True, losses=_surprise),
    Score(name="brier", is_better_higher=False, needs_chances=True, losses=_squared),
    Score(name="rmse", is_better_higher=False, whole=_root),
    Score(name="r2", is_better_higher=True, whole=_determined),
    Score(name="auc", is_better_higher=True, needs_chances=True, whole=_area),
    Score(name="f1", is_better_higher=True, whole=_f1),
)
