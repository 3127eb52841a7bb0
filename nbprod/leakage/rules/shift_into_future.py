"""A feature reads rows after its own.

A negative `shift`, a `lead`, a loop that reads `i + 1`, a lookup at a later time stamp, a roll that wraps: at the
time of the row those values don't exist yet. The model learns from them and can't have them in production. A label
may look ahead, that is its task; what is told apart is what reaches X.

Leaky:

    import pandas as pd

    df = pd.read_csv('sales.csv', parse_dates=['ts'])
    df['next'] = df['price'].shift(-1)
    df['up'] = (df['price'].shift(-1) > df['price']).astype(int)
    X, y = df[['price', 'next']], df['up']

Clean:

    import pandas as pd

    df = pd.read_csv('sales.csv', parse_dates=['ts'])
    df['previous'] = df['price'].shift(1)
    df['up'] = (df['price'].shift(-1) > df['price']).astype(int)
    X, y = df[['price', 'previous']], df['up']
"""

from __future__ import annotations

from nbprod.leakage.rules.rule import Rule
from nbprod.model import Severity

RULE = Rule(
    name="shift-into-future",
    severity=Severity.ERROR,
    manual=__doc__ or "",
    what="{column} looks ahead",
    why="In production the later row does not exist when the prediction is made.",
    remedy="Read earlier rows: `.shift(1)` instead of `.shift(-1)`; keep what looks ahead for the label, and drop it from X.",
)
