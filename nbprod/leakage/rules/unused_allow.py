"""An allow comment allows nothing, or gives no reason.

`# nbprod: allow RULE because REASON` on the line of a finding, or on a line of its own above it, silences that rule
there. One that matches no finding is left over from code that has changed; one without a reason helps nobody.

Leaky:

    import pandas as pd

    df = pd.read_csv('sales.csv', parse_dates=['ts'])
    df['price'] = df['price'] * 2  # nbprod: allow backward-fill because of old gaps

Clean:

    import pandas as pd

    df = pd.read_csv('sales.csv', parse_dates=['ts'])
    df['stock'] = df['stock'].bfill()  # nbprod: allow backward-fill because only the first day has a gap
"""

from __future__ import annotations

from nbprod.leakage.rules.rule import Rule
from nbprod.model import Severity

RULE = Rule(
    name="unused-allow",
    severity=Severity.WARNING,
    manual=__doc__ or "",
    what="{says}",
    why="Allowances that outlive their reason hide the next leak.",
    remedy="Remove the comment, or write `because` and the reason.",
)
