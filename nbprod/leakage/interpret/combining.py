"""Values that meet: arithmetic row by row, comparisons that will narrow rows, and joins of branches."""

from __future__ import annotations

import ast
from datetime import timedelta
from typing import TYPE_CHECKING

from msgspec.structs import replace

from nbprod.leakage.interpret.clocks import is_calendar_name
from nbprod.leakage.interpret.facts import (
    ALL_ROWS,
    NOTHING,
    WHOLE_REACH,
    Ahead,
    Bound,
    Clock,
    Facts,
    Rows,
    joined,
)
from nbprod.leakage.interpret.trading import is_change, is_earned
from nbprod.leakage.interpret.values import (
    Cells,
    Const,
    Deferred,
    Estimator,
    Instance,
    Mapped,
    Opaque,
    Position,
    Ref,
    Scope,
    Seq,
    Table,
    Value,
)

if TYPE_CHECKING:
    from nbprod.leakage.interpret.context import Run
    from nbprod.model import Span

_SHAPES = ("scalar", "element", "column", "matrix")
_SIDES = {
    "train": "train",
    "training": "train",
    "tr": "train",
    "dev": "train",
    "test": "test",
    "testing": "test",
    "te": "test",
    "valid": "test",
    "val": "test",
    "validation": "test",
    "holdout": "test",
    "oos": "test",
}


def combine(
    run: Run, left: Value, right: Value, *, op: ast.AST | None, node: ast.AST, inverted: bool = False
) -> Value:
    """The result of an operation row by row on two values."""
    left, right = run.at(left), run.at(right)
    if isinstance(left, Deferred) or isinstance(right, Deferred):
        return _deferred(run, left, right, op=op, node=node, inverted=inverted)
    if isinstance(left, Table) or isinstance(right, Table):
        return _tables(run, left, right)
    if isinstance(left, Cells) and isinstance(right, Const | Opaque | Cells):
        moved = _offset(run, left, op, right, node) or _less_own(left, op, right)
        if moved is not None:
            return moved
    cells = [value for value in (left, right) if isinstance(value, Cells)]
    earned = False
    if len(cells) == 2 and isinstance(op, ast.Mult):
        earned = is_earned(run, cells[0], cells[1], node)
    facts = run.facts(left) | run.facts(right)
    if earned:
        # what a position earns is a result, which looks ahead as labels do
        facts = facts.without(lambda ahead: ahead.rule == "shift-into-future")
    if not cells:
        return _without_cells(run, left, right, facts)
    if len(cells) == 1 and inverted:
        return negated(cells[0])
    first = max(cells, key=lambda each: _SHAPES.index(each.shape))
    others = [each for each in cells if each is not first]
    offset = _furthest(cells)
    if offset is not None:
        facts = joined(_at_offset(each, offset) for each in cells)
    facts = _aligned(run, first, others, facts, node)
    conditions = tuple(c for each in cells for c in each.conditions) if isinstance(op, ast.BitAnd) else ()
    clock = first.facts.clock if len(cells) == 1 and op is None else None
    return replace(
        first,
        facts=replace(
            facts, clock=clock, derived=True, numbers=None, change=facts.change or is_change(op, cells)
        ),
        conditions=conditions,
        rows=_rows_of_both(cells),
        name=first.name if all(each.name == first.name for each in cells) else None,
        offset=offset if offset is not None else first.offset if len(cells) == 1 else 0,
    )


def _furthest(cells: list[Cells]) -> int | None:
    """The furthest row that the first values of arrays are of, which meet place by place; None of other values."""
    placed = [each for each in cells if each.shape != "scalar"]
    if len(placed) < 2 or not any(each.array for each in placed):
        return None
    return max(each.offset for each in placed)


def _at_offset(cells: Cells, offset: int) -> Facts:
    """The facts of a value, seen from the row `offset` rows after the one at its own place."""
    if cells.shape == "scalar" or cells.offset == offset:
        return cells.facts
    return cells.facts.moved(cells.offset - offset)


def _without_cells(run: Run, left: Value, right: Value, facts: Facts) -> Value:
    rows = run.rows(left) if run.rows(left) != ALL_ROWS else run.rows(right)
    if facts is NOTHING or not (facts.reads or facts.aheads):
        return Opaque(facts=facts, rows=rows)
    return Cells(facts=facts, rows=rows, shape="matrix", array=True)


def _rows_of_both(cells: list[Cells]) -> Rows:
    shaped = [each.rows for each in cells if each.shape != "scalar"] or [cells[0].rows]
    return max(shaped, key=lambda rows: len(rows.bounds))


def _aligned(run: Run, first: Cells, others: list[Cells], facts: Facts, node: ast.AST) -> Facts:
    """Arrays meet by position: one whose rows run the other way brings each row another one's value."""
    for other in others:
        by_position = other.array or first.array
        both_columns = other.shape in ("column", "matrix") and first.shape in ("column", "matrix")
        if by_position and both_columns and other.order.newest_first != first.order.newest_first:
            return facts.with_ahead(misaligned(run, other, node))
    return facts


def misaligned(run: Run, cells: Cells, node: ast.AST) -> Ahead:
    """What it is to put values in another order beside rows."""
    return Ahead(
        rule="unsorted-shift",
        reach=WHOLE_REACH,
        span=run.span(node),
        says="values in reversed order are put beside rows in time order",
        sources=cells.facts.sources,
        steps=(),
    )


def _tables(run: Run, left: Value, right: Value) -> Value:
    if isinstance(left, Table) and isinstance(right, Table):
        names = {*left.columns, *right.columns}
        columns = {name: (left.facts(name) or NOTHING) | (right.facts(name) or NOTHING) for name in names}
        rest = left.rest | right.rest if left.rest is not None and right.rest is not None else left.rest
        return replace(
            left, columns=columns, rest=rest, root="" if rest is not None and right.rest else left.root
        )
    table, other = (left, right) if isinstance(left, Table) else (right, left)
    assert isinstance(table, Table)  # noqa: S101 - asked just before
    facts = run.facts(other)
    if facts is NOTHING or not (facts.reads or facts.aheads):
        return table.mapped(lambda f: replace(f, derived=True))
    per_column = isinstance(other, Cells) and other.shape == "scalar"
    if per_column:
        # one statistic a column: each column meets its own, not every other's sources
        return table.mapped(lambda f: replace(f, derived=True).with_ahead(*facts.aheads))
    return table.mapped(lambda f: f | facts)


def _deferred(
    run: Run, left: Value, right: Value, *, op: ast.AST | None, node: ast.AST, inverted: bool
) -> Value:
    from nbprod.leakage.interpret.deferred import built

    def build(table: Table, scope: Scope) -> Value:
        return combine(
            run,
            built(run, left, table, scope),
            built(run, right, table, scope),
            op=op,
            node=node,
            inverted=inverted,
        )

    owners = [value for value in (left, right) if isinstance(value, Deferred)]
    table = next((owner.table for owner in owners if owner.table is not None), None)
    return Deferred(build, library=owners[0].library, table=table, name=owners[0].name)


def _offset(run: Run, left: Cells, op: ast.AST | None, right: Value, node: ast.AST) -> Cells | None:
    """A column of times moved by a length of time."""
    if not isinstance(op, ast.Add | ast.Sub):
        return None
    numbered = left.facts.numbers
    if numbered is not None and isinstance(right, Const) and type(right.value) is int:
        steps = right.value if isinstance(op, ast.Add) else -right.value
        return replace(left, facts=replace(left.facts, numbers=numbered + steps, derived=True))
    clock = left.facts.clock or Clock()
    length = right.value if isinstance(right, Const) else None
    if isinstance(length, int) and not isinstance(length, bool) and clock.period is not None:
        # `dates.dt.to_period("W") + 1`
        length = clock.period * length
    if not isinstance(length, timedelta):
        return None
    _ = node
    run.saw_time(left.facts)
    offset = clock.offset + (length if isinstance(op, ast.Add) else -length)
    return replace(left, facts=replace(left.facts, clock=replace(clock, offset=offset), derived=True))


def _less_own(left: Cells, op: ast.AST | None, right: Value) -> Cells | None:
    """A running sum less the row's own value: the sum of the rows before."""
    if not isinstance(op, ast.Sub) or not isinstance(right, Cells) or not left.facts.sums_of:
        return None
    if right.facts.derived or right.facts.sources != left.facts.sums_of:
        return None
    return replace(left, facts=replace(left.facts.moved(-1), sums_of=frozenset()), conditions=())


def other_part(bound: Bound, *, span: Span | None) -> Bound:
    """What is left of the rows without those of a part."""
    side = {"train": "test", "test": "train"}.get(bound.side, bound.side)
    return Bound(kind="without", subject=bound.subject, side=side, low=repr(bound), span=span)


def negated(cells: Cells) -> Cells:
    """`~mask`: the other rows."""
    if len(cells.conditions) != 1:
        return replace(cells, conditions=(), facts=replace(cells.facts, derived=True))
    bound = cells.conditions[0]
    if bound.kind in ("sample", "without"):
        return replace(cells, conditions=(other_part(bound, span=bound.span),))
    flipped = {"train": "test", "test": "train"}.get(bound.side, bound.side)
    if bound.low is not None and bound.high is not None and bound.low == bound.high:
        other = replace(bound, kind="where-not", side=flipped)
    else:
        other = replace(bound, low=bound.high, high=bound.low, side=flipped)
    return replace(cells, conditions=(other,))


def compared(run: Run, left: Value, op: ast.AST, right: Value, node: ast.Compare) -> Value:
    """A comparison; on a column, with the condition that it sets on rows."""
    if isinstance(left, Cells) and isinstance(right, Table) and not right.columns:
        right = Opaque()
    result = combine(run, left, right, op=None, node=node)
    if isinstance(left, Deferred) or isinstance(right, Deferred):
        return _compared_later(run, left, op, right, node)
    swapped = not isinstance(left, Cells) or (left.shape == "scalar" and isinstance(right, Cells))
    column, other = (right, left) if swapped else (left, right)
    if not isinstance(column, Cells) or column.shape not in ("column", "element"):
        return result
    if not isinstance(result, Cells):
        return result
    if (
        isinstance(op, ast.Eq | ast.NotEq)
        and (border := border_between(run, column, other, node)) is not None
    ):
        return replace(result, facts=without_borders(result.facts, (border,)), conditions=(border,))
    other_node = node.left if swapped else node.comparators[0]
    bound = _bound(run, column, op, other, other_node, swapped=swapped, span_node=node)
    if bound is not None and any(ahead.reach.whole for ahead in column.facts.aheads):
        # when a group's rows end, say: no time of the row's own
        bound = replace(bound, in_time=False)
    if bound is not None and bound.in_time:
        if bound.low is not None and isinstance(other, Cells) and other.shape == "scalar":
            whole = any(ahead.reach.whole for ahead in other.facts.aheads)
            bound = replace(bound, at_end=whole)
        run.saw_time(column.facts)
        # a cut in time is a choice of rows, not a value
        result = replace(result, facts=result.facts.without(lambda ahead: ahead.reach.whole))
    return replace(result, conditions=(bound,) if bound is not None else ())


def border_between(run: Run, column: Cells, other: Value, node: ast.AST) -> Bound | None:
    """What tells the rows where another entity begins: `shop == shop.shift()`, of rows sorted by shop."""
    if not isinstance(other, Cells) or column.name not in column.order.entity_first:
        return None
    if column.facts.sources != other.facts.sources or len(column.facts.sources) != 1:
        return None
    return Bound(kind="border", subject=column.name, span=run.span(node))


def without_borders(facts: Facts, conditions: tuple[Bound, ...]) -> Facts:
    """The facts of what is kept only where the neighbour is of the same entity."""
    kept = {bound.subject for bound in conditions if bound.kind == "border"}
    if not kept:
        return facts
    return facts.without(lambda a: a.rule == "cross-entity-shift" and a.detail.split(", ")[-1] in kept)


def _compared_later(run: Run, left: Value, op: ast.AST, right: Value, node: ast.Compare) -> Value:
    from nbprod.leakage.interpret.deferred import built

    def build(table: Table, scope: Scope) -> Value:
        return compared(
            run, run.at(built(run, left, table, scope)), op, run.at(built(run, right, table, scope)), node
        )

    owners = [value for value in (left, right) if isinstance(value, Deferred)]
    table = next((owner.table for owner in owners if owner.table is not None), None)
    return Deferred(build, library=owners[0].library, table=table)


def _drawn(facts: Facts) -> str:
    """The source of a column of random numbers, or nothing."""
    sources = [source for source in facts.reads if source.startswith("random@")]
    return sources[0] if len(sources) == 1 == len(facts.reads) else ""


def _drawn_bound(
    run: Run, op: ast.AST, other: Value, drawn: str, *, swapped: bool, span_node: ast.AST
) -> Bound | None:
    """`np.random.rand(n) < 0.8`: one side of a random division, the training rows where it is the larger one."""
    number = other.value if isinstance(other, Const) else None
    if isinstance(op, ast.Eq | ast.NotEq):
        larger = bool(number) is isinstance(op, ast.Eq)
    elif isinstance(op, ast.Lt | ast.LtE | ast.Gt | ast.GtE):
        share = number if isinstance(number, int | float) else 0.8
        below = isinstance(op, ast.Lt | ast.LtE) is not swapped
        larger = (share >= 0.5) is below
    else:
        return None
    side = "train" if larger else "test"
    return Bound(kind="part", subject=drawn, side=side, span=run.span(span_node))


def _bound(
    run: Run,
    column: Cells,
    op: ast.AST,
    other: Value,
    other_node: ast.expr,
    *,
    swapped: bool,
    span_node: ast.AST,
) -> Bound | None:
    drawn = _drawn(column.facts)
    if drawn:
        return _drawn_bound(run, op, other, drawn, swapped=swapped, span_node=span_node)
    subject = column.name or ",".join(sorted(column.facts.sources))
    in_time = run.is_time(column.name, column.facts) or _looks_like_date(other)
    if not in_time and is_calendar_name(column.name) and isinstance(other, Const):
        in_time = True
    if isinstance(other, Cells) and other.shape == "element" and column.shape == "column":
        clock = other.facts.clock
        if clock is not None and clock.offset > timedelta(0):
            # up to some time after the row's own
            return None
    if isinstance(other, Cells) and other.shape == "column":
        return _between_columns(run, column, op, other, swapped=swapped, span_node=span_node)
    key = run.key_of(other, other_node)
    span = run.span(span_node)
    match op:
        case ast.Lt() | ast.LtE():
            ends = (key, None) if swapped else (None, key)
        case ast.Gt() | ast.GtE():
            ends = (None, key) if swapped else (key, None)
        case ast.Eq():
            return Bound(
                kind="where", subject=subject, side=_side(key), low=key, high=key, in_time=in_time, span=span
            )
        case ast.NotEq():
            side = {"train": "test", "test": "train"}.get(_side(key), "")
            return Bound(kind="where-not", subject=subject, side=side, low=key, high=key, span=span)
        case _:
            return None
    return Bound(kind="where", subject=subject, low=ends[0], high=ends[1], in_time=in_time, span=span)


def _between_columns(
    run: Run, column: Cells, op: ast.AST, other: Cells, *, swapped: bool, span_node: ast.AST
) -> Bound | None:
    times = run.is_time(column.name, column.facts) and run.is_time(other.name, other.facts)
    if not times or not isinstance(op, ast.Lt | ast.LtE | ast.Gt | ast.GtE):
        return None
    earlier, later = (column, other) if isinstance(op, ast.Lt | ast.LtE) else (other, column)
    if _is_partner(later) and not _is_partner(earlier):
        return None
    _ = swapped
    return Bound(
        kind="before",
        subject=f"{earlier.name}<{later.name}",
        low=earlier.name,
        high=later.name,
        span=run.span(span_node),
    )


def _is_partner(cells: Cells) -> bool:
    """Whether a column is of rows that a join brings beside the row's own."""
    return any(ahead.rule == "unbounded-join" for ahead in cells.facts.aheads)


def _side(key: object) -> str:
    return _SIDES.get(key.lower(), "") if isinstance(key, str) else ""


def _looks_like_date(value: Value) -> bool:
    if not isinstance(value, Const) or not isinstance(value.value, str):
        return False
    text = value.value
    return len(text) >= 8 and text[:4].isdigit() and text[4] in "-/" and text[5:7].strip("-/").isdigit()


def join_values(run: Run, left: Value, right: Value) -> Value:  # noqa: C901, PLR0912
    """What a value may be that is one or the other."""
    if left == right:
        return left
    a, b = run.at(left), run.at(right)
    if a == b:
        return left
    match a, b:
        case Const(None), _:
            return right
        case _, Const(None):
            return left
        case Opaque(facts=facts), _ if not facts.reads and not facts.aheads:
            return Opaque() if isinstance(b, Const) else right
        case _, Opaque(facts=facts) if not facts.reads and not facts.aheads:
            return Opaque() if isinstance(a, Const) else left
        case Table(), Table():
            return run.new(_joined_tables(a, b))
        case Cells(), Cells():
            return _joined_cells(a, b)
        case Cells(), Const():
            return a
        case Const(), Cells():
            return b
        case Estimator(), Estimator():
            return right
        case Const(), Const():
            return Opaque()
        case Seq(), Seq():
            return (
                run.new(_joined_sequences(run, a, b))
                if a.is_list or b.is_list
                else _joined_sequences(run, a, b)
            )
        case Mapped(), Mapped():
            return run.new(Mapped({**a.items, **b.items}, a.any_item or b.any_item))
        case Position(), Position():
            return a if a.offset >= b.offset else b
        case Instance(), Instance() if a.of is b.of:
            return run.new(replace(a, fields={**a.fields, **b.fields}))
    facts = run.facts(a) | run.facts(b)
    if not facts.reads and not facts.aheads:
        return right if not isinstance(b, Opaque) else left
    if isinstance(a, Table | Cells):
        return left
    if isinstance(b, Table | Cells):
        return right
    return Opaque(facts=facts, rows=run.rows(a))


def _joined_tables(a: Table, b: Table) -> Table:
    names = {*a.columns, *b.columns}
    columns = {}
    for name in names:
        mine, theirs = a.facts(name), b.facts(name)
        columns[name] = (
            mine | theirs if mine is not None and theirs is not None else (mine or theirs or NOTHING)
        )
    rest = a.rest if b.rest is None else (b.rest if a.rest is None else a.rest | b.rest)
    rows = a.rows if len(a.rows.bounds) <= len(b.rows.bounds) else b.rows
    rows = replace(rows, tables=a.rows.tables | b.rows.tables)
    presence = tuple({ahead.key: ahead for ahead in (*a.presence, *b.presence)}.values())
    return replace(a, columns=columns, rest=rest, rows=rows, presence=presence)


def _joined_cells(a: Cells, b: Cells) -> Cells:
    rows = a.rows if len(a.rows.bounds) <= len(b.rows.bounds) else b.rows
    shape = max(a.shape, b.shape, key=_SHAPES.index)
    return replace(a, facts=a.facts | b.facts, rows=rows, shape=shape, conditions=())


def _joined_sequences(run: Run, a: Seq, b: Seq) -> Seq:
    if a.items is not None and b.items is not None and len(a.items) == len(b.items):
        return Seq(
            tuple(join_values(run, x, y) for x, y in zip(a.items, b.items, strict=True)), is_list=a.is_list
        )
    every = [*(a.items or ()), *(b.items or ())]
    every += [item for item in (a.any_item, b.any_item) if item is not None]
    anything: Value = Opaque()
    for item in every[:32]:
        anything = join_values(run, anything, item)
    return Seq(None, any_item=anything, is_list=a.is_list or b.is_list)


def is_reference(value: Value) -> bool:
    """Whether a value is shared by reference."""
    return isinstance(value, Ref)
