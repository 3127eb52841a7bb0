"""Expressions of Python turned to values."""

from nbprod.leakage.interpret.evaluate.evaluating import evaluate
from nbprod.leakage.interpret.evaluate.operators import operated

__all__ = ["evaluate", "operated"]
