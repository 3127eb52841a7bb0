"""Whether data have a time, what is a label, what is a feature: the questions that roles in the notebook answer."""

from __future__ import annotations

import re
from functools import lru_cache
from math import inf
from typing import TYPE_CHECKING

from msgspec import Struct

from nbprod.leakage.interpret.clocks import is_calendar_name, words
from nbprod.leakage.interpret.facts import Ahead, Facts, Rows
from nbprod.leakage.interpret.frames import side_of_name
from nbprod.leakage.interpret.values import Cells, Opaque, Seq, Table, Value

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from nbprod.leakage.interpret.context import Run, Sink

_LABEL_WORDS = frozenset(
    [
        "y",
        "target",
        "targets",
        "label",
        "labels",
        "outcome",
        "response",
        "ytrue",
        "groundtruth",
        "gt",
        "dependent",
    ]
)
_FORWARD_WORDS = frozenset(["fwd", "forward", "future"])
# what is earned after a row is what is to be predicted, or a result
_NEXT_WORDS = frozenset(["next", "nxt", "tomorrow", "tomorrows"])
_RETURN_WORDS = frozenset(["ret", "rets", "return", "returns", "logret", "pnl", "profit"])
_STATIC_WORDS = frozenset(
    [
        "dim",
        "dims",
        "lookup",
        "static",
        "calendar",
        "cal",
        "holidays",
        "meta",
        "metadata",
        "stores",
        "master",
        "mapping",
        "info",
        "reference",
        "ref",
        "products",
        "iid",
    ]
)
_MARKET_WORDS = frozenset(
    [
        "open",
        "high",
        "low",
        "close",
        "adj",
        "volume",
        "vwap",
        "bid",
        "ask",
        "iv",
        "price",
        "ret",
        "returns",
        "return",
        "ohlc",
        "mid",
        "spread",
    ]
)
_PRICE_WORDS = frozenset(["close", "ohlc", "ohlcv", "vwap", "bid", "ask", "iv"])
_SERIES_WORDS = frozenset(
    [
        "bars",
        "ticks",
        "quotes",
        "ohlc",
        "ohlcv",
        "prices",
        "stock",
        "stocks",
        "daily",
        "hourly",
        "timeseries",
        "trades",
        "candles",
        "minute",
        "intraday",
    ]
)
_PLANNED_WORDS = frozenset({"cal", "calendar", "holidays", "holiday", "fixtures", "timetable"})
# tables of what happened, one row a time: what is taken of all events of a customer reads those to come
_EVENT_WORDS = frozenset(
    ["events", "transactions", "txns", "orders", "purchases", "clicks", "visits", "trips", "rides", "sessions", "logs",
     "readings", "measurements", "payments", "trades", "plays", "encounters", "admissions", "claims", "bookings",
     "flights", "vitals", "labs", "observations", "prescriptions", "shipments", "messages", "matches", "views", "impressions", "logins", "deliveries", "invoices", "calls", "tickets", "appointments"]
)  # fmt: skip
_FEATURE_NAME = re.compile(r"^(X|feature|features|feats|inputs)(_|$|\d)|(^|_)(features?|X)$")
_PROSE = re.compile(
    r"time[\s_-]*series|temporal|walk[\s-]*forward|forecast|back-?test|\bhourly\b|\bstock (price|market)|ohlcv|clickstream|"
    r"session-ordered|look-?ahead|chronolog|returns panel|sensor stream",
    re.IGNORECASE,
)


@lru_cache(maxsize=16)  # most keystrokes change no prose
def telling(prose: str) -> str:
    """The words of a text that say that data are ordered in time: all that is read of it."""
    found = _PROSE.search(prose)
    return found.group() if found else ""


def is_label_name(name: object) -> bool:
    """Whether a column or variable of that name is likely to be what is to be predicted."""
    if not isinstance(name, str):
        return False
    found = words(name.strip("<>"))
    if not found:
        return False
    if re.fullmatch(r"[yY](_?\d+|_.*)?", name.strip("<>")):
        return True
    if len(found) <= 3 and (found[-1] in _LABEL_WORDS or found[0] in _LABEL_WORDS):
        return not (
            len(found) > 1
            and found[-1] in ("mean", "enc", "encoded", "encoding", "rolling", "std", "lag", "te")
        )
    return False


def is_forward_name(name: object) -> bool:
    """Whether a column's name says itself that it looks ahead, as labels' names do."""
    found = words(name) if isinstance(name, str) else []
    return bool(found) and (
        found[0] in _FORWARD_WORDS or (found[0] in _NEXT_WORDS and bool(set(found) & _RETURN_WORDS))
    )


def is_feature_name(name: str) -> bool:
    """Whether a variable of that name is likely to hold what a model is fitted on."""
    return bool(_FEATURE_NAME.search(name))


class Evidence(Struct, frozen=True):
    """What the notebook shows about time in its tables."""

    run: Run
    prose: str
    lone: bool
    declared: bool = False

    def tables_of(self, value: Rows | Facts) -> set[str]:
        """The source tables of rows or facts."""
        if isinstance(value, Rows):
            return set(value.tables)
        return {source.partition(".")[0] for source in value.reads}

    def is_static(self, table: str) -> bool:
        """Whether a table holds what does not change in time."""
        if table in self.run.record.static and table not in self.run.record.times:
            return True
        return bool(set(words(table)) & _STATIC_WORDS) and table not in self.run.record.exact_times

    def is_planned(self, tables: Iterable[str]) -> bool:
        """Whether all that the tables hold was published long before: calendars, fixtures."""
        named = [set(words(table)) for table in tables]
        return bool(named) and all(each & _PLANNED_WORDS for each in named)

    def is_for_training(self, tables: Iterable[str]) -> bool:
        """Whether all that the tables hold is there to train on, by their files' names."""
        named = [side_of_name(table) for table in tables]
        return bool(named) and all(side == "train" for side in named)

    def are_events(self, tables: Iterable[str]) -> bool:
        """Whether a table's name says that its rows happened one after the other."""
        return any(set(words(table)) & _EVENT_WORDS and not self.is_static(table) for table in tables)

    def is_in_time(self, ahead: Ahead) -> bool:
        """Whether rows that seemed to be in another order are in time's: later code treats their key as times."""
        if ahead.rule != "unsorted-shift" or not ahead.detail:
            return False
        tables = {source.partition(".")[0] for source in ahead.sources}
        return any(ahead.detail in self.run.record.exact_times.get(table, ()) for table in tables)

    def is_temporal(self, tables: Iterable[str], *, by_calendar: bool = True) -> bool:
        """Whether the rows of these tables have a time that matters, as far as the notebook tells.

        Not `by_calendar`, a column of hours or months alone doesn't say so: it may be a feature as any other.
        """
        names = [table for table in tables if not self.is_static(table)]
        if not names:
            return False
        if self.run.time is not None or self.declared:
            return True
        record = self.run.record
        if any(
            record.times.get(name) or self._speaks_of_time(name, by_calendar=by_calendar) for name in names
        ):
            return True
        # what a function that nobody calls is given may be anything
        return self.lone and any(name in record.free and "·" not in name for name in names)

    def _speaks_of_time(self, table: str, *, by_calendar: bool) -> bool:
        """Whether a table's name, or the names of its columns, are those of prices, quotes or calendars."""
        columns = {column for root, column in self.run.record.columns_used if root == table}
        market = {word for column in columns for word in words(column)} & _MARKET_WORDS
        return (
            len(market) > 1
            or bool(market & _PRICE_WORDS)
            or bool(set(words(table)) & _SERIES_WORDS)
            or (by_calendar and any(map(is_calendar_name, columns)))
        )

    def is_sequence(self, tables: Iterable[str]) -> bool:
        """Whether rows are treated as a sequence in time: declared, indexed by time, lagged, or said to be."""
        names = [table for table in tables if not self.is_static(table)]
        if not names:
            return False
        if self.run.time is not None or bool(_PROSE.search(self.prose)):
            return True
        record = self.run.record
        return any(
            record.exact_times.get(name) or name in record.sequences or set(words(name)) & _SERIES_WORDS
            for name in names
        )


def columns_of(run: Run, value: Value) -> Iterator[tuple[str | None, Facts]]:
    """The columns of a value, by name where they have one."""
    held = run.at(value)
    match held:
        case Table():
            yield from held.columns.items()
            if held.rest is not None and (held.rest.aheads or held.rest.reads):
                yield None, held.rest
        case Cells():
            yield held.name, held.facts
        case Seq(items=items) if items is not None:
            for item in items:
                yield from columns_of(run, item)
        case Opaque(facts=facts):
            yield None, facts
        case _:
            yield None, run.facts(held)


def names_label(facts: Facts) -> set[str]:
    """The sources of these facts whose names say label."""
    return {source for source in facts.reads if is_label_name(source.partition(".")[2])}


def reaches_label(feature: Facts, label: dict[str, float]) -> set[str]:
    """The label's sources that a feature reads at the label's own row or later."""
    return {
        source
        for source, at in label.items()
        if feature.reads.get(source, -inf) >= at and not source.endswith(".*")
    }


def is_tested_elsewhere(run: Run, rows: Rows) -> bool:
    """Whether test rows that chose nothing give the final score, so that these are there to choose by."""
    return any(
        not s.in_loop
        and s.rows != rows
        and ((s.rows.side == "test" and s.rows.bounds != rows.bounds) or were_read_elsewhere(s.rows, rows))
        for s in (*run.record.scored, *predicted(run))
    )


def predicted(run: Run) -> list[Sink]:
    """Where models predict."""
    return [sink for sink in run.record.sinks if sink.kind == "predict"]


def were_read_elsewhere(rows: Rows, known: Rows) -> bool:
    """Whether rows are those of another file, as those of `test.csv` are."""
    read = any(table.startswith(("read_", "load_", "fetch_")) for table in rows.tables)
    return read and not rows.tables & known.tables
