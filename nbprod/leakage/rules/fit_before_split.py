"""Something is fitted before the rows are split.

A scaler, an imputer, a decomposition, a vectoriser or a selection fitted on all rows carries the test rows'
statistics into training. Fitted on the training rows, or inside a pipeline that is refitted in each fold, it doesn't.

Leaky:

    from sklearn.model_selection import train_test_split
    from sklearn.preprocessing import StandardScaler
    from sklearn.linear_model import LogisticRegression

    scaled = StandardScaler().fit_transform(X)
    X_train, X_test, y_train, y_test = train_test_split(scaled, y)
    model = LogisticRegression().fit(X_train, y_train)

Clean:

    from sklearn.model_selection import train_test_split
    from sklearn.preprocessing import StandardScaler
    from sklearn.pipeline import make_pipeline
    from sklearn.linear_model import LogisticRegression

    X_train, X_test, y_train, y_test = train_test_split(X, y)
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X_train, y_train)
"""

from __future__ import annotations

from nbprod.leakage.rules.rule import Rule
from nbprod.model import Severity

RULE = Rule(
    name="fit-before-split",
    severity=Severity.ERROR,
    manual=__doc__ or "",
    what="{column} was transformed by something fitted on all rows, test rows included",
    why="The test rows have shaped the features, so the score is no measure of new data.",
    remedy="Split first and fit on the training rows, or put the step into a Pipeline: `make_pipeline(StandardScaler(), model).fit(X_train, y_train)`.",
)
