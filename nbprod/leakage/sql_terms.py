"""SQL expressions as terms: column names resolved, window frames with SQL's defaults, dates and intervals read.

The tree is sqlglot's; DuckDB's dialect is the best known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace
from sqlglot import exp

from nbprod.leakage import terms as tm
from nbprod.leakage.columns import column_of
from nbprod.leakage.sql_calendar import calendar_of, epoch_of
from nbprod.leakage.sql_words import (
    COMPARISONS,
    NOW,
    NOW_NAMES,
    PICKS,
    PURE_NAMES,
    SKIPPING,
    TIME_TYPES,
    TIMES,
    aggregate_name,
    children_of,
    frame_of,
    integer_of,
    is_aggregate,
    literal,
    period_of,
    query_in,
)
from nbprod.leakage.times import UNITS, unit_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from nbprod.leakage.relations import Relation
    from nbprod.leakage.sql_calendar import Change


class Scope(Struct, frozen=True, kw_only=True):
    """The names in reach: tables by alias and the prefix of their columns, the query around, what SELECT named."""

    relation: Relation
    aliases: Mapping[str, str] = field(default_factory=dict)
    outer: Scope | None = None
    selected: Mapping[str, exp.Expr] = field(default_factory=dict)
    windows: Mapping[str, exp.Window] = field(default_factory=dict)
    grouped: bool = False

    def with_relation(self, relation: Relation) -> Scope:
        """The same names over another relation."""
        return replace(self, relation=relation)

    def name_of(self, column: exp.Column) -> str | None:
        """The relation's column that a SQL name means; None where nothing answers to it."""
        name, table = column.name, column.table.lower()
        if self.grouped:
            return self._spelled(name)
        if table:
            prefix = self.aliases.get(table)
            if prefix is not None:
                return self._spelled(f"{prefix}{name}") or f"{prefix}{name}"
            return self.outer.name_of(column) if self.outer is not None else None
        listed = (self._spelled(f"{prefix}{name}") for prefix in self.aliases.values())
        return next(filter(None, listed), None) or self._unlisted(column)

    def _unlisted(self, column: exp.Column) -> str | None:
        open_ones = [prefix for prefix in self.aliases.values() if prefix.rstrip(".") in self.relation.others]
        if open_ones and column.name.lower() not in self.selected:
            return f"{open_ones[0]}{column.name}"
        return self.outer.name_of(column) if self.outer is not None else None

    def _spelled(self, name: str) -> str | None:
        if name in self.relation.columns:
            return name
        folded = name.lower()
        return next((known for known in self.relation.columns if known.lower() == folded), None)


class Terms(Struct, frozen=True):
    """Reads expressions within a scope; `subquery` reads those that hold a query."""

    scope: Scope
    subquery: Callable[[exp.Expr, Scope], tm.Term]

    def of(self, node: exp.Expr) -> tm.Term:  # noqa: C901, PLR0912 - one case a kind
        match node:
            case exp.Paren() | exp.Alias():
                return self.of(node.this)
            case exp.Column():
                return self._column(node)
            case exp.Literal():
                return literal(node)
            case exp.Boolean() | exp.Null() | exp.Placeholder() | exp.Parameter() | exp.Star() | exp.Var():
                return tm.Fixed(node.sql())
            case exp.Interval():
                period = period_of(node)
                return self._call(node) if period is None else period
            case exp.And():
                return tm.Every((self.of(node.left), self.of(node.right)))
            case exp.Or():
                return tm.Some((self.of(node.left), self.of(node.right)))
            case exp.Not():
                return tm.Not(self.of(node.this))
            case exp.Between():
                subject = self.of(node.this)
                low, high = (self.of(node.args[key]) for key in ("low", "high"))
                return tm.Every((tm.Compare(">=", subject, low), tm.Compare("<=", subject, high)))
            case exp.Exists() | exp.Subquery() | exp.Select() | exp.In() if query_in(node) is not None:
                return self.subquery(node, self.scope)
            case exp.Neg():
                inner = self.of(node.this)
                known = isinstance(inner, tm.Fixed) and inner.number is not None
                return tm.Fixed(f"-{inner.text}", -inner.number) if known else tm.Call("neg", (inner,))  # type: ignore[union-attr,operator]
            case exp.Abs():
                return tm.Call("abs", (self.of(node.this),))
            case exp.Window():
                return self._window(node)
            case _ if type(node).__name__ in COMPARISONS:
                operator = COMPARISONS[type(node).__name__]
                return tm.Compare(operator, self.of(node.this), self.of(node.expression))
            case _ if (counted := epoch_of(node)) is not None:
                return tm.Same(self.of(counted))
            case _ if (told := calendar_of(node)) is not None:
                return self._told(*told)
            case _ if type(node).__name__ in TIMES:
                return self._time(node)
            case _ if is_aggregate(node):
                return self.reduction(node)
            case exp.Anonymous() | exp.AnonymousAggFunc():
                return self._anonymous(node)
            case _ if type(node).__name__ in NOW:
                return tm.WallClock(node.sql(dialect="duckdb"))
            case exp.Rand() | exp.Uuid():
                return tm.Opaque(node.sql(dialect="duckdb"))
            case _:
                return self._call(node)

    def _column(self, node: exp.Column) -> tm.Term:
        name = self.scope.name_of(node)
        if name is not None:
            return tm.Name(name)
        chosen = self.scope.selected.get(node.name.lower())
        if chosen is None or node.table or chosen is node:
            return tm.Name(node.sql())
        rest = {key: value for key, value in self.scope.selected.items() if key != node.name.lower()}
        return replace(self, scope=replace(self.scope, selected=rest)).of(chosen)

    def _call(self, node: exp.Expr) -> tm.Term:
        parts = tuple(self.of(part) for part in children_of(node))
        return tm.Call(type(node).__name__.lower(), parts)

    def _anonymous(self, node: exp.Expr) -> tm.Term:
        name = node.name.lower()
        parts = tuple(self.of(part) for part in node.expressions)
        if name in NOW_NAMES:
            return tm.WallClock(f"{name}()")
        return tm.Call(name, parts) if name in PURE_NAMES else tm.Opaque(name, parts)

    # times

    def _told(self, subject: exp.Expr, changes: tuple[Change, ...]) -> tm.Term:
        term = self.of(subject)
        for change in changes:
            if isinstance(change, tm.Period):
                term = tm.Moved(term, change)
            elif change != "second":
                term = tm.Truncated(term, change) if change in UNITS else tm.Call("cut", (term,))
        return term

    def _time(self, node: exp.Expr) -> tm.Term:
        match node:
            case exp.TimestampTrunc() | exp.DateTrunc():
                unit = node.text("unit").lower()
                subject = self.of(node.this)
                return tm.Truncated(subject, unit) if unit in UNITS else tm.Call("trunc", (subject,))
            case exp.DateBin():
                return self._binned(node)
            case exp.Date() | exp.TsOrDsToDate():
                return tm.Truncated(self.of(node.this), "day")
            case exp.Cast():
                return self._cast(node)
            case exp.DateDiff() | exp.TimestampDiff():
                later, earlier = self.of(node.this), self.of(node.expression)
                unit = node.text("unit").lower() or "day"
                return tm.Gap(later, earlier, unit) if unit in UNITS else tm.Call("diff", (later, earlier))
            case exp.Sub() if period_of(node.expression) is None and not self._counts_days(node):
                return tm.Gap(self.of(node.this), self.of(node.expression))
            case _:
                return self._moved(node)

    def _counts_days(self, node: exp.Expr) -> bool:
        """Whether a whole number is added to a date."""
        if not isinstance(node, exp.Add | exp.Sub) or integer_of(node.expression) is None:
            return False
        bound = column_of(self.of(node.this), self.scope.relation).bound
        return bound is not None and bound.grid == "day"

    def _moved(self, node: exp.Expr) -> tm.Term:
        left, right = node.this, node.expression
        if isinstance(node, exp.Add) and period_of(left) is not None:
            left, right = right, left
        period = period_of(right, unit="day" if self._counts_days(node) else node.text("unit"))
        if period is None or not isinstance(node, exp.Add | exp.Sub | exp.DateAdd | exp.DateSub):
            return self._call(node)
        back = isinstance(node, exp.Sub | exp.DateSub)
        return tm.Moved(self.of(left), -period if back else period)

    def _binned(self, node: exp.DateBin) -> tm.Term:
        period, subject = period_of(node.this), self.of(node.expression)
        if period is None or period.months or node.args.get("zone") or node.args.get("origin"):
            return tm.Call("time_bucket", (subject,))
        return tm.Truncated(subject, unit_of(period.time))

    def _cast(self, node: exp.Cast) -> tm.Term:
        subject, to = self.of(node.this), node.to.this.value
        if isinstance(subject, tm.Fixed) and node.to.this in TIME_TYPES:
            return subject
        period = period_of(node)
        if period is not None:
            return period
        if to == "DATE":
            return tm.Truncated(subject, "day")
        is_plain = to in {"TIMESTAMP", "DATETIME", "TIMESTAMP_NS", "TIMESTAMPNTZ"}
        return tm.Same(subject) if is_plain else tm.Call(f"cast to {to}", (subject,))

    # aggregates and windows

    def reduction(self, node: exp.Expr, *, where: exp.Expr | None = None) -> tm.Term:
        """An aggregate call with its FILTER, ORDER BY and treatment of nulls."""
        match node:
            case exp.Filter():
                return self.reduction(node.this, where=node.expression.this)
            case exp.WithinGroup():
                inner = self.reduction(node.this, where=where)
                keys = self._sorted(node.expression)
                return replace(inner, order=keys) if isinstance(inner, tm.Reduce) else inner
            case exp.IgnoreNulls() | exp.RespectNulls():
                inner = self.reduction(node.this, where=where)
                keeps = isinstance(node, exp.RespectNulls)
                return replace(inner, keeps_nulls=keeps) if isinstance(inner, tm.Reduce) else inner
            case _:
                return self._plain_reduction(node, where=where)

    def _plain_reduction(self, node: exp.Expr, *, where: exp.Expr | None) -> tm.Reduce:
        name = aggregate_name(node)
        subject = node.this if isinstance(node.this, exp.Order) else None
        keys = self._sorted(subject) if subject is not None else ()
        parts = node.expressions if isinstance(node, exp.Anonymous) else list(children_of(node))
        terms = tuple(self.of(part.this if isinstance(part, exp.Order) else part) for part in parts)
        return tm.Reduce(
            name=name,
            arguments=tuple(term for term in terms if not isinstance(term, tm.Fixed)),
            where=None if where is None else self.of(where),
            order=keys,
            picks=PICKS.get(name, ""),
            key=_key_of(name, terms),
            keeps_nulls=True if name in {"min", "firstvalue", "lastvalue", "first", "last"} else None,
            skips_nulls=name in SKIPPING,
        )

    def _window(self, node: exp.Window) -> tm.Term:
        node = self._resolved(node)
        order = self._sorted(node.args.get("order"))
        return tm.Over(
            function=self._function(node.this),
            partition=tuple(self.of(key) for key in node.args.get("partition_by") or ()),
            order=order,
            frame=frame_of(node.args.get("spec"), is_ordered=bool(order)),
        )

    def _resolved(self, node: exp.Window) -> exp.Window:
        name = node.args.get("alias")
        named = self.scope.windows.get(name.name.lower()) if name is not None else None
        if named is None:
            return node
        inner = self._resolved(named)
        own = {
            key: value
            for key, value in node.args.items()
            if value and key in {"order", "spec", "partition_by"}
        }
        return exp.Window(
            **{"this": node.this, **{k: inner.args.get(k) for k in ("partition_by", "order", "spec")}, **own}
        )

    def _sorted(self, node: exp.Expr | None) -> tuple[tm.Sorted, ...]:
        keys = () if node is None else node.expressions
        return tuple(
            tm.Sorted(self.of(key.this), not key.args.get("desc"))
            if isinstance(key, exp.Ordered)
            else tm.Sorted(self.of(key))
            for key in keys
        )

    def _function(self, node: exp.Expr) -> tm.Reduce | tm.Shift | tm.Rank:
        bare = node.this if isinstance(node, exp.IgnoreNulls | exp.RespectNulls | exp.Filter) else node
        name = type(bare).__name__
        match name:
            case "Lag" | "Lead":
                return self._shift(bare, skips_nulls=isinstance(node, exp.IgnoreNulls))
            case "RowNumber" | "Rank" | "DenseRank":
                return tm.Rank(name=name.lower())
            case "PercentRank" | "CumeDist" | "Ntile":
                return tm.Rank(name=name.lower(), sized=True)
            case _:
                read = self.reduction(node) if is_aggregate(bare) else self.of(node)
        unknown = (tm.Opaque(name, (read,)),)
        return read if isinstance(read, tm.Reduce) else tm.Reduce(name=name.lower(), arguments=unknown)

    def _shift(self, node: exp.Expr, *, skips_nulls: bool) -> tm.Shift | tm.Rank:
        name = type(node).__name__.lower()
        offset = node.args.get("offset")
        steps = 1 if offset is None else integer_of(offset)
        rows = None if steps is None else steps if name == "lead" else -steps
        argument, default = self.of(node.this), node.args.get("default")
        if skips_nulls and rows is not None and rows > 0:
            # The next value that is no null may be any number of rows ahead.
            return tm.Rank(name=f"{name} to the next value", sized=True, arguments=(argument,))
        return tm.Shift(
            name=name,
            argument=argument,
            rows=rows,
            default=tm.Fixed() if default is None else self.of(default),
        )


def _key_of(name: str, terms: tuple[tm.Term, ...]) -> tm.Term | None:
    if name == "min" and terms:
        return terms[0]
    return terms[1] if PICKS.get(name) == "least" and len(terms) > 1 else None
