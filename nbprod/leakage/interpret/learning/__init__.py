"""Estimators, splitters and what is fitted, predicted and scored on which rows."""

from nbprod.leakage.interpret.learning.estimators import LEARNING, fitted_values, learnt, made
from nbprod.leakage.interpret.learning.methods import on_estimator, on_instance, on_unknown
from nbprod.leakage.interpret.learning.scores import (
    noted_best,
    noted_choice,
    noted_search,
    score,
    scored_rows,
)
from nbprod.leakage.interpret.learning.splits import (
    checked_cv,
    dealt,
    drawn_part,
    drawn_positions,
    folds_of,
    noted_draw,
    on_splitter,
    random_split,
    split_in_time,
    splitter,
    subset,
    train_test_split,
    validated,
)
from nbprod.leakage.interpret.learning.stacking import beside, concatenated

__all__ = [
    "LEARNING",
    "beside",
    "checked_cv",
    "concatenated",
    "dealt",
    "drawn_part",
    "drawn_positions",
    "fitted_values",
    "folds_of",
    "learnt",
    "made",
    "noted_best",
    "noted_choice",
    "noted_draw",
    "noted_search",
    "on_estimator",
    "on_instance",
    "on_splitter",
    "on_unknown",
    "random_split",
    "score",
    "scored_rows",
    "split_in_time",
    "splitter",
    "subset",
    "train_test_split",
    "validated",
]
