"""The horizon of SQL text, read off sqlglot's tree into the same relations and terms as Ibis.

DuckDB's dialect first. What is not understood is unproved, never silently clean.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import PurePath
from typing import TYPE_CHECKING

import sqlglot
from sqlglot import exp

from nbprod.leakage import terms as tm
from nbprod.leakage.columns import column_of, metric_of
from nbprod.leakage.combining import among, united
from nbprod.leakage.declared import Declared, Judged, judged_from
from nbprod.leakage.grouping import aggregated, distinct, limited
from nbprod.leakage.horizon import CONSTANT, WHOLE_SAMPLE, Move, Value, join, value_of
from nbprod.leakage.joining import settled
from nbprod.leakage.queries import INNER, correlated, filtered, linked, made, scalar_of, set_of
from nbprod.leakage.reading import Frame, hops_of, reading
from nbprod.leakage.relations import Column, Key, Relation, doubted, kept, ordered
from nbprod.leakage.sql_terms import Scope, Terms
from nbprod.leakage.sql_words import is_aggregate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


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
    try:
        statements = sqlglot.parse(text, dialect=dialect)
    except (sqlglot.errors.SqlglotError, RecursionError):
        return _lost("SQL that could not be read")
    if declared.time is None and not schemas:
        declared = replace(declared, time=_time_in(statements))
    reader = _Reader(declared=declared, schemas=schemas or {}, tables=_folded(tables or {}))
    relation = _lost("SQL without a query")
    for statement in statements:
        body = statement.expression if isinstance(statement, exp.Create) else statement
        if isinstance(body, exp.Query):
            relation = reader.query(body)
        if isinstance(statement, exp.Create) and isinstance(body, exp.Query):
            reader = replace(reader, tables={**reader.tables, statement.this.name.lower(): relation})
    return relation


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


def _lost(says: str) -> Relation:
    lost = Column(value=value_of(WHOLE_SAMPLE, Move(says=says)).unproved())
    return Relation(timed=True, rows=lost.value, others={"": lost})


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads queries; the tables of a reader are those in reach, CTEs among them."""

    declared: Declared
    schemas: Mapping[str, Mapping[str, str]]
    tables: Mapping[str, Relation] = field(default_factory=dict)

    def query(self, node: exp.Expr) -> Relation:
        reader = self._with_ctes(node)
        match node:
            case exp.Select():
                return reader.select(node)
            case exp.SetOperation():
                return reader.ordered_and_limited(node, reader.set_of_rows(node))
            case exp.Subquery():
                return reader.ordered_and_limited(node, reader.query(node.this))
            case exp.Table():
                return reader.table(node)
            case _:
                return _lost(f"{type(node).__name__} in SQL")

    def _with_ctes(self, node: exp.Expr) -> _Reader:
        reader = self
        with_ = node.args.get("with_") or node.args.get("with")
        for cte in () if with_ is None else with_.expressions:
            named = (table.name.lower() for table in cte.this.find_all(exp.Table))
            recursive = bool(with_ and with_.args.get("recursive")) and cte.alias.lower() in named
            relation = _lost("a recursive query") if recursive else reader.query(cte.this)
            names = [column.name for column in cte.args["alias"].columns]
            reader = replace(reader, tables={**reader.tables, cte.alias.lower(): _renamed(relation, names)})
        return reader

    def set_of_rows(self, node: exp.SetOperation) -> Relation:
        left, right = self.query(node.left), self.query(node.right)
        if isinstance(node, exp.Union):
            both = united(left, right)
            return distinct(both) if node.args.get("distinct") else both
        return among(left, right, says=type(node).__name__.lower())

    def ordered_and_limited(self, node: exp.Expr, relation: Relation) -> Relation:
        scope = Scope(relation=relation, aliases={"": ""})
        terms = self._terms(scope)
        order = _order_of(node, terms, relation)
        return _limited(node, ordered(relation, order) if order else relation)

    # select

    def select(self, node: exp.Select, *, outer: Scope | None = None) -> Relation:
        scope = self.sources(node, outer=outer)
        scope = replace(scope, windows=_windows(node), selected=_selected(node))
        where = node.args.get("where")
        if where is not None:
            scope = scope.with_relation(
                filtered(scope.relation, self._terms(scope).of(where.this), says="where")
            )
        if node.args.get("group") or any(_aggregates_in(node)):
            node, scope = self._grouped(node, scope)
        return self._finished(node, scope)

    def _finished(self, node: exp.Select, scope: Scope) -> Relation:
        for clause in ("having", "qualify"):
            condition = node.args.get(clause)
            if condition is not None:
                term = self._terms(scope).of(condition.this)
                scope = scope.with_relation(filtered(scope.relation, term, says=clause))
        relation, terms = scope.relation, self._terms(scope)
        order = _order_of(node, terms, relation)
        result = made(relation, dict(self._items(node, scope)))
        result = replace(result, others=_others(node, scope), order=order or result.order)
        if node.args.get("sample") is not None:
            result = kept(result, Value(proved=False), says="sample")
        distinct = node.args.get("distinct")
        if distinct is not None:
            result = self._distinct(distinct, result, scope=scope, order=order)
        return _limited(node, result)

    def _distinct(
        self, node: exp.Expr, result: Relation, *, scope: Scope, order: tuple[Key, ...]
    ) -> Relation:
        on = node.args.get("on")
        if on is None:
            return distinct(result)
        keys = tuple(column_of(self._terms(scope).of(key), scope.relation) for key in on.expressions)
        hops = hops_of(scope.relation, partition=keys, order=order, frame=Frame(end=0))
        by = (*keys, *(key.column for key in order))
        rows = reading(scope.relation, CONSTANT, hops=hops, by=by, says=Move(says="distinct on"))
        return replace(result, rows=result.rows | rows)

    def _items(self, node: exp.Select, scope: Scope) -> list[tuple[str, tm.Term]]:
        terms, items = self._terms(scope), list[tuple[str, tm.Term]]()
        for place, item in enumerate(node.expressions):
            inner = item.this if isinstance(item, exp.Alias) else item
            if isinstance(inner, exp.Star) or (
                isinstance(inner, exp.Column) and isinstance(inner.this, exp.Star)
            ):
                items += self._starred(inner, scope)
            else:
                items.append((item.alias_or_name or f"column{place}", terms.of(inner)))
        return items

    def _starred(self, node: exp.Expr, scope: Scope) -> list[tuple[str, tm.Term]]:
        star = node.this if isinstance(node, exp.Column) else node
        table = node.table.lower() if isinstance(node, exp.Column) else ""
        prefixes = [prefix for alias, prefix in scope.aliases.items() if not table or alias == table]
        dropped = {
            column.name.lower() for column in star.args.get("except_") or star.args.get("except") or ()
        }
        replaced = {alias.alias.lower(): alias.this for alias in star.args.get("replace") or ()}
        terms, items = self._terms(scope), dict[str, tm.Term]()
        for prefix in prefixes:
            for name in scope.relation.columns:
                bare = name.removeprefix(prefix)
                own = name.startswith(prefix) and "." not in bare
                if own and bare.lower() not in dropped and bare not in items:
                    changed = replaced.get(bare.lower())
                    items[bare] = tm.Name(name) if changed is None else terms.of(changed)
        return list(items.items())

    # grouping

    def _grouped(self, node: exp.Select, scope: Scope) -> tuple[exp.Select, Scope]:
        """The query after its groups and aggregates became columns, and the scope that has them."""
        scope = scope.with_relation(settled(scope.relation))
        terms = self._terms(scope)
        keys = _group_keys(node, scope)
        named = {_key_name(key, place): key for place, key in enumerate(keys)}
        groups = {name: column_of(terms.of(key), scope.relation) for name, key in named.items()}
        node = node.copy()
        for name, key in named.items():
            _replace_all(node, key, name)
        metrics = {}
        for place, call in enumerate(list(_aggregates_in(node))):
            name = f"aggregate {place}"
            metrics[name] = metric_of(terms.of(call), scope.relation)
            call.replace(exp.column(name))
        relation = aggregated(scope.relation, groups=groups, metrics=metrics, says="group")
        group = node.args.get("group")
        if group is not None and any(group.args.get(kind) for kind in ("cube", "rollup", "grouping_sets")):
            relation = doubted(relation)
        selected = {name: item for name, item in _selected(node).items() if name not in groups}
        return node, replace(scope, relation=relation, aliases={}, grouped=True, selected=selected)

    # from and join

    def sources(self, node: exp.Select, *, outer: Scope | None) -> Scope:
        from_ = node.args.get("from_") or node.args.get("from")
        if from_ is None:
            return Scope(relation=Relation(), outer=outer)
        alias, relation = self._source(from_.this)
        prefix = f"{alias}."
        first = replace(
            relation,
            columns={f"{prefix}{name}": column for name, column in relation.columns.items()},
            others={prefix.rstrip("."): column for column in relation.others.values()},
        )
        scope = Scope(relation=first, aliases={alias.lower(): prefix}, outer=outer)
        inner_joins = from_.this.args.get("joins") or ()
        for link in (*inner_joins, *(node.args.get("joins") or ()), *(node.args.get("laterals") or ())):
            scope = self._joined(link, scope)
        return scope

    def _joined(self, node: exp.Expr, scope: Scope) -> Scope:
        source = node.this if isinstance(node, exp.Join) else node
        if isinstance(source, exp.Lateral):
            return self._lateral(source, scope)
        if isinstance(source, exp.Unnest):
            return self._unnested(source, scope)
        alias, right = self._source(source)
        prefix = f"{alias}."
        aliases = {**scope.aliases, alias.lower(): prefix}

        def holds(pairs: Relation) -> tm.Term:
            both = Scope(relation=pairs, aliases=aliases, outer=scope.outer)
            return self._condition(node, both, prefix=prefix)

        natural = str(node.args.get("method") or "").upper() == "NATURAL"
        pairs = linked(scope.relation, right, how=_how(node), prefix=prefix, holds=holds)
        is_open = bool(right.others) or bool(scope.relation.others)
        return replace(scope, relation=doubted(pairs) if natural and is_open else pairs, aliases=aliases)

    def _condition(self, node: exp.Expr, scope: Scope, *, prefix: str) -> tm.Term:
        terms, parts = self._terms(scope), []
        if node.args.get("on") is not None:
            parts.append(terms.of(node.args["on"]))
        using = [column.name for column in node.args.get("using") or ()]
        method = str(node.args.get("method") or "").upper()
        if method == "NATURAL":
            using = _shared(scope, prefix=prefix)
        for place, name in enumerate(using):
            others = {alias: start for alias, start in scope.aliases.items() if start != prefix}
            left = replace(scope, aliases=others).name_of(exp.column(name))
            ordered = method == "ASOF" and place == len(using) - 1
            parts.append(
                tm.Compare(">=" if ordered else "=", tm.Name(left or name), tm.Name(f"{prefix}{name}"))
            )
        return tm.Every(tuple(parts))

    def _source(self, node: exp.Expr) -> tuple[str, Relation]:
        alias = node.alias
        match node:
            case exp.Table():
                relation = self.table(node)
                alias = alias or PurePath(node.name).stem
            case exp.Subquery():
                relation = self.query(node)
            case exp.Values():
                relation = Relation(others={"": Column()})
            case _:
                relation = _lost(f"{type(node).__name__} in FROM")
        names = [column.name for column in node.args["alias"].columns] if node.args.get("alias") else []
        relation = _renamed(relation, names)
        if node.args.get("sample") is not None:
            relation = kept(relation, Value(proved=False), says="sample")
        return alias or f"source{id(node)}", doubted(relation) if node.args.get("pivots") else relation

    def table(self, node: exp.Table) -> Relation:
        name = node.name
        if isinstance(node.this, exp.Func):
            return self._table_function(node.this)
        if name.lower() in self.tables:
            return self.tables[name.lower()]
        known = {table.lower(): columns for table, columns in self.schemas.items()}
        return self._declared(PurePath(name).stem, known.get(name.lower()))

    def _declared(self, name: str, columns: Mapping[str, str] | None) -> Relation:
        times = [
            column
            for column, type_ in (columns or {}).items()
            if type_.lower().startswith(("timestamp", "date"))
        ]
        relation = self.declared.table(name, None if columns is None else tuple(columns), times=times)
        is_guess = columns is None and not relation.timed and name not in self.declared.static
        return doubted(relation) if is_guess else relation

    def _table_function(self, node: exp.Expr) -> Relation:
        text = next((literal.name for literal in node.find_all(exp.Literal) if literal.is_string), "")
        made_up = isinstance(node, exp.GenerateSeries) or node.name.lower() in {"range", "generate_series"}
        if made_up and not any(node.find_all(exp.Column)):
            return Relation(others={"": Column()})
        return self._declared(PurePath(text).stem, None) if text else _lost("a table function")

    def _unnested(self, node: exp.Unnest, scope: Scope) -> Scope:
        terms = self._terms(scope)
        value = join(column_of(terms.of(part), scope.relation).value for part in node.expressions)
        alias = node.alias or "unnest"
        relation = replace(
            scope.relation,
            rows=scope.relation.rows | value,
            unique=False,
            others={**scope.relation.others, alias: Column(value=value)},
        )
        return replace(scope, relation=relation, aliases={**scope.aliases, alias.lower(): f"{alias}."})

    def _lateral(self, node: exp.Lateral, scope: Scope) -> Scope:
        alias = node.alias or "lateral"
        query = node.this.this if isinstance(node.this, exp.Subquery) else node.this
        if not isinstance(query, exp.Select):
            lost = Column(value=value_of(WHOLE_SAMPLE, Move(says="a lateral source")).unproved())
            relation = replace(scope.relation, others={**scope.relation.others, alias: lost})
        else:
            pairs, inner = self._correlated(query, scope, says="lateral")
            values = {
                f"{alias}.{name}": Column(value=metric_of(term, pairs)[0] | pairs.rows)
                for name, term in self._items(query, inner.with_relation(pairs))
            }
            base = settled(scope.relation)
            relation = replace(
                base, columns={**base.columns, **values}, rows=base.rows | pairs.rows, unique=False
            )
        return replace(scope, relation=relation, aliases={**scope.aliases, alias.lower(): f"{alias}."})

    # subqueries

    def _terms(self, scope: Scope) -> Terms:
        return Terms(scope, self._subquery)

    def _subquery(self, node: exp.Expr, scope: Scope) -> tm.Term:
        body = (
            node.args.get("query")
            if isinstance(node, exp.In)
            else node.this
            if isinstance(node, exp.Exists)
            else node
        )
        while isinstance(body, exp.Subquery):
            body = body.this
        needle = (self._terms(scope).of(node.this),) if isinstance(node, exp.In) else ()
        if isinstance(body, exp.Select) and self._is_correlated(body, scope):
            pairs, inner = self._correlated(body, scope, says="subquery")
            items = [] if isinstance(node, exp.Exists) else self._items(body, inner.with_relation(pairs))
            keys = [self._terms(inner.with_relation(pairs)).of(key) for key in _group_keys(body, inner)]
            values = join(metric_of(term, pairs)[0] for term in (*(term for _, term in items), *keys))
            return tm.Call("subquery", (tm.Known(values | pairs.rows), *needle))
        relation = self.query(body) if body is not None else _lost("a subquery")
        value = set_of(relation) if isinstance(node, exp.In | exp.Exists) else scalar_of(relation)
        return tm.Call("subquery", (tm.Known(value), *needle))

    def _is_correlated(self, node: exp.Select, scope: Scope) -> bool:
        own = {source.alias_or_name.lower() for source in node.find_all(exp.Table, exp.Subquery)}
        tables = {column.table.lower() for column in node.find_all(exp.Column)} - {""}
        reach, outside = scope, set[str]()
        while reach is not None:
            outside |= set(reach.aliases)
            reach = reach.outer  # type: ignore[assignment]
        if tables & outside - own:
            return True
        inner = self._with_ctes(node).sources(node, outer=None)
        bare = [column for column in node.find_all(exp.Column) if not column.table]
        return any(inner.name_of(column) is None and scope.name_of(column) is not None for column in bare)

    def _correlated(self, node: exp.Select, scope: Scope, *, says: str) -> tuple[Relation, Scope]:
        """The pairs of outer and inner rows that a subquery's WHERE admits, settled, and the scope on them."""
        inner = self._with_ctes(node).sources(node, outer=None)
        aliases = {alias: f"{INNER}{prefix}" for alias, prefix in inner.aliases.items()}
        where = node.args.get("where")

        def scope_of(pairs: Relation) -> Scope:
            return Scope(relation=pairs, aliases=aliases, outer=scope.with_relation(pairs))

        def holds(pairs: Relation) -> tm.Term:
            return tm.Every(()) if where is None else self._terms(scope_of(pairs)).of(where.this)

        pairs = settled(correlated(scope.relation, inner.relation, holds=holds, says=says))
        return pairs, scope_of(pairs)


# Clauses


def _renamed(relation: Relation, names: Sequence[str]) -> Relation:
    if not names or len(names) > len(relation.columns):
        return relation
    kept = list(relation.columns)[len(names) :]
    fresh = (*names, *kept)
    return replace(relation, columns=dict(zip(fresh, relation.columns.values(), strict=True)))


def _how(node: exp.Expr) -> str:
    method, side, kind = (str(node.args.get(key) or "").upper() for key in ("method", "side", "kind"))
    if method == "ASOF":
        return "asof" if side == "LEFT" else "any_inner"
    if method == "POSITIONAL" or kind == "POSITIONAL":
        return "positional"
    if kind in {"SEMI", "ANTI"} or side in {"SEMI", "ANTI"}:
        return (kind if kind in {"SEMI", "ANTI"} else side).lower()
    return {"LEFT": "left", "RIGHT": "right", "FULL": "outer"}.get(side, "inner")


def _shared(scope: Scope, *, prefix: str) -> list[str]:
    own = {name.removeprefix(prefix) for name in scope.relation.columns if name.startswith(prefix)}
    rest = {name.rpartition(".")[2] for name in scope.relation.columns if not name.startswith(prefix)}
    return sorted(own & rest)


def _windows(node: exp.Select) -> Mapping[str, exp.Window]:
    return {window.name.lower(): window for window in node.args.get("windows") or ()}


def _selected(node: exp.Select) -> Mapping[str, exp.Expr]:
    return {item.alias.lower(): item.this for item in node.expressions if isinstance(item, exp.Alias)}


def _others(node: exp.Select, scope: Scope) -> Mapping[str, Column]:
    starred = any(isinstance(item, exp.Star) or isinstance(item.this, exp.Star) for item in node.expressions)
    open_ones = list(scope.relation.others.values())
    return {"": open_ones[0]} if starred and open_ones else {}


def _order_of(node: exp.Expr, terms: Terms, relation: Relation) -> tuple[Key, ...]:
    order = node.args.get("order")
    if order is None:
        return ()
    relation = settled(relation)
    return tuple(
        Key(
            column=column_of(terms.of(_at_place(key.this, node)), relation),
            ascending=not key.args.get("desc"),
        )
        for key in order.expressions
    )


def _at_place(key: exp.Expr, node: exp.Expr) -> exp.Expr:
    """The expression that a position in GROUP BY or ORDER BY means."""
    is_place = isinstance(key, exp.Literal) and not key.is_string and isinstance(node, exp.Select)
    if not is_place or not 0 < int(key.name) <= len(node.expressions):
        return key
    item: exp.Expr = node.expressions[int(key.name) - 1]
    chosen: exp.Expr = item.this if isinstance(item, exp.Alias) else item
    return chosen


def _limited(node: exp.Expr, relation: Relation) -> Relation:
    if node.args.get("limit") is None and node.args.get("offset") is None:
        return relation
    first = limited(relation)
    amounts = [clause.expression for key in ("limit", "offset") if (clause := node.args.get(key)) is not None]
    return first if all(isinstance(amount, exp.Literal) for amount in amounts) else doubted(first)


def _aggregates_in(node: exp.Select) -> list[exp.Expr]:
    """The outermost aggregates of this query that no window claims, with their FILTER and the like."""
    found = []
    clauses = [*node.expressions, *(node.args.get(key) for key in ("having", "qualify", "order"))]
    for clause in filter(None, clauses):
        found += _outermost(clause)
    return found


def _outermost(node: exp.Expr) -> list[exp.Expr]:
    if isinstance(node, exp.Query):
        return []
    if isinstance(node, exp.Window):
        inside = (
            node.this.this
            if isinstance(node.this, exp.Filter | exp.IgnoreNulls | exp.RespectNulls)
            else node.this
        )
        rest = [value for key, value in node.args.items() if key != "this"]
        return [call for part in (*_parts(inside), *_flat(rest)) for call in _outermost(part)]
    if is_aggregate(node):
        return [node]
    return [call for part in _parts(node) for call in _outermost(part)]


def _parts(node: exp.Expr) -> list[exp.Expr]:
    return _flat(list(node.args.values()))


def _flat(values: Sequence[object]) -> list[exp.Expr]:
    parts = [part for value in values for part in (value if isinstance(value, list) else [value])]
    return [part for part in parts if isinstance(part, exp.Expr)]


def _group_keys(node: exp.Select, scope: Scope) -> list[exp.Expr]:
    group = node.args.get("group")
    if group is None:
        return []
    if group.args.get("all"):
        items = [item.this if isinstance(item, exp.Alias) else item for item in node.expressions]
        return [item for item in items if not _outermost(item)]
    keys = [*group.expressions]
    for kind in ("cube", "rollup", "grouping_sets"):
        keys += [key for part in group.args.get(kind) or () for key in part.expressions]
    selected = _selected(node)

    def meant(key: exp.Expr) -> exp.Expr:
        key = _at_place(key, node)
        is_alias = isinstance(key, exp.Column) and not key.table and scope.name_of(key) is None
        return selected.get(key.name.lower(), key) if is_alias else key

    return [meant(key) for key in keys]


def _key_name(key: exp.Expr, place: int) -> str:
    return key.name if isinstance(key, exp.Column) else f"group {place}"


def _replace_all(node: exp.Select, key: exp.Expr, name: str) -> None:
    for clause in [*node.expressions, *(node.args.get(part) for part in ("having", "qualify", "order"))]:
        for found in [] if clause is None else list(clause.find_all(type(key))):
            if found == key and found is not clause:
                found.replace(exp.column(name))
        if clause == key and clause is not None:
            clause.replace(exp.column(name) if not isinstance(key, exp.Column) else key.copy())
