"""Methods: of columns, of Python's own values, of models, of what nobody knows."""

from nbprod.leakage.interpret.methods.calling import call_method
from nbprod.leakage.interpret.methods.cells import on_cells

__all__ = ["call_method", "on_cells"]
