"""The test rows come before the training rows.

A block of the oldest rows as the test, the rest for training: the model predicts the past from the future.

Leaky:

    import pandas as pd

    df = pd.read_csv('sales.csv', parse_dates=['ts'])
    n = int(len(df) * 0.2)
    test, train = df.iloc[:n], df.iloc[n:]

Clean:

    import pandas as pd

    df = pd.read_csv('sales.csv', parse_dates=['ts'])
    n = int(len(df) * 0.8)
    train, test = df.iloc[:n], df.iloc[n:]
"""

from __future__ import annotations

from nbprod.leakage.rules.rule import Rule
from nbprod.model import Severity

RULE = Rule(
    name="test-before-train",
    severity=Severity.ERROR,
    manual=__doc__ or "",
    what="{says}",
    why="Production runs the other way: from the past to the future.",
    remedy="Train on the earlier block and test on the later one.",
)
