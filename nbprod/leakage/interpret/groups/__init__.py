"""Grouped and windowed frames: `groupby`, `rolling`, `expanding`, `resample`, and what is called on them."""

from nbprod.leakage.interpret.groups.bars import resampled
from nbprod.leakage.interpret.groups.grouped import on_grouped
from nbprod.leakage.interpret.groups.windows import on_windowed

__all__ = ["on_grouped", "on_windowed", "resampled"]
