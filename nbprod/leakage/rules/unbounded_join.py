"""A join brings each row all records of its key, later ones too.

A self-join on the entity alone, a correlated subquery without `b.ts < a.ts`, a range join with its bound on the
wrong side.

Leaky:

    import pandas as pd

    df = pd.read_csv('sales.csv', parse_dates=['ts'])
    pairs = df.merge(df, on='store')
    totals = pairs.groupby(['store', 'ts_x'])['price_y'].sum().reset_index(name='total')

Clean:

    import pandas as pd

    df = pd.read_csv('sales.csv', parse_dates=['ts'])
    pairs = df.merge(df, on='store')
    pairs = pairs[pairs['ts_y'] < pairs['ts_x']]
    totals = pairs.groupby(['store', 'ts_x'])['price_y'].sum().reset_index(name='total')
"""

from __future__ import annotations

from nbprod.leakage.rules.rule import Rule
from nbprod.model import Severity

RULE = Rule(
    name="unbounded-join",
    severity=Severity.ERROR,
    manual=__doc__ or "",
    what="{column} is made of joined rows",
    why="Rows that come later are in the sum.",
    remedy="Bound the join in time: keep pairs with `b.ts < a.ts`, or use an as-of join.",
)
