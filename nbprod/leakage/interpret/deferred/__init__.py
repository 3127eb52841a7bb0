"""Expressions that are written before their frame is known: polars' `pl.col`, Ibis' `_` and `t.x`, their windows."""

from nbprod.leakage.interpret.deferred.building import built, called, keys_of, order_of, with_arguments_built
from nbprod.leakage.interpret.deferred.functions import counted, ibis_function, of_column, polars_function
from nbprod.leakage.interpret.deferred.spark import spark_function

__all__ = [
    "built",
    "called",
    "counted",
    "ibis_function",
    "keys_of",
    "of_column",
    "order_of",
    "polars_function",
    "spark_function",
    "with_arguments_built",
]
