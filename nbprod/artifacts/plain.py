"""Which values JSON gives back exactly as they were, types and aliases included."""

from __future__ import annotations


def is_plain(value: object) -> bool:
    """Whether JSON returns an equal value of the same types: no tuples, no subclasses, no shared containers.

    NaN and infinities count as plain, since Python's own reader takes the tokens that its writer makes.
    """
    seen: set[int] = set()
    waiting = [value]
    while waiting:
        one = waiting.pop()
        kind = type(one)
        if kind in (str, bool, int, float) or one is None:
            continue
        if kind not in (list, dict) or id(one) in seen:
            return False
        seen.add(id(one))
        if isinstance(one, dict):
            if not all(type(key) is str for key in one):
                return False
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)
    return True
