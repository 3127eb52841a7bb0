"""What a column is computed by, in terms that Ibis and SQL share.

A front end translates its own tree into terms; `columns.column_of(term, relation)` gives the column that a term
makes there, `predicates.facts_of(term, relation)` what holds about times wherever a predicate does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from msgspec import Struct

from nbprod.leakage.horizon import NO_TIME, Value

if TYPE_CHECKING:
    from datetime import timedelta

    from nbprod.leakage.reading import Frame


class Name(Struct, frozen=True):
    """A column of the relation."""

    name: str


class Fixed(Struct, frozen=True):
    """A literal or a parameter, as text."""

    text: str = ""
    number: float | None = None


class Period(Struct, frozen=True, kw_only=True):
    """A literal interval."""

    time: timedelta = NO_TIME
    months: int = 0

    def __neg__(self) -> Period:
        return Period(time=-self.time, months=-self.months)


class Call(Struct, frozen=True):
    """A function of the row's values alone."""

    name: str
    arguments: tuple[Term, ...] = ()


class Same(Struct, frozen=True):
    """A cast or alias that changes no order and no time."""

    argument: Term


class Truncated(Struct, frozen=True):
    """The start of the calendar unit that holds a time."""

    argument: Term
    unit: str


class Moved(Struct, frozen=True):
    """A time, a period later."""

    argument: Term
    period: Period


class Gap(Struct, frozen=True):
    """The duration from `earlier` to `later`; with a unit, the number of its starts between them."""

    later: Term
    earlier: Term
    unit: str = ""


class Compare(Struct, frozen=True):
    """A comparison: `=`, `<`, `<=`, `>`, `>=` or `!=`."""

    operator: str
    left: Term
    right: Term


class Every(Struct, frozen=True):
    """A conjunction."""

    terms: tuple[Term, ...]


class Some(Struct, frozen=True):
    """A disjunction."""

    terms: tuple[Term, ...]


class Not(Struct, frozen=True):
    """A negation."""

    argument: Term


class Sorted(Struct, frozen=True):
    """A key of an order."""

    argument: Term
    ascending: bool = True


class Reduce(Struct, frozen=True, kw_only=True):
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


class Shift(Struct, frozen=True, kw_only=True):
    """The value so many rows ahead in the window's order (negative: back); None where it isn't a constant."""

    name: str
    argument: Term
    rows: int | None
    default: Term = Fixed()


class Rank(Struct, frozen=True, kw_only=True):
    """The row's place in the window's order; `sized` where the number of rows counts too."""

    name: str
    sized: bool = False
    arguments: tuple[Term, ...] = ()


class Over(Struct, frozen=True, kw_only=True):
    """A window: the frame is in the window's order, None for functions that have none."""

    function: Reduce | Shift | Rank
    partition: tuple[Term, ...] = ()
    order: tuple[Sorted, ...] = ()
    frame: Frame | None = None


class Known(Struct, frozen=True):
    """A term whose value was computed elsewhere: a subquery."""

    value: Value


class WallClock(Struct, frozen=True):
    """When the program runs."""

    name: str = "now()"


class Opaque(Struct, frozen=True):
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
