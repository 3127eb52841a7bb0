"""Gaps are filled from later rows.

`bfill`, `fillna(method="bfill")`, `backward_fill`, `fill_null(strategy="backward")`: a gap takes the next known
value. The usual `ffill().bfill()` does so at the start of each series.

Leaky:

    import pandas as pd

    df = pd.read_csv('sales.csv', parse_dates=['ts'])
    df['stock'] = df['stock'].bfill()

Clean:

    import pandas as pd

    df = pd.read_csv('sales.csv', parse_dates=['ts'])
    df['stock'] = df['stock'].ffill()
"""

from __future__ import annotations

from nbprod.leakage.rules.rule import Rule
from nbprod.model import Severity

RULE = Rule(
    name="backward-fill",
    severity=Severity.ERROR,
    manual=__doc__ or "",
    what="{column} takes the next known value where it has a gap",
    why="The next value is not known when the gap is there.",
    remedy="Fill from earlier rows with `ffill()`; leave the first gap empty, or give it a constant.",
)
