"""Leaks: the ways of looking ahead that reach a feature, decided sink by sink."""

from nbprod.leakage.leaks.finding import leaks, one_a_cause
from nbprod.leakage.leaks.leak import Leak, leak_at

__all__ = ["Leak", "leak_at", "leaks", "one_a_cause"]
