"""Values on their way to a worker and back: any library's table as a pandas frame or an Arrow table.

Polars, Ibis and DuckDB values cross as Arrow: a forked worker must not inherit their threads. What a stage gives
comes back as a `Snapshot`, a plain pandas frame whose index has become columns.
"""

from __future__ import annotations

import contextlib
import importlib
import pickle
from datetime import date
from enum import StrEnum
from types import ModuleType, NoneType
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from msgspec import Struct
from msgspec.structs import replace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

ROW = "__nbprod_row__"
INDEX = "__nbprod_index__"
_PLAIN = (str, int, float, date, np.datetime64, NoneType)


class Family(StrEnum):
    """What kind of value a name holds."""

    PANDAS = "pandas"
    SERIES = "series"
    POLARS = "polars"
    COLUMN = "column"
    LAZY = "lazy"
    ARROW = "arrow"
    IBIS = "ibis"
    RELATION = "relation"
    NUMPY = "numpy"
    MODULE = "module"
    CONTAINER = "container"
    OTHER = "other"


_FAMILIES = {
    ("pandas", "DataFrame"): Family.PANDAS,
    ("pandas", "Series"): Family.SERIES,
    ("polars", "DataFrame"): Family.POLARS,
    ("polars", "Series"): Family.COLUMN,
    ("polars", "LazyFrame"): Family.LAZY,
    ("pyarrow", "Table"): Family.ARROW,
    ("ibis", "Table"): Family.IBIS,
    ("duckdb", "DuckDBPyRelation"): Family.RELATION,
    ("_duckdb", "DuckDBPyRelation"): Family.RELATION,
    ("numpy", "ndarray"): Family.NUMPY,
}


class Packed(Struct, frozen=True, kw_only=True):
    """A value fit to cross: `payload` is a pandas frame, an Arrow table, an array, a module's name or a pickle."""

    family: Family
    payload: Any

    @property
    def is_table(self) -> bool:
        return self.family not in (Family.MODULE, Family.CONTAINER, Family.OTHER)


class Snapshot(Struct, frozen=True, kw_only=True):
    """One output of a run. `frame` has plain columns named by text; `index` names those that were its index."""

    family: Family
    frame: Any
    index: tuple[str, ...] = ()


def family_of(value: object) -> Family:
    """The family of a value, by the names of its classes: no library is imported to tell."""
    if isinstance(value, ModuleType):
        return Family.MODULE
    for kind in type(value).__mro__:
        found = _FAMILIES.get((kind.__module__.partition(".")[0], kind.__name__))
        if found is not None:
            return found
    return Family.OTHER


def packed(value: Any) -> Packed:
    """The value fit to cross. Raises what pickling raises where it can't be copied."""
    if isinstance(value, Packed):
        return value
    family = family_of(value)
    match family:
        case Family.PANDAS | Family.ARROW | Family.NUMPY:
            payload = value
        case Family.SERIES:
            payload = value.to_frame(name=value.name)
        case Family.MODULE:
            payload = value.__name__
        case Family.OTHER | Family.CONTAINER:
            payload = _pickled(value)
        case _:
            payload = _arrow_of(value, family)
    return Packed(family=family, payload=payload)


def unpacked(packed: Packed) -> Any:
    """The value again, in the library that it came from."""
    payload = packed.payload
    match packed.family:
        case Family.PANDAS | Family.ARROW | Family.NUMPY:
            return payload
        case Family.SERIES:
            return payload.iloc[:, 0]
        case Family.POLARS | Family.COLUMN | Family.LAZY:
            return _in_polars(payload, packed.family)
        case Family.IBIS:
            return importlib.import_module("ibis").memtable(payload)
        case Family.RELATION:
            return importlib.import_module("duckdb").from_arrow(payload)
        case Family.MODULE:
            return importlib.import_module(payload)
        case Family.CONTAINER:
            raise TypeError("a container is put together from its members")
        case Family.OTHER:
            return pickle.loads(payload)  # noqa: S301 - bytes that this process made a moment ago


def length_of(payload: Any) -> int:
    return int(payload.num_rows) if _is_arrow(payload) else len(payload)


def columns_of(payload: Any) -> list[str]:
    """The names of a table's columns; of an array's, their numbers."""
    if _is_arrow(payload):
        return list(payload.column_names)
    if isinstance(payload, np.ndarray):
        return [str(number) for number in range(1 if payload.ndim == 1 else payload.shape[1])]
    return [str(name) for name in payload.columns]


def column_of(payload: Any, name: str) -> Any:
    """One column, or index level, as a pandas series with a plain index; None if there is none of that name."""
    if _is_arrow(payload):
        return payload.column(name).to_pandas() if name in payload.column_names else None
    if isinstance(payload, np.ndarray):
        return pd.Series(payload if payload.ndim == 1 else payload[:, int(name)])
    for position, column in enumerate(payload.columns):
        if str(column) == name:
            return payload.iloc[:, position].reset_index(drop=True)
    for position, level in enumerate(payload.index.names):
        if level is not None and str(level) == name:
            return pd.Series(payload.index.get_level_values(position)).reset_index(drop=True)
    return None


def index_times_of(payload: Any) -> Any:
    """The values of a pandas frame's index if they are times, else None."""
    if isinstance(payload, pd.DataFrame) and isinstance(payload.index, pd.DatetimeIndex | pd.PeriodIndex):
        return pd.Series(payload.index).reset_index(drop=True)
    return None


def kept(payload: Any, mask: NDArray[np.bool_]) -> Any:
    """The rows where the mask holds; a frame numbered from 0 is numbered from 0 again."""
    if _is_arrow(payload):
        return payload.filter(importlib.import_module("pyarrow").array(mask))
    if isinstance(payload, np.ndarray):
        return payload[mask]
    part = payload.loc[mask]
    return part.reset_index(drop=True) if is_numbered(payload) else part.copy()


def with_column(payload: Any, name: str, values: Any) -> Any:
    """The table with one column's values replaced, or added; the column's type is kept where it can hold them."""
    if _is_arrow(payload):
        return _arrow_with_column(payload, name, values)
    if isinstance(payload, np.ndarray):
        return _array_with_column(payload, name, values)
    frame = payload.copy()
    position = [str(column) for column in frame.columns].index(name) if name in columns_of(frame) else None
    series = pd.Series(values)
    series.index = frame.index
    if position is None:
        frame[name] = series
        return frame
    frame.isetitem(position, _as_type(series, frame.dtypes.iloc[position]))
    return frame


def snapshot(value: Any) -> Snapshot | None:
    """What an output holds, or None if it is no table."""
    family = family_of(value)
    match family:
        case Family.PANDAS:
            return _snapshot_of_frame(value, family)
        case Family.SERIES:
            name = value.name if value.name is not None else "value"
            return _snapshot_of_frame(value.to_frame(name=name), family)
        case Family.NUMPY:
            return _plain(pd.DataFrame(value), family) if value.ndim in (1, 2) and len(value) else None
        case Family.MODULE | Family.OTHER | Family.CONTAINER:
            return _plain(pd.DataFrame(value.toarray()), family) if _is_sparse(value) else None
        case _:
            return _plain(_arrow_of(value, family).to_pandas(), family)


def packed_all(inputs: Mapping[str, Any]) -> tuple[dict[str, Packed], dict[str, str]]:
    """All inputs fit to cross, and why the others are not.

    A dict, list or tuple that holds tables crosses member by member, so that each can be cut.
    """
    fit: dict[str, Packed] = {}
    unfit: dict[str, str] = {}
    for name, value in inputs.items():
        try:
            members = _members_of(name, value)
            fit |= {member: packed(each) for member, _key, each in members}
            fit[name] = _container(value, members) if members else packed(value)
        except Exception as error:  # noqa: BLE001 - pickling and foreign backends raise anything
            unfit[name] = _unfit(name, error)
    return fit, unfit


def packed_apart(values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """As `packed_all`, and nothing that is done to the values afterwards reaches what is packed.

    Dates, numbers and texts stay what they are.
    """
    plain = {name: value for name, value in values.items() if isinstance(value, _PLAIN)}
    fit, unfit = packed_all({name: value for name, value in values.items() if name not in plain})
    copies: dict[str, Any] = {}
    for name, value in fit.items():
        try:
            copies[name] = copied(value)
        except Exception as error:  # noqa: BLE001 - the cells of a frame may hold anything
            unfit[name] = _unfit(name, error)
    return plain | copies, unfit


def copied(value: Packed) -> Packed:
    """The value again, sharing nothing that can be changed in place."""
    match value.family:
        case Family.PANDAS | Family.SERIES if "object" in value.payload.dtypes.astype(str).to_list():
            # a copy would share the lists and dicts in its cells
            payload = pickle.loads(pickle.dumps(value.payload))  # noqa: S301 - bytes of a moment ago
        case Family.PANDAS | Family.SERIES | Family.NUMPY:
            payload = value.payload.copy()
        case _:
            return value
    return replace(value, payload=payload)


def _unfit(name: str, error: Exception) -> str:
    return f"'{name}' can't be copied to a worker ({type(error).__name__}: {error})"


def _in_polars(payload: Any, family: Family) -> Any:
    frame = importlib.import_module("polars").from_arrow(payload)
    if family is Family.COLUMN:
        return frame.to_series()
    return frame.lazy() if family is Family.LAZY else frame


def reassembled(container: Packed, values: Mapping[str, Any]) -> Any:
    """A container again, of the values of its members by their names."""
    kind, members = container.payload
    if kind == "dict":
        return {key: values[member] for member, key in members}
    found = [values[member] for member, _key in members]
    return tuple(found) if kind == "tuple" else found


def _members_of(name: str, value: Any) -> list[tuple[str, Any, Any]]:
    """Name, key and value of each member, if the value is a plain container that holds a table."""
    if type(value) not in (dict, list, tuple):
        return []
    items = list(value.items()) if isinstance(value, dict) else list(enumerate(value))
    plain = (Family.OTHER, Family.MODULE)
    if all(family_of(each) in plain for _key, each in items):
        return []
    return [(f"{name}[{key!r}]", key, each) for key, each in items]


def _container(value: Any, members: list[tuple[str, Any, Any]]) -> Packed:
    keys = tuple((member, key) for member, key, _each in members)
    return Packed(family=Family.CONTAINER, payload=(type(value).__name__, keys))


def _arrow_of(value: Any, family: Family) -> Any:
    match family:
        case Family.POLARS:
            return value.to_arrow()
        case Family.COLUMN:
            return value.to_frame().to_arrow()
        case Family.LAZY:
            return value.collect().to_arrow()
        case Family.IBIS:
            return value.to_pyarrow()
        case Family.RELATION:
            return value.to_arrow_table()
        case _:
            return value


def _pickled(value: Any) -> bytes:
    """By value where it can be: functions and classes of a notebook live in no module that a worker could import."""
    for module in ("cloudpickle", "joblib.externals.cloudpickle"):
        with contextlib.suppress(ModuleNotFoundError):
            return bytes(importlib.import_module(module).dumps(value))
    return pickle.dumps(value)


def _is_arrow(payload: Any) -> bool:
    return family_of(payload) is Family.ARROW


def _is_sparse(value: Any) -> bool:
    return type(value).__module__.startswith("scipy.sparse") and value.ndim == 2 and value.shape[1] <= 2000


def is_numbered(frame: Any) -> bool:
    """Whether a pandas frame's index is nothing but the numbers of its rows."""
    return isinstance(frame.index, pd.RangeIndex) and frame.index.start == 0 and frame.index.step == 1


def _snapshot_of_frame(frame: Any, family: Family) -> Snapshot:
    plain = frame.copy()
    plain.columns = _unique(plain.columns)
    if is_numbered(frame):
        return Snapshot(family=family, frame=plain)
    names = [
        str(name) if name is not None else (INDEX if number == 0 else f"{INDEX}{number}")
        for number, name in enumerate(frame.index.names)
    ]
    # an index level that is also a column adds nothing
    fresh = tuple(name for name in names if name not in plain.columns)
    for position, name in enumerate(names):
        if name in fresh:
            plain[name] = frame.index.get_level_values(position)
    return Snapshot(family=family, frame=plain.reset_index(drop=True), index=fresh)


def _plain(frame: Any, family: Family) -> Snapshot:
    frame = frame.reset_index(drop=True)
    frame.columns = _unique(frame.columns)
    return Snapshot(family=family, frame=frame)


def _unique(columns: Any) -> list[str]:
    seen: dict[str, int] = {}
    names = []
    for column in columns:
        name = "_".join(str(part) for part in column) if isinstance(column, tuple) else str(column)
        seen[name] = seen.get(name, 0) + 1
        names.append(name if seen[name] == 1 else f"{name}.{seen[name]}")
    return names


def _as_type(series: Any, dtype: Any) -> Any:
    # a flag can't be missing: astype would make it true
    if series.dtype == dtype or (pd.api.types.is_bool_dtype(dtype) and series.isna().any()):
        return series
    try:
        return series.astype(dtype)
    except (TypeError, ValueError):
        return series


def _arrow_with_column(payload: Any, name: str, values: Any) -> Any:
    pyarrow = importlib.import_module("pyarrow")
    if name not in payload.column_names:
        return payload.append_column(name, pyarrow.array(values))
    position = payload.column_names.index(name)
    kind = payload.schema.field(position).type
    plain = kind.value_type if pyarrow.types.is_dictionary(kind) else kind
    column = pyarrow.Array.from_pandas(pd.Series(values).astype(object), type=plain, safe=False)
    return payload.set_column(position, name, column.dictionary_encode() if plain is not kind else column)


def _array_with_column(payload: Any, name: str, values: Any) -> Any:
    changed = payload.copy()
    column = np.asarray(values)
    column = column.astype(payload.dtype, copy=False) if not _loses_gaps(column, payload) else column
    if not np.can_cast(column.dtype, changed.dtype, casting="same_kind"):
        changed = changed.astype(np.result_type(changed.dtype, column.dtype))
    if payload.ndim == 1:
        return column
    changed[:, int(name)] = column
    return changed


def _loses_gaps(column: Any, payload: Any) -> bool:
    return bool(column.dtype.kind == "f" and np.isnan(column).any() and payload.dtype.kind in "iub")
