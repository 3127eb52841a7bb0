"""Records are joined by when they happened, not by when they were known.

A quarter's figures are dated at its end and published weeks later. A point-in-time join uses the time of
publication; say it with `--known COLUMN=PUBLISHED` where names don't.

Leaky:

    import pandas as pd

    df = pd.read_csv('sales.csv', parse_dates=['ts'])
    facts = pd.read_csv('facts.csv', parse_dates=['period_end', 'published'])
    df = pd.merge_asof(df, facts[['period_end', 'published', 'income']], left_on='ts', right_on='period_end')

Clean:

    import pandas as pd

    df = pd.read_csv('sales.csv', parse_dates=['ts'])
    facts = pd.read_csv('facts.csv', parse_dates=['period_end', 'published'])
    df = pd.merge_asof(df, facts[['published', 'income']], left_on='ts', right_on='published')
"""

from __future__ import annotations

from nbprod.leakage.rules.rule import Rule
from nbprod.model import Severity

RULE = Rule(
    name="event-time-join",
    severity=Severity.ERROR,
    manual=__doc__ or "",
    what="{column} is joined by the time of its event, before it was published",
    why="Until it is published the figure is unknown, or is later revised.",
    remedy="Join on the time of publication: `right_on='published'`.",
)
