"""Interpolation draws a line to the next value.

`interpolate()` reads the known values on both sides of a gap, also with its default `limit_direction="forward"`.

Leaky:

    import pandas as pd

    df = pd.read_csv('sales.csv', parse_dates=['ts'])
    df['stock'] = df['stock'].interpolate()

Clean:

    import pandas as pd

    df = pd.read_csv('sales.csv', parse_dates=['ts'])
    df['stock'] = df['stock'].ffill()
"""

from __future__ import annotations

from nbprod.leakage.rules.rule import Rule
from nbprod.model import Severity

RULE = Rule(
    name="interpolation-reads-ahead",
    severity=Severity.ERROR,
    manual=__doc__ or "",
    what="{column} is interpolated towards the next known value",
    why="The next value is not known when the gap is there.",
    remedy="Use `ffill()`, or a model fitted on earlier rows.",
)
