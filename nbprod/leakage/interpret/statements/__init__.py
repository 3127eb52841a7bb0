"""Statements: assignments, branches that join, loops that are unrolled or turned twice, definitions."""

from nbprod.leakage.interpret.statements.assigning import assign
from nbprod.leakage.interpret.statements.executing import execute

__all__ = ["assign", "execute"]
