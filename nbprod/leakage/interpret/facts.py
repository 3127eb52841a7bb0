"""What the interpreter knows of any piece of data: what it reads, of which rows, and how it looks ahead.

`Facts` says which source columns a piece of data reads, at most how many rows after its own (`reads`), and every
way in which it looks ahead (`aheads`), each with the rows that it was made over. Facts have no shape: `values`
gives them one.
"""

from __future__ import annotations

from datetime import timedelta
from math import inf
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field
from msgspec.structs import force_setattr, replace

from nbprod.leakage.horizon import WHOLE, Hop, Reach
from nbprod.model import Span, Step

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from nbprod.model import Edit


MOST_STEPS = 12


class Bound(Struct, frozen=True, kw_only=True):
    """One condition that narrows rows. `kind` is `where`, `slice`, `part`, `fold`, `sample`, `without` or `either`.

    `subject` is the column of a `where`, the id of the split, fold or sample otherwise; `low` and `high` are
    keys or numbers of what bounds it, None where nothing does; `either` has in `low` the bounds of each part that
    was laid together. `at_end` says that it leaves rows at the end of the data, as far back as its last row tells.
    Where it was written, `span`, is not compared.
    """

    kind: str
    subject: str = ""
    side: str = ""
    low: Any = None
    high: Any = None
    in_time: bool = False
    at_end: bool = False
    span: Span | None = None

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Bound) and self._compared == other._compared)

    def __hash__(self) -> int:
        return hash(self._compared)

    @property
    def _compared(self) -> tuple[object, ...]:
        return self.kind, self.subject, self.side, self.low, self.high, self.in_time, self.at_end

    @property
    def place(self) -> tuple[object, ...]:
        """What it cuts away, whatever the part is called: a stretch becomes the training rows by its name alone."""
        named = self.kind in ("slice", "where", "where-not")
        return self.kind, self.subject, "" if named else self.side, self.low, self.high

    def keeps(self, known: set[tuple[object, ...]]) -> bool:
        """Whether rows with these conditions meet this one."""
        if self.kind == "either":
            return any(all(bound.keeps(known) for bound in part) for part in self.low)
        return self.place in known


class Rows(Struct, frozen=True, kw_only=True):
    """Which rows of which source tables: all of them, less what the bounds cut away."""

    tables: frozenset[str] = frozenset()
    bounds: tuple[Bound, ...] = ()

    def narrowed(self, *bounds: Bound) -> Rows:
        return replace(self, bounds=(*self.bounds, *(b for b in bounds if b not in self.bounds)))

    @property
    def side(self) -> str:
        """`train`, `test` or nothing: the part of a split to which the rows belong, the last one counting."""
        for bound in reversed(self.bounds):
            if bound.side:
                return bound.side
        return ""

    @property
    def settled(self) -> bool:
        """Whether a fixed bound in time, or a split, keeps later rows out."""
        return any(
            b.side == "train" or (b.in_time and b.high is not None and not b.at_end) for b in self.bounds
        )

    def holds_more_than(self, other: Rows) -> bool:
        """Whether `other` is a proper part of these rows."""
        return len(other.bounds) > len(self.bounds) and not self.beyond(other)

    def beyond(self, other: Rows) -> tuple[Bound, ...]:
        """The bounds of these rows that the other rows don't have."""
        known = {bound.place for bound in other.bounds}
        return tuple(bound for bound in self.bounds if not bound.keeps(known))


ALL_ROWS = Rows()


# Stands for the path of one station that most begin with.
_FROM_HERE = (Step(span=Span(cell=0, line=0, end_line=0), says=""),)


class Ahead(Struct, frozen=True, kw_only=True):
    """One way in which a value depends on what its row can't know yet: the rule, how far, and the path.

    The path begins where it is and with what is said of it, unless other `steps` are given. `over` are the rows on
    which a statistic or a fit was made; `head` counts the first rows that alone are wrong (a roll that wraps);
    `period` says that a lag of one period in the table of aggregates settles it.
    """

    rule: str
    reach: Reach
    span: Span
    says: str
    steps: tuple[Step, ...] = _FROM_HERE
    over: Rows | None = None
    sources: frozenset[str] = frozenset()
    edits: tuple[Edit, ...] = ()
    head: int = 0
    period: bool = False
    detail: str = ""
    remedy: str = ""

    def __post_init__(self) -> None:
        if self.steps is _FROM_HERE:
            force_setattr(self, "steps", (Step(span=self.span, says=self.says),))

    @property
    def key(self) -> tuple[str, Span, Rows | None, int]:
        return self.rule, self.span, self.over, self.head

    def then(self, step: Step) -> Ahead:
        """The same, with one more station on its path."""
        if len(self.steps) >= MOST_STEPS or step in self.steps:
            return self
        return replace(self, steps=(*self.steps, step))


class Clock(Struct, frozen=True, kw_only=True):
    """What a column of times holds: exact times, or those of a period's start, moved by an offset."""

    period: timedelta | None = None
    offset: timedelta = timedelta(0)
    cyclic: bool = False


class Facts(Struct, frozen=True, kw_only=True):
    """What is known of a piece of data. `reads` gives for each source column the rows ahead, `inf` for all.

    `numbers` says that it is the row's own number in time, so much added; `change` that it is how much a value has
    changed since a row before; `kinds` that the categories it may hold were given.
    """

    reads: Mapping[str, float] = field(default_factory=dict)
    aheads: tuple[Ahead, ...] = ()
    clock: Clock | None = None
    proved: bool = True
    derived: bool = False
    runs_of: frozenset[str] = frozenset()
    sums_of: frozenset[str] = frozenset()
    numbers: int | None = None
    change: bool = False
    kinds: bool = False

    def __or__(self, other: Facts) -> Facts:
        if self is other or other is NOTHING:
            return self
        if self is NOTHING:
            return other
        return Facts(
            reads=_furthest(self.reads, other.reads),
            aheads=_each_once((*self.aheads, *other.aheads)),
            proved=self.proved and other.proved,
            derived=True,
        )

    @property
    def sources(self) -> frozenset[str]:
        return frozenset(self.reads)

    def moved(self, rows: int, *, along: frozenset[str] = frozenset()) -> Facts:
        """The value found that many rows ahead (behind where negative), aheads of finite reach included."""
        hop = Hop(rows=rows, along=along)
        moved = (replace(a, reach=a.reach.after(hop), head=0) if not a.head else a for a in self.aheads)
        return Facts(
            reads={source: at + rows for source, at in self.reads.items()},
            aheads=tuple(a for a in moved if not a.reach.is_known),
            proved=self.proved,
            derived=True,
        )

    def with_ahead(self, *aheads: Ahead) -> Facts:
        return replace(self, aheads=_each_once((*self.aheads, *aheads)), derived=True)

    def without(self, unwanted: Callable[[Ahead], bool]) -> Facts:
        return replace(self, aheads=tuple(a for a in self.aheads if not unwanted(a)))

    def whole(self) -> Facts:
        """The same sources, read over the whole sample."""
        return replace(self, reads=dict.fromkeys(self.reads, inf), clock=None, derived=True)

    def then(self, step: Step) -> Facts:
        if not self.aheads:
            return self
        return replace(self, aheads=tuple(a.then(step) for a in self.aheads))

    @property
    def ahead_rows(self) -> float:
        """How many rows ahead the furthest finite look goes, `inf` for the whole sample, 0 for none."""
        rows = [inf if a.reach.whole else a.reach.rows for a in self.aheads if not a.head]
        return max(rows, default=0)


NOTHING = Facts()


def _furthest(mine: Mapping[str, float], theirs: Mapping[str, float]) -> Mapping[str, float]:
    if not theirs:
        return mine
    joined = dict(mine)
    for source, at in theirs.items():
        joined[source] = max(at, joined.get(source, -inf))
    return joined


def _each_once(aheads: Iterable[Ahead]) -> tuple[Ahead, ...]:
    kept: dict[object, Ahead] = {}
    for ahead in aheads:
        known = kept.get(ahead.key)
        if known is None or not ahead.reach <= known.reach:
            kept[ahead.key] = ahead
    return tuple(kept.values())


def joined(facts: Iterable[Facts]) -> Facts:
    """The upper bound of facts; of none, those of a constant."""
    total = NOTHING
    for each in facts:
        total = total | each
    return total


WHOLE_REACH = WHOLE
