"""Whether two values are the same in everything, down to the places that their paths name."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from msgspec import Struct

_MOST_PARTS = 20_000
_PLAIN = (str, int, float, bool, bytes, complex, type(None), timedelta)


def same(one: Any, other: Any) -> bool:
    """Whether nothing that reads the two could tell them apart; what is very large counts as different.

    `==` is too weak: 1 equals True, and a bound does not compare its span. Functions are the same only as one object.
    """
    try:
        return _same(one, other, [_MOST_PARTS])
    except RecursionError:
        return False


def _same(one: Any, other: Any, left: list[int]) -> bool:
    if one is other:
        return True
    kind = type(one)
    left[0] -= 1
    if kind is not type(other) or left[0] < 0:
        return False
    if kind in _PLAIN:
        return bool(one == other)
    if kind is tuple or kind is list:
        return len(one) == len(other) and all(_same(a, b, left) for a, b in zip(one, other, strict=True))
    if kind is set or kind is frozenset:
        return bool(one == other) and all(type(part) is str for part in (*one, *other))
    if isinstance(one, Mapping):
        return _same(list(one), list(other), left) and all(_same(one[key], other[key], left) for key in one)
    if isinstance(one, Struct):
        return all(_same(getattr(one, name), getattr(other, name), left) for name in one.__struct_fields__)
    return False
