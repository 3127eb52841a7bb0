"""Relations stacked, compared, and seen from another time column."""

from __future__ import annotations

from msgspec.structs import replace

from nbprod.leakage.horizon import EVERY_ROW, NO_TIME, PRESENT, Hop, Move, join, value_of
from nbprod.leakage.joining import settled
from nbprod.leakage.reading import nearest, reading
from nbprod.leakage.relations import Column, Relation, loosened, unmeasured
from nbprod.leakage.times import TAU, Bound


def rebased(relation: Relation, name: str) -> Relation:
    """The relation with that time column as its rows' time, where it is one."""
    relation = settled(relation)
    column = relation.columns.get(name)
    bound = column.bound if column is not None else None
    if (
        not relation.timed
        or column is None
        or bound == Bound()
        or (bound and bound.within is None and not bound.cells)
    ):
        return relation
    is_time = bound is not None and bound.clock == TAU and bound.low is not None
    hops = (Hop(time=-(bound.low or NO_TIME)),) if bound is not None and is_time else (EVERY_ROW,)
    move = Move(says=f"seen from {name!r}")
    columns = {
        other: replace(each, value=nearest(each.value, hops=hops, says=move), bound=None)
        for other, each in relation.columns.items()
    }
    columns[name] = replace(column, value=value_of(PRESENT, *column.value.path), bound=Bound())
    return replace(relation, columns=columns, rows=nearest(relation.rows, hops=hops, says=move))


def united(left: Relation, right: Relation, *, says: str = "union") -> Relation:
    """The rows of both, columns matched by place; a time stays one where both bound it."""
    left, right = settled(left), settled(right)
    pairs = zip(left.columns.items(), right.columns.values(), strict=False)
    columns = {name: _either(mine, theirs) for name, (mine, theirs) in ((n, (m, t)) for (n, m), t in pairs)}
    return Relation(
        columns=columns,
        timed=left.timed or right.timed,
        rows=left.rows | right.rows,
        base=f"{left.base}+{right.base}/{says}",
        unique=False,
        until=" and ".join(dict.fromkeys((left.until, right.until))) if left.until and right.until else "",
        clocks=tuple(dict.fromkeys((*left.clocks, *right.clocks))),
        bounds=loosened(left.bounds, right.bounds),
        joins=max(left.joins, right.joins),
    )


def _either(mine: Column, theirs: Column) -> Column:
    value = unmeasured(mine.value) | unmeasured(theirs.value)
    return Column(
        value=value, bound=mine.bound if mine.bound == theirs.bound else None, identity=mine.identity
    )


def among(left: Relation, right: Relation, *, says: str) -> Relation:
    """The left rows that are (or aren't) among the right ones: decided there at the same time, or by all rows."""
    left, right = settled(left), settled(right)
    values = join(column.value for column in right.columns.values())
    both = zip(left.columns.values(), right.columns.values(), strict=False)
    dated = any(mine.bound == Bound() == theirs.bound for mine, theirs in both)
    hops = (Hop(time=NO_TIME),) if dated else (EVERY_ROW,)
    decided = reading(right, values, hops=hops, says=Move(says=says))
    return replace(left, rows=left.rows | decided, thinned=left.thinned | {f"#{says}"}, origin=None)
