"""Whether two values are equal to the bit, and if not, the first place where they differ.

NaN equals NaN, 1 does not equal 1.0 or True, and an object equals another of the same type with equal state.
"""

from __future__ import annotations

import functools
import math
import pickle
import sys
import types
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from msgspec import Struct, field


class NotComparableError(Exception):
    """Two values of a type that gives no way to tell whether they are equal."""


class _Pair(Struct, frozen=True):
    """Two values on the way down, the path to them, and the pairs already entered (values may hold themselves)."""

    left: Any
    right: Any
    path: str
    entered: set[tuple[int, int]] = field(default_factory=set)

    def at(self, step: str, left: object, right: object) -> _Pair:
        return _Pair(left, right, self.path + step, self.entered)

    def says(self, what: str) -> str:
        return f"{self.path}: {what}"


def difference(left: object, right: object, *, name: str = "value") -> str | None:
    """The first place where two values differ, as a sentence that starts with its path; None if they are equal.

    Raises NotComparableError where that can't be told.
    """
    return _difference(_Pair(left, right, name))


def _difference(pair: _Pair) -> str | None:
    left, right = pair.left, pair.right
    if left is right:
        return None
    if type(left).__qualname__ != type(right).__qualname__:
        return pair.says(f"{type(left).__name__} is not {type(right).__name__}")
    key = (id(left), id(right))
    if key in pair.entered:
        return None
    pair.entered.add(key)
    return _judge_of(left)(pair)


def _judge_of(value: object) -> Callable[[_Pair], str | None]:
    package = type(value).__module__.partition(".")[0]
    return _judge_of_builtin(value, package) or _judge_of_library(value, package)


def _judge_of_builtin(value: object, package: str) -> Callable[[_Pair], str | None] | None:
    match value:
        case float() | complex():
            return _numbers
        case bool() | int() | str() | bytes() | None:
            return _plain
        case types.FunctionType():
            return _functions
        case type() | types.ModuleType() | types.BuiltinFunctionType():
            return _named
        case Mapping() if package in {"builtins", "collections"}:
            return _mappings
        case list() | tuple():
            return _sequences
        case AbstractSet() if package == "builtins":
            return _sets
        case _:
            return None


def _judge_of_library(value: object, package: str) -> Callable[[_Pair], str | None]:
    library = {
        "numpy": _numpy,
        "pandas": _pandas,
        "polars": _polars,
        "pyarrow": _equals_method,
        "ibis": _ibis,
    }
    if package in library and package in sys.modules:
        return library[package]
    if isinstance(value, dict):
        # Its members are its state; some keep them as their attributes too (`self.__dict__ = self`).
        return _mappings
    if any(base.__module__ == "sklearn.base" for base in type(value).__mro__):
        return _estimators
    if package in ("matplotlib", "io", "_io", "threading", "_thread"):
        raise NotComparableError(f"a {type(value).__name__} can't be compared")
    return _objects


def _plain(pair: _Pair) -> str | None:
    return None if pair.left == pair.right else pair.says(f"{_short(pair.left)} is not {_short(pair.right)}")


def _numbers(pair: _Pair) -> str | None:
    if isinstance(pair.left, float) and math.isnan(pair.left) and math.isnan(pair.right):
        return None
    # Equal floats may differ in the sign of zero.
    return None if repr(pair.left) == repr(pair.right) else pair.says(f"{pair.left!r} is not {pair.right!r}")


def _named(pair: _Pair) -> str | None:
    names = [
        f"{getattr(one, '__module__', '')}.{getattr(one, '__qualname__', one)}"
        for one in (pair.left, pair.right)
    ]
    return None if names[0] == names[1] else pair.says(f"{names[0]} is not {names[1]}")


def _functions(pair: _Pair) -> str | None:
    left, right = pair.left, pair.right
    if left.__code__.co_code != right.__code__.co_code or left.__name__ != right.__name__:
        return pair.says("the functions have different code")
    cells = [[cell.cell_contents for cell in one.__closure__ or ()] for one in (left, right)]
    return _difference(pair.at(".__defaults__", left.__defaults__, right.__defaults__)) or _difference(
        pair.at(".__closure__", *cells)
    )


def _mappings(pair: _Pair) -> str | None:
    left, right = pair.left, pair.right
    if list(map(repr, left)) != list(map(repr, right)):
        return pair.says(f"keys {_short(list(left))} are not {_short(list(right))}")
    steps = (
        pair.at(f"[{key!r}]", one, other)
        for (key, one), other in zip(left.items(), right.values(), strict=True)
    )
    return _first(steps)


def _sequences(pair: _Pair) -> str | None:
    left: Sequence[object] = pair.left
    right: Sequence[object] = pair.right
    if len(left) != len(right):
        return pair.says(f"{len(left)} elements, not {len(right)}")
    return _first(
        pair.at(f"[{index}]", one, other) for index, (one, other) in enumerate(zip(left, right, strict=True))
    )


def _sets(pair: _Pair) -> str | None:
    if pair.left == pair.right:
        return None
    only = [*(pair.left - pair.right), *(pair.right - pair.left)]
    return pair.says(f"{_short(only[0])} is in one of the sets only")


def _first(pairs: Any) -> str | None:
    return next((found for one in pairs if (found := _difference(one)) is not None), None)


# Libraries


def _numpy(pair: _Pair) -> str | None:
    import numpy as np

    left, right = pair.left, pair.right
    if not isinstance(left, np.ndarray | np.generic):
        return _objects(pair)
    if left.dtype != right.dtype or left.shape != right.shape:
        return pair.says(f"{left.dtype}{list(left.shape)} is not {right.dtype}{list(right.shape)}")
    if left.dtype.hasobject:
        return _sequences(pair.at("", list(left.ravel()), list(right.ravel())))
    if left.tobytes() == right.tobytes():
        return None
    # Any NaN equals any other; beyond that bits decide, so that -0.0 is not 0.0.
    same = np.asarray(left) == np.asarray(right)
    if left.dtype.kind in "fc":
        same = (same & (np.signbit(left.real) == np.signbit(right.real))) | (np.isnan(left) & np.isnan(right))
    elif left.dtype.kind in "mM":
        same = same | (np.isnat(left) & np.isnat(right))
    if bool(np.all(same)):
        return None
    where = np.argwhere(~np.atleast_1d(same))[0]
    at = tuple(int(one) for one in where)
    return pair.says(f"at {list(at)}: {np.atleast_1d(left)[at]!r} is not {np.atleast_1d(right)[at]!r}")


def _pandas(pair: _Pair) -> str | None:
    import pandas as pd

    left, right = pair.left, pair.right
    match left:
        case pd.DataFrame():
            return _frames(pair)
        case pd.Series():
            head = _difference(pair.at(".name", left.name, right.name))
            return head or _difference(pair.at(".index", left.index, right.index)) or _columns(pair)
        case pd.MultiIndex():
            return _plain(pair.at(".names", list(left.names), list(right.names))) or _difference(
                pair.at("", left.to_frame(index=False), right.to_frame(index=False))
            )
        case pd.Index():
            head = _plain(pair.at(".name", left.name, right.name))
            return head or _columns(pair.at("", pd.Series(left), pd.Series(right)))
        case _ if left is pd.NaT or left is pd.NA:
            return None
        case pd.Timestamp() | pd.Timedelta() | pd.Period() | pd.Interval():
            return _plain(pair)
        case _:
            return _objects(pair)


def _frames(pair: _Pair) -> str | None:
    left, right = pair.left, pair.right
    if left.shape != right.shape:
        return pair.says(
            f"{left.shape[0]} rows x {left.shape[1]} columns, not {right.shape[0]} x {right.shape[1]}"
        )
    head = _difference(pair.at(".columns", left.columns, right.columns)) or _difference(
        pair.at(".index", left.index, right.index)
    )
    if head:
        return head
    columns = (
        pair.at(f"[{name!r}]", left.iloc[:, place], right.iloc[:, place])
        for place, name in enumerate(left.columns)
    )
    return next((found for one in columns if (found := _columns(one)) is not None), None)


def _columns(pair: _Pair) -> str | None:
    left, right = pair.left, pair.right
    if str(left.dtype) != str(right.dtype):
        return pair.says(f"{left.dtype} is not {right.dtype}")
    if len(left) != len(right):
        return pair.says(f"{len(left)} values, not {len(right)}")
    if left.dtype == object:
        return _sequences(pair.at("", list(left), list(right)))
    if hasattr(left, "cat") and not _same_categories(left, right):
        return pair.says("the categories differ")
    if left.dtype.kind in "fc" and not hasattr(left.dtype, "na_value"):
        return _numpy(pair.at("", left.to_numpy(), right.to_numpy()))
    if left.array.equals(right.array):
        return None
    for place, (one, other) in enumerate(zip(left, right, strict=True)):
        if found := _difference(pair.at(f"[{place}]", one, other)):
            return found
    return None


def _same_categories(left: Any, right: Any) -> bool:
    same: bool = left.cat.ordered == right.cat.ordered and left.cat.categories.equals(right.cat.categories)
    return same


def _polars(pair: _Pair) -> str | None:
    left, right = pair.left, pair.right
    if hasattr(left, "collect"):
        return _polars(pair.at(".collect()", left.collect(), right.collect()))
    if not hasattr(left, "equals"):
        return _plain(pair.at("", str(left), str(right)))
    if getattr(left, "schema", None) == getattr(right, "schema", None) and left.equals(
        right, null_equal=True
    ):
        return None
    return _difference(pair.at("", left.to_arrow(), right.to_arrow())) or pair.says("the frames differ")


def _equals_method(pair: _Pair) -> str | None:
    left, right = pair.left, pair.right
    if getattr(left, "schema", None) != getattr(right, "schema", None):
        return pair.says("the schemas differ")
    if left.equals(right):
        return None
    # Arrow's own equality holds NaN unequal to itself.
    return (
        _difference(pair.at("", left.to_pylist(), right.to_pylist()))
        if hasattr(left, "to_pylist")
        else pair.says("not equal")
    )


def _ibis(pair: _Pair) -> str | None:
    if not hasattr(pair.left, "execute"):
        return _plain(pair.at("", repr(pair.left), repr(pair.right)))
    return _difference(pair.at(".execute()", pair.left.execute(), pair.right.execute()))


def _estimators(pair: _Pair) -> str | None:
    """Estimators by their parameters and what they have learnt; private whole numbers may be addresses."""
    states = [
        {
            name: value
            for name, value in vars(one).items()
            if not (name.startswith("_") and isinstance(value, int))
        }
        for one in (pair.left, pair.right)
    ]
    return _named(pair.at("", type(pair.left), type(pair.right))) or _mappings(pair.at(".__dict__", *states))


def _objects(pair: _Pair) -> str | None:
    """Objects by what pickle would store of them: their class, its arguments, and their state."""
    try:
        left, right = (one.__reduce_ex__(pickle.HIGHEST_PROTOCOL) for one in (pair.left, pair.right))
    except (TypeError, AttributeError, pickle.PicklingError) as error:
        raise NotComparableError(f"a {type(pair.left).__name__} can't be compared: {error}") from error
    if isinstance(left, str) or isinstance(right, str):
        return _plain(pair.at("", left, right))
    parts = [
        [part if index < 3 or part is None else list(part) for index, part in enumerate(one)]
        for one in (left, right)
    ]
    if all(len(one) > _STATE and isinstance(one[_STATE], dict) for one in parts):
        states = _asked_of_both(type(pair.left), [one[_STATE] for one in parts])
        parts[0][_STATE], parts[1][_STATE] = states
    return (
        _difference(pair.at("", *parts))
        if len(parts[0]) != len(parts[1])
        else _first(
            pair.at(_PARTS[index], one, other) for index, (one, other) in enumerate(zip(*parts, strict=True))
        )
    )


_PARTS = ("", "(...)", ".__dict__", "[...]", "{...}", "")
_STATE = _PARTS.index(".__dict__")
# Where pandas, statsmodels and SymPy keep what a property computes when it is first read.
_CACHE = "_cache"


def _asked_of_both(kind: type, states: list[Any]) -> list[dict[Any, Any]]:
    """The states less what only one of the objects was asked for yet: it follows from the rest, and order tells nothing."""
    lazy = {name for state in states for name in state if _is_lazy(kind, name)}
    found = [{name: value for name, value in state.items() if name not in lazy} for state in states]
    caches = [state[_CACHE] for state in states if isinstance(state.get(_CACHE), dict)]
    for number, state in enumerate(states):
        found[number] |= {name: state[name] for name in sorted(lazy) if all(name in one for one in states)}
        if len(caches) == len(states):
            both = [key for key in caches[0] if key in caches[1]]
            found[number][_CACHE] = {key: state[_CACHE][key] for key in both}
    return found


def _is_lazy(kind: type, name: Any) -> bool:
    return isinstance(name, str) and isinstance(getattr(kind, name, None), functools.cached_property)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
