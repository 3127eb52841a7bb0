"""The same entity is on both sides of a random split.

Rows of one customer, patient or device resemble each other. Where the stage declares its entity, a random split
of its rows puts the same one on both sides.

Leaky:

    %%stage split --kind split --entity patient
    import pandas as pd
    from sklearn.model_selection import train_test_split

    df = pd.read_csv('scans.csv')
    train, test = train_test_split(df)

Clean:

    %%stage split --kind split --entity patient
    import pandas as pd
    from sklearn.model_selection import GroupShuffleSplit

    df = pd.read_csv('scans.csv')
    folds = list(GroupShuffleSplit().split(df, groups=df['patient']))
"""

from __future__ import annotations

from nbprod.leakage.rules.rule import Rule
from nbprod.model import Severity

RULE = Rule(
    name="same-entity-both-sides",
    severity=Severity.WARNING,
    manual=__doc__ or "",
    what="{says}",
    why="The model recognises the entity instead of learning what holds for new ones.",
    remedy="Split by entity: `GroupShuffleSplit().split(df, groups=df['patient'])`.",
)
