"""What the text of a query tells of the times of its tables, where nobody declares them."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import sqlglot
from msgspec import Struct, field
from sqlglot import exp

from nbprod.leakage.interpret.clocks import is_sequence_name, is_time_name
from nbprod.leakage.interpret.dated import is_date_text
from nbprod.leakage.sql_queries import aggregates_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


class Told(Struct, frozen=True, kw_only=True):
    """`main` is the table whose rows the result's are, `columns` those that the text takes from each table.

    `orders` are the columns that order windows, `compared` those that are found to be before or after another
    table's, `lookups` the tables that are only ever met by equal keys. `dated` are columns that the
    text treats as times: compared with dates, cut to units, moved by intervals. `computes` says that something
    is taken over rows, `grouped` that rows are put into groups.
    """

    main: str = ""
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    orders: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    lookups: frozenset[str] = frozenset()
    compared: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    tables: frozenset[str] = frozenset()
    dated: frozenset[str] = frozenset()
    computes: bool = False
    grouped: bool = False

    def time(self, times: Mapping[str, str], is_time: Callable[[str], bool] = is_time_name) -> str | None:
        """The rows' time: that of the main table, else what windows are ordered by, else any that is named so."""
        if self.main in times:
            return times[self.main]
        candidates = (*self.orders, *self.named)
        found = next((name for name in candidates if is_time(name)), None)
        return found or next((name for name in self.orders if is_sequence_name(name)), None)


@lru_cache(maxsize=256)
def told(text: str, dialect: str) -> Told:
    """What a text tells; nothing, if it can't be read."""
    try:
        trees = [tree for tree in sqlglot.parse(text, dialect=dialect) if tree is not None]
    except (sqlglot.errors.SqlglotError, RecursionError):
        return Told()
    tables = [table for tree in trees for table in tree.find_all(exp.Table)]
    made = {cte.alias.lower() for tree in trees for cte in tree.find_all(exp.CTE)}
    aliases = {table.alias_or_name.lower(): table.name for table in tables}
    every = [column for tree in trees for column in tree.find_all(exp.Column)]
    taken: dict[str, list[str]] = {}
    for column in every:
        if column.table.lower() in aliases:
            taken.setdefault(aliases[column.table.lower()], []).append(column.name)
    facts = {table.name for table in tables if not _is_lookup(table)}
    windows = [window for tree in trees for window in tree.find_all(exp.Window) if window.args.get("order")]
    keys = [key.this for window in windows for key in window.args["order"].expressions]
    return Told(
        main=next(filter(None, map(_main_of, trees)), ""),
        columns={name: tuple(dict.fromkeys(columns)) for name, columns in taken.items()},
        orders=tuple(dict.fromkeys(key.name for key in keys if isinstance(key, exp.Column))),
        named=tuple(dict.fromkeys(column.name for column in every)),
        compared=_compared(trees, aliases),
        tables=frozenset(table.name for table in tables if table.name and table.name.lower() not in made),
        grouped=any(tree.find(exp.Group, exp.Distinct) for tree in trees),
        computes=any(tree.find(exp.Window, exp.AggFunc) for tree in trees),
        dated=frozenset(name for tree in trees for name in _dated(tree)),
        lookups=frozenset(table.name for table in tables if table.name.lower() not in made) - facts,
    )


_OF_TIMES = (exp.DateDiff, exp.TimestampDiff, exp.TimestampTrunc, exp.DateTrunc, exp.DateBin, exp.Extract)
_COMPARING = (exp.LT, exp.LTE, exp.GT, exp.GTE, exp.Between)


def _dated(tree: exp.Expr) -> Iterable[str]:
    """The columns that a text treats as times."""
    for node in tree.find_all(*_OF_TIMES, *_COMPARING, exp.Add, exp.Sub, exp.Window):
        match node:
            case exp.Window():
                yield from _ranged(node)
            case exp.Add() | exp.Sub():
                yield from (_columns(node.left) if isinstance(node.right, exp.Interval) else ())
            case exp.DateBin():
                yield from _columns(node.expression)
            case exp.Extract():
                yield from (_columns(node.expression) if node.name.lower() in _PARTS else ())
            case _ if isinstance(node, _COMPARING):
                others = (node.args.get(key) for key in ("expression", "low", "high"))
                yield from (_columns(node.this) if any(map(_is_date, others)) else ())
            case _:
                yield from (*_columns(node.this), *_columns(node.args.get("expression")))


_PARTS = frozenset(
    ("year", "month", "day", "hour", "minute", "dow", "doy", "week", "quarter", "epoch", "isodow")
)


def _ranged(window: exp.Window) -> Iterable[str]:
    """What orders a window whose frame is as long as an interval."""
    spec, order = window.args.get("spec"), window.args.get("order")
    if spec is None or order is None or not any(spec.find_all(exp.Interval)):
        return ()
    return [key.this.name for key in order.expressions if isinstance(key.this, exp.Column)]


def _columns(node: exp.Expr | None) -> tuple[str, ...]:
    return (node.name,) if isinstance(node, exp.Column) else ()


def _is_date(node: exp.Expr | None) -> bool:
    literal = node.this if isinstance(node, exp.Cast) else node
    return isinstance(literal, exp.Literal) and literal.is_string and is_date_text(literal.name)


def _compared(trees: list[exp.Expr], aliases: Mapping[str, str]) -> Mapping[str, tuple[str, ...]]:
    """The columns that are compared with another table's by an inequality."""
    found: dict[str, list[str]] = {}
    for node in (
        node for tree in trees for node in tree.find_all(exp.LT, exp.LTE, exp.GT, exp.GTE, exp.Between)
    ):
        sides = [one for one in node.find_all(exp.Column) if one.table.lower() in aliases]
        if len({one.table.lower() for one in sides}) < 2:
            continue
        for one in sides:
            found.setdefault(aliases[one.table.lower()], []).append(one.name)
    return {table: tuple(dict.fromkeys(columns)) for table, columns in found.items()}


def _main_of(tree: exp.Expr) -> str:
    """The table after the outermost FROM."""
    match tree:
        case exp.Table():
            return tree.name
        case exp.SetOperation():
            return _main_of(tree.left)
        case exp.Create():
            return _main_of(tree.expression) if tree.expression is not None else ""
        case exp.Subquery():
            return _main_of(tree.this)
        case _:
            source = tree.args.get("from_") or tree.args.get("from")
            return _main_of(source.this) if source is not None else ""


def _is_lookup(table: exp.Table) -> bool:
    """Whether a table is joined by equal keys alone, and nothing is taken over its rows."""
    join, select = table.parent, table.parent_select
    if not isinstance(join, exp.Join) or not isinstance(select, exp.Select):
        return False
    if str(join.args.get("method") or "").upper() or select.args.get("group") or aggregates_in(select):
        return False
    condition = join.args.get("on")
    return condition is None or all(isinstance(part, exp.EQ) for part in _parts(condition))


def _parts(condition: exp.Expr) -> Iterable[exp.Expr]:
    match condition:
        case exp.Paren():
            return _parts(condition.this)
        case exp.And():
            return (*_parts(condition.left), *_parts(condition.right))
        case _:
            return (condition,)
