"""Which names may stand for the same object: values as sets of regions, and a heap that knows what holds what.

A region stands for the objects made at one place. What a region holds only grows, so an answer may name too
much and never too little.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field

if TYPE_CHECKING:
    import ast
    from collections.abc import Iterable, Iterator

Regions = frozenset[int]
NOWHERE: Regions = frozenset()
REGIONS_A_STEP = 200
REGIONS_A_CELL = 64
# Of regions that nothing is.
NOTHING_INSIDE: set[int] = frozenset()  # type: ignore[assignment]
REGIONS_A_VALUE = 24
PLAIN_TYPE = "plain"


class Value(Struct, frozen=True, kw_only=True):
    """What is known of a value: the regions that it may be, its type or its place in a library, its text.

    `type` is dotted and empty where unknown; `library` is the dotted path of a module, function or class.
    `fresh_parts` says that each part taken out of it is an object of its own. `stays` says why it cannot leave
    the process that made it, `is_cell` that it may be what one cell of a table holds.
    """

    own: Regions = NOWHERE
    type: str = ""
    library: str = ""
    text: str | None = None
    fresh_parts: bool = False
    stays: str = ""
    seeded: bool = False
    part_type: str = ""
    is_cell: bool = False


PLAIN = Value(type=PLAIN_TYPE)


def plain(text: str | None) -> Value:
    """A value that cannot change, with its text where that is known."""
    return Value(type=PLAIN_TYPE, text=text)


def joined(values: Iterable[Value]) -> Value:
    """What is known of a value that may be any of these."""
    several = list(values)
    if not several:
        return PLAIN
    first = several[0]
    if all(one == first for one in several[1:]):
        return first
    return Value(
        own=frozenset().union(*(one.own for one in several)),
        type=_agreed(one.type for one in several),
        library=_library(several),
        fresh_parts=all(one.fresh_parts for one in several),
        stays=next((one.stays for one in several if one.stays), ""),
        seeded=all(one.seeded for one in several),
    )


def _library(several: list[Value]) -> str:
    """The one library object that it may be, where it can be nothing else that has an inside."""
    if any(one.own for one in several):
        return ""
    return _agreed(one.library for one in several if one.library)


def _agreed(texts: Iterable[str]) -> str:
    distinct = set(texts)
    return distinct.pop() if len(distinct) == 1 else ""


class Frame(Struct, eq=False):
    """The names of one scope while it is traced; `parent` is the function scope around it, None for the module."""

    parent: Frame | None = None
    names: dict[str, Value] = field(default_factory=dict)
    local: frozenset[str] = frozenset()
    outer: frozenset[str] = frozenset()
    shared: frozenset[str] = frozenset()
    region: int = -1
    is_class: bool = False
    is_comprehension: bool = False


class Code(Struct, frozen=True, kw_only=True, eq=False):
    """A function, lambda or class as a value: `frame` is the scope it closes over, `step` the statement to copy."""

    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef
    frame: Frame | None
    step: int
    members: Frame | None = None
    bases: tuple[Value, ...] = ()
    receiver: Value | None = None


class Heap:
    """The regions of one notebook and what each may hold."""

    def __init__(self) -> None:
        self.inside: list[set[int]] = []
        self.seen_by: dict[int, set[int]] = {}
        self.code: dict[int, Code] = {}
        self.defined_at: dict[int, int] = {}
        self.class_of: dict[int, Regions] = {}
        self.types: dict[int, str] = {}
        self._closed: set[int] = set()
        self.work = 0
        self._hub_of: dict[int, int] = {}
        self._made_in_step = 0
        # What can be got at from some regions, and in one step, for as long as none is put into another.
        self._reached: dict[Regions, Regions] = {}
        self._parts: dict[Regions, Regions] = {}
        self._rest: int | None = None
        self._table_above: dict[int, int] = {}
        self._cells_of: dict[int, int] = {}
        self.cells: set[int] = set()
        # For each object the steps at which an attribute was set to what can't leave its process, or else.
        self._attributes: dict[int, list[tuple[int, str, str]]] = {}

    def start_step(self) -> None:
        """Count the regions of a statement anew."""
        self._made_in_step, self._rest, self.work = 0, None, 0
        self._forget_ways()

    def end_cell(self) -> None:
        """Count on from the next round number, so that an edit of one cell moves the regions of no other."""
        self.inside += [NOTHING_INSIDE] * (REGIONS_A_CELL - len(self.inside) % REGIONS_A_CELL)

    def fresh(
        self, *, holds: Iterable[int] = (), closed: bool = False, of_type: str = "", apart: bool = False
    ) -> int:
        """A new region; a closed one holds nothing but what it is known to hold.

        A statement that makes very many gets one region for all the rest, so that following it comes to an end.
        """
        self._made_in_step += 1
        if self._made_in_step > REGIONS_A_STEP and not apart:
            return self._one_for_the_rest(holds)
        self.inside.append(set(self.collapsed(frozenset(holds))))
        region = len(self.inside) - 1
        if closed and of_type != "numpy.ndarray":
            # What an array is made of are views of it.
            self._closed.add(region)
        if of_type:
            self.types[region] = of_type
        return region

    def _one_for_the_rest(self, holds: Iterable[int]) -> int:
        if self._rest is None:
            self.inside.append(set())
            self._rest = len(self.inside) - 1
        self._put_inside(self._rest, frozenset(holds) - {self._rest})
        return self._rest

    def type_of(self, own: Regions) -> str:
        """The type that all of the regions have, empty where they differ or one isn't known."""
        types = {self.types.get(region, "") for region in own}
        return types.pop() if len(types) == 1 else ""

    def look_at(self, lookers: Regions, seen: Regions) -> None:
        """The lookers depend on what they see but never change it: a model on its data, a group on its frame."""
        for region in seen:
            self.seen_by.setdefault(region, set()).update(lookers - {region})

    def keep(self, holders: Regions, kept: Regions) -> None:
        """From now on each of the holders may hold what is kept."""
        kept = self.collapsed(kept)
        for holder in self.collapsed(holders):
            # What isn't closed stands for its own parts already.
            self._put_inside(holder, kept if holder in self._closed else kept - {holder})
        self.work += len(holders)

    def _put_inside(self, holder: int, kept: Regions) -> None:
        if not kept <= self.inside[holder]:
            self.inside[holder] |= kept
            self._forget_ways()

    def set_attribute(self, objects: Regions, name: str, *, stays: str, step: int) -> None:
        """An attribute of the objects is set to what can't leave its process, as `stays` says, or to what can."""
        for one in objects:
            if stays or one in self._attributes:
                self._attributes.setdefault(one, []).append((step, name, stays))

    def attribute_that_stays(self, own: Regions, *, step: int) -> tuple[str, str] | None:
        """After that step: an attribute, of what can be got at from here, that can't leave its process, and why."""
        if not self._attributes:
            return None
        for one in sorted(self.reach(own) & self._attributes.keys()):
            latest = {name: stays for at, name, stays in self._attributes[one] if at <= step}
            for name, stays in latest.items():
                if stays:
                    return name, stays
        return None

    def has_unknown(self, own: Regions) -> bool:
        """Whether one of the regions may be of any type and hold anything."""
        return any(
            one not in self._closed
            and one not in self.types
            and one not in self.code
            and one not in self.class_of
            for one in own
        )

    # Tables made of one another hold the same objects in their cells, however often the tables are copied.

    def derive(self, tables: Iterable[int], sources: Iterable[int]) -> None:
        """The tables, or what was taken out of them, may hold the objects that the sources hold in their cells."""
        roots = sorted({self._table_root(one) for one in (*tables, *sources)})
        for root in roots[1:]:
            self._table_above[root] = roots[0]

    def cells_of(self, tables: Iterable[int]) -> Regions:
        """The region that stands for all objects in the cells of these tables and of those that share them."""
        roots = {self._table_root(one) for one in tables}
        for root in roots - self._cells_of.keys():
            self.inside.append(set())
            self._cells_of[root] = len(self.inside) - 1
            self.cells.add(len(self.inside) - 1)
        return frozenset(self._cells_of[root] for root in roots)

    def put_in_cells(self, tables: Iterable[int], objects: Iterable[int]) -> None:
        """The cells of the tables hold these objects."""
        several = list(tables)
        for cell in self.cells_of(several) if several else ():
            for one in objects:
                self.inside[cell].add(one)
                self.inside[one].add(cell)
        self._forget_ways()

    def _table_root(self, region: int) -> int:
        above = self._table_above.setdefault(region, region)
        while above != region:
            # Halve the way for whoever asks next.
            self._table_above[region] = self._table_above[above]
            region, above = above, self._table_above[above]
        return region

    def _tables_above_cells(self) -> Iterator[tuple[int, int]]:
        cells: dict[int, list[int]] = {}
        for root, cell in self._cells_of.items():
            cells.setdefault(self._table_root(root), []).append(cell)
        for region in list(self._table_above) if cells else ():
            for cell in cells.get(self._table_root(region), ()):
                yield cell, region
        for several in cells.values():
            for one in several:
                yield from ((one, other) for other in several if other != one)

    def _forget_ways(self) -> None:
        self._reached.clear()
        self._parts.clear()

    def parts(self, own: Regions) -> Regions:
        """What one step into the regions may lead to: a region that isn't closed stands for its parts too."""
        known = self._parts.get(own)
        if known is None:
            known = self._parts[own] = self._one_step(own)
        return known

    def _one_step(self, own: Regions) -> Regions:
        found: set[int] = set()
        for region in own:
            found |= self.inside[region]
            if region not in self._closed:
                found.add(region)
        return self.collapsed(frozenset(found))

    def collapsed(self, own: Regions) -> Regions:
        """Very many regions as one that holds them all and that each of them holds: what happens to one happens to all."""
        if len(own) <= REGIONS_A_VALUE:
            return own
        hub_of = self._hub_of
        own = frozenset(self._hub_above(one) if one in hub_of else one for one in own)
        if len(own) <= REGIONS_A_VALUE:
            return own
        loose = frozenset(one for one in own if one not in self.code and one not in self.class_of)
        self.inside.append(set(loose))
        hub = len(self.inside) - 1
        for one in loose:
            self.inside[one].add(hub)
            self._hub_of[one] = hub
        self._forget_ways()
        return (own - loose) | {hub}

    def _hub_above(self, region: int) -> int:
        top = region
        while top in self._hub_of:
            top = self._hub_of[top]
        while region != top:
            # Shorten the way for whoever asks next.
            above = self._hub_of[region]
            self._hub_of[region] = top
            region = above
        return top

    def reach(self, own: Regions) -> Regions:
        """All regions that can be got at from these, themselves included."""
        known = self._reached.get(own)
        if known is None:
            known = self._reached[own] = self._walked(own)
        self.work += len(known)
        return known

    def _walked(self, own: Regions) -> Regions:
        found, pending = set(own), list(own)
        while pending:
            inside = self.inside[pending.pop()] - found
            found |= inside
            pending.extend(inside)
        return frozenset(found)

    def holders(self) -> list[list[int]]:
        """For each region those that hold it or look at it."""
        above: list[list[int]] = [[] for _ in self.inside]
        for holder, held in enumerate(self.inside):
            for region in held:
                above[region].append(holder)
        for region, lookers in self.seen_by.items():
            above[region].extend(lookers)
        for cell, table in self._tables_above_cells():
            above[cell].append(table)
        return above
