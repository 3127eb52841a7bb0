"""A window starts at its row and runs ahead.

A forward indexer, a cumulative sum of reversed rows, a frame from the current row to unbounded following.

Leaky:

    import pandas as pd

    df = pd.read_csv('sales.csv', parse_dates=['ts'])
    df['ahead'] = df['price'][::-1].rolling(5).mean()[::-1]

Clean:

    import pandas as pd

    df = pd.read_csv('sales.csv', parse_dates=['ts'])
    df['behind'] = df['price'].rolling(5).mean()
"""

from __future__ import annotations

from nbprod.leakage.rules.rule import Rule
from nbprod.model import Severity

RULE = Rule(
    name="forward-window",
    severity=Severity.ERROR,
    manual=__doc__ or "",
    what="{column} is taken over rows that follow",
    why="Those rows are not there yet when the prediction is made.",
    remedy="Turn the window round: rows in ascending time, a frame that ends at the current row.",
)
