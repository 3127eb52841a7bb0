"""Methods of frames: pandas, polars and Ibis name them differently and mean the same."""

from nbprod.leakage.interpret.tables.calling import call
from nbprod.leakage.interpret.tables.columns import with_expressions
from nbprod.leakage.interpret.tables.joins import as_of_call
from nbprod.leakage.interpret.tables.ordering import filled_from_later
from nbprod.leakage.interpret.tables.rows import sampled

__all__ = ["as_of_call", "call", "filled_from_later", "sampled", "with_expressions"]
