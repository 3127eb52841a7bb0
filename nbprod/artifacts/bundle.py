"""Values that share objects, or that no other format holds, in one protocol 5 pickle.

Tables that have a name of their own, Ibis tables and arrays that several views look at stand outside the
pickle as parts in their own formats; views are views again when they come back. Classes and functions that
the notebook defines go by name where the taking stage defines them too, otherwise by value. A function that is
itself given, or that has no name, takes its defaults along and reads names where it is called, as it did before.
"""

from __future__ import annotations

import hashlib
import io
import pickle
import re
import sys
from types import CellType, CodeType, FunctionType
from typing import TYPE_CHECKING, Any

import cloudpickle

from nbprod.artifacts.format import CannotHold
from nbprod.artifacts.sharing import (
    Reach,
    is_definition,
    is_ibis,
    is_own_function,
    is_plain_array,
    owner_of,
    reach_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_REFUSALS = (
    pickle.PicklingError,
    TypeError,
    AttributeError,
    NotImplementedError,
    RecursionError,
    ValueError,
    RuntimeError,
)


def dumped(
    values: Mapping[str, object], *, tables: Mapping[int, str], part: Callable[[object], int]
) -> bytes:
    """The pickle of the values by name.

    `tables` maps the address of each table stored under its own name to that name; `part` stores a value
    outside the pickle and numbers it.
    Raises CannotHold where something reachable cannot be pickled.
    """
    sink = io.BytesIO()
    try:
        given = frozenset(map(id, values.values()))
        _Dump(sink, reach=reach_of(values), tables=tables, part=part, given=given).dump(dict(values))
    except _REFUSALS as error:
        raise CannotHold(" ".join(str(error).split())) from error
    return sink.getvalue()


def loaded(
    data: bytes, *, named: Callable[[str], object], part: Callable[[int], object]
) -> dict[str, object]:
    """The values by name; `named` gives the tables stored by name, `part` the numbered parts."""
    values: dict[str, object] = _Load(io.BytesIO(data), named=named, part=part).load()
    return values


class _Dump(cloudpickle.Pickler):  # type: ignore[misc] # cloudpickle ships no types
    def __init__(
        self,
        sink: io.BytesIO,
        *,
        reach: Reach,
        tables: Mapping[int, str],
        part: Callable[[object], int],
        given: frozenset[int],
    ) -> None:
        super().__init__(sink, protocol=5)
        self._reach, self._tables, self._part, self._given = reach, tables, part, given
        self._parts: dict[int, int] = {}

    def persistent_id(self, obj: Any) -> object:
        if id(obj) in self._tables:
            return ("named", self._tables[id(obj)])
        if is_plain_array(obj) and len(self._reach.arrays.get(id(owner_of(obj)), ())) > 1:
            return self._view(obj)
        if is_ibis(obj):
            return ("part", self._number(obj))
        if isinstance(obj, io.IOBase) and not isinstance(obj, io.BytesIO | io.StringIO):
            # cloudpickle would put a copy of the file's text in its place.
            raise CannotHold(f"it holds an open file ({type(obj).__name__})")
        if _is_connection_in_memory(obj):
            raise CannotHold("it holds a connection to a database in memory, which would come back empty")
        return None

    def reducer_override(self, obj: Any) -> Any:
        is_given = id(obj) in self._given and isinstance(obj, FunctionType)
        if is_definition(obj) and not is_given:
            return _definition, (obj.__qualname__, _by_value(obj))
        if is_own_function(obj):
            return _reduced(super().reducer_override(obj))
        return super().reducer_override(obj)

    def _view(self, array: Any) -> object:
        owner = owner_of(array)
        if not (owner.flags.c_contiguous or owner.flags.f_contiguous):
            raise CannotHold("it holds views of an array whose memory has gaps")
        start = array.__array_interface__["data"][0] - owner.__array_interface__["data"][0]
        return ("view", self._number(owner), array.dtype, array.shape, start, array.strides, array is owner)

    def _number(self, obj: object) -> int:
        if id(obj) not in self._parts:
            self._parts[id(obj)] = self._part(obj)
        return self._parts[id(obj)]


class _Load(pickle.Unpickler):
    def __init__(
        self, source: io.BytesIO, *, named: Callable[[str], object], part: Callable[[int], object]
    ) -> None:
        super().__init__(source)
        self._named, self._part = named, part
        self._parts: dict[int, object] = {}
        self._views: dict[object, object] = {}

    def persistent_load(self, pid: Any) -> object:
        match pid:
            case ("named", name):
                return self._named(name)
            case ("part", number):
                return self._numbered(number)
            case ("view", number, _, _, _, _, True):
                return self._numbered(number)
            case ("view", number, dtype, shape, start, strides, False):
                import numpy as np

                buffer = _bytes_of(self._numbered(number))
                return np.ndarray(shape, dtype=dtype, buffer=buffer, offset=start, strides=strides)
            case _:
                raise pickle.UnpicklingError(f"unknown reference {pid!r}")

    def _numbered(self, number: int) -> object:
        if number not in self._parts:
            self._parts[number] = self._part(number)
        return self._parts[number]


def _bytes_of(owner: Any) -> Any:
    import numpy as np

    # In the order in which they lie in memory, so that offsets and strides mean what they meant.
    return owner.reshape(-1, order="A").view(np.uint8)


def _is_connection_in_memory(value: object) -> bool:
    backends = sys.modules.get("ibis.backends")
    if backends is None or not isinstance(value, backends.BaseBackend):
        return False
    arguments: Any = getattr(value, "_con_args", ()) or (getattr(value, "_con_kwargs", {}).get("database"),)
    return value.name in ("duckdb", "sqlite") and arguments[0] in (None, ":memory:")


# What the notebook defines


def _reduced(how: Any) -> Any:
    """How to make a function again: not with the names that it read where it was made, but with those around it."""
    (code, *_, closure), (attributes, slots), setter = how[1], how[2], how[5]
    return _function, (code, closure), (attributes, {**slots, "__globals__": {}}), None, None, setter


def _function(code: CodeType, closure: tuple[CellType, ...] | None) -> FunctionType:
    return FunctionType(code, vars(sys.modules["__main__"]), code.co_name, None, closure)


def _definition(name: str, by_value: bytes) -> object:
    main = sys.modules["__main__"]
    if not hasattr(main, name):
        if not by_value:
            raise pickle.UnpicklingError(f"'{name}' is not defined here, and it can't be stored")
        setattr(main, name, cloudpickle.loads(by_value))
    return getattr(main, name)


def _by_value(definition: Any) -> bytes:
    """The definition's pickle by value, the same in every process.

    cloudpickle marks a class with a random id, by which it knows it again within one process. The id is made
    from the class itself here: equal stages must have equal digests.
    """
    try:
        data = bytes(cloudpickle.dumps(definition, protocol=5))
    except _REFUSALS:
        return b""  # where it is defined it is not needed
    marks = dict.fromkeys(re.findall(rb"(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])", data), b"")
    known = {str(mark).encode() for mark in cloudpickle.cloudpickle._DYNAMIC_CLASS_TRACKER_BY_CLASS.values()}  # noqa: SLF001
    bare = data
    for mark in marks.keys() & known:
        bare = bare.replace(mark, b"0" * 32)
    seed = hashlib.sha256(bare).hexdigest()
    for place, mark in enumerate(one for one in marks if one in known):
        stable = hashlib.sha256(f"{seed}{place}".encode()).hexdigest()[:32].encode()
        data = data.replace(mark, stable)
    return data
