"""Something is fitted on the test rows.

`fit_transform` on the test rows gives them statistics of their own. In production a row comes alone: it is
transformed by what was fitted in training.

Leaky:

    from sklearn.preprocessing import StandardScaler
    from sklearn.linear_model import LogisticRegression

    scaler = StandardScaler()
    trained = LogisticRegression().fit(scaler.fit_transform(X_train), y_train)
    print(trained.predict(scaler.fit_transform(X_test)))

Clean:

    from sklearn.preprocessing import StandardScaler
    from sklearn.linear_model import LogisticRegression

    scaler = StandardScaler()
    trained = LogisticRegression().fit(scaler.fit_transform(X_train), y_train)
    print(trained.predict(scaler.transform(X_test)))
"""

from __future__ import annotations

from nbprod.leakage.rules.rule import Rule
from nbprod.model import Severity

RULE = Rule(
    name="fitted-on-test",
    severity=Severity.WARNING,
    manual=__doc__ or "",
    what="{column} was transformed by something fitted on the test rows",
    why="The test rows are described by themselves, which a single new row can't be.",
    remedy="Call `transform` on the test rows with what was fitted on the training rows.",
)
