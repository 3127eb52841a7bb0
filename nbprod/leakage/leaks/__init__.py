"""Leaks: the ways of looking ahead that reach a feature, decided sink by sink."""

from nbprod.leakage.leaks.finding import leaks, one_a_cause
from nbprod.leakage.leaks.leak import Leak

__all__ = ["Leak", "leaks", "one_a_cause"]
