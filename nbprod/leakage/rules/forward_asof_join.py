"""An as-of join meets records dated after the row.

`merge_asof` with `direction="forward"` or `"nearest"`, polars' `strategy="forward"`, `ASOF ... a.ts <= b.ts`.

Leaky:

    import pandas as pd

    df = pd.read_csv('sales.csv', parse_dates=['ts'])
    news = pd.read_csv('news.csv', parse_dates=['published'])
    df = pd.merge_asof(df, news[['published', 'tone']], left_on='ts', right_on='published', direction='nearest')

Clean:

    import pandas as pd

    df = pd.read_csv('sales.csv', parse_dates=['ts'])
    news = pd.read_csv('news.csv', parse_dates=['published'])
    df = pd.merge_asof(df, news[['published', 'tone']], left_on='ts', right_on='published')
"""

from __future__ import annotations

from nbprod.leakage.rules.rule import Rule
from nbprod.model import Severity

RULE = Rule(
    name="forward-asof-join",
    severity=Severity.ERROR,
    manual=__doc__ or "",
    what="{column} comes from a record that may be dated after the row",
    why="A record of the future is not there yet.",
    remedy="Join backwards: `direction='backward'`, with a `tolerance` if old records should not count.",
)
