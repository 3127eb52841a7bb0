"""Temporal leakage: how far past its own row a value may see, and what that means for a model."""

from nbprod.leakage.interpret import Memory
from nbprod.leakage.judge import check

__all__ = ["Memory", "check"]
