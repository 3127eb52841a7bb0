"""The engines by the names that people give them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbprod.errors import NbprodError, did_you_mean
from nbprod.running.stage import LocalEngine

if TYPE_CHECKING:
    from nbprod.running.stage import Engine

_NAMES = ("local", "dask")


def engine_named(text: str, *, workers: int) -> Engine:
    """The engine: `local`, `dask` (a cluster on this machine with that many workers) or `dask=ADDRESS`.

    Raises NbprodError for another name, and where Dask is missing or does not answer.
    """
    name, _, address = text.partition("=")
    if name not in _NAMES:
        raise NbprodError(f"There is no engine '{name}'.", remedy=did_you_mean(name, _NAMES))
    if name == "local":
        return LocalEngine()
    try:
        from nbprod.running.cluster import DaskEngine
    except ImportError as error:
        raise NbprodError("The engine 'dask' needs Dask.", remedy="Install nbprod[dask].") from error
    return DaskEngine(address=address, workers=workers)
