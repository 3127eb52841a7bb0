"""Rows with a time are divided at random.

A shuffled `train_test_split`, K folds, `sample(frac=...)`: training rows then lie between and after the test rows.
Nobody will have them in production.

Leaky:

    import pandas as pd

    df = pd.read_csv('sales.csv', parse_dates=['ts'])
    from sklearn.model_selection import train_test_split

    df['previous'] = df['price'].shift(1)
    train, test = train_test_split(df, test_size=0.2)

Clean:

    import pandas as pd

    df = pd.read_csv('sales.csv', parse_dates=['ts'])
    from sklearn.model_selection import train_test_split

    df['previous'] = df['price'].shift(1)
    train, test = train_test_split(df, test_size=0.2, shuffle=False)
"""

from __future__ import annotations

from nbprod.leakage.rules.rule import Rule
from nbprod.model import Severity

RULE = Rule(
    name="shuffled-temporal-split",
    severity=Severity.ERROR,
    manual=__doc__ or "",
    what="{says}",
    why="The model is tested on days that lie between those it has seen.",
    remedy="Divide by time: `shuffle=False`, a cut by date, or `TimeSeriesSplit(5, gap=...)`.",
)
