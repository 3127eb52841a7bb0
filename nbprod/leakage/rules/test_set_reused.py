"""The same test rows score many models.

Each look at the test rows that leads to a choice makes them a little less of a test. This is told, not blamed: it
becomes a leak where the best score decides (`tuned-on-test`).

Leaky:

    from sklearn.linear_model import LogisticRegression, RidgeClassifier
    from sklearn.svm import SVC

    a = LogisticRegression().fit(X_train, y_train)
    b = RidgeClassifier().fit(X_train, y_train)
    c = SVC().fit(X_train, y_train)
    print(a.score(X_test, y_test), b.score(X_test, y_test), c.score(X_test, y_test))

Clean:

    from sklearn.linear_model import LogisticRegression

    a = LogisticRegression().fit(X_train, y_train)
    print(a.score(X_test, y_test))
"""

from __future__ import annotations

from nbprod.leakage.rules.rule import Rule
from nbprod.model import Severity

RULE = Rule(
    name="test-set-reused",
    severity=Severity.NOTE,
    manual=__doc__ or "",
    what="{says}",
    why="The best of many scores on one test set is too good.",
    remedy="Compare models by cross-validation on the training rows and score the chosen one once.",
)
