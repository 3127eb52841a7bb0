"""Training stops when the test score is best.

`eval_set=[(X_test, y_test)]` with early stopping picks the number of rounds by the test rows.

Leaky:

    from xgboost import XGBClassifier

    model = XGBClassifier(early_stopping_rounds=10)
    model.fit(X_train, y_train, eval_set=[(X_test, y_test)])
    print(model.score(X_test, y_test))

Clean:

    from sklearn.model_selection import train_test_split
    from xgboost import XGBClassifier

    X_fit, X_stop, y_fit, y_stop = train_test_split(X_train, y_train)
    model = XGBClassifier(early_stopping_rounds=10)
    model.fit(X_fit, y_fit, eval_set=[(X_stop, y_stop)])
    print(model.score(X_test, y_test))
"""

from __future__ import annotations

from nbprod.leakage.rules.rule import Rule
from nbprod.model import Severity

RULE = Rule(
    name="early-stopping-on-test",
    severity=Severity.WARNING,
    manual=__doc__ or "",
    what="{says}",
    why="The number of rounds is fitted to the test rows.",
    remedy="Stop on a validation part that is cut from the training rows.",
)
