"""What SQL's clauses say beyond their terms: orders, limits, keys of groups, kinds of joins; knows no reader."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace
from sqlglot import exp

from nbprod.leakage.columns import column_of
from nbprod.leakage.grouping import limited
from nbprod.leakage.horizon import WHOLE_SAMPLE, Move, value_of
from nbprod.leakage.joining import settled
from nbprod.leakage.relations import Column, Key, Relation, doubted
from nbprod.leakage.sql_words import is_aggregate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nbprod.leakage.sql_terms import Scope, Terms


def not_understood(says: str) -> Relation:
    lost = Column(value=value_of(WHOLE_SAMPLE, Move(says=says)).unproved())
    return Relation(timed=True, rows=lost.value, others={"": lost})


def renamed(relation: Relation, names: Sequence[str]) -> Relation:
    if not names or len(names) > len(relation.columns):
        return relation
    kept = list(relation.columns)[len(names) :]
    fresh = (*names, *kept)
    return replace(relation, columns=dict(zip(fresh, relation.columns.values(), strict=True)))


def how(node: exp.Expr) -> str:
    method, side, kind = (str(node.args.get(key) or "").upper() for key in ("method", "side", "kind"))
    if method == "ASOF":
        return "asof" if side == "LEFT" else "any_inner"
    if method == "POSITIONAL" or kind == "POSITIONAL":
        return "positional"
    if kind in {"SEMI", "ANTI"} or side in {"SEMI", "ANTI"}:
        return (kind if kind in {"SEMI", "ANTI"} else side).lower()
    return {"LEFT": "left", "RIGHT": "right", "FULL": "outer"}.get(side, "inner")


def shared(scope: Scope, *, prefix: str) -> list[str]:
    own = {name.removeprefix(prefix) for name in scope.relation.columns if name.startswith(prefix)}
    rest = {name.rpartition(".")[2] for name in scope.relation.columns if not name.startswith(prefix)}
    return sorted(own & rest)


def windows_in(node: exp.Select) -> Mapping[str, exp.Window]:
    return {window.name.lower(): window for window in node.args.get("windows") or ()}


def selected_by(node: exp.Select) -> Mapping[str, exp.Expr]:
    """What SELECT calls by a name; a name within its own definition is that of a column, and means it elsewhere too."""
    named = {item.alias.lower(): item.this for item in node.expressions if isinstance(item, exp.Alias)}
    return {name: one for name, one in named.items() if not _mentions(one, name)}


def _mentions(node: exp.Expr, name: str) -> bool:
    return any(not column.table and column.name.lower() == name for column in node.find_all(exp.Column))


def others_of(node: exp.Select, scope: Scope) -> Mapping[str, Column]:
    starred = any(isinstance(item, exp.Star) or isinstance(item.this, exp.Star) for item in node.expressions)
    open_ones = list(scope.relation.others.values())
    return {"": open_ones[0]} if starred and open_ones else {}


def order_of(node: exp.Expr, terms: Terms, relation: Relation) -> tuple[Key, ...]:
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


def limit_of(node: exp.Expr, relation: Relation) -> Relation:
    if node.args.get("limit") is None and node.args.get("offset") is None:
        return relation
    first = limited(relation)
    amounts = [clause.expression for key in ("limit", "offset") if (clause := node.args.get(key)) is not None]
    return first if all(isinstance(amount, exp.Literal) for amount in amounts) else doubted(first)


def aggregates_in(node: exp.Select) -> list[exp.Expr]:
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


def group_keys(node: exp.Select, scope: Scope) -> list[exp.Expr]:
    group = node.args.get("group")
    if group is None:
        return []
    if group.args.get("all"):
        items = [item.this if isinstance(item, exp.Alias) else item for item in node.expressions]
        return [item for item in items if not _outermost(item)]
    keys = [*group.expressions]
    for kind in ("cube", "rollup", "grouping_sets"):
        keys += [key for part in group.args.get(kind) or () for key in part.expressions]
    selected = selected_by(node)

    def meant(key: exp.Expr) -> exp.Expr:
        key = _at_place(key, node)
        is_alias = isinstance(key, exp.Column) and not key.table and scope.name_of(key) is None
        return selected.get(key.name.lower(), key) if is_alias else key

    return [meant(key) for key in keys]


def key_name(key: exp.Expr, place: int) -> str:
    return key.name if isinstance(key, exp.Column) else f"group {place}"


def replace_all(node: exp.Select, key: exp.Expr, name: str) -> None:
    for clause in [*node.expressions, *(node.args.get(part) for part in ("having", "qualify", "order"))]:
        for found in [] if clause is None else list(clause.find_all(type(key))):
            if found == key and found is not clause:
                found.replace(exp.column(name))
        if clause == key and clause is not None:
            clause.replace(exp.column(name) if not isinstance(key, exp.Column) else key.copy())
