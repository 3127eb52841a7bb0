"""What is to be predicted is among the features.

The label's own column, or something made of it at the label's own row: a target mean over all rows, a rolling
mean that includes the row itself, a bin of the target. Lagged enough, or taken from training rows, it is fine.

Leaky:

    import pandas as pd
    from sklearn.linear_model import LogisticRegression

    df = pd.read_csv('customers.csv')
    df['rate'] = df['churned'].rolling(5).mean()
    model = LogisticRegression().fit(df[['age', 'rate']], df['churned'])

Clean:

    import pandas as pd
    from sklearn.linear_model import LogisticRegression

    df = pd.read_csv('customers.csv')
    df['rate'] = df['churned'].shift(1).rolling(5).mean()
    model = LogisticRegression().fit(df[['age', 'rate']], df['churned'])
"""

from __future__ import annotations

from nbprod.leakage.rules.rule import Rule
from nbprod.model import Severity

RULE = Rule(
    name="target-in-features",
    severity=Severity.ERROR,
    manual=__doc__ or "",
    what="{column} is made of what is to be predicted",
    why="The answer is in the question; in production it is missing.",
    remedy="Drop it from X, or lag it until the label it reads is known: `.shift(1)` before the window.",
)
