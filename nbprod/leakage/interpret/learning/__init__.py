"""Estimators, splitters and what is fitted, predicted and scored on which rows."""

from nbprod.leakage.interpret.learning.datasets import BATCHES, a_batch, batches, data_set, slices
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
    picked_at_random,
    random_split,
    rows_meant,
    split_in_time,
    splitter,
    subset,
    train_test_split,
    validated,
)
from nbprod.leakage.interpret.learning.stacking import beside, concatenated

__all__ = [
    "BATCHES",
    "LEARNING",
    "a_batch",
    "batches",
    "beside",
    "checked_cv",
    "concatenated",
    "data_set",
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
    "picked_at_random",
    "random_split",
    "rows_meant",
    "score",
    "scored_rows",
    "slices",
    "split_in_time",
    "splitter",
    "subset",
    "train_test_split",
    "validated",
]
