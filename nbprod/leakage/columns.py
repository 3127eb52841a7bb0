"""The column that a term makes of a relation's rows: values row by row, aggregates, windows."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from msgspec.structs import replace

from nbprod.leakage.horizon import (
    CONSTANT,
    EVERY_ROW,
    NO_TIME,
    PRESENT,
    WHOLE_SAMPLE,
    Hop,
    Move,
    Value,
    duration_text,
    join,
    value_of,
)
from nbprod.leakage.reading import Frame, direction_of, hops_of, reading
from nbprod.leakage.relations import Column, Count, Key, Relation, identities_of
from nbprod.leakage.terms import (
    Call,
    Compare,
    Every,
    Fixed,
    Gap,
    Known,
    Moved,
    Name,
    Not,
    Opaque,
    Over,
    Period,
    Rank,
    Reduce,
    Same,
    Shift,
    Some,
    Sorted,
    Term,
    Truncated,
    WallClock,
)

if TYPE_CHECKING:
    from collections.abc import Iterable


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
        case Truncated(Moved(argument, period), unit) if _whole_units(period, unit):
            # months added to a date stop at their month's end, so that the date's month moves by just as many
            return column_of(Moved(Truncated(argument, unit), period), relation)
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
                counts=_counts_on(name.lower(), columns[:1], arguments[1:]),
            )
        case Gap(one, two):
            first, second = column_of(one, relation), column_of(two, relation)
            return Column(value=first.value | second.value, counts=_counts_on("subtract", [first], (two,)))
        case Compare(_, one, two):
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


_MONTHS = {"month": 1, "quarter": 3, "year": 12}


def _whole_units(period: Period, unit: str) -> bool:
    return bool(period.months) and not period.time and period.months % _MONTHS.get(unit, 5**9) == 0


def _counts_on(name: str, columns: list[Column], amount: tuple[Term, ...]) -> Count | None:
    """The number of a row, a constant added."""
    match name, columns, amount:
        case (
            ("add" | "subtract" | "sub"),
            [Column(counts=Count() as counts)],
            (Fixed(number=float() as by),),
        ):
            step = int(by) if name == "add" else -int(by)
            return replace(counts, offset=counts.offset + step) if by == int(by) else None
        case _:
            return None


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
            shared = identities_of(partition)
            own = Hop(time=NO_TIME, along=shared, stays=relation.entity <= shared)
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
    counts = _counts(function, order=order, partition=partition, relation=relation)
    value = read if understood else read.unproved()
    return Column(value=value, spells=spells, identity=_spell_name(spells), counts=counts)


def _counts(
    function: Reduce | Shift | Rank,
    *,
    order: tuple[Key, ...],
    partition: tuple[Column, ...],
    relation: Relation,
) -> Count | None:
    """The number of a row among those of its partition, in the order of time."""
    direction = direction_of(order, partition=partition)
    if not isinstance(function, Rank) or function.sized or not direction:
        return None
    if not all(column.identity for column in partition):
        return None
    # Of a whole table, the same rows are numbered wherever that is written; of a part, only where it is made.
    whole = relation.base and relation.unique and not (relation.thinned or relation.until)
    of = relation.base if whole else object()
    return Count(of=of, within=identities_of(partition), ascending=direction > 0)


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
        case 0 | timedelta(days=0, seconds=0, microseconds=0):
            return "current row"
        case int():
            return f"{abs(edge)} {'following' if edge > 0 else 'preceding'}"
        case timedelta():
            return f"{duration_text(abs(edge))} {'following' if edge > NO_TIME else 'preceding'}"
