"""A call in a stage of features is not known.

What a library's function reads of other rows can only be judged where nbprod has a table for the library, or where
the code stands in the notebook. Other calls are told as unproved, and are no leaks for that: replay finds out.

Leaky:

    %%stage features --kind features --time ts
    import pandas as pd
    import house_signals

    df = pd.read_csv('sales.csv', parse_dates=['ts'])
    df['signal'] = house_signals.smooth(df['price'])

Clean:

    %%stage features --kind features --time ts
    import pandas as pd

    df = pd.read_csv('sales.csv', parse_dates=['ts'])
    df['signal'] = df['price'].rolling(5).mean()
"""

from __future__ import annotations

from nbprod.leakage.rules.rule import Rule
from nbprod.model import Severity

RULE = Rule(
    name="opaque-call",
    severity=Severity.NOTE,
    manual=__doc__ or "",
    what="{says}",
    why="Whether it looks ahead is not shown.",
    remedy="Run the stage in replay, or write the step so that it can be read.",
)
