"""No gap is left where labels take time.

A label of five days ahead, given to the last training row, is made of the first five test days. The gap (purge,
embargo) must be as long as the label takes.

Leaky:

    import pandas as pd

    df = pd.read_csv('sales.csv', parse_dates=['ts'])
    from sklearn.model_selection import TimeSeriesSplit

    df['y'] = df['price'].shift(-5) / df['price'] - 1
    folds = list(TimeSeriesSplit(5).split(df))

Clean:

    import pandas as pd

    df = pd.read_csv('sales.csv', parse_dates=['ts'])
    from sklearn.model_selection import TimeSeriesSplit

    df['y'] = df['price'].shift(-5) / df['price'] - 1
    folds = list(TimeSeriesSplit(5, gap=5).split(df))
"""

from __future__ import annotations

from nbprod.leakage.rules.rule import Rule
from nbprod.model import Severity

RULE = Rule(
    name="no-gap",
    severity=Severity.WARNING,
    manual=__doc__ or "",
    what="{says}",
    why="The last training labels are made of test rows.",
    remedy="Leave a gap as long as the label takes: `TimeSeriesSplit(5, gap={detail})`.",
)
