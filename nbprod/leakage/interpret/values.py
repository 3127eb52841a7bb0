"""What the interpreter computes with instead of data: facts in the shape of columns, frames, models, functions.

Values are immutable; what Python may mutate (frames, lists, estimators, objects) lives on the heap of a `Run` and
is passed by `Ref`. Knows facts, and no operation on values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from msgspec import Struct, field
from msgspec.structs import replace

from nbprod.leakage.interpret.facts import ALL_ROWS, NOTHING, Ahead, Bound, Facts, Rows, joined

if TYPE_CHECKING:
    import ast
    from collections.abc import Callable, Mapping

    from nbprod.model import Span


class Order(Struct, frozen=True, kw_only=True):
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


class Const(Struct, frozen=True):
    """A literal whose value is known."""

    value: Any


class Row(Struct, frozen=True, kw_only=True):
    """One row of a frame, some rows from a loop's own where it was taken by place."""

    table: Table
    place: Position | None = None


class Cells(Struct, frozen=True, kw_only=True):
    """Data of one shape: `column`, `matrix`, `scalar` or `element` (of the row a loop stands on).

    `offset` is the row that an array's first value is of: 1 for `a[1:]`, so that place and row differ by one. `presence` is a table's.
    `row` is the frame's row of which this is all that is known, until one of its columns is named.
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
    presence: tuple[Ahead, ...] = ()
    row: Row | None = None


class Frame(Struct, frozen=True, kw_only=True):
    """Which rows around its own a window gives to a reduction; None is open, negative lies before."""

    low: float | None = None
    high: float | None = None
    in_time: bool = False


class Key(Struct, frozen=True, kw_only=True):
    """A column by which rows are grouped, with what it says of time."""

    name: str
    facts: Facts = NOTHING
    is_time: bool = False


# the keys of statistics of columns, one a column: aligned with columns where they meet the frame again
BY_COLUMN = (Key(name="column"),)


class Asked(Struct, frozen=True, kw_only=True):
    """What the reader of SQL says of a table, as long as it has these columns and rows; `bases` are frames it read."""

    relation: Any
    columns: Mapping[str, Facts]
    rows: Rows
    bases: Mapping[str, Table] = field(default_factory=dict)


class Table(Struct, frozen=True, kw_only=True):
    """A frame: named columns, and one `rest` for those that nobody has named yet.

    `keyed` are the keys of a table of aggregates. `presence` are the ways in which which rows exist looks ahead.
    `guessed` says that columns were taken or left out by names that the code doesn't tell. `view` tells a table
    from another look at itself, which a join with itself needs. `offset` is the row that its first row is of, where
    its rows were numbered anew after a slice: place and row then differ. `up_to` says that these are the rows around
    one that a loop stands on, and how far after it the last one is, never later than its own. `asked` is what a query says of it.
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
    view: str = ""
    offset: int = 0
    up_to: int | None = None
    asked: Asked | None = None

    def facts(self, name: str) -> Facts | None:
        """What is known of the column of that name; None if there is none."""
        if name in self.columns:
            return self.columns[name]
        if self.rest is None or name in self.gone:
            return None
        if self.root:
            return self.rest | Facts(reads={f"{self.root}.{name}": float(self.up_to or 0)})
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
        return self.all_facts | Facts(reads={f"{self.root}.*": float(self.up_to or 0)})

    def with_column(self, name: str, facts: Facts) -> Table:
        return replace(self, columns={**self.columns, name: facts}, gone=self.gone - {name})

    def mapped(self, change: Callable[[Facts], Facts]) -> Table:
        rest = change(self.rest) if self.rest is not None else None
        return replace(self, columns={n: change(f) for n, f in self.columns.items()}, rest=rest)


class Grouped(Struct, frozen=True, kw_only=True):
    """A frame or column after `groupby`; `picked` are the selected columns, None for all."""

    base: Table | Cells
    keys: tuple[Key, ...]
    picked: tuple[str, ...] | None = None
    single: bool = False
    as_index: bool = True


class Windowed(Struct, frozen=True, kw_only=True):
    """A frame, column or group after `rolling`, `expanding`, `ewm` or `resample`; `ahead` is what it will add."""

    base: Table | Cells | Grouped
    kind: str
    rows_ahead: int = 0
    aheads: tuple[Ahead, ...] = ()
    keys: tuple[Key, ...] = ()


class Position(Struct, frozen=True, kw_only=True):
    """A number that stands for a row: a loop's index, moved by `offset`; `facts` are what it was found by."""

    offset: int = 0
    rows: Rows = ALL_ROWS
    facts: Facts = NOTHING


class Stretch(Struct, frozen=True, kw_only=True):
    """A slice with its ends; None where open."""

    low: Value | None = None
    high: Value | None = None
    step: Value | None = None


class Seq(Struct, frozen=True):
    """A list or tuple: its items where they are known, else what any item may be, but none of `without`."""

    items: tuple[Value, ...] | None
    any_item: Value | None = None
    is_list: bool = False
    without: frozenset[str] = frozenset()


class Mapped(Struct, frozen=True):
    """A dict: its items by constant key, and what any other may be."""

    items: Mapping[Any, Value] = field(default_factory=dict)
    any_item: Value | None = None


class Symbol(Struct, frozen=True):
    """A module, function or class of a library, by its dotted path."""

    path: str


class Method(Struct, frozen=True):
    """A method (or an accessor such as `.dt`) taken from a value, not yet called."""

    owner: Value
    name: str


class Function(Struct, frozen=True, kw_only=True):
    """A function of the notebook, with the scope that it closes over."""

    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
    scope: Any
    owner: Value | None = None
    cell: int = 0


class Partial(Struct, frozen=True, kw_only=True):
    """A function with some of its arguments given already."""

    function: Value
    places: tuple[Value, ...] = ()
    names: Mapping[str, Value] = field(default_factory=dict)


class Class(Struct, frozen=True, kw_only=True):
    """A class of the notebook."""

    node: ast.ClassDef
    methods: Mapping[str, Value]
    bases: tuple[str, ...] = ()


class Instance(Struct, frozen=True, kw_only=True):
    """An object of a class of the notebook."""

    of: Class
    fields: Mapping[str, Value] = field(default_factory=dict)


class Estimator(Struct, frozen=True, kw_only=True):
    """An object with `fit`. `role` is that of its class; `parts` are a pipeline's steps or a search's subject,
    `taken` the columns that a column transformer names.

    `fitted` are the rows it was last fitted on, None before; `given` is what its settings were learnt from.
    """

    name: str
    role: str
    parts: tuple[Value, ...] = ()
    fitted: Rows | None = None
    learnt: Facts = NOTHING
    fit_span: Span | None = None
    settings: Mapping[str, Value] = field(default_factory=dict)
    taken: tuple[str, ...] | None = None
    given: Facts = NOTHING


class Splitter(Struct, frozen=True, kw_only=True):
    """A cross-validation splitter, or a call that makes folds."""

    name: str
    shuffles: bool = False
    in_time: bool = False
    grouped: bool = False
    gap: Value | None = None
    span: Span | None = None


class Folds(Struct, frozen=True, kw_only=True):
    """What a splitter's `split` gives: pairs of row positions."""

    splitter: Splitter
    id: str
    rows: Rows = ALL_ROWS


class Picks(Struct, frozen=True):
    """Row positions or labels that select rows: one side of a fold, or the index of a part."""

    bound: Bound
    rows: Rows = ALL_ROWS


class Deferred(Struct, frozen=True):
    """An expression over a frame that is not given yet (polars, `ibis._`): a function of table and scope."""

    build: Callable[[Table, Scope], Value]
    name: str | None = None
    library: str = "polars"
    table: Table | None = None


class Scope(Struct, frozen=True, kw_only=True):
    """Where a deferred expression is evaluated: within groups, in an order, over a frame of rows."""

    keys: tuple[Key, ...] = ()
    order: Order | None = None
    frame: Frame | None = None


class Ref(Struct, frozen=True):
    """A place on the heap: what Python may mutate is shared by reference."""

    place: int


class Opaque(Struct, frozen=True, kw_only=True):
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
NONE = Const(None)
# What `_` stands for in Ibis: the table that an expression is given.
THE_TABLE = Deferred(lambda table, _scope: table, library="ibis")
# categories that are given, whatever the rows hold
GIVEN_KINDS = "given kinds"
# what a search says of the best of its candidates
BEST_SCORE = "best score"
