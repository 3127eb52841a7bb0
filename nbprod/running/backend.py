"""The database that Ibis uses in a stage's kernel where a notebook names none: `[tool.nbprod] backend`."""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from nbprod.errors import NbprodError

VARIABLE = "NBPROD_BACKEND"
# What a kernel does before the first cell of a stage that imports Ibis.
APPLY = "__import__('nbprod.running.backend', fromlist=['apply']).apply()"


def scheme_of(address: str) -> str:
    """The name of the backend that an address means: `pyspark` for `pyspark` and for `pyspark://...`."""
    return address.partition("://")[0]


def apply() -> None:
    """Make the backend that the environment names the one that Ibis uses by default; raises NbprodError if it can't."""
    address = os.environ.get(VARIABLE, "")
    if address:
        import ibis

        ibis.set_backend(connected(address))


def connected(address: str) -> Any:
    """A connection of Ibis to a backend (`duckdb`, `pyspark`), or to an address as `ibis.connect` takes it.

    Spark's settings stand in the address, as in `pyspark://?spark.master=local[2]`.
    Raises NbprodError where Ibis has no such backend, or what it needs is not installed.
    """
    import ibis

    name = scheme_of(address)
    try:
        if name == "pyspark":
            return _spark(address)
        return ibis.connect(address if "://" in address else f"{address}://")
    except (ImportError, ibis.IbisError, ValueError) as error:
        raise NbprodError(
            f"Ibis can't use the backend '{name}': {error}.",
            where="[tool.nbprod] backend",
            remedy=f"Install ibis-framework[{name}], or choose another backend.",
        ) from error


def _spark(address: str) -> Any:
    """Ibis' connection to Spark, with as-of joins, which Spark SQL lacks, and tables in memory that can be cached."""
    from ibis.backends import pyspark
    from pyspark.sql import SparkSession

    from nbprod.running.asof import without_asof

    class Backend(pyspark.Backend):  # type: ignore[misc] # Ibis ships no types
        def compile(self, expr: Any, /, **options: Any) -> str:
            text: str = super().compile(without_asof(expr.op()).to_expr(), **options)
            return text

        def _create_cached_table(self, name: str, expr: Any) -> Any:
            # Ibis 12 looks for a table in memory here without having told Spark of it.
            self._run_pre_execute_hooks(expr)
            return super()._create_cached_table(name, expr)

    options = dict(parse_qsl(urlsplit(address).query))
    # Ibis registers them when a backend is asked for as an attribute of its own.
    Backend.register_options()
    return Backend().connect(SparkSession.builder.config(map=options).getOrCreate())
