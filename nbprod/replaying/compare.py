"""Two runs' outputs side by side: which values of rows at or before a cut differ, and by how much.

Rows are matched by time, entity and as many columns that the stage passes through as make them unique; rows that
stay alike are matched in the order of their values, so that no order among ties can raise an alarm.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from msgspec import Struct

from nbprod.replaying.stamps import NEVER, axis_of, stamps_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from nbprod.replaying.layout import Layout
    from nbprod.replaying.tables import Snapshot

EXISTENCE = "*"
# below it a gap, in units of the column's own spread, is float noise; above CERTAIN it is none
NOISE = 1e-9
CERTAIN = 1e-5
_FEW_VALUES = 5


class Change(Struct, frozen=True, kw_only=True):
    """What changed in one column (or in which rows exist: `EXISTENCE`) before a cut.

    `rows` are positions in the full output (for rows that appear only in the probe: none), `earliest_row` and
    `earliest` the first changed row's position and stamp, `gap` the largest difference in units of the column's spread (infinite where the values
    are no numbers). `key`, `full` and `probe` describe the row that changed most.
    """

    output: str
    column: str
    rows: NDArray[np.intp]
    earliest_row: int
    earliest: int
    gap: float
    key: str
    full: str
    probe: str
    stamp: int

    @property
    def is_certain(self) -> bool:
        return self.gap > CERTAIN


class Comparison(Struct, frozen=True, kw_only=True):
    """All changes of one output in one run, and how many rows were compared."""

    changes: tuple[Change, ...]
    rows: int


class _Pair(Struct, frozen=True, kw_only=True):
    """The rows of both runs that a cut lets be compared: positions, and codes that are equal for equal keys."""

    full: Any
    probe: Any
    at_full: NDArray[np.intp]
    at_probe: NDArray[np.intp]
    stamps_full: NDArray[np.int64]
    stamps_probe: NDArray[np.int64]
    codes_full: NDArray[np.intp]
    codes_probe: NDArray[np.intp]


def compared(
    full: Snapshot,
    probe: Snapshot,
    *,
    layout: Layout,
    cut: int,
    noise: Mapping[str, float],
    probe_rows: NDArray[np.intp],
) -> Comparison:
    """Every column of an output that differs in rows at or before the cut.

    `noise` is what a repetition of the whole run showed a column to vary by; `probe_rows` are the numbers of the
    input rows that the probe left in place, for outputs that are matched by position.
    """
    pair = _paired(full, probe, layout=layout, cut=cut, probe_rows=probe_rows)
    if pair is None:
        return Comparison(changes=(), rows=0)
    changes = []
    if layout.tells_existence:
        changes += _existence(pair, layout=layout)
    for column in layout.columns:
        change = _change(pair, column, layout=layout, noise=noise.get(column, 0.0))
        if change is not None:
            changes.append(change)
    if not layout.time and not layout.index and not _runs_in_step(pair, layout):
        changes = [change for change in changes if _has_new_values(pair, change.column)]
    return Comparison(changes=tuple(changes), rows=len(pair.at_full))


def _runs_in_step(pair: _Pair, layout: Layout) -> bool:
    """Whether rows that are matched by their place alone belong together: most telling values are then equal."""
    shares = []
    for column in layout.columns:
        left = pair.full[column].iloc[pair.at_full]
        if column in pair.probe.columns and len(left) == len(pair.at_probe) and left.nunique() > _FEW_VALUES:
            right = pair.probe[column].iloc[pair.at_probe]
            shares.append(float((gaps_between(left, right, scale=scale_of(left)) <= NOISE).mean()))
    return bool(shares) and max(shares) > 0.5


def _has_new_values(pair: _Pair, column: str) -> bool:
    """Whether the probe holds values that the whole run doesn't: then something changed, whatever the order."""
    if len(pair.probe) == len(pair.full) or column not in pair.probe.columns:
        return False
    left, right = pair.full[column], pair.probe[column]
    numbers = (_numbers(left), _numbers(right))
    if numbers[0] is None or numbers[1] is None:
        return not set(_texts(right)) <= set(_texts(left))
    tolerance = scale_of(left) * CERTAIN
    known = np.sort(numbers[0][~np.isnan(numbers[0])])
    sought = numbers[1][~np.isnan(numbers[1])]
    if not len(known) or not len(sought):
        return bool(len(sought))
    places = np.clip(np.searchsorted(known, sought), 1, max(len(known) - 1, 1))
    nearest = np.minimum(
        np.abs(sought - known[places - 1]), np.abs(sought - known[np.minimum(places, len(known) - 1)])
    )
    return bool((nearest > tolerance).any())


def gaps_between(full: Any, probe: Any, *, scale: float) -> NDArray[np.float64]:
    """How far two columns of equal length lie apart, row by row, in units of `scale`."""
    left, right = _numbers(full), _numbers(probe)
    if left is None or right is None:
        return np.where(_texts(full) == _texts(probe), 0.0, np.inf)
    with np.errstate(invalid="ignore", over="ignore"):
        gap = np.abs(left - right) / scale
    gap[(left == right) | (np.isnan(left) & np.isnan(right))] = 0.0
    gap[np.isnan(gap)] = np.inf
    return gap


def scale_of(values: Any) -> float:
    """A column's own spread: its standard deviation, or its size where it doesn't vary."""
    numbers = _numbers(values)
    if numbers is None:
        return 1.0
    finite = numbers[np.isfinite(numbers)]
    if not len(finite):
        return 1.0
    size = float(np.max(np.abs(finite)))
    spread = float(np.std(finite / size)) * size if size else 0.0
    return max(spread, 1e-9 * size) or size or 1.0


def _paired(
    full: Snapshot, probe: Snapshot, *, layout: Layout, cut: int, probe_rows: NDArray[np.intp]
) -> _Pair | None:
    in_full = layout.stamps_in(full.frame)
    in_probe = layout.stamps_in(probe.frame, rows=probe_rows)
    if in_full is None or in_probe is None:
        return None
    at_full, at_probe = np.flatnonzero(in_full <= cut), np.flatnonzero(in_probe <= cut)
    keys_full = layout.keys_in(full.frame, in_full, at_full)
    keys_probe = layout.keys_in(probe.frame, in_probe, at_probe, rows=probe_rows)
    both = pd.concat([keys_full, keys_probe], ignore_index=True)
    codes = both.groupby(list(both.columns), sort=False, dropna=False).ngroup().to_numpy()
    return _Pair(
        full=full.frame,
        probe=probe.frame,
        at_full=at_full,
        at_probe=at_probe,
        stamps_full=in_full,
        stamps_probe=in_probe,
        codes_full=codes[: len(at_full)],
        codes_probe=codes[len(at_full) :],
    )


def _existence(pair: _Pair, *, layout: Layout) -> list[Change]:
    size = int(max(pair.codes_full.max(initial=-1), pair.codes_probe.max(initial=-1))) + 1
    difference = np.bincount(pair.codes_full, minlength=size) - np.bincount(pair.codes_probe, minlength=size)
    if not difference.any():
        return []
    gone = pair.at_full[difference[pair.codes_full] > 0]
    added = pair.at_probe[difference[pair.codes_probe] < 0]
    frame, rows = (pair.full, gone) if len(gone) else (pair.probe, added)
    stamps = (pair.stamps_full if len(gone) else pair.stamps_probe)[rows]
    first = int(np.argmin(stamps))
    return [
        Change(
            output=layout.output,
            column=EXISTENCE,
            rows=gone,
            earliest_row=int(rows[first]),
            earliest=int(stamps[first]),
            stamp=int(stamps[first]),
            gap=np.inf,
            key=layout.key_text(frame, int(rows[first])),
            full="present" if len(gone) else "absent",
            probe="absent" if len(gone) else "present",
        )
    ]


def _change(pair: _Pair, column: str, *, layout: Layout, noise: float) -> Change | None:
    left = pair.full[column].iloc[pair.at_full].reset_index(drop=True)
    if column not in pair.probe.columns:
        return _vanished(pair, column, left, layout=layout)
    right = pair.probe[column].iloc[pair.at_probe].reset_index(drop=True)
    on_left, on_right = _matched(pair, left, right)
    scale = scale_of(pair.full[column])
    gaps = gaps_between(left.iloc[on_left], right.iloc[on_right], scale=scale)
    changed = np.flatnonzero(gaps > max(NOISE, 100 * noise))
    if not len(changed):
        return None
    rows = pair.at_full[on_left[changed]]
    stamps = pair.stamps_full[rows]
    most = int(np.argmax(np.where(np.isinf(gaps[changed]), np.finfo(float).max, gaps[changed])))
    return Change(
        output=layout.output,
        column=column,
        rows=rows,
        earliest_row=int(rows[np.argmin(stamps)]),
        earliest=int(stamps.min()),
        stamp=int(stamps[most]),
        gap=float(gaps[changed].max()),
        key=layout.key_text(pair.full, int(rows[most])),
        full=text_of_value(left.iloc[on_left[changed[most]]]),
        probe=text_of_value(right.iloc[on_right[changed[most]]]),
    )


def _vanished(pair: _Pair, column: str, left: Any, *, layout: Layout) -> Change | None:
    """A column that the probe lacks: nothing, if it held nothing yet (an indicator of a level still to come)."""
    numbers = _numbers(left)
    empty = left.isna().to_numpy() if numbers is None else (np.isnan(numbers) | (numbers == 0))
    changed = np.flatnonzero(~empty)
    if not len(changed):
        return None
    rows = pair.at_full[changed]
    stamps = pair.stamps_full[rows]
    first = int(np.argmin(stamps))
    return Change(
        output=layout.output,
        column=column,
        rows=rows,
        earliest_row=int(rows[np.argmin(stamps)]),
        earliest=int(stamps.min()),
        stamp=int(stamps[first]),
        gap=np.inf,
        key=layout.key_text(pair.full, int(rows[first])),
        full=text_of_value(left.iloc[changed[first]]),
        probe="no such column",
    )


def _matched(pair: _Pair, left: Any, right: Any) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Positions in both columns of the rows that belong together."""
    most = max(len(left), len(right)) + 1
    places_left, ids_left = _numbered(pair.codes_full, left, most=most)
    places_right, ids_right = _numbered(pair.codes_probe, right, most=most)
    _common, on_left, on_right = np.intersect1d(ids_left, ids_right, assume_unique=True, return_indices=True)
    if len(left) != len(right):
        # where rows came or went, equals can't be told apart any more
        size = int(max(pair.codes_full.max(initial=-1), pair.codes_probe.max(initial=-1))) + 1
        counts_left = np.bincount(pair.codes_full, minlength=size)
        counts_right = np.bincount(pair.codes_probe, minlength=size)
        sound = (counts_left == counts_right)[pair.codes_full[places_left[on_left]]]
        on_left, on_right = on_left[sound], on_right[sound]
    return places_left[on_left], places_right[on_right]


def _numbered(
    codes: NDArray[np.intp], values: Any, *, most: int
) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
    """Positions sorted by key and value, and for each a number made of its key and its place among equals.

    There are fewer than `most` equals on either side.
    """
    if len(np.unique(codes)) == len(codes):
        places = np.argsort(codes)
        return places, codes[places].astype("int64") * most
    numbers = _numbers(values)
    rank = pd.factorize(_texts(values), sort=True)[0] if numbers is None else numbers
    places = np.lexsort((rank, codes))
    ordered = codes[places]
    starts = (
        np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]]) if len(ordered) else np.empty(0, dtype=int)
    )
    lengths = np.diff(np.r_[starts, len(ordered)])
    occurrence = np.arange(len(ordered)) - np.repeat(starts, lengths)
    return places, ordered.astype("int64") * most + occurrence


def _numbers(values: Any) -> NDArray[np.float64] | None:
    """The column as numbers, or None if it holds others; times count from their epoch."""
    dtype = values.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return None
    if pd.api.types.is_datetime64_any_dtype(dtype) or isinstance(dtype, pd.PeriodDtype):
        axis = axis_of(values)
        stamps = stamps_of(values, axis=axis) if axis else None
        return None if stamps is None else np.where(stamps == NEVER, np.nan, stamps / 1e9)
    if pd.api.types.is_timedelta64_dtype(dtype):
        seconds: NDArray[np.float64] = values.dt.total_seconds().to_numpy(dtype="float64", copy=True)
        return seconds
    if pd.api.types.is_complex_dtype(dtype):
        return None
    if pd.api.types.is_numeric_dtype(dtype) or pd.api.types.is_bool_dtype(dtype):
        numbers: NDArray[np.float64] = values.to_numpy(dtype="float64", na_value=np.nan, copy=True)
        return numbers
    if not pd.api.types.is_object_dtype(dtype) or not all(
        isinstance(value, _NUMBERS) for value in values.dropna()
    ):
        return None
    return np.array([np.nan if pd.isna(value) else float(value) for value in values], dtype="float64")


def _texts(values: Any) -> NDArray[Any]:
    texts = values.astype(object).to_numpy()
    if pd.api.types.infer_dtype(texts, skipna=True) == "string":
        return np.where(values.isna(), "", texts)
    return np.array(["" if _is_missing(value) else text_of_value(value) for value in texts], dtype=object)


def _is_missing(value: object) -> bool:
    missing = pd.isna(value)  # type: ignore[call-overload]
    return missing is True or (isinstance(missing, np.bool_) and bool(missing))


def text_of_value(value: object) -> str:
    """A value as a witness writes it."""
    if _is_missing(value):
        return "missing"
    if isinstance(value, float | np.floating):
        return f"{float(value):.12g}"
    if isinstance(value, np.ndarray):
        return str(value.tolist())
    return str(value)


_NUMBERS = (bool, int, float, np.number, np.bool_, Decimal)
