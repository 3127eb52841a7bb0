"""A window lies around its row, half of it after.

`rolling(center=True)`, frames with FOLLOWING rows, `np.gradient`, `convolve(mode="same")`, Savitzky-Golay and
Gaussian filters, local extremes: each of them needs rows that come later.

Leaky:

    import pandas as pd

    df = pd.read_csv('sales.csv', parse_dates=['ts'])
    df['smooth'] = df['price'].rolling(7, center=True).mean()

Clean:

    import pandas as pd

    df = pd.read_csv('sales.csv', parse_dates=['ts'])
    df['smooth'] = df['price'].rolling(7).mean()
"""

from __future__ import annotations

from nbprod.leakage.rules.rule import Rule
from nbprod.model import Severity

RULE = Rule(
    name="centred-window",
    severity=Severity.ERROR,
    manual=__doc__ or "",
    what="{column} is taken over a window around its row",
    why="The last rows of live data have no later half, so the feature changes its meaning exactly where it is used.",
    remedy="End the window at the row: drop `center=True`, or use `rolling(n)`, `diff()`, `ewm(adjust=False)`, `lfilter`.",
)
