"""A position earns the return of the very bar that decided it.

A signal made of a bar's close is known when the bar is over. Multiplied by the return of that same bar it trades at a
price that was gone before the decision, and the backtest earns the move that made the signal.

Leaky:

    import numpy as np
    import pandas as pd

    bars = pd.read_csv('bars.csv', parse_dates=['ts'], index_col='ts')
    returns = bars['close'].pct_change()
    signal = np.sign(bars['close'] - bars['close'].rolling(50).mean())
    pnl = signal * returns

Clean:

    import numpy as np
    import pandas as pd

    bars = pd.read_csv('bars.csv', parse_dates=['ts'], index_col='ts')
    returns = bars['close'].pct_change()
    signal = np.sign(bars['close'] - bars['close'].rolling(50).mean())
    pnl = signal.shift(1) * returns
"""

from __future__ import annotations

from nbprod.leakage.rules.rule import Rule
from nbprod.model import Severity

RULE = Rule(
    name="same-bar-fill",
    severity=Severity.WARNING,
    manual=__doc__ or "",
    what="{says}",
    why="In production the order is placed after the close that decided it, and earns the next bar's return.",
    remedy="Let the decision wait for the next bar: `signal.shift(1) * returns`.",
)
