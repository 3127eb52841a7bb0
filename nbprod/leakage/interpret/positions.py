"""Numbers that stand for rows: a place moved by some rows, a place as a share of all, a place found by time."""

from __future__ import annotations

import ast
from datetime import timedelta
from typing import TYPE_CHECKING

from msgspec.structs import replace

from nbprod.leakage.horizon import Reach
from nbprod.leakage.interpret.facts import NOTHING, WHOLE_REACH, Ahead, Bound, Clock, Facts, Rows
from nbprod.leakage.interpret.values import Cells, Const, Opaque, Picks, Position, Seq, Table, Value

if TYPE_CHECKING:
    from nbprod.leakage.interpret.context import Args, Run

# an unknown number of rows is taken for a positive one: `i + horizon`, `i - lookback`
_UNKNOWN_STEP = 1
_LENGTH = "len("


def moved(run: Run, left: Value, op: ast.operator, right: Value, node: ast.AST) -> Value | None:
    """`left op right` where one side is the place of a row; None where neither is."""
    place, other = (left, right) if _is_place(left) else (right, left)
    if not _is_place(place):
        return None
    if _is_length(other):
        # a loop's place and the number of rows are the ends of one range: `i + n` and `n // i` stay unknown
        shares = isinstance(op, ast.Div | ast.Sub | ast.FloorDiv)
        return _of_all(run, other, node) if shares else None
    found = place if isinstance(place, Position) else Position(rows=run.rows(place))
    match other, op:
        case Const(int(steps)), ast.Add() if not isinstance(steps, bool):
            return replace(found, offset=found.offset + steps)
        case Const(int(steps)), ast.Sub() if place is left and not isinstance(steps, bool):
            return replace(found, offset=found.offset - steps)
        case ((Opaque() | Const()), (ast.Add() | ast.Sub())) if isinstance(left, Position):
            step = _UNKNOWN_STEP if isinstance(op, ast.Add) else -_UNKNOWN_STEP
            return replace(found, offset=found.offset + step)
        case _:
            return None


def _is_place(value: Value) -> bool:
    match value:
        case Position() | Picks(bound=Bound(kind="all")):
            return True
        case Cells(name=str(name)):
            # `np.arange(len(frame))`
            return name.startswith(_LENGTH)
        case _:
            return False


def _is_length(value: Value) -> bool:
    return isinstance(value, Opaque) and value.hint.startswith(_LENGTH)


def number_in(run: Run, value: Value) -> int | None:
    """What is added to the row's own number, where a column of a table holds that: `range(len(frame))`."""
    match value:
        case Seq(items=None, any_item=item) if isinstance(held := run.at(item), Position):
            return held.offset
        case Position(offset=offset):
            return offset
        case Picks(bound=Bound(kind="all")):
            return 0
        case Cells(name=str(name), facts=facts) if name.startswith(_LENGTH) and not facts.reads:
            return 0
        case _:
            return None


def counted(run: Run, held: Value, node: ast.AST) -> Cells | None:
    """The number of rows that are kept for one row or one thing of several; None where rows are not kept for it."""
    from nbprod.leakage.interpret import moving

    if not isinstance(held, Table | Cells) or not (run.depth or run.is_repeating):
        return None
    if not any(bound.kind in ("where", "where-not", "before") for bound in held.rows.bounds):
        return None
    root = held.root if isinstance(held, Table) else next(iter(sorted(held.rows.tables)), "")
    cells = Cells(facts=Facts(reads={f"{root or '?'}.*": 0.0}), rows=held.rows)
    return replace(cells, facts=moving.statistic(run, cells, node, says="rows are counted"), shape="scalar")


def length_of(root: str) -> Opaque:
    """The number of rows of a table."""
    return Opaque(hint=f"{_LENGTH}{root})")


def of_length(run: Run, value: Value, node: ast.AST) -> Cells | None:
    """What is measured out over the number of rows, as `np.linspace(0, 1, len(frame))` is; None of other numbers."""
    return _of_all(run, value, node) if _is_length(value) else None


def _of_all(run: Run, length: Value, node: ast.AST) -> Cells:
    root = getattr(length, "hint", "")[len(_LENGTH) : -1]
    source = f"{root}.*"
    says = f"`{run.text(node)}` measures a row's place by the number of all rows"
    rows = Rows(tables=frozenset({root}))
    ahead = Ahead(
        rule="whole-sample-statistic",
        reach=WHOLE_REACH,
        span=run.span(node),
        says=says,
        over=rows,
        sources=frozenset({source}),
    )
    return Cells(facts=Facts(reads={source: 0.0}).whole().with_ahead(ahead), rows=rows, array=True)


def searched(run: Run, times: Cells, keys: Value, args: Args, node: ast.AST) -> Value:
    """`times.searchsorted(keys)`: the place of the first row at or after each key, later ones for later keys."""
    if not isinstance(keys, Cells) or not run.is_time(times.name, times.facts):
        return Opaque(facts=run.facts(keys) | times.facts, rows=run.rows(keys))
    later = (keys.facts.clock or Clock()).offset - (times.facts.clock or Clock()).offset
    own = keys.facts.sources <= times.facts.sources
    offset = _direction(later)
    if not offset:
        after = args.constant(None, "side", args.constant(1, "side", "left")) == "right"
        offset = 1 if after or not own else 0
    facts = NOTHING
    if later > timedelta(0):
        says = f"`{run.text(node)}` finds the row that is stamped {Reach(time=later)}"
        ahead = Ahead(
            rule="shift-into-future",
            reach=Reach(time=later),
            span=run.span(node),
            says=says,
            sources=times.facts.sources,
        )
        facts = replace(times.facts, clock=None).with_ahead(ahead)
    return Position(offset=offset, rows=times.rows, facts=facts)


def _direction(later: timedelta) -> int:
    if later == timedelta(0):
        return 0
    return 1 if later > timedelta(0) else -1
