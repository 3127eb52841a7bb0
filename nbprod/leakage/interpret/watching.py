"""What a cell reads of what stood before it: so that it need not be followed again while that is the same.

The interpreter has few doors through which it reads what other cells left: names, places on the heap, and some of
what was recorded. Each tells the `Watch` of the cell, which keeps the value as it stood before the cell.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nbprod.leakage.interpret.values import Value


class Layer(dict[str, Any]):
    """What a cell records, above what stood before it: `seen` are the keys that it asked for, as they stood."""

    def __init__(self, base: Mapping[str, Any] | None = None) -> None:
        super().__init__()
        self.base: Mapping[str, Any] = {} if base is None else base
        self.seen: dict[str, Any] = {}

    def _below(self, key: str) -> Any:
        found = self.base.get(key)
        self.seen[key] = found
        return found

    def get(self, key: str, default: Any = None) -> Any:
        if super().__contains__(key):
            return super().__getitem__(key)
        found = self._below(key)
        return default if found is None else found

    def __contains__(self, key: object) -> bool:
        return super().__contains__(key) or self._below(str(key)) is not None

    def setdefault(self, key: str, default: Any = None) -> Any:
        if not super().__contains__(key):
            found = self._below(key)
            # What stood there before stays as it was: others may have read it.
            self[key] = default if found is None else set(found) if isinstance(found, set) else found
        return super().__getitem__(key)


class Watch(Struct):
    """The state before a cell, and what the cell has read of it; a name or place that wasn't there stands for None."""

    env: Mapping[str, Value] = field(default_factory=dict)
    frees: Mapping[str, Value] = field(default_factory=dict)
    heap: Mapping[int, Value] = field(default_factory=dict)
    names: dict[str, Value | None] = field(default_factory=dict)
    freed: dict[str, Value | None] = field(default_factory=dict)
    places: dict[int, Value | None] = field(default_factory=dict)

    def name(self, name: str, found: Value | None) -> None:
        """A name was looked up: what the cell itself has bound to it before is none of the others' business."""
        before, free = self.env.get(name), self.frees.get(name)
        if found is before or found is free or found is None:
            self.names[name] = before
            self.freed[name] = free

    def place(self, place: int, found: Value | None) -> None:
        """A place on the heap was read, or joined with what stood there."""
        before = self.heap.get(place)
        if found is before:
            self.places[place] = before
