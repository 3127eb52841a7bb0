"""Features that were served, against those that the training's stage makes of the same rows: skew, column by column."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterator


class ColumnSkew(Struct, frozen=True, kw_only=True):
    """A column that isn't the same in both; `first` is the first row that differs, by its key."""

    column: str
    rows: int
    first: str
    trained: str
    served: str


class Parity(Struct, frozen=True, kw_only=True):
    """How many rows and columns were held against each other, and those that differ."""

    rows: int
    columns: int
    skewed: tuple[ColumnSkew, ...] = ()
    missing_columns: tuple[str, ...] = ()
    missing_rows: int = 0

    @property
    def holds(self) -> bool:
        """Whether all that was trained on is served, bit for bit."""
        return not (self.skewed or self.missing_columns or self.missing_rows)


def parity(trained: Any, served: Any, *, key: str, columns: list[str]) -> Parity:
    """Hold two frames of features against each other, row by row of the same key, bit for bit; NaN equals NaN."""
    left, right = trained.set_index(key, drop=False), served.set_index(key, drop=False)
    shared = right.index[right.index.isin(left.index)]
    present = [name for name in columns if name in right.columns]
    found = _skewed(left.loc[shared, present], right.loc[shared, present])
    return Parity(
        rows=len(shared),
        columns=len(present),
        skewed=tuple(found),
        missing_columns=tuple(name for name in columns if name not in right.columns),
        missing_rows=len(right) - len(shared),
    )


def _skewed(left: Any, right: Any) -> Iterator[ColumnSkew]:
    import numpy as np

    for name in left.columns:
        one, two = left[name], right[name]
        same = (one.isna() & two.isna()) | (one.to_numpy() == two.to_numpy())
        differ = np.flatnonzero(~same.fillna(value=False).to_numpy(dtype=bool))
        if len(differ):
            at = differ[0]
            yield ColumnSkew(
                column=str(name),
                rows=len(differ),
                first=str(left.index[at]),
                trained=str(one.iloc[at]),
                served=str(two.iloc[at]),
            )
