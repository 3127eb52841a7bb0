"""SQL in strings: its horizon comes from the reader of SQL, and goes on as a table like any other."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from nbprod.leakage.horizon import WHOLE
from nbprod.leakage.interpret.clocks import is_time_name, words
from nbprod.leakage.interpret.database import (
    GIVEN,
    facts_behind,
    in_reach,
    keep,
    keep_macros,
    macros_of,
    open_root,
    relation_of,
    speaks_duckdb,
)
from nbprod.leakage.interpret.facts import NOTHING, Ahead, Facts, Rows
from nbprod.leakage.interpret.joining import PUBLICATION_WORDS
from nbprod.leakage.interpret.moving.whole_sample import OF_GROUPS
from nbprod.leakage.interpret.values import Asked, Const, Key, Mapped, Opaque, Seq, Symbol, Table, Value
from nbprod.model import Span, Step

if TYPE_CHECKING:
    import ast
    from collections.abc import Callable, Iterable, Mapping

    from nbprod.leakage.declared import Declared, Judged
    from nbprod.leakage.horizon import Path, Reach
    from nbprod.leakage.horizon import Value as Horizoned
    from nbprod.leakage.interpret.context import Args, Run
    from nbprod.leakage.interpret.query_times import Told
    from nbprod.leakage.relations import Relation

_QUERY = re.compile(
    r"^\s*(--.*\n\s*)*(with|select|from|create\s+(or\s+replace\s+)?(temp\w*\s+)?(table|view|macro|function))\b",
    re.IGNORECASE,
)
_MAKES = re.compile(r"\s*create\s+(or\s+replace\s+)?(temp\w*\s+)?(macro|function)\b", re.IGNORECASE)
_HOLE = re.compile(rf"\b{GIVEN}\d+\b")
_COLUMN = re.compile(r"\b([A-Za-z_]\w*)\.([A-Za-z_]\w*)\b")
_SOURCE = re.compile(r"\b(?:from|join)\s+([A-Za-z_][\w.]*)(?:\s+(?:as\s+)?([A-Za-z_]\w*))?", re.IGNORECASE)


def is_query(run: Run, args: Args) -> bool:
    """Whether the first argument is SQL text."""
    first = run.at(args.places[0]) if args.places else run.at(next(iter(args.names.values()), None))
    text = _text_of(first)
    if text is None or not _QUERY.match(text):
        return False
    return bool(_MAKES.match(text)) or " from " in f" {' '.join(text.lower().split())} "


def _text_of(value: Value) -> str | None:
    """The text of a query, with the names of what was put into it where that is not known."""
    match value:
        case Const(str(text)):
            return text
        case Opaque(hint=hint) if seems_sql(hint):
            return hint
        case _:
            return None


def seems_sql(text: str) -> bool:
    """Whether a text begins as a query does."""
    return bool(_QUERY.match(text))


def queried(run: Run, query: Value | None, args: Args, node: ast.AST, *, own: Table | None = None) -> Value:
    """The table that a query makes."""
    held = run.at(query) if query is not None else Opaque()
    text = _text_of(held)
    if text is None:
        held = next((run.at(v) for v in args.every if _text_of(run.at(v)) is not None), Opaque())
        text = _text_of(held)
    if text is None:
        return Opaque()
    given = {}
    # the last one first, so that those before keep their places
    for place, parameter in reversed(list(enumerate(_parameters(run, args)))):
        facts = run.facts(parameter)
        if facts.reads or facts.aheads:
            given[f"{GIVEN}{place}"] = facts
            text = _with_parameter(text, place, f"{GIVEN}{place}")
    if isinstance(held, Opaque) and (held.facts.reads or held.facts.aheads):
        given |= dict.fromkeys(_HOLE.findall(text), held.facts)
    named = {"self": own} if own is not None else {}
    made = table_of(run, text, run.span(node), own=named, given=given)
    is_relation = own is None and speaks_duckdb(run) and _attribute_of(node) in _GIVES_RELATIONS
    return run.new(replace(made, library="duckdb") if is_relation else made)


_GIVES_RELATIONS = frozenset(("sql", "query", "execute", "from_query"))


def _attribute_of(node: ast.AST) -> str:
    function = getattr(node, "func", None)
    return getattr(function, "attr", "")


def _parameters(run: Run, args: Args) -> tuple[Value, ...]:
    value = args.get(1, "params") or args.get(None, "parameters")
    held = run.at(value) if value is not None else None
    if isinstance(held, Seq):
        return held.items or ()
    return tuple(held.items.values()) if isinstance(held, Mapped) else ()


def _with_parameter(text: str, place: int, name: str) -> str:
    """The text with a name for the parameter at that place."""
    marks = list(re.finditer(r"\?|\$\d+|%s", text))
    if place >= len(marks):
        return text
    mark = marks[place]
    return f"{text[: mark.start()]}{name}{text[mark.end() :]}"


def table_of(
    run: Run,
    text: str,
    span: Span,
    *,
    own: Mapping[str, Table] | None = None,
    given: Mapping[str, Facts] | None = None,
) -> Table:
    """The columns of a query's result, with what the reader of SQL says of each.

    `own` are tables that the query reads by other names than their variables', `given` what was put into its text.
    """
    # Most notebooks hold no SQL, and its parser is a sixth of what a check costs.
    from nbprod.leakage.interpret.query_times import told
    from nbprod.leakage.sql import read_sql

    dialect = _dialect(run, text)
    told_of = told(text, dialect)
    reach = in_reach(run, sorted({*told_of.tables, *(own or {})}), own or {})
    declared, time = _declared(run, text, told_of, reach)
    relations = {name: relation_of(run, name, table, declared) for name, table in reach.items()}
    try:
        found = read_sql(
            text,
            declared=declared,
            tables={name: one for name, one in relations.items() if one is not None},
            macros=macros_of(run),
            dialect=dialect,
        )
        answer = _Answer(
            run=run,
            text=text,
            span=span,
            declared=declared,
            time=time,
            grouped=told_of.grouped,
            bases=_bases(reach),
            given=given or {},
        )
        for name, relation in found.made.items():
            if time is not None or not relation.others:
                keep(run, name, run.new(answer.table(relation)))
        keep_macros(run, found.macros)
        return answer.table(found.relation)
    except (AttributeError, KeyError, TypeError, ValueError, AssertionError, RecursionError):
        # a tree that the reader does not foresee is no reason to lose the notebook
        return Table(rest=NOTHING, rows=Rows(tables=frozenset({"sql"})), root="sql")


def _declared(run: Run, text: str, told_of: Told, reach: Mapping[str, Table]) -> tuple[Declared, str | None]:
    """What holds of the tables of a query, and the time of its rows where anything tells it."""
    from nbprod.leakage.declared import Declared

    def is_time(name: str) -> bool:
        known = name in told_of.dated and not name.startswith(GIVEN)
        return is_time_name(name) or known or bool(run.dated.get(name))

    times = _times(run, told_of, is_time, reach)
    time = run.time or told_of.time(times, is_time) or _time_in_scope(run, told_of, reach)
    static = (
        told_of.lookups - times.keys() - _timed_in_scope(run, told_of.lookups, reach) if times or time else ()
    )
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
    return declared, time


def _keys(columns: Mapping[str, Facts], judged: Judged) -> tuple[Key, ...]:
    """What rows without a time of their own are known by: the columns that say nothing of all rows."""
    names = [name for name in columns if not judged.columns[name].horizon.is_whole] or list(columns)[:1]
    return tuple(Key(name=name) for name in names) if len(columns) > 1 else ()


def _of_period(ahead: Ahead) -> Ahead:
    """What a period's own row says of it: a leak once it stands beside rows within the period."""
    return replace(ahead, detail="period") if ahead.rule == "period-aggregate" else ahead


def _of_groups(facts: Facts, rows: Rows, *more: Ahead) -> Facts:
    """The facts of a value that stands in its group's own row, and is a leak beside rows of a time."""
    aheads = tuple(replace(a, over=rows, detail=OF_GROUPS) if a.reach.whole else a for a in facts.aheads)
    return replace(facts, aheads=aheads).with_ahead(*more) if more else replace(facts, aheads=aheads)


def _newest(rows: Rows, span: Span) -> Ahead:
    says = "the newest row of each key is kept: which one it is depends on what follows"
    return Ahead(
        rule="whole-sample-statistic", reach=WHOLE, span=span, says=says, over=rows, detail=OF_GROUPS,
        sources=frozenset(f"{table}.*" for table in rows.tables),
    )  # fmt: skip


def _bases(reach: Mapping[str, Table]) -> dict[str, Table]:
    """The frames among the tables in reach, and those that the others were made of."""
    inner = (table.asked.bases for table in reach.values() if table.asked is not None)
    found = {name: base for bases in inner for name, base in bases.items()}
    return found | {name: table for name, table in reach.items() if table.asked is None}


class _Answer(Struct, kw_only=True):
    """What one query's relations are as tables; `bases` are the frames that it reads in the end."""

    run: Run
    text: str
    span: Span
    declared: Declared
    time: str | None
    grouped: bool
    bases: Mapping[str, Table]
    given: Mapping[str, Facts]

    def table(self, relation: Relation) -> Table:
        """The relation as a table, with what led to each of its columns."""
        from nbprod.leakage.declared import judged_from
        from nbprod.leakage.joining import settled
        from nbprod.leakage.queries import NEWEST

        run = self.run
        judged = judged_from(relation, declared=self.declared)
        root = f"sql@{self.span.cell}:{self.span.line}"
        self._note_tables(root, judged)
        columns = {name: self._facts(name, value, judged) for name, value in judged.columns.items()}
        is_vague = self.time is None and bool(relation.others)
        if is_vague and not _mentions(self.text, "time"):
            columns.pop("time", None)
        rows_facts = _facts(judged.rows, self.span)
        presence = tuple(
            replace(a, detail="rows", sources=frozenset())
            for a in (rows_facts.aheads if judged.rows.proved else ())
            if (a.reach.whole or a.reach.time) and a.steps[-1].says != NEWEST
        )
        for base in self.bases.values():
            presence = (*presence, *(a for a in base.presence if a not in presence))
        for name in columns:
            run.saw_column(root, name)
        rows = Rows(tables=frozenset({root, *(base.root for base in self.bases.values() if base.root)}))
        opened = open_root(relation, self.bases)
        is_newest = f"#{NEWEST}" in relation.thinned
        keyed = _keys(columns, judged) if is_newest or (self.grouped and not relation.timed) else ()
        if keyed:
            newest = (_newest(rows, self.span),) if is_newest else ()
            columns = {
                n: _of_groups(f, rows, *(() if n == keyed[0].name else newest)) for n, f in columns.items()
            }
        elif relation.cell and judged.time is not None and words(judged.time)[-1:] == [relation.cell]:
            columns = {n: replace(f, aheads=tuple(map(_of_period, f.aheads))) for n, f in columns.items()}
        return Table(
            keyed=keyed,
            columns=columns,
            rest=NOTHING,
            rows=rows,
            root=opened or root,
            presence=presence,
            asked=None
            if is_vague
            else Asked(relation=settled(relation), columns=columns, rows=rows, bases=self.bases),
        )

    def _facts(self, name: str, value: Horizoned, judged: Judged) -> Facts:
        own = _facts(value, self.span, earlier=judged.earlier.get(name, frozenset()))
        own = replace(own, aheads=tuple(self._rooted(ahead) for ahead in own.aheads))
        behind = facts_behind(own.reads, self.bases, self.given)
        if not behind.reads and not behind.aheads:
            return own
        reads = {source: at for source, at in own.reads.items() if source.partition(".")[0] not in self.bases}
        reads |= behind.reads
        if not own.derived and not own.aheads:
            return replace(behind, reads=reads)
        return replace(own, reads=reads).with_ahead(*behind.aheads)

    def _rooted(self, ahead: Ahead) -> Ahead:
        """The same, with the frames that were read by other names under their own."""
        sources = frozenset(
            f"{self.bases[name].root}.{column}" if name in self.bases else f"{name}{dot}{column}"
            for name, dot, column in (source.partition(".") for source in ahead.sources)
        )
        return replace(ahead, sources=sources)

    def _note_tables(self, root: str, judged: Judged) -> None:
        run, time = self.run, self.time
        run.record.free.add(root)
        if time is not None:
            run.record.times.setdefault(root, set()).add(time)
        tables = {source.partition(".")[0] for value in judged.columns.values() for source in value.sources}
        tables |= {match.group(1) for match in _SOURCE.finditer(self.text)}
        for table in tables:
            run.watch.name(table, run.env.get(table))
            if table not in run.record.times and table not in run.env:
                run.record.free.add(table)
            if time is not None or any(is_time_name(c) for _, c in _COLUMN.findall(self.text)):
                run.record.times.setdefault(table, set()).add(time or "time")


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


def _timed_in_scope(run: Run, tables: Iterable[str], reach: Mapping[str, Table]) -> set[str]:
    """Those of the tables that are in reach with a time."""
    return {t for t in tables if run.record.times.get(reach[t].root if t in reach else t)}


def _time_in_scope(run: Run, told_of: Told, reach: Mapping[str, Table]) -> str | None:
    """The time column of a table that the query reads, or the only one that the notebook speaks of."""
    for name in sorted(told_of.tables):
        held = reach.get(name)
        names = run.record.times.get(held.root if held is not None else name, set()) - {"index", "time"}
        if names:
            return min(names)
    alone = len(run.dated) == 1 and told_of.computes and not reach
    return next(iter(run.dated)) if alone else None


def _times(
    run: Run, told_of: Told, is_time: Callable[[str], bool], reach: Mapping[str, Table]
) -> dict[str, str]:
    """For each table the first column with a name of time that the text takes from it."""
    known = set(run.known.values())
    times: dict[str, str] = {}
    for table, columns in told_of.columns.items():
        names = [name for name in columns if is_time(name) or name in known]
        own = [name for name in names if name not in known]
        if names and run.time not in names:
            times[table] = (own or names)[0]
    for table in told_of.columns.keys() - {told_of.main}:
        # what a table is known to be published by dates it, whatever it is joined by
        seen = run.record.times.get(reach[table].root if table in reach else table, set())
        published = sorted(name for name in seen if set(words(name)) & PUBLICATION_WORDS)
        if published and times.get(table) not in published:
            times[table] = published[0]
    for table, columns in told_of.compared.items():
        published = [name for name in columns if set(words(name)) & PUBLICATION_WORDS]
        if published and table not in times:
            times[table] = published[0]
    return times


def _facts(value: Horizoned, span: Span, *, earlier: frozenset[str] = frozenset()) -> Facts:
    aheads = tuple(
        _ahead(reach, path, span, value) for reach, path in value.trails if reach.is_ahead and value.proved
    )
    furthest = float(max((r.rows for r, _ in value.trails if not r.whole), default=0))
    reads = {source: -1.0 if source in earlier else max(furthest, 0.0) for source in value.sources}
    is_moved = len(value.sources) != 1 or any(len(path) > 1 for _, path in value.trails)
    return Facts(reads=reads, aheads=aheads, proved=value.proved, derived=is_moved)


def _ahead(reach: Reach, path: Path, span: Span, value: Horizoned) -> Ahead:
    says = path[-1].says if path else "the query"
    steps = tuple(Step(span=span, says=move.says) for move in path) or (Step(span=span, says=says),)
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
