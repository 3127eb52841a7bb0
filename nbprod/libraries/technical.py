"""What nbprod knows of technical indicators: talib, ta, pandas_ta. All read the rows up to their own, but for these."""

from __future__ import annotations

from nbprod.libraries.moves import Moves, Smooths

# around the row unless told otherwise
_CENTRED = Smooths(
    parameters=("length", "talib", "centered"),
    window="length",
    mode="centered",
    causal_modes=(False,),
    usual_mode=True,
)

MOVES: Moves = {"pandas_ta.dpo": _CENTRED, "pandas_ta.trend.dpo": _CENTRED}
