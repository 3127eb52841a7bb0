"""A row gets the aggregate of a period that is not over.

The mean of the month on each of its days, a bar stamped at its start, `group_by_dynamic` with left labels.

Leaky:

    import pandas as pd

    df = pd.read_csv('sales.csv', parse_dates=['ts'])
    df['month'] = df['ts'].dt.to_period('M')
    df['level'] = df.groupby('month')['price'].transform('mean')

Clean:

    import pandas as pd

    df = pd.read_csv('sales.csv', parse_dates=['ts'])
    df['month'] = df['ts'].dt.to_period('M')
    monthly = df.groupby('month')['price'].mean().shift(1)
    df['level'] = df['month'].map(monthly)
"""

from __future__ import annotations

from nbprod.leakage.rules.rule import Rule
from nbprod.model import Severity

RULE = Rule(
    name="period-aggregate",
    severity=Severity.ERROR,
    manual=__doc__ or "",
    what="{column} holds an aggregate of its whole period",
    why="On the first day of the period its last day has not been seen.",
    remedy="Use the period before (`.shift(1)` in the table of periods), or stamp bars at their end (`label='right'`).",
)
