"""The bridge between a Jupyter notebook and production."""

__version__ = "0.1.0"
