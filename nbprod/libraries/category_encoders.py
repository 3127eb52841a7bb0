"""What nbprod knows of category_encoders and feature-engine: most of them learn from the labels."""

from __future__ import annotations

from nbprod.libraries.calls import Call, Result, Table
from nbprod.libraries.moves import Learns, Moves

_FROM_LABELS = (
    "TargetEncoder", "LeaveOneOutEncoder", "JamesSteinEncoder", "MEstimateEncoder", "WOEEncoder", "CatBoostEncoder",
    "GLMMEncoder", "QuantileEncoder", "SummaryEncoder", "PolynomialWrapper", "MeanEncoder",
)  # fmt: skip
_FROM_VALUES = (
    "CountEncoder", "CountFrequencyEncoder", "MeanMedianImputer", "Winsorizer", "EqualFrequencyDiscretiser",
    "EqualWidthDiscretiser", "RareLabelEncoder", "EndTailImputer", "RandomSampleImputer",
)  # fmt: skip
_FROM_CATEGORIES = (
    "BinaryEncoder",
    "BaseNEncoder",
    "HelmertEncoder",
    "SumEncoder",
    "BackwardDifferenceEncoder",
)

MOVES: Moves = {
    **{name: Learns(role="targets") for name in _FROM_LABELS},
    **{name: Learns(role="transformer") for name in _FROM_VALUES},
    **{name: Learns(role="encoder") for name in _FROM_CATEGORIES},
}


# What calls do to their arguments, to state and to files: the encoders have scikit-learn's manners.

CALLS: Table = {"category_encoders.<class>": Call(gives="sklearn.Estimator", result=Result.HOLDS)}
