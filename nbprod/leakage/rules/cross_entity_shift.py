"""The row before belongs to another entity.

In rows sorted by entity, then time, an ungrouped `shift` gives the first row of one entity the last row of the
one before it: a value from the end of the data.

Leaky:

    import pandas as pd

    df = pd.read_csv('sales.csv', parse_dates=['ts'])
    df = df.sort_values(['store', 'ts'])
    df['previous'] = df['price'].shift(1)

Clean:

    import pandas as pd

    df = pd.read_csv('sales.csv', parse_dates=['ts'])
    df = df.sort_values(['store', 'ts'])
    df['previous'] = df.groupby('store')['price'].shift(1)
"""

from __future__ import annotations

from nbprod.leakage.rules.rule import Rule
from nbprod.model import Severity

RULE = Rule(
    name="cross-entity-shift",
    severity=Severity.ERROR,
    manual=__doc__ or "",
    what="{column} reads across the border between entities",
    why="The first row of an entity receives the newest value of another.",
    remedy="Group first: `df.groupby('store')['price'].shift(1)`.",
)
