"""Which of a stage's values share mutable objects, and so must be stored together to come back as they were."""

from __future__ import annotations

import pickle
import sys
from types import BuiltinFunctionType, CellType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

import cloudpickle
from msgspec import Struct, field

if TYPE_CHECKING:
    from collections.abc import Mapping

# Modules whose instances never change: sharing them or not cannot be told apart.
_CONSTANT_MODULES = frozenset(
    {"datetime", "decimal", "fractions", "uuid", "pathlib", "re", "zoneinfo", "enum", "_thread", "types"}
)
_CONSTANTS = (
    str,
    bytes,
    bool,
    int,
    float,
    complex,
    type(None),
    type(...),
    type(NotImplemented),
    range,
    slice,
    type,
)
_NOT_PICKLABLE = (
    pickle.PicklingError,
    TypeError,
    AttributeError,
    NotImplementedError,
    RecursionError,
    ValueError,
    RuntimeError,
)


class Reach(Struct, frozen=True, kw_only=True):
    """What can be reached from a value: mutable objects and the owners of arrays' memory, by address.

    The objects are kept, so that no address is given to another object while reaches are compared.
    """

    objects: dict[int, object] = field(default_factory=dict)
    arrays: dict[int, dict[int, Any]] = field(default_factory=dict)

    def meets(self, other: Reach) -> bool:
        """Whether something mutable is reached from both."""
        return not (
            self.objects.keys().isdisjoint(other.objects) and self.arrays.keys().isdisjoint(other.arrays)
        )


def groups(values: Mapping[str, object]) -> tuple[tuple[str, ...], ...]:
    """The names, parted so that names in different groups share nothing mutable; in order of appearance."""
    inside = {name: _inside(value) for name, value in values.items()}
    reaches = {name: reach_of(value) for name, value in inside.items() if not _is_constant(value)}
    parted: list[tuple[list[str], list[Reach]]] = []
    for name, reach in reaches.items():
        touching = [part for part in parted if any(reach.meets(other) for other in part[1])]
        names = [one for part in touching for one in part[0]]
        parted = [part for part in parted if part not in touching]
        parted.append(([*names, name], [*(one for part in touching for one in part[1]), reach]))
    order = {name: place for place, name in enumerate(values)}
    grouped = [tuple(sorted(names, key=order.__getitem__)) for names, _ in parted]
    alone = [(name,) for name in values if name not in reaches]
    return tuple(sorted([*grouped, *alone], key=lambda names: order[names[0]]))


def reach_of(value: object) -> Reach:
    """What can be reached from the value, as far as it can be pickled."""
    walk = _Walk()
    try:
        walk.dump(value)
    except _NOT_PICKLABLE:
        # Storing it will fail too, and say why.
        return walk.reach
    return walk.reach


def is_plain_array(value: Any) -> bool:
    """Whether it is a NumPy array proper that holds no Python objects."""
    numpy = sys.modules.get("numpy")
    return numpy is not None and type(value) is numpy.ndarray and not value.dtype.hasobject


def is_ibis(value: object) -> bool:
    """Whether it is an Ibis expression: immutable, and evaluated by its own format."""
    types = sys.modules.get("ibis.expr.types")
    return types is not None and isinstance(value, types.Expr)


def owner_of(array: Any) -> Any:
    """The array that owns the memory that this one looks at, or the nearest to it that is an array."""
    while is_plain_array(array.base):
        array = array.base
    return array


def is_definition(value: object) -> bool:
    """Whether it is a function or class that the notebook defines under its own name."""
    if not isinstance(value, FunctionType | type) or value.__module__ != "__main__":
        return False
    return getattr(sys.modules["__main__"], value.__qualname__, None) is value


def is_own_function(value: object) -> bool:
    """Whether it is a function of the notebook's, by name or without one."""
    main = sys.modules["__main__"]
    return isinstance(value, FunctionType) and value.__globals__ is vars(main)


def _inside(value: object) -> object:
    """What a function of the notebook's brings along; other values are themselves."""
    if not (isinstance(value, FunctionType) and is_own_function(value)):
        return value
    held = [cell.cell_contents for cell in value.__closure__ or () if cell != CellType()]
    return (*held, value.__defaults__ or (), value.__kwdefaults__ or {}, value.__dict__)


class _Walk(cloudpickle.Pickler):  # type: ignore[misc] # cloudpickle ships no types
    """Pickles into nothing, for the sake of seeing every object on the way."""

    def __init__(self) -> None:
        super().__init__(_Nowhere(), protocol=pickle.HIGHEST_PROTOCOL)
        self.reach = Reach()

    def persistent_id(self, obj: object) -> object:
        if is_ibis(obj) or is_definition(obj):
            return "constant"
        if is_plain_array(obj):
            owner = owner_of(obj)
            self.reach.arrays.setdefault(id(owner), {})[id(obj)] = obj
            self.reach.objects[id(owner)] = owner
            return "array"
        if _is_constant(obj):
            return None
        self.reach.objects[id(obj)] = obj
        return "table" if _is_flat_table(obj) else None


class _Nowhere:
    def write(self, data: bytes) -> int:
        return len(data)


def _is_constant(value: object) -> bool:
    if isinstance(value, ModuleType | BuiltinFunctionType) or type(value) in _CONSTANTS:
        return not (
            isinstance(value, BuiltinFunctionType) and not isinstance(value.__self__, ModuleType | type(None))
        )
    kind = type(value)
    if kind in (tuple, frozenset):
        return not value
    if isinstance(value, type) or kind.__module__ in _CONSTANT_MODULES:
        return True
    if isinstance(value, FunctionType):
        return getattr(sys.modules.get(value.__module__), value.__qualname__, None) is value
    return _is_library_constant(value)


def _is_library_constant(value: object) -> bool:
    numpy, pandas, arrow = (sys.modules.get(name) for name in ("numpy", "pandas", "pyarrow"))
    if numpy is not None and isinstance(value, numpy.generic | numpy.dtype):
        return True
    if pandas is not None and isinstance(
        value, pandas.api.extensions.ExtensionDtype | pandas.Index | pandas.Period
    ):
        return True
    return arrow is not None and isinstance(value, arrow.Table | arrow.RecordBatch | arrow.DataType)


def _is_flat_table(value: Any) -> bool:
    """Whether it is a frame that cannot hold references to other objects, so that it need not be walked."""
    pandas, polars = sys.modules.get("pandas"), sys.modules.get("polars")
    if pandas is not None and type(value) in (pandas.DataFrame, pandas.Series):
        dtypes = value.dtypes if value.ndim == 2 else [value.dtype]
        return not any(pandas.api.types.is_object_dtype(dtype) for dtype in dtypes)
    return polars is not None and isinstance(value, polars.DataFrame | polars.Series | polars.LazyFrame)
