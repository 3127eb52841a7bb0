"""The vocabulary of `MOVES`: how a call of a library moves what its result knows of the future.

A library's `MOVES` table names calls: `.shift` is a method of its columns and frames, `numpy.roll` a function by
its dotted path. Parameters stand in the order of positional arguments, without the data itself.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RowWise:
    """The result at a row depends on the arguments at that row alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lags:
    """Reads `by` rows before its own (after it where `leads`), and its own too where `keeps_own`.

    `wraps` gives the first rows the last ones' values, as `numpy.roll` does; `shortens` gives so many values less,
    from the first on, as `numpy.diff` does.
    """

    parameters: tuple[str, ...] = ("periods",)
    by: str = "periods"
    default: int = 1
    keeps_own: bool = False
    leads: bool = False
    wraps: bool = False
    shortens: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reduces:
    """One value out of all rows. `first` is known from the first row on; `least` too, of ascending times.

    `counts` depends on which rows exist alone; `per_row` gives one value out of each row where `axis` is 1.
    """

    parameters: tuple[str, ...] = ("axis",)
    first: bool = False
    least: bool = False
    counts: bool = False
    last: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranks:
    """A value a row that depends on all rows: ranks, quantile bins, codes, scores.

    Where the argument `given` says what would be found in the rows, only the row's own value counts.
    """

    parameters: tuple[str, ...] = ()
    codes: bool = False
    given: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accumulates:
    """Reads every row up to its own; from its own on where the argument `reverse` is true."""

    parameters: tuple[str, ...] = ()
    reverse: str = ""
    ascending: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fills:
    """Fills gaps: `forward` from earlier rows, `backward` from later ones, `between` by both, `given` by arguments.

    `method` names the argument that overrides the direction.
    """

    parameters: tuple[str, ...] = ("value", "method", "axis")
    how: str = "given"
    method: str = "method"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rolls:
    """A moving window over `window` rows that ends with its own, or lies around it where `centre` is true.

    `lead` rows are excluded from its end. `finished` windows give the value at once (polars); others an object
    with methods (pandas).
    """

    parameters: tuple[str, ...] = ("window", "min_periods", "center")
    window: str = "window"
    centre: str = "center"
    finished: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Smooths:
    """Reads rows on both sides: `rows_ahead` of them, half the argument `window`, or all where neither is given."""

    parameters: tuple[str, ...] = ()
    rows_ahead: int | None = None
    window: str = ""
    factor: float = 0.5
    mode: str = ""
    causal_modes: tuple[str, ...] = ()
    usual_mode: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fresh:
    """Depends on no data: random numbers, ranges, zeros."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loads:
    """A table read from outside; `time` names the argument that lists columns of times."""

    parameters: tuple[str, ...] = ("path",)
    time: str = "parse_dates"
    index: str = "index_col"
    columns: str = "usecols"
    query: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shows:
    """Shows or describes data to people; nothing comes back that a feature could be made of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Learns:
    """A class with `fit`. Roles: `transformer` (learns statistics), `encoder` (learns categories), `targets` (learns
    from labels), `stateless`, `predictor`, `sampler` (makes or drops rows), `search`, `pipeline`, `columns`.
    """

    role: str
    parameters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Models:
    """A model that is given its data where it is made, and fitted without: labels, then features, or a `formula`."""

    labels: str = "endog"
    features: str = "exog"
    formula: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Splits:
    """A cross-validation splitter: whether folds mix the rows' order, and what the call may say."""

    parameters: tuple[str, ...] = ("n_splits",)
    mixes: bool = True
    shuffles: bool = False
    grouped: bool = False
    in_time: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Validates:
    """A function that fits and scores on folds of the given rows; `cv` is the argument that makes the folds."""

    parameters: tuple[str, ...] = ("X", "y")
    cv: str = "cv"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """A metric of the true labels and of predictions."""


Move = (
    Learns
    | Models
    | Splits
    | Validates
    | Scores
    | RowWise
    | Lags
    | Reduces
    | Ranks
    | Accumulates
    | Fills
    | Rolls
    | Smooths
    | Fresh
    | Loads
    | Shows
)
Moves = dict[str, Move]
