"""Statements and expressions followed for their effects, functions included, without running anything.

Every way through is taken and joined; a loop's body is taken twice; a call of a function that the notebook
defines is followed with the values it gets, so that names inside are those at the time of the call. What cannot
be followed may change whatever it can get at.

The tracer is built up a layer a file, each made of the one before: `parts` of values, the notebook's own `classes`,
functions `following`, tables `applying`, `calling`, `binding`, `expressions`, and `statements` on top.
"""

from nbprod.flow.tracing.statements import Tracer

__all__ = ["Tracer"]
