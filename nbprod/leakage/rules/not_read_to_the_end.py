"""A cell takes too many steps to be read to its end.

Loops over a few known things are followed turn by turn, functions at each call. Where that would take tens of
thousands of steps (loops within loops within loops, mostly), reading stops, so that a notebook is judged in
milliseconds; what comes after in the cell is not known, and what later cells take from it isn't either. That is told
as a note, as silence would look like a clean cell.

Leaky:

    import pandas as pd

    df = pd.read_csv('sales.csv', parse_dates=['ts'])
    for a in range(10):
        for b in range(10):
            for c in range(10):
                for d in range(10):
                    df[f'x_{a}_{b}_{c}_{d}'] = df['x'].shift(a + b) * df['y'].shift(c + d)

Clean:

    import pandas as pd

    df = pd.read_csv('sales.csv', parse_dates=['ts'])
    lags = {f'x_{k}': df['x'].shift(k) for k in range(10)}
    df = df.assign(**lags)
"""

from __future__ import annotations

from nbprod.leakage.rules.rule import Rule
from nbprod.model import Severity

RULE = Rule(
    name="not-read-to-the-end",
    severity=Severity.NOTE,
    manual=__doc__ or "",
    what="{says}",
    why="What it does from here on was not judged: silence about it means nothing.",
    remedy="Divide the cell, or name the combinations in one list and loop over that; or run its stage in replay.",
)
