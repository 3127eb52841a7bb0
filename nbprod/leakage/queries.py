"""Queries on relations, stated in terms: what Ibis and SQL do alike with predicates, joins and subqueries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from nbprod.leakage import terms as tm
from nbprod.leakage.columns import column_of
from nbprod.leakage.horizon import CONSTANT, EVERY_ROW, Move, Value, join
from nbprod.leakage.joining import joined, matched, settled
from nbprod.leakage.predicates import facts_of
from nbprod.leakage.reading import reading
from nbprod.leakage.relations import Relation, doubted, kept, projected

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Predicate = Callable[[Relation], tm.Term]

NEWEST = "newest of each group"
"""How a filter is called that keeps what is current when the query runs: a leak once past rows are given it."""

INNER = "inner."
"""The prefix of the columns of a subquery's table, beside those of the query around it."""


def reads_rows(term: tm.Term) -> bool:
    """Whether a term reads rows other than its own."""
    return isinstance(term, tm.Over | tm.Reduce) or any(map(reads_rows, tm.parts_of(term)))


def made(relation: Relation, terms: Mapping[str, tm.Term]) -> Relation:
    """The relation with the columns that these terms make of its rows."""
    if any(map(reads_rows, terms.values())):
        relation = settled(relation)
    return projected(relation, {name: column_of(term, relation) for name, term in terms.items()})


def filtered(relation: Relation, predicate: tm.Term, *, says: str = "filter") -> Relation:
    """The rows where a predicate holds."""
    if reads_rows(predicate):
        relation = settled(relation)
    if _picks_newest(predicate, relation):
        says = NEWEST
    value = column_of(predicate, relation).value
    found = kept(relation, value, facts=facts_of(predicate, relation), says=says)
    return replace(found, firsts=_firsts_of(predicate, relation) or relation.firsts)


def _firsts_of(predicate: tm.Term, relation: Relation) -> frozenset[str]:
    """What the rows of a table were grouped by, where the predicate keeps the earliest of each group alone."""
    match predicate:
        case tm.Compare("=", numbered, tm.Fixed(number=1)):
            counts = column_of(numbered, relation).counts
        case _:
            return frozenset()
    plain = counts is not None and counts.ascending and not counts.offset and not counts.clock
    return counts.within if counts is not None and plain and isinstance(counts.of, str) else frozenset()


def _picks_newest(predicate: tm.Term, relation: Relation) -> bool:
    """Whether it keeps the newest rows of each group, by their number counted from the newest on."""
    match predicate:
        case tm.Compare("=" | "<" | "<=", numbered, tm.Fixed()):
            counts = column_of(numbered, relation).counts
        case _:
            return False
    return counts is not None and not counts.ascending and bool(counts.within) and not counts.clock


def linked(left: Relation, right: Relation, *, how: str, prefix: str, holds: Predicate) -> Relation:
    """A join of one kind; the right columns get the prefix, `holds` gives the predicate on the pairs.

    The kinds are those of Ibis. Rows matched by position, and those that an outer join adds, are unproved.
    """
    if how == "right":
        return _linked_right(left, right, prefix=prefix, holds=holds)
    once = how in {"asof", "semi", "anti", "any_inner", "any_left"}
    pairs = joined(left, right, right_prefix=prefix, picks_one=once)
    added = frozenset(pairs.columns) - frozenset(left.columns)
    both = _where(
        pairs, holds, prefix=prefix, partner=added if how in _KEEPS_LEFT else None, says=f"{how} join"
    )
    if how in {"semi", "anti"}:
        return replace(both, columns={name: both.columns[name] for name in left.columns}, others=left.others)
    return doubted(both) if how in {"outer", "positional"} else both


_KEEPS_LEFT = frozenset(("left", "asof", "any_left", "outer"))


def _linked_right(left: Relation, right: Relation, *, prefix: str, holds: Predicate) -> Relation:
    named = {f"{prefix}{name}": column for name, column in right.columns.items()}
    others = {f"{prefix}{alias}".rstrip("."): column for alias, column in right.others.items()}
    pairs = joined(replace(right, columns=named, others=others), left, right_prefix="")
    return _where(pairs, holds, prefix="", partner=frozenset(left.columns), says="right join")


def _where(
    pairs: Relation, holds: Predicate, *, prefix: str, partner: frozenset[str] | None, says: str
) -> Relation:
    term = holds(pairs)
    value = column_of(term, pairs).value
    return matched(pairs, value, facts=facts_of(term, pairs), right_prefix=prefix, partner=partner, says=says)


def scalar_of(inner: Relation) -> Value:
    """The value of a subquery that gives one row."""
    inner = settled(inner)
    values = join(column.value for column in inner.columns.values())
    if not inner.timed:
        return values | inner.rows
    return reading(inner, values, hops=(EVERY_ROW,), says=Move(says="one row of all"))


def set_of(inner: Relation) -> Value:
    """The value of asking whether something is among a subquery's rows."""
    inner = settled(inner)
    values = join(column.value for column in inner.columns.values())
    return reading(inner, values, hops=(EVERY_ROW,), says=Move(says="among all rows"))


def correlated(outer: Relation, inner: Relation, *, holds: Predicate, says: str) -> Relation:
    """The pairs of an outer row and the rows of a subquery for which its predicate holds."""
    pairs = joined(replace(outer, rows=CONSTANT), inner, right_prefix=INNER, picks_one=True)
    return _where(pairs, holds, prefix=INNER, partner=None, says=says)


def existence_of(outer: Relation, inner: Relation, *, holds: Predicate) -> Value:
    """The value of asking whether the inner table has a row for which the predicate holds."""
    return settled(correlated(outer, inner, holds=holds, says="exists")).rows
