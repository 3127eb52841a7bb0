"""The horizon of SQL text, read off sqlglot's tree into the same relations and terms as Ibis.

DuckDB's dialect first. What is not understood is unproved, never silently clean.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import sqlglot
from msgspec import Struct, field
from msgspec.structs import replace
from sqlglot import exp

from nbprod.leakage.declared import Declared, Judged, judged_from
from nbprod.leakage.sql_macros import Macro, macro_of, spelled_out
from nbprod.leakage.sql_queries import not_understood
from nbprod.leakage.sql_reader import Reader

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nbprod.leakage.relations import Relation


def horizon_of_sql(
    text: str,
    declared: Declared | None = None,
    *,
    schemas: Mapping[str, Mapping[str, str]] | None = None,
    tables: Mapping[str, Relation] | None = None,
    dialect: str = "duckdb",
) -> Judged:
    """What each column of a query's result may depend on; see `relation_of_sql` for the arguments."""
    declared = declared or Declared()
    relation = relation_of_sql(text, declared=declared, schemas=schemas, tables=tables, dialect=dialect)
    return judged_from(relation, declared=declared)


def relation_of_sql(
    text: str,
    *,
    declared: Declared,
    schemas: Mapping[str, Mapping[str, str]] | None = None,
    tables: Mapping[str, Relation] | None = None,
    dialect: str = "duckdb",
) -> Relation:
    """The relation that the last query of a text makes.

    `tables` are known relations by name (a data frame in scope, a view); `schemas` give the columns of others with
    their SQL types. A table that is in neither has the declared columns and others nobody listed; where no time is
    declared for it either, the column by which the query's windows are ordered is taken for it, or one that is
    called like a time, and without such a one the table is unproved. So is text that does not parse, or holds no
    query.
    """
    return read_sql(text, declared=declared, schemas=schemas, tables=tables, dialect=dialect).relation


class ReadSql(Struct, frozen=True, kw_only=True):
    """The relation of a text's last query, and the tables, views and macros that the text makes, by name."""

    relation: Relation
    made: Mapping[str, Relation] = field(default_factory=dict)
    macros: Mapping[str, Macro] = field(default_factory=dict)


def read_sql(
    text: str,
    *,
    declared: Declared,
    schemas: Mapping[str, Mapping[str, str]] | None = None,
    tables: Mapping[str, Relation] | None = None,
    macros: Mapping[str, Macro] | None = None,
    dialect: str = "duckdb",
) -> ReadSql:
    """What a text asks for and makes, where `tables` and `macros` were made before; see `relation_of_sql`."""
    try:
        statements = sqlglot.parse(text, dialect=dialect)
    except (sqlglot.errors.SqlglotError, RecursionError):
        return ReadSql(relation=not_understood("SQL that could not be read"))
    if declared.time is None and not schemas:
        declared = replace(declared, time=_time_in(statements))
    reader = Reader(declared=declared, schemas=schemas or {}, tables=_folded(tables or {}))
    relation = not_understood("SQL without a query")
    made: dict[str, Relation] = {}
    known = dict(macros or {})
    for statement in statements:
        if (macro := macro_of(statement)) is not None:
            known[macro.name] = macro
            continue
        body = statement.expression if isinstance(statement, exp.Create) else statement
        if isinstance(body, exp.Query):
            relation = reader.query(spelled_out(body, known) if known else body)
        if isinstance(statement, exp.Create) and isinstance(body, exp.Query):
            made[statement.this.name.lower()] = relation
            reader = replace(reader, tables={**reader.tables, **made})
    return ReadSql(relation=relation, made=made, macros=known)


def _time_in(statements: Sequence[exp.Expr | None]) -> str | None:
    """The column that a query seems to take for its rows' time."""
    trees = [statement for statement in statements if statement is not None]
    windows = [window for tree in trees for window in tree.find_all(exp.Window) if window.args.get("order")]
    keys = [key.this.name for window in windows for key in window.args["order"].expressions[:1]]
    named = [
        column.name
        for tree in trees
        for column in tree.find_all(exp.Column)
        if _TIME_NAME.search(column.name)
    ]
    return next(iter([key for key in keys if _TIME_NAME.search(key)] or named or keys), None) or None


_TIME_NAME = re.compile(r"(?i)^(ts|dt|t|day|month|week|hour|when)$|time|date|stamp|(_|^)(at|on|day|ts|dt)$")


def _folded(tables: Mapping[str, Relation]) -> Mapping[str, Relation]:
    return {name.lower(): relation for name, relation in tables.items()}
