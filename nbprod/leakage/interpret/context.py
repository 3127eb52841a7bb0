"""One interpretation under way: names, heap, what was seen to happen, and what tells that data have a time."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field
from msgspec.structs import replace

from nbprod.leakage.interpret.clocks import is_time_name
from nbprod.leakage.interpret.facts import ALL_ROWS, NOTHING, Bound, Facts, Rows, joined
from nbprod.leakage.interpret.values import (
    Cells,
    Const,
    Deferred,
    Estimator,
    Folds,
    Grouped,
    Instance,
    Mapped,
    Method,
    Opaque,
    Picks,
    Position,
    Ref,
    Seq,
    Table,
    Value,
    Windowed,
)
from nbprod.leakage.interpret.watching import Watch
from nbprod.model import Span, Step
from nbprod.notebook import code_points

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Env = dict[str, Value]


class Sink(Struct, frozen=True, kw_only=True):
    """A place where data meet a model: `kind` is fit, predict, validate, search, split, score or stop."""

    kind: str
    span: Span
    features: Value
    labels: Value | None = None
    model: str = ""
    role: str = ""
    name: str = ""
    rows: Rows = ALL_ROWS
    in_loop: bool = False
    entered: Step | None = None
    model_id: int | None = None


class Split(Struct, frozen=True, kw_only=True):
    """A division of rows: `how` is shuffled, ordered, folds, time-folds, sample or positional."""

    id: str
    how: str
    span: Span
    facts: Facts = NOTHING
    rows: Rows = ALL_ROWS
    shape: str = ""
    what: str = ""
    gap: Value | None = None
    grouped: bool = False
    columns: tuple[str, ...] = ()
    edits: tuple[Any, ...] = ()
    labels: Facts | None = None
    one_a_row: tuple[str, ...] = ()


class Record(Struct):
    """What happened, in order, as the judge reads it."""

    sinks: list[Sink] = field(default_factory=list)
    splits: dict[str, Split] = field(default_factory=dict)
    times: dict[str, set[str]] = field(default_factory=dict)
    exact_times: dict[str, set[str]] = field(default_factory=dict)
    free: set[str] = field(default_factory=set)
    static: set[str] = field(default_factory=set)
    sequences: set[str] = field(default_factory=set)
    stored: dict[str, Span] = field(default_factory=dict)
    scored: list[Sink] = field(default_factory=list)
    shown: dict[str, int] = field(default_factory=dict)
    used: dict[str, int] = field(default_factory=dict)
    columns_shown: set[tuple[str, str]] = field(default_factory=set)
    columns_used: set[tuple[str, str]] = field(default_factory=set)
    entered: dict[object, Step] = field(default_factory=dict)
    returned: list[tuple[str, Value, Span]] = field(default_factory=list)
    chosen: list[tuple[Span, Rows | None]] = field(default_factory=list)
    results: list[tuple[Span, Rows]] = field(default_factory=list)
    opaque: list[tuple[Span, str]] = field(default_factory=list)
    unread: list[Span] = field(default_factory=list)
    bound: list[tuple[str, Value, Span]] = field(default_factory=list)
    fills: list[tuple[Span, str, frozenset[str]]] = field(default_factory=list)
    grouped: set[tuple[str, str]] = field(default_factory=set)


class Args(Struct, frozen=True):
    """The arguments of a call, evaluated; `nodes` are theirs in the source, by place or name."""

    places: tuple[Value, ...] = ()
    names: Mapping[str, Value] = field(default_factory=dict)
    nodes: Mapping[int | str, ast.expr] = field(default_factory=dict)
    node: ast.AST | None = None

    def get(self, place: int | None, name: str) -> Value | None:
        """The argument given by name, else by place."""
        if name in self.names:
            return self.names[name]
        if place is not None and place < len(self.places):
            return self.places[place]
        return None

    def constant(self, place: int | None, name: str, default: Any = None) -> Any:
        """The argument's value where it is a known constant, else the default."""
        match self.get(place, name):
            case Const(value):
                return value
            case _:
                pass
        return default

    def node_of(self, place: int | None, name: str) -> ast.expr | None:
        return self.nodes.get(name) or (self.nodes.get(place) if place is not None else None)

    @property
    def every(self) -> tuple[Value, ...]:
        return (*self.places, *self.names.values())


# Expressions that may be read at once, and how many each cell adds to what is left: a loop that never ends costs a
# notebook its patience for the moment, and many plain cells cost it nothing.
_MOST_FUEL = 40_000
_FUEL_A_CELL = 2_000


class Run(Struct):
    """The interpreter's state, and the door through which its parts call each other."""

    evaluate: Callable[[Run, ast.expr], Value]
    execute: Callable[[Run, list[ast.stmt]], None]
    call: Callable[[Run, Value, Args, ast.AST], Value]
    env: Env = field(default_factory=dict)
    top: Env = field(default_factory=dict)
    frees: Env = field(default_factory=dict)
    heap: dict[int, Value] = field(default_factory=dict)
    record: Record = field(default_factory=Record)
    cell: int = 0
    lines: tuple[str, ...] = ()
    depth: int = 0
    loops: int = 0
    comprehensions: int = 0
    showing: bool = False
    returns: list[Value] = field(default_factory=list)
    sources: dict[int, tuple[str, ...]] = field(default_factory=dict)
    libraries: dict[str, str] = field(default_factory=dict)
    frame_names: Mapping[str, bool] = field(default_factory=dict)
    dated: Mapping[str, bool] = field(default_factory=dict)
    time: str | None = None
    entity: str | None = None
    known: Mapping[str, str] = field(default_factory=dict)
    fuel: int = _MOST_FUEL
    following: tuple[ast.AST, ...] = ()
    stopped: bool = False
    called: set[int] = field(default_factory=set)
    node: ast.AST | None = None
    watch: Watch = field(default_factory=Watch)
    filling: dict[int, int] = field(default_factory=dict)
    next_place: int = 1

    @property
    def is_repeating(self) -> bool:
        """Whether what happens now happens once for each of several things."""
        return bool(self.loops or self.comprehensions)

    def refuel(self) -> None:
        """Let another cell be read, whatever the cells before it have used up."""
        self.fuel = min(_MOST_FUEL, max(self.fuel, 0) + _FUEL_A_CELL)

    def span(self, node: ast.AST) -> Span:
        """Where a node stands in its cell, with columns in code points."""
        line = getattr(node, "lineno", 1)
        end = getattr(node, "end_lineno", line) or line
        start_column = self._column(line, getattr(node, "col_offset", 0))
        end_column = self._column(end, getattr(node, "end_col_offset", 0) or 0)
        return Span(cell=self.cell, line=line, column=start_column, end_line=end, end_column=end_column)

    def _column(self, line: int, offset: int) -> int:
        return code_points(self.lines[line - 1], offset) if 0 < line <= len(self.lines) else offset

    def text(self, node: ast.AST, *, most: int = 60) -> str:
        """The node's source on one line, shortened."""
        try:
            text = ast.unparse(node)
        except (ValueError, RecursionError, AttributeError):
            return "?"
        text = " ".join(text.split())
        return text if len(text) <= most else text[: most - 1] + "…"

    def at(self, value: Value | None) -> Value:
        """What a reference leads to; any other value is itself."""
        while isinstance(value, Ref):
            place = value.place
            value = self.heap.get(place)
            self.watch.place(place, value)
        return value if value is not None else Opaque()

    def new(self, value: Value) -> Ref:
        """A place on the heap that holds the value."""
        place = self.next_place
        while place in self.heap:
            place += 1
        self.next_place = place + 1
        self.heap[place] = value
        return Ref(place)

    def stored(self, value: Value) -> Value:
        """The value as Python would hand it on: by reference where it can be mutated."""
        if isinstance(value, Table | Estimator | Instance) or (isinstance(value, Seq) and value.is_list):
            return self.new(value)
        if isinstance(value, Mapped):
            return self.new(value)
        return value

    def facts(self, value: Value | None, *, depth: int = 0) -> Facts:
        """The join of all data that a value holds."""
        value = self.at(value)
        if depth > 6:
            return NOTHING
        match value:
            case Cells(facts=facts) | Opaque(facts=facts) | Position(facts=facts):
                return facts
            case Table():
                return value.every_fact
            case Grouped(base=base) | Windowed(base=base):
                return self.facts(base, depth=depth + 1)
            case Seq(items=items, any_item=any_item):
                every = (*(items or ()), *((any_item,) if any_item is not None else ()))
                return joined(self.facts(item, depth=depth + 1) for item in every[:64])
            case Mapped(items=items, any_item=any_item):
                each = (*items.values(), *((any_item,) if any_item is not None else ()))
                return joined(self.facts(item, depth=depth + 1) for item in each[:64])
            case Instance(fields=fields):
                return joined(self.facts(item, depth=depth + 1) for item in list(fields.values())[:32])
            case Method(owner=owner):
                return self.facts(owner, depth=depth + 1)
            case Deferred() if value.table is not None:
                from nbprod.leakage.interpret.deferred import built

                return self.facts(built(self, value, value.table), depth=depth + 1)
        return NOTHING

    def rows(self, value: Value | None) -> Rows:
        """The rows that a value holds data of."""
        value = self.at(value)
        match value:
            case (
                Cells(rows=rows) | Table(rows=rows) | Opaque(rows=rows) | Folds(rows=rows) | Picks(rows=rows)
            ):
                return rows
            case Grouped(base=base) | Windowed(base=base):
                return self.rows(base)
            case Instance(fields=fields):
                found = (self.rows(field) for field in list(fields.values())[:32])
                return next((rows for rows in found if rows.tables), ALL_ROWS)
            case Seq(items=items, any_item=any_item):
                first = next(iter(items or ()), any_item)
                return self.rows(first) if first is not None else ALL_ROWS
            case Deferred() if value.table is not None:
                return value.table.rows
        return ALL_ROWS

    def saw_time(self, facts: Facts, *, exact: bool = False) -> None:
        """Note that the columns behind these facts hold times."""
        for source in facts.reads:
            table, _, column = source.partition(".")
            self.record.times.setdefault(table, set()).add(column)
            if exact:
                self.record.exact_times.setdefault(table, set()).add(column)

    def saw_column(self, root: str, column: str) -> None:
        if root and (is_time_name(column) or self.dated.get(column)):
            self.record.times.setdefault(root, set()).add(column)

    def is_time(self, name: str | None, facts: Facts = NOTHING) -> bool:
        """Whether a column holds times, by declaration, by what it was made of, or by its name."""
        if facts.clock is not None and not facts.clock.cyclic:
            return True
        if name is None:
            return False
        if name == self.time or name in self.known.values():
            return True
        exact = self.record.exact_times
        pairs = (source.partition(".") for source in facts.reads)
        if not facts.derived and any(column in exact.get(table, ()) for table, _, column in pairs):
            return True
        return is_time_name(name) or bool(self.dated.get(name))

    def key_of(self, value: Value | None, node: ast.AST | None = None) -> Any:
        """Something that tells bounds apart: the constant, or the text of the expression."""
        value = self.at(value)
        if isinstance(value, Const):
            return value.value if _hashable(value.value) else repr(value.value)
        return self.text(node) if node is not None else "?"


def narrowed(value: Value, *bounds: Bound) -> Value:
    """The value on fewer rows."""
    match value:
        case Table() | Cells() | Opaque():
            return replace(value, rows=value.rows.narrowed(*bounds))
        case _:
            pass
    return value


def _hashable(value: object) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return True
