"""SQL in strings: its horizon comes from the reader of SQL, and goes on as a table like any other."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec.structs import replace

from nbprod.leakage.interpret.clocks import is_time_name, words
from nbprod.leakage.interpret.facts import NOTHING, Ahead, Facts, Rows
from nbprod.leakage.interpret.joining import PUBLICATION_WORDS
from nbprod.leakage.interpret.values import Const, Opaque, Symbol, Table, Value
from nbprod.model import Span, Step

if TYPE_CHECKING:
    import ast
    from collections.abc import Iterable

    from nbprod.leakage.horizon import Path, Reach
    from nbprod.leakage.horizon import Value as Horizoned
    from nbprod.leakage.interpret.context import Args, Run
    from nbprod.leakage.interpret.query_times import Told

_QUERY = re.compile(
    r"^\s*(--.*\n\s*)*(with|select|from|create\s+(or\s+replace\s+)?(temp\w*\s+)?(table|view))\b",
    re.IGNORECASE,
)
_COLUMN = re.compile(r"\b([A-Za-z_]\w*)\.([A-Za-z_]\w*)\b")
_SOURCE = re.compile(r"\b(?:from|join)\s+([A-Za-z_][\w.]*)(?:\s+(?:as\s+)?([A-Za-z_]\w*))?", re.IGNORECASE)


def is_query(run: Run, args: Args) -> bool:
    """Whether the first argument is SQL text."""
    first = run.at(args.places[0]) if args.places else run.at(next(iter(args.names.values()), None))
    return (
        isinstance(first, Const)
        and isinstance(first.value, str)
        and bool(_QUERY.match(first.value))
        and (" from " in f" {' '.join(first.value.lower().split())} ")
    )


def queried(run: Run, query: Value | None, args: Args, node: ast.AST, *, own: Table | None = None) -> Value:
    """The table that a query makes."""
    held = run.at(query) if query is not None else Opaque()
    if not isinstance(held, Const):
        held = next((run.at(v) for v in args.every if isinstance(run.at(v), Const)), Opaque())
    if not isinstance(held, Const) or not isinstance(held.value, str):
        return Opaque()
    _ = own
    return run.new(table_of(run, held.value, run.span(node)))


def table_of(run: Run, text: str, span: Span) -> Table:
    """The columns of a query's result, with what the reader of SQL says of each."""
    # Most notebooks hold no SQL, and its parser is a sixth of what a check costs.
    from nbprod.leakage.declared import Declared
    from nbprod.leakage.interpret.query_times import told
    from nbprod.leakage.queries import NEWEST
    from nbprod.leakage.sql import horizon_of_sql

    dialect = _dialect(run, text)
    told_of = told(text, dialect)
    times = _times(run, told_of)
    time = run.time or told_of.time(times) or _time_in_scope(run, text)
    static = told_of.lookups - times.keys() - _timed_in_scope(run, told_of.lookups) if times or time else ()
    if time is None:
        # nobody says what the rows' time is; rows have one all the same, and the judge asks whether it matters
        times = {table: "time" for table, _ in _SOURCE.findall(text)}
    declared = Declared(
        time=time,
        known=tuple((a, b) for a, b in run.known.items() if _mentions(text, a) and b not in times.values()),
        labels=tuple(name for name in ("y", "target", "label") if _mentions(text, name)),
        times=times,
        static=frozenset(static),
    )
    try:
        judged = horizon_of_sql(text, declared, dialect=dialect)
    except (AttributeError, KeyError, TypeError, ValueError, AssertionError, RecursionError):
        # a tree that the reader does not foresee is no reason to lose the notebook
        return Table(rest=NOTHING, rows=Rows(tables=frozenset({"sql"})), root="sql")
    root = f"sql@{span.cell}:{span.line}"
    run.record.free.add(root)
    if time is not None:
        run.record.times.setdefault(root, set()).add(time)
    tables = {source.partition(".")[0] for value in judged.columns.values() for source in value.sources}
    tables |= {match.group(1) for match in _SOURCE.finditer(text)}
    for table in tables:
        run.watch.name(table, run.env.get(table))
        if table not in run.record.times and table not in run.env:
            run.record.free.add(table)
        if time is not None or any(is_time_name(c) for _, c in _COLUMN.findall(text)):
            run.record.times.setdefault(table, set()).add(time or "time")
    columns = {name: _facts(value, span, text) for name, value in judged.columns.items()}
    presence = _facts(judged.rows, span, text).aheads if judged.rows.proved else ()
    presence = tuple(
        replace(a, detail="rows", sources=frozenset())
        for a in presence
        if (a.reach.whole or a.reach.time) and a.steps[-1].says != NEWEST
    )
    for name in columns:
        run.saw_column(root, name)
    return Table(
        columns=columns, rest=NOTHING, rows=Rows(tables=frozenset({root})), root=root, presence=presence
    )


def _mentions(text: str, name: str) -> bool:
    return re.search(rf"\b{re.escape(name)}\b", text) is not None


def _dialect(run: Run, text: str) -> str:
    """The SQL that a notebook's engine speaks, as far as its imports and its quotes tell."""
    imported = {value.path.partition(".")[0] for value in run.env.values() if isinstance(value, Symbol)}
    return next(
        (dialect for module, dialect in _DIALECTS.items() if module in imported),
        "bigquery" if "`" in text or _UNIT_LAST.search(text) else "duckdb",
    )


# only BigQuery names the unit last, and bare: `DATE_DIFF(a, b, DAY)`
_UNIT_LAST = re.compile(
    r"_(?:diff|trunc)\s*\((?!\s*')[^;']*?,\s*(?:second|minute|hour|day|week|isoweek|month|quarter|year)\s*\)",
    re.IGNORECASE,
)
_DIALECTS = {
    "sqlite3": "sqlite",
    "pandasql": "sqlite",
    "pyspark": "spark",
    "psycopg2": "postgres",
    "google": "bigquery",
}


def _timed_in_scope(run: Run, tables: Iterable[str]) -> set[str]:
    """Those of the tables that are data frames in scope with a time."""
    found = set()
    for table in tables:
        run.watch.name(table, run.env.get(table))
        held = run.at(run.env.get(table))
        root = held.root if isinstance(held, Table) else table
        if run.record.times.get(root):
            found.add(table)
    return found


def _time_in_scope(run: Run, text: str) -> str | None:
    """The time column of a data frame in scope that the query reads by its variable's name."""
    for table, _alias in _SOURCE.findall(text):
        run.watch.name(table, run.env.get(table))
        held = run.at(run.env.get(table))
        if isinstance(held, Table):
            names = run.record.times.get(held.root, set()) - {"index"}
            if names:
                return min(names)
    return None


def _times(run: Run, told_of: Told) -> dict[str, str]:
    """For each table the first column with a name of time that the text takes from it."""
    known = set(run.known.values())
    times: dict[str, str] = {}
    for table, columns in told_of.columns.items():
        names = [name for name in columns if is_time_name(name) or name in known]
        own = [name for name in names if name not in known]
        if names and run.time not in names:
            times[table] = (own or names)[0]
    for table, columns in told_of.compared.items():
        published = [name for name in columns if set(words(name)) & PUBLICATION_WORDS]
        if published and table not in times:
            times[table] = published[0]
    return times


def _facts(value: Horizoned, span: Span, text: str) -> Facts:
    aheads = tuple(
        _ahead(reach, path, span, text, value)
        for reach, path in value.trails
        if reach.is_ahead and value.proved
    )
    reads = {
        source: float(max((r.rows for r, _ in value.trails if not r.whole), default=0))
        for source in value.sources
    }
    return Facts(reads=reads, aheads=aheads, proved=value.proved, derived=True)


def _ahead(reach: Reach, path: Path, span: Span, text: str, value: Horizoned) -> Ahead:
    says = path[-1].says if path else "the query"
    steps = tuple(Step(span=span, says=move.says) for move in path) or (Step(span=span, says=says),)
    _ = text
    return Ahead(
        rule=_rule(reach, " / ".join(move.says for move in path)),
        reach=reach,
        span=span,
        says=f"`{says}` in the query reaches {reach}",
        steps=steps,
        sources=value.sources,
        detail="sql",
    )


def _rule(reach: Reach, says: str) -> str:
    lowered = says.lower()
    if reach.awaits:
        return "not-yet-known"
    if "asof" in lowered:
        return "forward-asof-join"
    if "lead(" in lowered:
        return "shift-into-future"
    if "lag(" in lowered:
        return "unsorted-shift" if reach.whole else "shift-into-future"
    if "following" in lowered and "preceding to" in lowered:
        return "centred-window"
    if "following" in lowered or "to end" in lowered:
        return "forward-window"
    if "group by" in lowered and not reach.whole:
        return "period-aggregate"
    if "join" in lowered or ("subquery" in lowered and reach.whole):
        return "unbounded-join"
    return "whole-sample-statistic" if reach.whole else "shift-into-future"
