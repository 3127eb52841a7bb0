"""The bridge between a Jupyter notebook and production."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import os

    from IPython.core.interactiveshell import InteractiveShell

    from nbprod.tracking.serving import Loaded

__version__ = "0.1.0"


def load(
    model: str = "champion", *, root: str | os.PathLike[str] = ".", rows_as: str | None = None
) -> Loaded:
    """A version of a project's model as a function: `nbprod.load("champion").predict(rows)`.

    A row is what the feature stage takes; `rows_as` names the input that it stands for, where that can't be told.
    """
    from nbprod.api.scoring import load as loaded

    return loaded(model, root=root, rows_as=rows_as)


def load_ipython_extension(shell: InteractiveShell) -> None:
    """What `%load_ext nbprod` does."""
    from nbprod.faces.magics import load

    load(shell)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """What `%unload_ext nbprod` does."""
    from nbprod.faces.magics import unload

    unload(shell)


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    return [{"src": "labextension", "dest": "nbprod"}]


def _jupyter_server_extension_points() -> list[dict[str, object]]:
    from nbprod.faces.server import NbprodExtension

    return [{"module": "nbprod.faces.server", "app": NbprodExtension}]
