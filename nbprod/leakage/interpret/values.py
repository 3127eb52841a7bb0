"""What the interpreter knows instead of data: columns with what they read and how far ahead, and what holds them.

`Facts` says of any piece of data which source columns it reads, at most how many rows after its own (`reads`),
and every way in which it looks ahead (`aheads`). Everything else gives facts a shape: a column, a frame, a
grouped frame, an estimator that was fitted on some rows. Values are immutable; what Python may mutate (frames,
lists, estimators, objects) lives on the heap of a `State` and is passed by `Ref`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from math import inf
from typing import TYPE_CHECKING, Any, TypeAlias

from nbprod.leakage.horizon import WHOLE, Hop, Reach

if TYPE_CHECKING:
    import ast
    from collections.abc import Callable, Iterable, Mapping

    from nbprod.model import Edit, Span, Step

MOST_STEPS = 12


# Rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """One condition that narrows rows. `kind` is `where`, `slice`, `part`, `fold`, `sample` or `without`.

    `subject` is the column of a `where`, the id of the split, fold or sample otherwise; `low` and `high` are
    keys or numbers of what bounds it, None where nothing does.
    """

    kind: str
    subject: str = ""
    side: str = ""
    low: Any = None
    high: Any = None
    in_time: bool = False
    span: Span | None = field(default=None, compare=False)

    @property
    def place(self) -> tuple[object, ...]:
        """What it cuts away, whatever the part is called: a stretch becomes the training rows by its name alone."""
        named = self.kind in ("slice", "where", "where-not")
        return self.kind, self.subject, "" if named else self.side, self.low, self.high


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
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
        return any(b.side == "train" or (b.in_time and b.high is not None) for b in self.bounds)

    def holds_more_than(self, other: Rows) -> bool:
        """Whether `other` is a proper part of these rows."""
        return len(other.bounds) > len(self.bounds) and not self.beyond(other)

    def beyond(self, other: Rows) -> tuple[Bound, ...]:
        """The bounds of these rows that the other rows don't have."""
        known = {bound.place for bound in other.bounds}
        return tuple(bound for bound in self.bounds if bound.place not in known)


ALL_ROWS = Rows()


# Looking ahead


@dataclass(frozen=True, slots=True, kw_only=True)
class Ahead:
    """One way in which a value depends on what its row can't know yet: the rule, how far, and the path.

    `over` are the rows on which a statistic or a fit was made; `head` counts the first rows that alone are
    wrong (a roll that wraps); `period` says that a lag of one period in the table of aggregates settles it.
    """

    rule: str
    reach: Reach
    span: Span
    says: str
    steps: tuple[Step, ...] = ()
    over: Rows | None = None
    sources: frozenset[str] = frozenset()
    edits: tuple[Edit, ...] = ()
    head: int = 0
    period: bool = False
    detail: str = ""
    remedy: str = ""

    @property
    def key(self) -> tuple[str, Span, Rows | None, int]:
        return self.rule, self.span, self.over, self.head

    def then(self, step: Step) -> Ahead:
        """The same, with one more station on its path."""
        if len(self.steps) >= MOST_STEPS or step in self.steps:
            return self
        return replace(self, steps=(*self.steps, step))


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """What a column of times holds: exact times, or those of a period's start, moved by an offset."""

    period: timedelta | None = None
    offset: timedelta = timedelta(0)
    cyclic: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of a piece of data. `reads` gives for each source column the rows ahead, `inf` for all."""

    reads: Mapping[str, float] = field(default_factory=dict)
    aheads: tuple[Ahead, ...] = ()
    clock: Clock | None = None
    proved: bool = True
    derived: bool = False
    runs_of: frozenset[str] = frozenset()
    sums_of: frozenset[str] = frozenset()

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


# Row order


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """How rows follow each other: in time (as loaded, unless sorted otherwise), newest first, or by other keys.

    `entity_first` names the keys that come before time; `other` is an order that has nothing to do with time.
    """

    newest_first: bool = False
    entity_first: tuple[str, ...] = ()
    other: tuple[str, ...] = ()
    shuffled: Span | None = None
    by: str = ""

    @property
    def flipped(self) -> Order:
        return replace(self, newest_first=not self.newest_first)


IN_TIME = Order()


# Values


@dataclass(frozen=True, slots=True)
class Const:
    """A literal whose value is known."""

    value: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Cells:
    """Data of one shape: `column`, `matrix`, `scalar` or `element` (of the row a loop stands on).

    `offset` is the row that an array's first value is of: 1 for `a[1:]`, so that place and row differ by one.
    """

    facts: Facts = NOTHING
    shape: str = "column"
    rows: Rows = ALL_ROWS
    order: Order = IN_TIME
    name: str | None = None
    conditions: tuple[Bound, ...] = ()
    keyed: tuple[Key, ...] = ()
    library: str = "pandas"
    array: bool = False
    index: str | None = None
    within: tuple[Key, ...] = ()
    frame: Frame | None = None
    width: int | None = None
    offset: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """Which rows around its own a window gives to a reduction; None is open, negative lies before."""

    low: float | None = None
    high: float | None = None
    in_time: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A column by which rows are grouped, with what it says of time."""

    name: str
    facts: Facts = NOTHING
    is_time: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A frame: named columns, and one `rest` for those that nobody has named yet.

    `keyed` are the keys of a table of aggregates. `presence` are the ways in which which rows exist looks ahead.
    `guessed` says that columns were taken or left out by names that the code doesn't tell.
    """

    columns: Mapping[str, Facts] = field(default_factory=dict)
    rest: Facts | None = None
    rows: Rows = ALL_ROWS
    order: Order = IN_TIME
    index: tuple[str, ...] = ()
    keyed: tuple[Key, ...] = ()
    within: tuple[Key, ...] = ()
    presence: tuple[Ahead, ...] = ()
    library: str = "pandas"
    root: str = ""
    gone: frozenset[str] = frozenset()
    guessed: bool = False

    def facts(self, name: str) -> Facts | None:
        """What is known of the column of that name; None if there is none."""
        if name in self.columns:
            return self.columns[name]
        if self.rest is None or name in self.gone:
            return None
        if self.root:
            return self.rest | Facts(reads={f"{self.root}.{name}": 0.0})
        return self.rest

    @property
    def all_facts(self) -> Facts:
        rest = (self.rest,) if self.rest is not None else ()
        return joined((*self.columns.values(), *rest))

    @property
    def every_fact(self) -> Facts:
        """All columns joined, with a source that stands for those not named."""
        if self.rest is None or not self.root:
            return self.all_facts
        return self.all_facts | Facts(reads={f"{self.root}.*": 0.0})

    def with_column(self, name: str, facts: Facts) -> Table:
        return replace(self, columns={**self.columns, name: facts}, gone=self.gone - {name})

    def mapped(self, change: Callable[[Facts], Facts]) -> Table:
        rest = change(self.rest) if self.rest is not None else None
        return replace(self, columns={n: change(f) for n, f in self.columns.items()}, rest=rest)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grouped:
    """A frame or column after `groupby`; `picked` are the selected columns, None for all."""

    base: Table | Cells
    keys: tuple[Key, ...]
    picked: tuple[str, ...] | None = None
    single: bool = False
    as_index: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Windowed:
    """A frame, column or group after `rolling`, `expanding`, `ewm` or `resample`; `ahead` is what it will add."""

    base: Table | Cells | Grouped
    kind: str
    rows_ahead: int = 0
    aheads: tuple[Ahead, ...] = ()
    keys: tuple[Key, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """A number that stands for a row: a loop's index, moved by `offset`."""

    offset: int = 0
    rows: Rows = ALL_ROWS


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A slice with its ends; None where open."""

    low: Value | None = None
    high: Value | None = None
    step: Value | None = None


@dataclass(frozen=True, slots=True)
class Seq:
    """A list or tuple: its items where they are known, else what any item may be."""

    items: tuple[Value, ...] | None
    any_item: Value | None = None
    is_list: bool = False


@dataclass(frozen=True, slots=True)
class Mapped:
    """A dict: its items by constant key, and what any other may be."""

    items: Mapping[Any, Value] = field(default_factory=dict)
    any_item: Value | None = None


@dataclass(frozen=True, slots=True)
class Symbol:
    """A module, function or class of a library, by its dotted path."""

    path: str


@dataclass(frozen=True, slots=True)
class Method:
    """A method (or an accessor such as `.dt`) taken from a value, not yet called."""

    owner: Value
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A function of the notebook, with the scope that it closes over."""

    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
    scope: Any
    owner: Value | None = None
    cell: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Partial:
    """A function with some of its arguments given already."""

    function: Value
    places: tuple[Value, ...] = ()
    names: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Class:
    """A class of the notebook."""

    node: ast.ClassDef
    methods: Mapping[str, Value]
    bases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """An object of a class of the notebook."""

    of: Class
    fields: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimator:
    """An object with `fit`. `role` is that of its class; `parts` are a pipeline's steps or a search's subject.

    `fitted` are the rows it was last fitted on, None before.
    """

    name: str
    role: str
    parts: tuple[Value, ...] = ()
    fitted: Rows | None = None
    learnt: Facts = NOTHING
    fit_span: Span | None = None
    settings: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Splitter:
    """A cross-validation splitter, or a call that makes folds."""

    name: str
    shuffles: bool = False
    in_time: bool = False
    grouped: bool = False
    gap: Value | None = None
    span: Span | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Folds:
    """What a splitter's `split` gives: pairs of row positions."""

    splitter: Splitter
    id: str
    rows: Rows = ALL_ROWS


@dataclass(frozen=True, slots=True)
class Picks:
    """Row positions or labels that select rows: one side of a fold, or the index of a part."""

    bound: Bound
    rows: Rows = ALL_ROWS


@dataclass(frozen=True, slots=True)
class Deferred:
    """An expression over a frame that is not given yet (polars, `ibis._`): a function of table and scope."""

    build: Callable[[Table, Scope], Value]
    name: str | None = None
    library: str = "polars"
    table: Table | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Where a deferred expression is evaluated: within groups, in an order, over a frame of rows."""

    keys: tuple[Key, ...] = ()
    order: Order | None = None
    frame: Frame | None = None


@dataclass(frozen=True, slots=True)
class Ref:
    """A place on the heap: what Python may mutate is shared by reference."""

    place: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Opaque:
    """Something of which only the facts that went into it are known."""

    facts: Facts = NOTHING
    rows: Rows = ALL_ROWS
    hint: str = ""


Value: TypeAlias = (
    Const
    | Cells
    | Table
    | Grouped
    | Windowed
    | Position
    | Stretch
    | Seq
    | Mapped
    | Symbol
    | Method
    | Function
    | Partial
    | Class
    | Instance
    | Estimator
    | Splitter
    | Folds
    | Picks
    | Deferred
    | Scope
    | Ref
    | Opaque
)

UNKNOWN = Opaque()
NONE = Const(None)
WHOLE_REACH = WHOLE
