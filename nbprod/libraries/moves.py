"""The vocabulary of `MOVES`: how a call of a library moves what its result knows of the future.

A library's `MOVES` table names calls: `.shift` is a method of its columns and frames, `numpy.roll` a function by
its dotted path. Parameters stand in the order of positional arguments, without the data itself.
"""

from __future__ import annotations

from msgspec import Struct


class RowWise(Struct, frozen=True, kw_only=True):
    """The result at a row depends on the arguments at that row alone."""


class Lags(Struct, frozen=True, kw_only=True):
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


class Reduces(Struct, frozen=True, kw_only=True):
    """One value out of all rows. `first` is known from the first row on; `least` too, of ascending times.

    `counts` depends on which rows exist alone; `per_row` gives one value out of each row where `axis` is 1.
    """

    parameters: tuple[str, ...] = ("axis",)
    first: bool = False
    least: bool = False
    counts: bool = False
    last: bool = False


class Ranks(Struct, frozen=True, kw_only=True):
    """A value a row that depends on all rows: ranks, quantile bins, codes, scores.

    Where the argument `given` says what would be found in the rows, only the row's own value counts.
    """

    parameters: tuple[str, ...] = ()
    codes: bool = False
    given: str = ""


class Accumulates(Struct, frozen=True, kw_only=True):
    """Reads every row up to its own; from its own on where the argument `reverse` is true."""

    parameters: tuple[str, ...] = ()
    reverse: str = ""
    ascending: str = ""


class Fills(Struct, frozen=True, kw_only=True):
    """Fills gaps: `forward` from earlier rows, `backward` from later ones, `between` by both, `given` by arguments.

    `method` names the argument that overrides the direction.
    """

    parameters: tuple[str, ...] = ("value", "method", "axis")
    how: str = "given"
    method: str = "method"


class Rolls(Struct, frozen=True, kw_only=True):
    """A moving window over `window` rows that ends with its own, or lies around it where `centre` is true.

    `lead` rows are excluded from its end. `finished` windows give the value at once (polars); others an object
    with methods (pandas).
    """

    parameters: tuple[str, ...] = ("window", "min_periods", "center")
    window: str = "window"
    centre: str = "center"
    finished: bool = False


class Smooths(Struct, frozen=True, kw_only=True):
    """Reads rows on both sides: `rows_ahead` of them, half the argument `window`, or all where neither is given.

    `origin` names the argument that moves the window back by so many rows.
    """

    parameters: tuple[str, ...] = ()
    rows_ahead: int | None = None
    window: str = ""
    factor: float = 0.5
    mode: str = ""
    causal_modes: tuple[str | bool, ...] = ()
    usual_mode: str | bool = ""
    origin: str = ""


class Fresh(Struct, frozen=True, kw_only=True):
    """Depends on no data: random numbers, ranges, zeros."""


class Loads(Struct, frozen=True, kw_only=True):
    """A table read from outside; `time` names the argument that lists columns of times."""

    parameters: tuple[str, ...] = ("path",)
    time: str = "parse_dates"
    index: str = "index_col"
    columns: str = "usecols"
    query: str = ""


class Shows(Struct, frozen=True, kw_only=True):
    """Shows or describes data to people; nothing comes back that a feature could be made of."""


class Learns(Struct, frozen=True, kw_only=True):
    """A class with `fit`. Roles: `transformer` (learns statistics), `encoder` (learns categories), `targets` (learns
    from labels), `stateless`, `predictor`, `sampler` (makes or drops rows), `search`, `pipeline`, `columns`.
    """

    role: str
    parameters: tuple[str, ...] = ()


class Models(Struct, frozen=True, kw_only=True):
    """A model that is given its data where it is made, and fitted without: labels, then features, or a `formula`."""

    labels: str = "endog"
    features: str = "exog"
    formula: str = ""


class Splits(Struct, frozen=True, kw_only=True):
    """A cross-validation splitter: whether folds mix the rows' order, and what the call may say."""

    parameters: tuple[str, ...] = ("n_splits",)
    mixes: bool = True
    shuffles: bool = False
    grouped: bool = False
    in_time: bool = False


class Validates(Struct, frozen=True, kw_only=True):
    """A function that fits and scores on folds of the given rows; `cv` is the argument that makes the folds."""

    parameters: tuple[str, ...] = ("X", "y")
    cv: str = "cv"


class Scores(Struct, frozen=True, kw_only=True):
    """A metric of the true labels and of predictions, or of the features that a model predicts from."""

    parameters: tuple[str, ...] = ("y_true", "y_pred")
    truth: str = "y_true"
    guess: str = "y_pred"


# what a network's output lacks of the truth
LOSS = Scores(parameters=("input", "target"), truth="target", guess="input")


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
