"""How the rows of an output are told apart and dated: by its own columns, by the hidden row number, by position."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from msgspec import Struct
from msgspec.structs import replace

from nbprod.replaying.stamps import NEVER, Axis, axis_of, is_moment, stamps_of, text_of
from nbprod.replaying.tables import INDEX, ROW, Family, column_of, columns_of, is_numbered, length_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from nbprod.replaying.known import Timetable
    from nbprod.replaying.report import Declarations
    from nbprod.replaying.tables import Packed, Snapshot

_STAMP = "stamp"


class Layout(Struct, frozen=True, kw_only=True):
    """`time` is the column that dates the rows (`ROW`: the hidden number; none: their position).

    `key` are further columns that tell rows apart, `columns` those to compare, `passed` those that come out as
    they went in although they are known only later than their row, `through` those that come out as they went in and
    are known at their row. A summary has far fewer rows than there were and no time of its own.
    """

    output: str
    axis: Axis
    time: str
    zone: str | None
    key: tuple[str, ...]
    columns: tuple[str, ...]
    passed: tuple[str, ...]
    main: NDArray[np.int64]
    name_of_time: str
    through: tuple[str, ...] = ()
    index: str = ""
    labels: Any = None
    is_summary: bool = False

    @property
    def tells_existence(self) -> bool:
        """Whether a row that is missing is known to be missing rather than elsewhere or summed up."""
        return self.time != "" and not self.is_summary

    def numbers_in(self, frame: Any, rows: NDArray[np.intp]) -> NDArray[np.intp] | None:
        """The input rows that an output's rows stand for, by its index or else one by one; None if neither fits.

        `rows` are the input rows that the run was given.
        """
        if not self.index:
            return rows if len(rows) == len(frame) else None
        if self.index not in frame.columns:
            return None
        if self.labels is not None:
            numbers = self.labels.get_indexer(frame[self.index])
            return numbers if (numbers >= 0).all() else None
        labels = pd.to_numeric(frame[self.index], errors="coerce").to_numpy(dtype="float64", na_value=-1)
        return rows[labels.astype("int64")] if _are_places(labels, len(rows)) else None

    def stamps_in(self, frame: Any, *, rows: NDArray[np.intp] | None = None) -> NDArray[np.int64] | None:
        """The stamps of an output's rows, or None if this run's output can't be dated.

        `rows` are the input rows that the run was given; none means all.
        """
        if self.time == ROW:
            return _stamps_of_rows(frame[ROW], self.main) if ROW in frame.columns else None
        if not self.time:
            numbers = self.numbers_in(frame, np.arange(len(self.main)) if rows is None else rows)
            return None if numbers is None else self.main[numbers]
        if self.time not in frame.columns:
            return None
        stamps = stamps_of(_in_zone(frame[self.time], self.zone), axis=self.axis)
        return np.full(len(frame), NEVER) if stamps is None else stamps

    def keys_in(
        self,
        frame: Any,
        stamps: NDArray[np.int64],
        at: NDArray[np.intp],
        *,
        rows: NDArray[np.intp] | None = None,
    ) -> Any:
        """A frame of the keys of the rows at those positions, equal across runs for equal rows."""
        if not self.time:
            numbers = self.numbers_in(frame, np.arange(len(self.main)) if rows is None else rows)
            return pd.DataFrame({_STAMP: at if numbers is None else numbers[at]})
        keys = {_STAMP: stamps[at]}
        for name in (ROW, *self.key) if self.time == ROW else self.key:
            keys[name] = _normal(frame, name, at)
        return pd.DataFrame(keys)

    def key_text(self, frame: Any, row: int) -> str:
        """One row's key as people and witnesses read it."""
        stamps = self.stamps_in(frame)
        if stamps is None:
            return f"row {row}"
        parts = [f"{self.name_of_time}={text_of(int(stamps[row]), axis=self.axis)}"]
        parts += [f"{name}={frame[name].iloc[row]}" for name in self.key]
        if self.time == ROW:
            parts.append(f"row={int(frame[ROW].iloc[row])}")
        elif not self.time:
            parts.append(f"row={row}")
        return ", ".join(parts)


def layout_of(
    full: Snapshot,
    *,
    output: str,
    inputs: Mapping[str, Packed],
    timetable: Timetable,
    declarations: Declarations,
) -> Layout | None:
    """The layout of an output as the whole run gave it, or None if nothing dates its rows."""
    main = inputs[timetable.main].payload
    stamps = timetable.tables[timetable.main].rows
    known = np.unique(np.concatenate([table.rows for table in timetable.tables.values() if table.time]))
    frame = full.frame
    numbered = _are_numbered(frame, main)
    time, zone = (ROW, None) if numbered else _time_in(frame, timetable, known, main)
    by_index = None if time else _index_in(full, inputs[timetable.main])
    if not time and by_index is None and len(frame) != len(stamps):
        return None
    index, labels = by_index or ("", None)
    bare = Layout(
        output=output,
        axis=timetable.axis,
        time=time,
        zone=zone,
        key=(),
        columns=(),
        passed=(),
        main=stamps,
        name_of_time=time if time and time != ROW and not time.startswith(INDEX) else timetable.time,
        index=index,
        labels=labels,
        is_summary=numbered and len(frame) < len(stamps) / 2,
    )
    return _filled(bare, full, main=main, timetable=timetable, declarations=declarations)


def _filled(
    bare: Layout, full: Snapshot, *, main: Any, timetable: Timetable, declarations: Declarations
) -> Layout:
    frame = full.frame
    known_later = set(timetable.tables[timetable.main].cells)
    through = [
        name
        for name in frame.columns
        if name in columns_of(main) and name != bare.time and _comes_through(bare, full, main, name)
    ]
    candidates = [name for name in through if name not in known_later and name not in declarations.labels]
    key = _enough_to_tell_apart(bare, full, candidates, entity=timetable.entity)
    aside = {bare.time, ROW, *key, *declarations.labels}
    passed = tuple(name for name in through if name in known_later and name not in aside)
    columns = tuple(
        name
        for name in frame.columns
        if name not in aside and name not in passed and not (name.startswith(INDEX) and name in full.index)
    )
    return replace(bare, key=key, columns=columns, passed=passed, through=tuple(candidates))


def _are_numbered(frame: Any, main: Any) -> bool:
    """Whether the hidden number still says which row each is: it may have been summed up with the rest.

    Then hardly any other column agrees with the row that the number names.
    """
    if ROW not in frame.columns:
        return False
    places = pd.to_numeric(frame[ROW], errors="coerce").to_numpy(dtype="float64", na_value=np.nan)
    found = np.isfinite(places)
    if not found.any() or not _are_places(places[found], length_of(main)):
        return False
    if len(frame) >= length_of(main) / 2:
        return True
    shared = [name for name in frame.columns if name in columns_of(main)]
    rows = places[found].astype("int64")
    agree = [
        (_normal_values(frame[name][found]) == _normal_values(column_of(main, name).iloc[rows])).mean()
        for name in shared
    ]
    return bool(agree) and bool(np.median(agree) > 0.9)


def _index_in(full: Snapshot, main: Packed) -> tuple[str, Any] | None:
    """The output's index column, if it consists of labels of the main table's rows, and those labels.

    None for labels where they are the rows' numbers: a cut frame is numbered anew.
    """
    in_pandas = (Family.PANDAS, Family.SERIES)
    if full.family not in in_pandas or main.family not in in_pandas or len(full.index) != 1:
        return None
    name, labels = full.index[0], main.payload.index
    values = full.frame[name]
    if name != (INDEX if labels.name is None else str(labels.name)):
        return None
    if not labels.is_unique or not values.is_unique or not values.isin(labels).all():
        return None
    return name, None if is_numbered(main.payload) else labels


def _are_places(labels: NDArray[np.float64], size: int) -> bool:
    return bool(((labels >= 0) & (labels < size) & (labels == np.floor(labels))).all())


def _time_in(frame: Any, timetable: Timetable, known: NDArray[np.int64], main: Any) -> tuple[str, str | None]:
    """The column that dates an output's rows, and the zone that it is to be read in."""
    axis = timetable.axis
    zone = _zone_of(column_of(main, timetable.time))
    if timetable.time in frame.columns and stamps_of(frame[timetable.time], axis=axis) is not None:
        return timetable.time, _zone_to_read(frame[timetable.time], zone, known, axis)
    if axis is not Axis.TIME:
        return "", None
    moments = [name for name in frame.columns if is_moment(frame[name]) and axis_of(frame[name]) is axis]
    shares = {name: _share_known(frame[name], known, axis) for name in moments}
    indexes = [name for name in moments if name.startswith(INDEX)]
    best = max(shares, key=lambda name: (shares[name] >= 0.5, name in indexes, shares[name]), default="")
    if best and (shares[best] >= 0.5 or best in indexes or len(moments) == 1):
        return best, _zone_to_read(frame[best], zone, known, axis)
    return "", None


def _zone_of(values: Any) -> str | None:
    return str(values.dt.tz) if values is not None and isinstance(values.dtype, pd.DatetimeTZDtype) else None


def _zone_to_read(values: Any, zone: str | None, known: NDArray[np.int64], axis: Axis) -> str | None:
    """The inputs' zone, if a column without one makes more sense there than in UTC."""
    if zone is None or not pd.api.types.is_datetime64_dtype(values.dtype):
        return None
    in_utc = _share_known(values, known, axis)
    return zone if _share_known(_in_zone(values, zone), known, axis) >= in_utc else None


def _in_zone(values: Any, zone: str | None) -> Any:
    if zone is None or not pd.api.types.is_datetime64_dtype(values.dtype):
        return values
    return values.dt.tz_localize(zone, ambiguous="NaT", nonexistent="shift_forward")


def _share_known(values: Any, known: NDArray[np.int64], axis: Axis) -> float:
    stamps = stamps_of(values, axis=axis)
    return 0.0 if stamps is None or not len(stamps) else float(np.isin(stamps, known).mean())


def _stamps_of_rows(numbers: Any, main: NDArray[np.int64]) -> NDArray[np.int64]:
    places = pd.to_numeric(numbers, errors="coerce").to_numpy(dtype="float64", na_value=np.nan)
    found = np.isfinite(places) & (places >= 0) & (places < len(main))
    stamps = np.full(len(places), NEVER)
    stamps[found] = main[places[found].astype("int64")]
    return stamps


def _comes_through(layout: Layout, full: Snapshot, main: Any, name: str) -> bool:
    """Whether a column holds, at each time, only values that the input holds there."""
    stamps = layout.stamps_in(full.frame)
    if stamps is None:
        return False
    given = pd.DataFrame({"stamp": layout.main, "value": _normal_values(column_of(main, name))})
    found = pd.DataFrame({"stamp": stamps, "value": _normal_values(full.frame[name])})
    dated = found[found["stamp"] != NEVER].drop_duplicates()
    if given["value"].dtype != dated["value"].dtype:
        return False
    return len(dated.merge(given.drop_duplicates(), on=["stamp", "value"])) == len(dated)


def _enough_to_tell_apart(
    layout: Layout, full: Snapshot, candidates: list[str], *, entity: str | None
) -> tuple[str, ...]:
    """Of the columns passed through, as few as make every row's key unique; identifiers before measures."""
    stamps = layout.stamps_in(full.frame)
    if layout.time in ("", ROW) or stamps is None:
        return ()
    frame = full.frame
    key = [entity] if entity is not None and entity in candidates else []
    keys = pd.DataFrame({_STAMP: stamps})
    for name in key:
        keys[name] = _normal_values(frame[name])
    rest = [name for name in candidates if name not in key]
    ranked = sorted(
        rest, key=lambda name: (frame[name].dtype.kind == "f", -int(frame[name].astype(str).nunique()))
    )
    for name in ranked:
        if not keys.duplicated().any():
            break
        before = int(keys.duplicated().sum())
        keys[name] = _normal_values(frame[name])
        if int(keys.duplicated().sum()) == before:
            keys = keys.drop(columns=name)
        else:
            key.append(name)
    return tuple(key)


def _normal(frame: Any, name: str, at: NDArray[np.intp]) -> Any:
    if name not in frame.columns:
        return np.full(len(at), "no such column", dtype=object)
    return _normal_values(frame[name].iloc[at])


def _normal_values(values: Any) -> Any:
    """Equal for equal values whatever the library made of their type."""
    values = pd.Series(values).reset_index(drop=True)
    if pd.api.types.is_bool_dtype(values.dtype):
        values = values.astype(object)
    if pd.api.types.is_numeric_dtype(values.dtype):
        return values.to_numpy(dtype="float64", na_value=np.nan)
    if is_moment(values) and (stamps := stamps_of(values, axis=Axis.TIME)) is not None:
        return stamps.astype("float64")
    return values.astype(object).where(values.notna(), "").astype(str).to_numpy(dtype=object)
