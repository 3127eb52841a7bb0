"""What nbprod knows of XGBoost, LightGBM and CatBoost."""

from __future__ import annotations

from nbprod.libraries.calls import Call, Result, Role, Table, named
from nbprod.libraries.moves import Learns, Moves

_MODELS = (
    "XGBClassifier", "XGBRegressor", "XGBRanker", "XGBRFClassifier", "XGBRFRegressor", "LGBMClassifier", "LGBMRegressor",
    "LGBMRanker", "LGBMModel", "CatBoostClassifier", "CatBoostRegressor", "CatBoost", "NGBRegressor", "NGBClassifier",
    "TabNetClassifier", "TabNetRegressor", "ExplainableBoostingClassifier", "ExplainableBoostingRegressor",
)  # fmt: skip

MOVES: Moves = {name: Learns(role="predictor") for name in _MODELS}


# What calls do to their arguments, to state and to files: the estimators have scikit-learn's manners.

_ESTIMATOR = "sklearn.Estimator"

CALLS: Table = {
    **named("xgboost", ("train", "cv"), Call(role=Role.FIT)),
    **named("lightgbm", ("train", "cv"), Call(role=Role.FIT)),
    **{f"{library}.<class>": Call(gives=_ESTIMATOR, result=Result.HOLDS) for library in ("xgboost", "lightgbm", "catboost")},
    **{f"{library}.*": Call(result=Result.HOLDS) for library in ("xgboost", "lightgbm", "catboost")},
}  # fmt: skip
