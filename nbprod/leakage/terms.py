"""What a column is computed by, in terms that Ibis and SQL share: their horizons and what predicates say of time.

A front end translates its own tree into terms and asks `column_of(term, relation)` for the column that a term
makes there, and `facts_of(predicate, relation)` for what holds about times wherever the predicate does.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from functools import reduce
from operator import and_, or_
from typing import TYPE_CHECKING, Literal, TypeAlias

from nbprod.leakage.horizon import (
    CONSTANT,
    EVERY_ROW,
    NO_TIME,
    PRESENT,
    WHOLE_SAMPLE,
    Hop,
    Move,
    Value,
    join,
    value_of,
)
from nbprod.leakage.relations import (
    TAU,
    Bound,
    Column,
    Facts,
    Frame,
    Key,
    Relation,
    direction_of,
    end_of,
    hops_of,
    reading,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@dataclass(frozen=True, slots=True)
class Name:
    """A column of the relation."""

    name: str


@dataclass(frozen=True, slots=True)
class Fixed:
    """A literal or a parameter, as text."""

    text: str = ""
    number: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """A literal interval."""

    time: timedelta = NO_TIME
    months: int = 0

    def __neg__(self) -> Period:
        return Period(time=-self.time, months=-self.months)


@dataclass(frozen=True, slots=True)
class Call:
    """A function of the row's values alone."""

    name: str
    arguments: tuple[Term, ...] = ()


@dataclass(frozen=True, slots=True)
class Same:
    """A cast or alias that changes no order and no time."""

    argument: Term


@dataclass(frozen=True, slots=True)
class Truncated:
    """The start of the calendar unit that holds a time."""

    argument: Term
    unit: str


@dataclass(frozen=True, slots=True)
class Moved:
    """A time, a period later."""

    argument: Term
    period: Period


@dataclass(frozen=True, slots=True)
class Gap:
    """The duration from `earlier` to `later`; with a unit, the number of its starts between them."""

    later: Term
    earlier: Term
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Compare:
    """A comparison: `=`, `<`, `<=`, `>`, `>=` or `!=`."""

    operator: str
    left: Term
    right: Term


@dataclass(frozen=True, slots=True)
class Every:
    """A conjunction."""

    terms: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Some:
    """A disjunction."""

    terms: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """A negation."""

    argument: Term


@dataclass(frozen=True, slots=True)
class Sorted:
    """A key of an order."""

    argument: Term
    ascending: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Reduce:
    """An aggregate over rows.

    `picks` says that it is the `first` or `last` row's value in the window's order, or the one where `key` is
    least; `keeps_nulls` that a null counts as a value there (None: it depends on the engine, so what is said for
    values without nulls is unproved). `skips_nulls` says that rows whose argument is null don't matter.
    """

    name: str
    arguments: tuple[Term, ...] = ()
    where: Term | None = None
    order: tuple[Sorted, ...] = ()
    picks: Literal["", "first", "last", "least"] = ""
    key: Term | None = None
    keeps_nulls: bool | None = False
    skips_nulls: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """The value so many rows ahead in the window's order (negative: back); None where it isn't a constant."""

    name: str
    argument: Term
    rows: int | None
    default: Term = Fixed()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rank:
    """The row's place in the window's order; `sized` where the number of rows counts too."""

    name: str
    sized: bool = False
    arguments: tuple[Term, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Over:
    """A window: the frame is in the window's order, None for functions that have none."""

    function: Reduce | Shift | Rank
    partition: tuple[Term, ...] = ()
    order: tuple[Sorted, ...] = ()
    frame: Frame | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """A term whose value was computed elsewhere: a subquery."""

    value: Value


@dataclass(frozen=True, slots=True)
class WallClock:
    """When the program runs."""

    name: str = "now()"


@dataclass(frozen=True, slots=True)
class Opaque:
    """A call of which nothing is known but its arguments; `random` ones differ in each run."""

    name: str
    arguments: tuple[Term, ...] = ()


Term: TypeAlias = (
    Name
    | Fixed
    | Period
    | Call
    | Same
    | Truncated
    | Moved
    | Gap
    | Compare
    | Every
    | Some
    | Not
    | Reduce
    | Over
    | Known
    | WallClock
    | Opaque
)


def parts_of(term: Term) -> tuple[Term, ...]:
    """The terms that a term is made of; those of a window are its own business."""
    match term:
        case Call(_, arguments) | Opaque(_, arguments):
            return arguments
        case Same(argument) | Not(argument) | Truncated(argument) | Moved(argument):
            return (argument,)
        case Gap(one, two) | Compare(_, one, two):
            return (one, two)
        case Every(terms) | Some(terms):
            return terms
        case _:
            return ()


# Columns


def column_of(term: Term, relation: Relation) -> Column:  # noqa: C901, PLR0912 - one case a term
    """The column that a term makes of a relation's rows; the relation is settled where the term reads others."""
    match term:
        case Name(name):
            return relation.column(name) or _unknown(name, relation)
        case Fixed() | Period():
            return Column()
        case Known(value):
            return Column(value=value)
        case WallClock(name):
            return Column(value=value_of(WHOLE_SAMPLE, Move(says=f"{name} is when the program runs")))
        case Same(argument):
            return column_of(argument, relation)
        case Truncated(argument, unit):
            column = column_of(argument, relation)
            bound = column.bound and column.bound.truncated(unit)
            return replace(column, bound=bound, identity=_named(f"start of {unit}", [column]), spells=None)
        case Moved(argument, period):
            column = column_of(argument, relation)
            bound = column.bound and column.bound.plus(time=period.time, months=period.months)
            return replace(column, bound=bound, identity=_named(f"plus {period}", [column]), spells=None)
        case Call(name, arguments):
            columns = [column_of(argument, relation) for argument in arguments]
            fixed = [argument.text for argument in arguments if isinstance(argument, Fixed)]
            return Column(
                value=join(column.value for column in columns),
                identity=_named(f"{name}{fixed or ''}", columns),
            )
        case Gap(one, two) | Compare(_, one, two):
            return Column(value=column_of(one, relation).value | column_of(two, relation).value)
        case Every(terms) | Some(terms):
            return Column(value=join(column_of(each, relation).value for each in terms))
        case Not(argument):
            return Column(value=column_of(argument, relation).value)
        case Opaque(name, arguments):
            value = join(column_of(argument, relation).value for argument in arguments)
            return Column(value=value.through(Move(says=f"{name}, of which nothing is known")).unproved())
        case Reduce():
            read = reading(
                relation,
                _entering(term, relation),
                hops=(EVERY_ROW,),
                says=Move(says=f"{term.name} of all rows"),
            )
            return Column(value=read)
        case Over():
            return _over(term, relation)


def _unknown(name: str, relation: Relation) -> Column:
    horizon = PRESENT if relation.timed else CONSTANT.horizon
    return Column(value=value_of(horizon, Move(says=name), sources=[name]).unproved())


def _named(name: str, columns: Iterable[Column]) -> str:
    """An identity for what is computed from columns that have one."""
    identities = [column.identity for column in columns]
    return f"{name}({', '.join(identities)})" if identities and all(identities) else ""


def _entering(function: Reduce, relation: Relation) -> Value:
    terms = [*function.arguments, *(key.argument for key in function.order)]
    terms += [term for term in (function.where, function.key) if term is not None]
    return join(column_of(term, relation).value for term in terms)


def metric_of(term: Term, relation: Relation) -> tuple[Value, bool]:
    """What enters an aggregate's column at each row of the group, and whether only the group's first row does."""
    match term:
        case Reduce():
            entering = _entering(term, relation)
            first = term.where is None and picks_first(term, relation)
            return (entering.unproved() if first and term.keeps_nulls is None else entering), first
        case Same(argument) | Not(argument) | Truncated(argument) | Moved(argument):
            return metric_of(argument, relation)
        case Call(_, arguments):
            return _metrics(arguments, relation)
        case Opaque(name, arguments):
            value, first = _metrics(arguments, relation)
            return value.through(Move(says=f"{name}, of which nothing is known")).unproved(), first
        case Gap(one, two) | Compare(_, one, two):
            return _metrics((one, two), relation)
        case Every(terms) | Some(terms):
            return _metrics(terms, relation)
        case _:
            column = column_of(term, relation)
            return column.value, not column.value.trails


def _metrics(terms: tuple[Term, ...], relation: Relation) -> tuple[Value, bool]:
    parts = [metric_of(term, relation) for term in terms]
    return join(value for value, _ in parts), all(first for _, first in parts)


def picks_first(function: Reduce, relation: Relation) -> bool:
    """Whether of unordered rows it reads the one with the least time only."""
    match function.picks:
        case "least" if function.key is not None:
            return column_of(function.key, relation).is_tau
        case "first" if function.keeps_nulls is not False:
            return _direction(function.order, relation) > 0
        case "last" if function.keeps_nulls is not False:
            return _direction(function.order, relation) < 0
        case _:
            return False


def _direction(order: tuple[Sorted, ...], relation: Relation) -> int:
    return direction_of(_keys(order, relation))


def _keys(order: tuple[Sorted, ...], relation: Relation) -> tuple[Key, ...]:
    return tuple(Key(column=column_of(key.argument, relation), ascending=key.ascending) for key in order)


# Windows


def _over(term: Over, relation: Relation) -> Column:
    function = term.function
    if isinstance(function, Shift) and function.rows == 0:
        return Column(value=column_of(function.argument, relation).value)
    partition = tuple(column_of(each, relation) for each in term.partition)
    order = _keys(term.order, relation)
    by = (*partition, *(key.column for key in order))
    move = Move(says=_window_text(term, partition=partition))
    frame = _frame_of(term, order=order, partition=partition)
    hops = hops_of(relation, partition=partition, order=order, frame=frame)
    match function:
        case Shift(argument=argument, default=default):
            value, extra = column_of(argument, relation).value, column_of(default, relation).value
        case Rank(arguments=arguments):
            value, extra = join(column_of(each, relation).value for each in arguments), CONSTANT
        case Reduce():
            value, extra = _entering(function, relation), CONSTANT
            own = Hop(time=NO_TIME, stays=relation.entity <= {column.identity for column in partition})
            if picks_first(function, relation) and function.where is None:
                hops = (*hops, own)
                value = value.unproved() if function.keeps_nulls is None else value
            if _starts_spell(function, partition=partition, relation=relation):
                hops = (*hops, own)
    if len(hops) > 1:
        hops = tuple(hop for hop in hops if not hop.everywhere)
    if isinstance(function, Shift) and function.rows is None:
        hops = (Hop(time=NO_TIME, stays=True),)
    read = reading(relation, value, hops=hops, by=by, says=move) | extra
    understood = (frame is None or frame.understood) and not (
        isinstance(function, Shift) and function.rows is None
    )
    spells = _spells(term, order=order, partition=partition, frame=frame, relation=relation)
    return Column(value=read if understood else read.unproved(), spells=spells, identity=_spell_name(spells))


def _frame_of(term: Over, *, order: tuple[Key, ...], partition: tuple[Column, ...]) -> Frame | None:
    match term.function:
        case Shift(rows=rows):
            return Frame(start=rows, end=rows)
        case Rank(sized=sized):
            return None if sized else Frame(unit="range", end=0)
        case Reduce(picks="first" | "last" as picks, keeps_nulls=nulls_kept) if term.frame is not None:
            frame = _frame_of_pick(
                term.frame, picks=picks, direction=direction_of(order, partition=partition)
            )
            if nulls_kept or frame == term.frame:
                return frame
            # From the current row on, the first value that is no null is meant to fill from the future.
            from_start = (term.frame.start if picks == "first" else term.frame.end) is None
            return replace(frame, understood=False) if nulls_kept is None and from_start else term.frame
        case Reduce():
            return term.frame


def _frame_of_pick(frame: Frame, *, picks: str, direction: int) -> Frame:
    """The one row that first or last reads, where that is the frame's earliest; its latest needs no care."""
    if direction > 0 and picks == "first" and not _positive(frame.start):
        return replace(frame, end=0 if _positive(frame.end, open_is=True) else frame.end)
    if direction < 0 and picks == "last" and not _negative(frame.end):
        return replace(frame, start=0 if _negative(frame.start, open_is=True) else frame.start)
    return frame


def _positive(edge: int | timedelta | None, *, open_is: bool = False) -> bool:
    if edge is None:
        return open_is
    return edge > NO_TIME if isinstance(edge, timedelta) else edge > 0


def _negative(edge: int | timedelta | None, *, open_is: bool = False) -> bool:
    if edge is None:
        return open_is
    return edge < NO_TIME if isinstance(edge, timedelta) else edge < 0


def _spells(
    term: Over,
    *,
    order: tuple[Key, ...],
    partition: tuple[Column, ...],
    frame: Frame | None,
    relation: Relation,
) -> tuple[str, frozenset[str]] | None:
    """What a running count of a column's values counts: the usual way to fill forward in SQL."""
    match term.function:
        case Reduce(name="count", arguments=(argument,), where=None):
            counted = column_of(argument, relation).identity
        case _:
            return None
    running = frame is not None and frame.start is None and frame.end == 0
    if not (counted and running and direction_of(order, partition=partition) > 0):
        return None
    return counted, frozenset(column.identity for column in partition)


def _spell_name(spells: tuple[str, frozenset[str]] | None) -> str:
    return f"count of {spells[0]} so far" if spells else ""


def _starts_spell(function: Reduce, *, partition: tuple[Column, ...], relation: Relation) -> bool:
    if not function.skips_nulls or function.where is not None or len(function.arguments) != 1:
        return False
    argument = column_of(function.arguments[0], relation).identity
    identities = {column.identity for column in partition}
    return any(
        column.spells is not None and column.spells[0] == argument and column.spells[1] <= identities
        for column in partition
    )


def _window_text(term: Over, *, partition: tuple[Column, ...]) -> str:
    match term.function:
        case Shift(name=name, rows=rows) if rows is not None:
            text = f"{name}({abs(rows)})"
        case Shift(name=name) | Rank(name=name) | Reduce(name=name):
            text = name
    names = [column.identity.rpartition(".")[2] for column in partition if column.identity]
    within = f" within {', '.join(names)}" if names else ""
    return f"{text}{within}{_frame_text(term)}"


def _frame_text(term: Over) -> str:
    if term.frame is None or not isinstance(term.function, Reduce):
        return "" if term.order or term.frame is not None else " of all rows"
    edges = f"{_edge_text(term.frame.start, 'start')} to {_edge_text(term.frame.end, 'end')}"
    return f" over {'all rows' if edges == 'start to end' else edges}"


def _edge_text(edge: int | timedelta | None, unbounded: str) -> str:
    match edge:
        case None:
            return unbounded
        case 0:
            return "current row"
        case int():
            return f"{abs(edge)} {'following' if edge > 0 else 'preceding'}"
        case timedelta():
            return f"{abs(edge)} {'following' if edge > NO_TIME else 'preceding'}"


# Predicates

_FLIPPED: Mapping[str, str] = {"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<=", "!=": "!="}
_NEGATED: Mapping[str, str] = {"=": "!=", "!=": "=", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}


def facts_of(predicate: Term, relation: Relation) -> Facts:
    """What holds about times and equal columns in every row where the predicate holds."""
    match predicate:
        case Every(terms):
            return reduce(and_, (facts_of(term, relation) for term in terms), Facts())
        case Some(terms) if terms:
            return reduce(or_, (facts_of(term, relation) for term in terms))
        case Not(Compare(operator, left, right)):
            return facts_of(Compare(_NEGATED[operator], left, right), relation)
        case Not(Not(argument)) | Same(argument):
            return facts_of(argument, relation)
        case Compare(operator, left, right):
            return _comparison(operator, _folded(left), _folded(right), relation)
        case _:
            return Facts()


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
