"""What is kept of a reference: counts and order statistics, enough to propose a suite and to see drift."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from nbprod.model import Json  # noqa: TC001  # `wire` reads the annotations at run time


class Sort(StrEnum):
    """What a column's values are, as far as expectations differ."""

    NUMBER = "number"
    TIME = "time"
    TEXT = "text"
    FLAG = "flag"
    OTHER = "other"


# Of each batch of the reference, and what a suite bounds.
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


class ColumnProfile(Struct, frozen=True, kw_only=True):
    """One column of a reference.

    `singletons` counts the values that occur once. `low` and `high` are the extremes (times as ISO text), `ladder`
    the numbers at evenly spaced ranks from the smallest to the largest, `counts` each value's count where there are
    few. `shape` is a pattern that every text has, `shortest` and `longest` are lengths of texts. Where it was said what
    makes a batch, `batch_quantiles`, `batch_null_shares`, `batch_lows` and `batch_highs` (of lengths for texts, of times
    the first in seconds) hold
    these of each batch in the reference, `batch_strange_shares` the shares of rows whose value no other batch has; all
    in the order of the profile's `batch_rows`, None where a batch has too few values to tell.
    Of a time, `rises` says that the rows stand in its order, and `bucket_rows` counts those of each whole `bucket` (an
    hour or a day) between the first and the last.
    """

    name: str
    type: str
    sort: Sort
    nulls: int
    distinct: int
    singletons: int
    low: Json = None
    high: Json = None
    ladder: tuple[float, ...] = ()
    counts: tuple[tuple[Json, int], ...] = ()
    shortest: int | None = None
    longest: int | None = None
    shape: str | None = None
    batch_quantiles: tuple[tuple[float, ...] | None, ...] = ()
    batch_null_shares: tuple[float, ...] = ()
    batch_lows: tuple[float | None, ...] = ()
    batch_highs: tuple[float | None, ...] = ()
    batch_strange_shares: tuple[float | None, ...] = ()
    rises: bool = False
    bucket: str | None = None
    bucket_rows: tuple[int, ...] = ()


class Dependency(Struct, frozen=True, kw_only=True):
    """A column that the other one settled in every row; `singletons` of the `pairs` of values were seen once."""

    settles: str
    settled: str
    pairs: tuple[tuple[Json, Json], ...]
    singletons: int
    rows: int


class Correlation(Struct, frozen=True, kw_only=True):
    """How two columns go together. Angles are Fisher's, atanh of Pearson's correlation.

    `spread` is what resampling the reference says of the angle's standard deviation in a batch of one row: divide it by
    the square root of a batch's rows. `batch_angles` are those of the reference's batches.
    """

    left: str
    right: str
    angle: float
    spread: float
    batch_angles: tuple[float | None, ...] = ()


class Profile(Struct, frozen=True, kw_only=True):
    """A reference: its rows (those looked at) and columns.

    `ordered` pairs columns of which the first never exceeded the second, though their ranges overlap.
    """

    rows: int
    columns: tuple[ColumnProfile, ...]
    ordered: tuple[tuple[str, str], ...] = ()
    was_sampled: bool = False
    batches_by: tuple[str, ...] = ()
    batch_rows: tuple[int, ...] = ()
    dependencies: tuple[Dependency, ...] = ()
    correlations: tuple[Correlation, ...] = ()

    def column(self, name: str) -> ColumnProfile | None:
        """The column of that name, if the reference has it."""
        return next((one for one in self.columns if one.name == name), None)
