"""Some rows train and test.

Slices that overlap, conditions that both hold, two samples of the same rows.

Leaky:

    train = data[:800]
    test = data[700:]

Clean:

    train = data[:800]
    test = data[800:]
"""

from __future__ import annotations

from nbprod.leakage.rules.rule import Rule
from nbprod.model import Severity

RULE = Rule(
    name="overlap-of-train-and-test",
    severity=Severity.ERROR,
    manual=__doc__ or "",
    what="{says}",
    why="Rows that the model has seen are no test of it.",
    remedy="Make the parts disjoint: `train_test_split`, `data[:n]` and `data[n:]`, `df.drop(train.index)`.",
)
