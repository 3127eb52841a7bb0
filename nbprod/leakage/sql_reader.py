"""A query of sqlglot's tree, read clause by clause into a relation; knows terms and clauses."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace
from sqlglot import exp

from nbprod.leakage import terms as tm
from nbprod.leakage.columns import column_of, metric_of
from nbprod.leakage.combining import among, united
from nbprod.leakage.grouping import aggregated, distinct
from nbprod.leakage.horizon import CONSTANT, WHOLE_SAMPLE, Move, Value, join, value_of
from nbprod.leakage.joining import settled
from nbprod.leakage.predicates import facts_of
from nbprod.leakage.queries import INNER, correlated, filtered, linked, made, scalar_of, set_of
from nbprod.leakage.reading import Frame, direction_of, hops_of, reading
from nbprod.leakage.relations import Column, Key, Relation, doubted, kept, ordered
from nbprod.leakage.sql_queries import (
    aggregates_in,
    group_keys,
    how,
    key_name,
    limit_of,
    not_understood,
    order_of,
    others_of,
    renamed,
    replace_all,
    selected_by,
    shared,
    windows_in,
)
from nbprod.leakage.sql_terms import Scope, Terms

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nbprod.leakage.declared import Declared


class Reader(Struct, frozen=True):
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
                return not_understood(f"{type(node).__name__} in SQL")

    def _with_ctes(self, node: exp.Expr) -> Reader:
        reader = self
        with_ = node.args.get("with_") or node.args.get("with")
        for cte in () if with_ is None else with_.expressions:
            named = (table.name.lower() for table in cte.this.find_all(exp.Table))
            recursive = bool(with_ and with_.args.get("recursive")) and cte.alias.lower() in named
            relation = not_understood("a recursive query") if recursive else reader.query(cte.this)
            names = [column.name for column in cte.args["alias"].columns]
            reader = replace(reader, tables={**reader.tables, cte.alias.lower(): renamed(relation, names)})
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
        order = order_of(node, terms, relation)
        return limit_of(node, ordered(relation, order) if order else relation)

    # select

    def select(self, node: exp.Select, *, outer: Scope | None = None) -> Relation:
        scope = self.sources(node, outer=outer)
        scope = replace(scope, windows=windows_in(node), selected=selected_by(node))
        where = node.args.get("where")
        if where is not None:
            scope = scope.with_relation(
                filtered(scope.relation, self._terms(scope).of(where.this), says="where")
            )
        if node.args.get("group") or any(aggregates_in(node)):
            node, scope = self._grouped(node, scope)
        return self._finished(node, scope)

    def _finished(self, node: exp.Select, scope: Scope) -> Relation:
        for clause in ("having", "qualify"):
            condition = node.args.get(clause)
            if condition is not None:
                term = self._terms(scope).of(condition.this)
                scope = scope.with_relation(filtered(scope.relation, term, says=clause))
        relation, terms = scope.relation, self._terms(scope)
        order = order_of(node, terms, relation)
        result = made(relation, dict(self._items(node, scope)))
        result = replace(result, others=others_of(node, scope), order=order or result.order)
        if node.args.get("sample") is not None:
            result = kept(result, Value(proved=False), says="sample")
        distinct = node.args.get("distinct")
        if distinct is not None:
            result = self._distinct(distinct, result, scope=scope, order=order)
        return limit_of(node, result)

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
        whole = not (scope.relation.thinned or scope.relation.until) and all(key.identity for key in keys)
        earliest = whole and direction_of(order, partition=keys) > 0
        firsts = frozenset(key.identity for key in keys) if earliest else result.firsts
        return replace(result, rows=result.rows | rows, firsts=firsts)

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
        # of a table whose columns nobody listed, those that are replaced are known
        items |= {name: terms.of(one) for name, one in replaced.items() if name not in map(str.lower, items)}
        return list(items.items())

    # grouping

    def _grouped(self, node: exp.Select, scope: Scope) -> tuple[exp.Select, Scope]:
        """The query after its groups and aggregates became columns, and the scope that has them."""
        scope = scope.with_relation(settled(scope.relation))
        terms = self._terms(scope)
        keys = group_keys(node, scope)
        named = {key_name(key, place): key for place, key in enumerate(keys)}
        groups = {name: column_of(terms.of(key), scope.relation) for name, key in named.items()}
        node = node.copy()
        for name, key in named.items():
            replace_all(node, key, name)
        metrics = {}
        for place, call in enumerate(list(aggregates_in(node))):
            name = f"aggregate {place}"
            metrics[name] = self._metric(terms.of(call), scope.relation)
            call.replace(exp.column(name))
        relation = aggregated(scope.relation, groups=groups, metrics=metrics, says="group")
        group = node.args.get("group")
        if group is not None and any(group.args.get(kind) for kind in ("cube", "rollup", "grouping_sets")):
            relation = doubted(relation)
        selected = {name: item for name, item in selected_by(node).items() if name not in groups}
        return node, replace(scope, relation=relation, aliases={}, grouped=True, selected=selected)

    @staticmethod
    def _metric(term: tm.Term, relation: Relation) -> tuple[Value, bool]:
        """What enters an aggregate; of rows up to a constant alone, what is settled by then."""
        found = metric_of(term, relation)
        if not isinstance(term, tm.Reduce) or term.where is None:
            return found
        until = facts_of(term.where, relation).until
        value = replace(found[0], trails=(), settled=found[0].settled | {until})
        return (value, True) if until else found

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
        pairs = linked(scope.relation, right, how=how(node), prefix=prefix, holds=holds)
        is_open = bool(right.others) or bool(scope.relation.others)
        return replace(scope, relation=doubted(pairs) if natural and is_open else pairs, aliases=aliases)

    def _condition(self, node: exp.Expr, scope: Scope, *, prefix: str) -> tm.Term:
        terms, parts = self._terms(scope), []
        if node.args.get("on") is not None:
            parts.append(terms.of(node.args["on"]))
        using = [column.name for column in node.args.get("using") or ()]
        method = str(node.args.get("method") or "").upper()
        if method == "NATURAL":
            using = shared(scope, prefix=prefix)
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
                relation = not_understood(f"{type(node).__name__} in FROM")
        names = [column.name for column in node.args["alias"].columns] if node.args.get("alias") else []
        relation = renamed(relation, names)
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
        return self._declared(PurePath(text).stem, None) if text else not_understood("a table function")

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
            keys = [self._terms(inner.with_relation(pairs)).of(key) for key in group_keys(body, inner)]
            values = join(metric_of(term, pairs)[0] for term in (*(term for _, term in items), *keys))
            return tm.Call("subquery", (tm.Known(values | pairs.rows), *needle))
        relation = self.query(body) if body is not None else not_understood("a subquery")
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
