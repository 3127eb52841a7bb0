"""How a call moves what a column knows of the future: the entries of `MOVES` applied to cells."""

from nbprod.leakage.interpret.moving.arguments import step_count
from nbprod.leakage.interpret.moving.lags import expanding_aheads, running
from nbprod.leakage.interpret.moving.moves import moved
from nbprod.leakage.interpret.moving.sequence import placed
from nbprod.leakage.interpret.moving.whole_sample import OF_GROUPS, statistic
from nbprod.leakage.interpret.moving.windows import finished, windowed

__all__ = [
    "OF_GROUPS",
    "expanding_aheads",
    "finished",
    "moved",
    "placed",
    "running",
    "statistic",
    "step_count",
    "windowed",
]
