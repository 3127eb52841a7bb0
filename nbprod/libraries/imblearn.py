"""What nbprod knows of imbalanced-learn: samplers make or drop rows by looking at all of them."""

from __future__ import annotations

from nbprod.libraries.calls import Call, Result, Table
from nbprod.libraries.moves import Learns, Moves

_SAMPLERS = (
    "SMOTE", "SMOTENC", "SMOTEN", "BorderlineSMOTE", "SVMSMOTE", "KMeansSMOTE", "ADASYN", "RandomOverSampler",
    "RandomUnderSampler", "NearMiss", "TomekLinks", "EditedNearestNeighbours", "RepeatedEditedNearestNeighbours", "AllKNN",
    "CondensedNearestNeighbour", "OneSidedSelection", "NeighbourhoodCleaningRule", "InstanceHardnessThreshold",
    "ClusterCentroids", "SMOTEENN", "SMOTETomek", "ROSE",
)  # fmt: skip

MOVES: Moves = {name: Learns(role="sampler") for name in _SAMPLERS}


# What calls do to their arguments, to state and to files: the samplers have scikit-learn's manners.

CALLS: Table = {
    "imblearn.<class>": Call(gives="sklearn.Estimator", result=Result.HOLDS),
    "imblearn.*": Call(gives="sklearn.Estimator", result=Result.HOLDS),
}
