"""Rows are resampled before they are split.

Oversampling copies or mixes rows. Done before the split, copies of a test row, or mixtures with it, train.

Leaky:

    from imblearn.over_sampling import SMOTE
    from sklearn.model_selection import train_test_split
    from sklearn.linear_model import LogisticRegression

    X_more, y_more = SMOTE().fit_resample(X, y)
    X_train, X_test, y_train, y_test = train_test_split(X_more, y_more)
    model = LogisticRegression().fit(X_train, y_train)

Clean:

    from imblearn.over_sampling import SMOTE
    from sklearn.model_selection import train_test_split
    from sklearn.linear_model import LogisticRegression

    X_train, X_test, y_train, y_test = train_test_split(X, y)
    X_more, y_more = SMOTE().fit_resample(X_train, y_train)
    model = LogisticRegression().fit(X_more, y_more)
"""

from __future__ import annotations

from nbprod.leakage.rules.rule import Rule
from nbprod.model import Severity

RULE = Rule(
    name="resample-before-split",
    severity=Severity.ERROR,
    manual=__doc__ or "",
    what="{column} was resampled from all rows, test rows included",
    why="Test rows, or mixtures of them, are among the training rows.",
    remedy="Resample the training rows only, or put the sampler into imbalanced-learn's Pipeline.",
)
