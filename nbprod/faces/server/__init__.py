"""The Jupyter server extension: what the sidebar asks for, answered by the verbs of `api`."""

from nbprod.faces.server.extension import NbprodExtension

__all__ = ["NbprodExtension"]
