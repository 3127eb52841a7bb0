"""Abstract interpretation of a notebook: what each column depends on, and what reaches a model."""

from nbprod.leakage.interpret.context import Record, Run, Sink, Split
from nbprod.leakage.interpret.engine import interpreted
from nbprod.leakage.interpret.memory import Memory

__all__ = ["Memory", "Record", "Run", "Sink", "Split", "interpreted"]
