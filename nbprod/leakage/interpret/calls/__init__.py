"""Calls of functions: of the notebook, of Python, of libraries by their dotted path."""

from nbprod.leakage.interpret.calls.calling import call

__all__ = ["call"]
