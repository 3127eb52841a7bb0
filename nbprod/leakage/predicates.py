"""What a predicate says of times and of equal columns, in every row where it holds."""

from __future__ import annotations

from functools import reduce
from operator import and_, or_
from typing import TYPE_CHECKING

from msgspec.structs import replace

from nbprod.leakage.columns import column_of
from nbprod.leakage.horizon import NO_TIME
from nbprod.leakage.joining import end_of
from nbprod.leakage.relations import Column, Facts, Relation
from nbprod.leakage.terms import (
    Call,
    Compare,
    Every,
    Fixed,
    Gap,
    Not,
    Period,
    Same,
    Some,
    Term,
    parts_of,
)
from nbprod.leakage.times import TAU, Bound

if TYPE_CHECKING:
    from collections.abc import Mapping

_FLIPPED: Mapping[str, str] = {"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<=", "!=": "!="}


_NEGATED: Mapping[str, str] = {"=": "!=", "!=": "=", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}


def facts_of(predicate: Term, relation: Relation) -> Facts:
    """What holds about times and equal columns in every row where the predicate holds."""
    match predicate:
        case Every(terms):
            found = reduce(and_, (facts_of(term, relation) for term in terms), Facts())
            return reduce(and_, (_counted(term, found, relation) for term in terms), found)
        case Some(terms) if terms:
            return reduce(or_, (facts_of(term, relation) for term in terms))
        case Not(Compare(operator, left, right)):
            return facts_of(Compare(_NEGATED[operator], left, right), relation)
        case Not(Not(argument)) | Same(argument):
            return facts_of(argument, relation)
        case Compare(operator, left, right):
            found = _comparison(operator, _folded(left), _folded(right), relation)
            return found & _counted(predicate, found, relation)
        case _:
            return Facts()


def _counted(term: Term, known: Facts, relation: Relation) -> Facts:
    """What a comparison of two rows' numbers says of their times, where both are numbered among the same rows."""
    match term:
        case Compare(("=" | "<" | "<=" | ">" | ">=") as operator, left, right):
            one, two = column_of(left, relation).counts, column_of(right, relation).counts
        case _:
            return Facts()
    if (
        one is None
        or two is None
        or (one.of, one.within, one.ascending) != (two.of, two.within, two.ascending)
    ):
        return Facts()
    shared = all(frozenset({one.named(name), two.named(name)}) in known.equal for name in one.within)
    if one.clock == two.clock or not shared:
        return Facts()
    # one + its offset OPERATOR two + its offset: by how much the one's number exceeds the other's at most, at least
    most = two.offset - one.offset - (operator == "<") if operator in ("=", "<", "<=") else None
    least = two.offset - one.offset + (operator == ">") if operator in ("=", ">", ">=") else None
    first, second = (one, two) if one.ascending else (two, one)
    bounds = {}
    if most is not None and most <= 0:
        bounds[first.clock, second.clock] = (NO_TIME, True)
    if least is not None and least >= 0:
        bounds[second.clock, first.clock] = (NO_TIME, True)
    return Facts(bounds=bounds)


def _folded(term: Term) -> Term:
    """A constant, where a term is computed of constants alone."""
    parts = tuple(map(_folded, parts_of(term)))
    if not parts or not all(isinstance(part, Fixed) for part in parts):
        return term
    texts = [part.text for part in parts if isinstance(part, Fixed)]
    return Fixed(f"{term.name}({', '.join(texts)})" if isinstance(term, Call) else " ".join(texts))


def _comparison(operator: str, left: Term, right: Term, relation: Relation) -> Facts:
    match left, right:
        case ((Gap() | Call("abs", (Gap(),))), (Fixed() | Period())):
            return _gap_facts(operator, left, right, relation)
        case ((Fixed() | Period()), (Gap() | Call("abs", (Gap(),)))):
            return _gap_facts(_FLIPPED[operator], right, left, relation)
        case Fixed(), _:
            return _comparison(_FLIPPED[operator], right, left, relation)
        case _, Fixed(text):
            return _constant_facts(operator, column_of(left, relation), text)
        case _:
            return _column_facts(operator, column_of(left, relation), column_of(right, relation))


def _constant_facts(operator: str, column: Column, text: str) -> Facts:
    bound = column.bound
    is_capped = bound is not None and bound.clock == TAU and bound.low is not None
    name = column.identity.rpartition(".")[2]
    return Facts(until=f"{name} {operator} {text}") if is_capped and operator in {"<", "<=", "="} else Facts()


def _column_facts(operator: str, left: Column, right: Column) -> Facts:
    match operator:
        case "=":
            both = _column_facts("<=", left, right) & _column_facts(">=", left, right)
            named = bool(left.identity and right.identity)
            pair = frozenset({frozenset({left.identity, right.identity})}) if named else frozenset()
            return replace(both, equal=pair)
        case "<" | "<=" if left.bound is not None and right.bound is not None:
            return _not_after(left.bound, right.bound, strictly=operator == "<")
        case ">" | ">=":
            return _column_facts(_FLIPPED[operator], right, left)
        case _:
            return Facts()


def _not_after(one: Bound, two: Bound, *, strictly: bool) -> Facts:
    if strictly and one.grid and one.grid == two.grid:
        return _not_after_on_grid(one.next(), two, strictly=True)
    return _not_after_on_grid(one, two, strictly=strictly)


def _not_after_on_grid(one: Bound, two: Bound, *, strictly: bool) -> Facts:
    bounds = {}
    if one.low is not None and two.high is not None and one.clock != two.clock:
        bounds[one.clock, two.clock] = (two.high - one.low, not strictly)
    # The end of the unit in which a clock on the grid stands, where both sides can be moved to it.
    to_end = 1 - one.cells
    if one.grid and one.within is None and one.clock != two.clock and (not to_end or one.grid == two.grid):
        end = two.next(to_end) if to_end else two
        if end.high is not None:
            bounds[end_of(one.clock), two.clock] = (end.high, True)
    return Facts(bounds=bounds)


def _gap_facts(operator: str, gap: Term, amount: Fixed | Period, relation: Relation) -> Facts:
    match gap:
        case Call("abs", (Gap(later, earlier, unit),)):
            if operator not in {"<", "<=", "="}:
                return Facts()
            upper = "<" if operator == "<" else "<="
            forth = _gap_facts(upper, Gap(later, earlier, unit), amount, relation)
            return forth & _gap_facts(upper, Gap(earlier, later, unit), amount, relation)
        case Gap(later, earlier, unit):
            one, two = column_of(later, relation), column_of(earlier, relation)
            moved = _later_by(one, two, unit=unit, amount=amount)
            return Facts() if moved is None else _column_facts(operator, moved[0], moved[1])
        case _:
            return Facts()


def _later_by(one: Column, two: Column, *, unit: str, amount: Fixed | Period) -> tuple[Column, Column] | None:
    """Both sides of a comparison of times that says the same as one of their gap with an amount."""
    if one.bound is None or two.bound is None:
        return None
    match amount:
        case Fixed(number=number) if number is not None and unit and number == int(number):
            start, other = one.bound.truncated(unit), two.bound.truncated(unit).next(int(number))
            return Column(bound=start), Column(bound=other)
        case Period(time=time, months=months) if not unit:
            return Column(bound=one.bound), Column(bound=two.bound.plus(time=time, months=months))
        case _:
            return None
