"""A value changes when the future is taken away.

What replay alone can say: the stage was run again without what became known after a moment, and a value of a row
before that moment came out different. No code had to be understood, so it holds for any library and for code that
stands in another file. The witness names the row, the value with the future, and the value without.

Leaky:

    import pandas as pd
    from signals import smoothed

    df = pd.read_csv('sales.csv', parse_dates=['ts'])
    df['level'] = smoothed(df['price'])
    X = df[['price', 'level']]

Clean:

    import pandas as pd

    df = pd.read_csv('sales.csv', parse_dates=['ts'])
    df['level'] = df['price'].ewm(halflife=7).mean()
    X = df[['price', 'level']]
"""

from __future__ import annotations

from nbprod.leakage.rules.rule import Rule
from nbprod.model import Severity

RULE = Rule(
    name="reads-the-future",
    severity=Severity.ERROR,
    manual=__doc__ or "",
    what="{says}",
    why="The same stage gives other values in production, where the future is not there.",
    remedy="Compute it from rows and values that are known at the row's own time.",
)
