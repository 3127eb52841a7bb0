"""The row before is not the one just before in time.

`shift` and windows read neighbours in the order of rows. Sorted by something else, shuffled, or written
newest-first, that neighbour may lie in the future.

Leaky:

    import pandas as pd

    df = pd.read_csv('sales.csv', parse_dates=['ts'])
    df = df.sort_values('price')
    df['previous'] = df['price'].shift(1)

Clean:

    import pandas as pd

    df = pd.read_csv('sales.csv', parse_dates=['ts'])
    df = df.sort_values('ts')
    df['previous'] = df['price'].shift(1)
"""

from __future__ import annotations

from nbprod.leakage.rules.rule import Rule
from nbprod.model import Severity

RULE = Rule(
    name="unsorted-shift",
    severity=Severity.ERROR,
    manual=__doc__ or "",
    what="{column} reads neighbours in an order that is not time's",
    why="A neighbour in that order may be dated after the row.",
    remedy="Sort by time first: `df.sort_values('ts')`.",
)
