"""The model is chosen by its score on the test rows.

A loop that keeps the best of several settings by their test score, a search fitted on the test rows, a function
whose result is the best score of a search. The test then has been part of training.

Leaky:

    from sklearn.linear_model import Ridge

    best_score = 0
    for alpha in [0.1, 1, 10]:
        model = Ridge(alpha=alpha).fit(X_train, y_train)
        score = model.score(X_test, y_test)
        if score > best_score:
            best_score, best_model = score, model
    print(best_score)

Clean:

    from sklearn.linear_model import Ridge
    from sklearn.model_selection import GridSearchCV

    search = GridSearchCV(Ridge(), {'alpha': [0.1, 1, 10]}, cv=5)
    search.fit(X_train, y_train)
    print(search.score(X_test, y_test))
"""

from __future__ import annotations

from nbprod.leakage.rules.rule import Rule
from nbprod.model import Severity

RULE = Rule(
    name="tuned-on-test",
    severity=Severity.WARNING,
    manual=__doc__ or "",
    what="{says}",
    why="The score that chose the model is not one that new data will repeat.",
    remedy="Choose on a validation part of the training rows (`GridSearchCV`, a third split), and score the test rows once.",
)
