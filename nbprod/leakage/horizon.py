"""The lattice: how far past its own row's time a value may depend on data, and how it came to.

A table's rows have a time, tau. A **reach** is one upper bound on what a value at row r depends on: only on
data known by `tau(r + rows) + time`, rows being counted among the rows that share r's `along` columns (the
entity, usually) in ascending time (a name with a leading `#` stands for a filter that they passed). `lead(3)` per store has reach (3 rows, along store); a value that is
published a day after its row (0 rows, 24 hours); its lag (-1 row, 24 hours), which is neither ahead nor clean
until the spacing is known. `awaits` names a column of the row that holds the time from which the value is
known: ahead by an amount that only the data tell. `anywhere` says that the rows are counted not from r but from
some row by `tau(r) + time` (another store's, say), so that no later lag takes them back. `spaced` says that the
next row along those columns comes no sooner than `time` later (a day's total, keyed by its day): lagged by a row
it is known.

A **horizon** is a set of reaches, none below another: their upper bound. The empty one is *always known*
(constants, static tables); the one that holds `WHOLE` is the *whole sample*. In between, for one kind of
reach alone: past < present < some rows, some duration ahead < whole sample. `|` is the join.

A **hop** goes from a row to the rows that an operation reads there: `after` is the transfer of every operation
that reads other rows (shift, window, join, aggregate). It is monotone in the horizon and in the hop; only of a spaced reach,
which is two bounds at once, it may keep the looser one.

A **value** is a horizon whose every reach remembers its path, with the source columns, the rows on which
anything in it was fitted, and whether all of it was understood (`proved`). Values join too.

    shift(-2) of a price       present.after(Hop(rows=2, along=store))        2 rows ahead within store
    a label one step later     Horizon.ahead(rows=1), then lag 1 of it        present
    mean over all rows         present.after(EVERY_ROW)                       the whole sample
    day key, daily mean        present.after(Hop(time=1 day))                 24 hours ahead
"""

from __future__ import annotations

from datetime import timedelta
from enum import IntEnum
from functools import reduce
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nbprod.model import Span

NO_TIME = timedelta(0)
EARLIER = "@"
"""What the name of a source ends with that is read at strictly earlier rows alone."""
MET = "|"
"""What stands between a source and the clock of the joined table whose column it is, until that is bounded."""


class Reach(Struct, frozen=True, kw_only=True):
    """One bound: what is known by `tau(r + rows) + time`; where `rows` counts nothing, `along` is empty.

    See the module for the fields; make it by `Horizon.ahead`.

    `whole` bounds nothing; the other fields then have their defaults.
    """

    rows: int = 0
    time: timedelta = NO_TIME
    along: frozenset[str] = frozenset()
    awaits: str = ""
    anywhere: bool = False
    spaced: bool = False
    whole: bool = False

    def __le__(self, other: Reach) -> bool:
        """Whether all that this one bounds lies within the other, whatever the data."""
        if self.whole or other.whole:
            return other.whole
        return all(any(_plainly_within(mine, its) for mine in self.readings) for its in other.readings)

    @property
    def readings(self) -> tuple[Reach, ...]:
        """The plain bounds that hold at once: two where it is spaced."""
        plain = replace(self, spaced=False)
        return (plain, replace(plain, rows=self.rows + 1, time=NO_TIME)) if self.spaced else (plain,)

    @property
    def is_known(self) -> bool:
        """Whether it lies at or before the row's time, whatever the data."""
        if self.whole or self.awaits:
            return False
        return any(reading.rows <= 0 and reading.time <= NO_TIME for reading in self.readings)

    @property
    def is_ahead(self) -> bool:
        """Whether it passes the row's time for certain; a lag of something published later does neither."""
        if self.whole or self.awaits:
            return True
        return self.rows >= 0 and self.time >= NO_TIME and not self.is_known

    def after(self, hop: Hop) -> Reach:
        """The reach from a row that reads this value at the rows where the hop leads."""
        if self.whole or hop.everywhere:
            return WHOLE
        if hop.rows is None:
            return self._after_time(hop)
        if self.rows > 0 or self.spaced:
            return self._rows_ahead_after(hop, rows=hop.rows)
        steps = max(hop.rows, 0) if hop.ties else hop.rows
        backs_add_up = hop.along <= self.along and not hop.ties and not self.anywhere
        rows = steps + (self.rows if backs_add_up else 0)
        return _reach(self, rows=rows, time=self.time, along=hop.along)

    def _after_time(self, hop: Hop) -> Reach:
        if self.spaced:
            return self.readings[self.rows < 0].after(hop)
        if self.rows <= 0:
            return _reach(self, rows=0, time=self.time + hop.time, along=self.along)
        # The rows after an earlier row may lie anywhere up to r's own: going back gains nothing.
        measured = hop.stays and self.along <= hop.along and not self.anywhere and hop.time <= NO_TIME
        time = self.time + max(hop.time, NO_TIME)
        return _reach(self, rows=self.rows, time=time, along=self.along, strayed=not measured)

    def _rows_ahead_after(self, hop: Hop, *, rows: int) -> Reach:
        # Only a partition at least as fine leads to rows of which r's own rows ahead are a measure.
        measured = self.along <= hop.along and not self.anywhere and not hop.ties
        if not measured and self.spaced:
            return self.readings[self.rows < 0].after(hop)
        if not measured:
            return _reach(self, rows=self.rows + max(rows, 0), time=self.time, strayed=True)
        along = hop.along if rows > 0 or self.rows + rows < 0 else self.along
        return _reach(self, rows=self.rows + rows, time=self.time, along=along, spaced=self.spaced)

    def __str__(self) -> str:
        if self.whole:
            return "the whole sample"
        if self.awaits:
            after = f", and {_time_text(self.time)}" if self.time else ""
            return f"known only from {self.awaits!r} on{after}"
        if self.spaced and self.rows < 0:
            return str(replace(self, spaced=False, time=NO_TIME))
        parts = [_rows_text(self)] if self.rows or not self.time else []
        parts += [_time_text(self.time)] if self.time else []
        return ", ".join(parts)


WHOLE = Reach(whole=True)


def _plainly_within(one: Reach, other: Reach) -> bool:
    if one.awaits != other.awaits or one.time > other.time:
        return False
    if one.rows > other.rows or (one.anywhere and not other.anywhere):
        return False
    if other.anywhere or one.rows <= 0 <= other.rows:
        return True
    # k rows ahead lie further in a finer partition, k rows back lie further back
    finer, coarser = (other, one) if one.rows > 0 else (one, other)
    return coarser.along <= finer.along


class Hop(Struct, frozen=True, kw_only=True):
    """From row r to the rows r' that an operation reads there, bounded in rows or in time.

    With `rows`, r' is at most so many rows after r among those that share r's `along` columns (negative: at
    least so many before). With `rows` of None, `tau(r') <= tau(r) + time`, and `along` are the columns shared.
    `ties` says that the rows counted may share a time (no entity among `along`): rows back then gain nothing.
    `stays` says that a bound in time leads to rows of r's own table: rows ahead along shared columns stay measured.
    `everywhere` is no bound at all.
    """

    rows: int | None = None
    time: timedelta = NO_TIME
    along: frozenset[str] = frozenset()
    ties: bool = False
    stays: bool = False
    everywhere: bool = False


EVERY_ROW = Hop(everywhere=True)


def _reach(
    before: Reach,
    *,
    rows: int,
    time: timedelta,
    along: frozenset[str] = frozenset(),
    strayed: bool = False,
    spaced: bool = False,
) -> Reach:
    """A reach that came of another, in normal form: `along` only where it counts something.

    What awaits a column awaits another row's once it was read from there.
    """
    anywhere = strayed or bool(before.awaits)
    counted = along if (rows or spaced) and not anywhere else frozenset[str]()
    return Reach(
        rows=rows,
        time=time,
        along=counted,
        awaits=before.awaits,
        anywhere=anywhere,
        spaced=spaced and not anywhere,
    )


class Horizon(Struct, frozen=True):
    """An upper bound of reaches, kept in normal form: make it by `Horizon.of`, the constants and `|`."""

    reaches: frozenset[Reach] = frozenset()

    @classmethod
    def of(cls, reaches: Iterable[Reach]) -> Horizon:
        """The upper bound of these reaches."""
        every = frozenset(reaches)
        return cls(frozenset(r for r in every if not any(r != other and r <= other for other in every)))

    @classmethod
    def ahead(
        cls,
        *,
        rows: int = 0,
        time: timedelta = NO_TIME,
        along: Iterable[str] = (),
        awaits: str = "",
        spaced: bool = False,
    ) -> Horizon:
        """Known by that many rows along these columns, that duration, that column's time after its own row."""
        some = spaced and time > NO_TIME
        counted = frozenset(along) if rows or some else frozenset[str]()
        return cls(frozenset({Reach(rows=rows, time=time, along=counted, awaits=awaits, spaced=some)}))

    def __or__(self, other: Horizon) -> Horizon:
        return self if self == other else Horizon.of(self.reaches | other.reaches)

    def __le__(self, other: Horizon) -> bool:
        return all(any(mine <= theirs for theirs in other.reaches) for mine in self.reaches)

    def after(self, hop: Hop) -> Horizon:
        """The horizon of a row that reads this value where the hop leads."""
        return Horizon.of(reach.after(hop) for reach in self.reaches)

    def within(self, slack: timedelta = NO_TIME) -> bool:
        """Whether it is proved to lie at or before its row's time plus the slack."""
        return all(replace(reach, time=reach.time - slack).is_known for reach in self.reaches)

    def widened(self, newer: Horizon) -> Horizon:
        """The join, or the whole sample where the newer one passes this one: loops end."""
        return self if newer <= self else (newer if not self.reaches else WHOLE_SAMPLE)

    @property
    def is_always(self) -> bool:
        """Whether it depends on no row at all."""
        return not self.reaches

    @property
    def is_ahead(self) -> bool:
        """Whether it looks ahead for certain. Neither this nor `within()`: it depends on the data's spacing."""
        return any(reach.is_ahead for reach in self.reaches)

    @property
    def is_whole(self) -> bool:
        """Whether nothing bounds it."""
        return WHOLE in self.reaches

    @property
    def furthest(self) -> Reach | None:
        """The reach to name first: the whole sample, then what is ahead, furthest in time, then in rows."""
        return max(self.reaches, key=_rank, default=None)

    def __str__(self) -> str:
        if not self.reaches:
            return "known in advance"
        ahead = sorted((reach for reach in self.reaches if not reach.is_known), key=_rank, reverse=True)
        return " and ".join(map(str, ahead or sorted(self.reaches, key=_rank, reverse=True)))


ALWAYS = Horizon()
PRESENT = Horizon.ahead()
WHOLE_SAMPLE = Horizon(frozenset({WHOLE}))


class Fitted(IntEnum):
    """On which rows anything in a value was fitted (a mean, a scaler, a model); the join is the larger."""

    NOTHING = 0
    TRAINING_ROWS = 1
    ALL_ROWS = 2


class Move(Struct, frozen=True, kw_only=True):
    """A station on a value's path: the operation, in words, and where it stands if it has a place."""

    says: str
    span: Span | None = None


Path = tuple[Move, ...]


class Value(Struct, frozen=True, kw_only=True):
    """A horizon with its history. Make it by `value_of`; join by `|` or `join`.

    `trails` pairs each reach of the horizon with the shortest path by which it came. `sources` are the columns
    read (`table.column` or whatever the reader calls them; those read at earlier rows alone end with `EARLIER`). `settled` names the ends of fixed periods from
    which on the value is known (`ts < '2024-05-01'`): before them it is not. `proved` is False where an opaque
    call stands between: the horizon is then a guess, not a bound.
    """

    trails: tuple[tuple[Reach, Path], ...] = ()
    sources: frozenset[str] = frozenset()
    fitted: Fitted = Fitted.NOTHING
    settled: frozenset[str] = frozenset()
    proved: bool = True

    @property
    def horizon(self) -> Horizon:
        """The bound alone."""
        return Horizon(frozenset(reach for reach, _ in self.trails))

    @property
    def path(self) -> Path:
        """How the furthest reach came about."""
        return max(self.trails, key=lambda trail: _rank(trail[0]), default=(WHOLE, ()))[1]

    @property
    def is_clean(self) -> bool:
        """Whether it is proved to be known at its row's time."""
        return self.proved and self.horizon.within()

    def __or__(self, other: Value) -> Value:
        return Value(
            trails=_merged((*self.trails, *other.trails)),
            sources=self.sources | other.sources,
            fitted=max(self.fitted, other.fitted),
            settled=self.settled | other.settled,
            proved=self.proved and other.proved,
        )

    def after(self, hop: Hop, *moves: Move) -> Value:
        """The value read where the hop leads, with the operation noted on its path."""
        return replace(
            self, trails=_merged((reach.after(hop), (*path, *moves)) for reach, path in self.trails)
        )

    def through(self, *moves: Move) -> Value:
        """The same value, with an operation noted that moves nothing."""
        return replace(self, trails=tuple((reach, (*path, *moves)) for reach, path in self.trails))

    def at_least(self, horizon: Horizon, *moves: Move) -> Value:
        """The join with a horizon that the given moves explain."""
        return self | value_of(horizon, *moves)

    def fitted_on(self, rows: Fitted) -> Value:
        """The value after something in it was fitted on those rows."""
        return replace(self, fitted=max(self.fitted, rows))

    def unproved(self) -> Value:
        """The value after an opaque call."""
        return replace(self, proved=False)


CONSTANT = Value()


def value_of(horizon: Horizon, *moves: Move, sources: Iterable[str] = ()) -> Value:
    """A value with that horizon, whose path so far is the moves."""
    trails = _merged((reach, moves) for reach in horizon.reaches)
    return Value(trails=trails, sources=frozenset(sources))


def join(values: Iterable[Value]) -> Value:
    """The upper bound of values; of none, a constant."""
    return reduce(lambda left, right: left | right, values, CONSTANT)


def _merged(trails: Iterable[tuple[Reach, Path]]) -> tuple[tuple[Reach, Path], ...]:
    shortest: dict[Reach, Path] = {}
    for reach, path in trails:
        if reach not in shortest or _path_key(path) < _path_key(shortest[reach]):
            shortest[reach] = path
    kept = Horizon.of(shortest).reaches
    return tuple((reach, shortest[reach]) for reach in sorted(kept, key=_rank, reverse=True))


def _path_key(path: Path) -> tuple[int, tuple[tuple[str, str], ...]]:
    return len(path), tuple((move.says, repr(move.span)) for move in path)


def _rank(reach: Reach) -> tuple[bool, bool, bool, timedelta, int, bool, bool, str, tuple[str, ...]]:
    unknown = bool(reach.awaits)
    return (
        reach.whole,
        reach.is_ahead,
        unknown,
        reach.time,
        reach.rows,
        reach.anywhere,
        not reach.spaced,
        reach.awaits,
        tuple(sorted(reach.along)),
    )


def _rows_text(reach: Reach) -> str:
    if not reach.rows:
        return "present"
    noun = "row" if abs(reach.rows) == 1 else "rows"
    shown = sorted(name.rpartition(".")[2] for name in reach.along if not name.startswith("#"))
    within = f" within {', '.join(shown)}" if shown else ""
    return f"{abs(reach.rows)} {noun} {'ahead' if reach.rows > 0 else 'back'}{within}"


def _time_text(time: timedelta) -> str:
    return f"{duration_text(abs(time))} {'ahead' if time > NO_TIME else 'back'}"


def duration_text(time: timedelta) -> str:
    """A duration in its largest even unit; days from two on: "24 hours", "7 days", "90 seconds"."""
    days = timedelta(days=1)
    units = (
        ("day", days),
        ("hour", days / 24),
        ("minute", timedelta(minutes=1)),
        ("second", timedelta(seconds=1)),
    )
    for noun, unit in units:
        count = time // unit
        if count * unit == time and (count > 1 or (count == 1 and unit < days)):
            return f"{count} {noun}" + ("s" if count > 1 else "")
    return f"{time.total_seconds():g} seconds"
