"""What queries make and name, and what they read by name: views, temporary tables, macros, frames in variables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from nbprod.leakage.interpret.facts import NOTHING, Facts, Rows, joined
from nbprod.leakage.interpret.values import Const, Symbol, Table, Value
from nbprod.leakage.relations import table as base_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from nbprod.leakage.declared import Declared
    from nbprod.leakage.interpret.context import Run
    from nbprod.leakage.relations import Relation
    from nbprod.leakage.sql_macros import Macro

# no name of Python's has a space in it
KEPT = "table "
_MACROS = "macros of queries"
GIVEN = "given_"
"""How a query calls what is put into its text, or given to it as a parameter, without being known."""


def keep(run: Run, name: str, value: Value) -> None:
    """Let queries read a table by that name."""
    run.env[f"{KEPT}{name.lower()}"] = value


def kept(run: Run, name: str) -> Value | None:
    """What was kept under that name."""
    key = f"{KEPT}{name.lower()}"
    found = run.env.get(key)
    run.watch.name(key, found)
    return found


def speaks_duckdb(run: Run) -> bool:
    """Whether tables that a connection gives are relations of DuckDB."""
    found = run.env.get("duckdb")
    run.watch.name("duckdb", found)
    return isinstance(found, Symbol) and found.path == "duckdb"


def macros_of(run: Run) -> Mapping[str, Macro]:
    """The macros that earlier queries have made."""
    found = run.env.get(_MACROS)
    run.watch.name(_MACROS, found)
    return found.value if isinstance(found, Const) else {}


def keep_macros(run: Run, macros: Mapping[str, Macro]) -> None:
    """Let later queries call the macros."""
    if macros:
        run.env[_MACROS] = Const(dict(macros))


def in_reach(run: Run, names: Iterable[str], own: Mapping[str, Table]) -> dict[str, Table]:
    """The tables that a query reads by these names: given to it, kept by an earlier query, or in variables."""
    found: dict[str, Table] = {}
    for name in names:
        held = own.get(name) or run.at(kept(run, name))
        if not isinstance(held, Table):
            run.watch.name(name, run.env.get(name))
            held = run.at(run.env.get(name))
        if isinstance(held, Table):
            found[name] = held
    return found


def relation_of(run: Run, name: str, table: Table, declared: Declared) -> Relation | None:
    """The relation of a table in reach; None where no more is known of it than of one that is not."""
    asked = table.asked
    if asked is not None and asked.columns is table.columns and asked.rows == table.rows:
        known: Relation = asked.relation
        return known
    columns = tuple(dict.fromkeys((*table.columns, *declared.named)))
    if not table.columns:
        return None
    return base_table(
        name,
        columns,
        time=_time_of(run, name, table, declared),
        known=[pair for pair in declared.known if set(pair) <= set(columns)],
        labels=declared.labels,
        has_more=table.rest is not None,
    )


def _time_of(run: Run, name: str, table: Table, declared: Declared) -> str | None:
    if name in declared.static:
        return None
    seen = run.record.times.get(table.root, set()) - {"index"}
    own = [column for column in table.columns if column in seen or run.is_time(column)]
    return declared.times.get(name) or (own[0] if own else declared.time) or None


def facts_behind(reads: Mapping[str, float], bases: Mapping[str, Table], given: Mapping[str, Facts]) -> Facts:
    """What is known of the frames' columns, and of what was put into the text, that a query's column reads."""
    return joined(_behind(source, at, bases, given) for source, at in sorted(reads.items()))


def _behind(source: str, at: float, bases: Mapping[str, Table], given: Mapping[str, Facts]) -> Facts:
    name, _, column = source.rpartition(".")
    if column in given:
        return given[column]
    base = bases.get(name)
    facts = base.facts(column) if base is not None and base.asked is None else None
    if facts is None:
        return NOTHING
    return replace(facts, reads={each: place + at for each, place in facts.reads.items()}) if at else facts


def open_root(relation: Relation, bases: Mapping[str, Table]) -> str:
    """The table whose columns a result has that nobody listed; nothing if it has none, or several tables'."""
    names = {column.identity for column in relation.others.values()}
    if len(names) != 1:
        return ""
    name = next(iter(names))
    return bases[name].root if name in bases else name


def table_named(root: str, library: str = "") -> Table:
    """A table that is known by its name alone."""
    return Table(rest=NOTHING, rows=Rows(tables=frozenset({root})), root=root, library=library)
