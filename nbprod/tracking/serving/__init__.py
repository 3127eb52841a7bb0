"""A version of the model as a function of rows: its training's own feature cells, or what they compile to, then the model.

`served` runs the cells on any rows; `rows` answers one row at a time, by what `trace` has seen the cells ask of Ibis:
`steps` takes that apart into `lookups` and prepared queries (`compiled`), `models` asks the model. `door` and `inputs`
say what may come in.
"""

from nbprod.tracking.serving.served import Loaded, loaded

__all__ = ["Loaded", "loaded"]
