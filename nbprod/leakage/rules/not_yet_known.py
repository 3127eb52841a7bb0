"""A column is used before it is known.

`--known arr_delay=arr_time` says that the delay is known only when the flight has landed. A rolling mean of past
delays then leaks where some of those flights are still in the air.

Leaky:

    %%stage features --kind features --time dep_time --known delay=arr_time
    import pandas as pd

    df = pd.read_csv('flights.csv', parse_dates=['dep_time', 'arr_time'])
    df['recent'] = df['delay'].shift(1).rolling(20).mean()

Clean:

    %%stage features --kind features --time dep_time --known delay=arr_time
    import pandas as pd

    df = pd.read_csv('flights.csv', parse_dates=['dep_time', 'arr_time'])
    landed = df[['arr_time', 'delay']].sort_values('arr_time')
    landed['recent'] = landed['delay'].rolling(20).mean()
    df = pd.merge_asof(df[['dep_time']], landed[['arr_time', 'recent']], left_on='dep_time', right_on='arr_time')
"""

from __future__ import annotations

from nbprod.leakage.rules.rule import Rule
from nbprod.model import Severity

RULE = Rule(
    name="not-yet-known",
    severity=Severity.ERROR,
    manual=__doc__ or "",
    what="{column} is used before it is known",
    why="When the prediction is made, some of those values have not come in.",
    remedy="Join on the time from which it is known: `merge_asof(..., left_on=TIME, right_on=KNOWN)`.",
)
