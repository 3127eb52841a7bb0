"""A statistic of the whole sample is put beside each row.

A mean, a maximum, a rank, quantile bins, counts, the last value: taken over all rows they hold the future of all
but the last. Statistics of the same time stamp are known at that time, those of the training rows from their end on.

Leaky:

    import pandas as pd

    df = pd.read_csv('sales.csv', parse_dates=['ts'])
    df['z'] = (df['price'] - df['price'].mean()) / df['price'].std()

Clean:

    import pandas as pd

    df = pd.read_csv('sales.csv', parse_dates=['ts'])
    past = df['price'].expanding()
    df['z'] = (df['price'] - past.mean()) / past.std()
"""

from __future__ import annotations

from nbprod.leakage.rules.rule import Rule
from nbprod.model import Severity

RULE = Rule(
    name="whole-sample-statistic",
    severity=Severity.ERROR,
    manual=__doc__ or "",
    what="{column} holds a statistic of all rows",
    why="Early rows know how the series went on, so the test looks better than production will.",
    remedy="Use what is known so far (`expanding()`, `cummax()`, `groupby(...).transform(lambda s: s.expanding().mean())`), or take the statistic from the training rows only.",
)
