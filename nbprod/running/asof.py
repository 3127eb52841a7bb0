"""As-of joins said in windows, for databases that have windows and no such join, as Spark SQL.

The rows of both sides are laid in one line by time, each key for itself; a row of the left side then takes the last
row of the right side before it. No pairs are compared: what pandas' `merge_asof` does, in SQL.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

# Which right row meets a left one: the last before it or the first after it, and whether it may be of the same time.
_BACKWARD = ("GreaterEqual", "Greater")
_SAME_TIME = ("GreaterEqual", "LessEqual")
_MIRRORED = {
    "GreaterEqual": "LessEqual",
    "Greater": "Less",
    "LessEqual": "GreaterEqual",
    "Less": "Greater",
}


class _Side(Struct, frozen=True, kw_only=True):
    """One side of an as-of join: a table of Ibis, and the name in it of each field that the join speaks of."""

    table: Any
    names: dict[Any, str]

    def column(self, value: Any) -> Any:
        """A value over the join's parts as one over the table."""
        fields = {field: self.table[name].op() for field, name in self.names.items()}
        return value.replace(fields).to_expr()

    def owns(self, value: Any) -> bool:
        """Whether the value is made of this side's fields."""
        from ibis.expr import operations as ops

        return all(field in self.names for field in value.find(ops.Field, filter=ops.Value))

    @property
    def packed(self) -> Any:
        """Each of the table's rows as one value."""
        import ibis

        return ibis.struct({name: self.table[name] for name in self.table.columns})


def without_asof(node: Any) -> Any:
    """The same relation or value (a node of Ibis) with every as-of join replaced by a union and a window.

    Of right rows with the same keys and time any one is taken, as where the database knows the join; a time or key
    that is missing meets nothing (DuckDB itself takes a missing time for the latest of all). Raises Ibis'
    UnsupportedOperationError for one that compares more than times by order and keys for being equal.
    """
    from ibis.expr import operations as ops

    def mended(one: Any, changed: Any) -> Any:
        again = one.__recreate__(changed) if changed else one
        return _rewritten(again) if isinstance(again, ops.JoinChain) else again

    return node.replace(mended)


def _rewritten(chain: Any) -> Any:
    """The chain of joins with its first as-of join, and then those after it, said otherwise."""
    from ibis.expr import operations as ops

    at = next((number for number, link in enumerate(chain.rest) if link.how == "asof"), None)
    if at is None:
        return chain
    link, later = chain.rest[at], chain.rest[at + 1 :]
    left = _left_side(chain.first, chain.rest[:at])
    right = _Side(
        table=link.table.parent.to_expr(),
        names={ops.Field(link.table, name): name for name in link.table.schema},
    )
    joined = _joined(left, right, link.predicates)
    if not later:
        return joined.table.select(**{name: joined.column(one) for name, one in chain.values.items()}).op()
    number = 1 + max(table.identifier for table in chain.tables)
    first = ops.JoinReference(joined.table.op(), identifier=number)
    fields = {field: ops.Field(first, name) for field, name in joined.names.items()}
    links = [one.copy(predicates=[each.replace(fields) for each in one.predicates]) for one in later]
    values = {name: one.replace(fields) for name, one in chain.values.items()}
    return _rewritten(ops.JoinChain(first, links, values))


def _left_side(first: Any, links: Any) -> _Side:
    """What stands left of the as-of join as one table."""
    from ibis.expr import operations as ops

    if not links:
        return _Side(
            table=first.parent.to_expr(), names={ops.Field(first, name): name for name in first.schema}
        )
    parts = [first, *(link.table for link in links if link.how not in ("semi", "anti"))]
    fields = {f"{part.identifier}_{name}": ops.Field(part, name) for part in parts for name in part.schema}
    table = ops.JoinChain(first, links, fields).to_expr()
    return _Side(table=table, names={field: name for name, field in fields.items()})


def _joined(left: _Side, right: _Side, predicates: Any) -> _Side:
    """Both sides side by side: each left row, with the right row that it meets or with nulls."""
    import ibis

    how, terms = _terms(left, right, predicates)
    is_backward, meets_same_time = how in _BACKWARD, how in _SAME_TIME
    left_row, right_row = left.packed, right.packed
    line = left.table.select(
        **{name: ours for name, (ours, _) in terms.items()},
        turn=ibis.literal(int(meets_same_time), "int8"),
        is_left=ibis.literal(True),
        left=left_row,
        right=ibis.null(right_row.type()),
    )
    met = right.table.select(
        **{name: theirs for name, (_, theirs) in terms.items()},
        turn=ibis.literal(int(not meets_same_time), "int8"),
        is_left=ibis.literal(False),
        left=ibis.null(left_row.type()),
        right=right_row,
    )
    # Nothing is equal to null in a join, while a window puts nulls together.
    line = line.union(met.filter(*(met[name].notnull() for name in terms)))
    keys = [name for name in terms if name != "time"]
    order = [line.time.asc() if is_backward else line.time.desc(), line.turn.asc()]
    so_far = ibis.window(group_by=keys, order_by=order, preceding=None, following=0)
    # Ibis can't tell a window to pass over nulls: each right row begins a stretch of its own and is the first in it.
    line = line.mutate(stretch=(~line.is_left).cast("int64").sum().over(so_far))
    stretch = ibis.window(group_by=[*keys, "stretch"], order_by=order, preceding=None, following=0)
    line = line.mutate(right=line.right.first(include_null=True).over(stretch))
    line = line.filter(line.is_left)
    ours = {f"left_{name}": line.left[name] for name in left.table.columns}
    theirs = {
        f"right_{name}": ibis.ifelse(line.time.notnull(), line.right[name], None)
        for name in right.table.columns
    }
    names = {field: f"left_{name}" for field, name in left.names.items()}
    names |= {field: f"right_{name}" for field, name in right.names.items()}
    return _Side(table=line.select(**ours, **theirs), names=names)


def _terms(left: _Side, right: _Side, predicates: Any) -> tuple[str, dict[str, tuple[Any, Any]]]:
    """How times are compared; and by name, for each side, the time and the keys, of one type."""
    terms: dict[str, tuple[Any, Any]] = {}
    order = ""
    for number, predicate in enumerate(predicates):
        how = type(predicate).__name__
        pair = predicate.args[:2]
        if how not in ("Equals", *_MIRRORED) or (how != "Equals" and order):
            raise _unsupported(how)
        if left.owns(pair[1]) and right.owns(pair[0]):
            how, pair = _MIRRORED.get(how, how), pair[::-1]
        if not (left.owns(pair[0]) and right.owns(pair[1])):
            raise _unsupported(how)
        name = f"key_{number}" if how == "Equals" else "time"
        order = order if how == "Equals" else how
        terms[name] = _of_one_type(left.column(pair[0]), right.column(pair[1]))
    return order, terms


def _of_one_type(ours: Any, theirs: Any) -> tuple[Any, Any]:
    import ibis.expr.datatypes as dt

    shared = dt.highest_precedence([ours.type(), theirs.type()]).copy(nullable=True)
    return ours.cast(shared), theirs.cast(shared)


def _unsupported(how: str) -> Exception:
    from ibis.common.exceptions import UnsupportedOperationError

    error: Exception = UnsupportedOperationError(
        f"This as-of join compares its sides by {how}, which can't be run on this database: it may compare one column of "
        "each side by order and others for being equal. Filter one side before the join, or compute the column first."
    )
    return error
