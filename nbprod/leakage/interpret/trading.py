"""Positions and the returns that they earn: a bar's close decides for the next bar at the earliest."""

from __future__ import annotations

import ast
from math import inf
from typing import TYPE_CHECKING

from nbprod.leakage.interpret.clocks import words

if TYPE_CHECKING:
    from nbprod.leakage.interpret.context import Run
    from nbprod.leakage.interpret.values import Cells

_POSITIONS = frozenset(
    {
        "signal",
        "signals",
        "position",
        "positions",
        "pos",
        "side",
        "long",
        "short",
        "exposure",
        "direction",
        "sig",
        "sigs",
        "exposures",
        "holdings",
        "allocation",
        "bet",
        "holding",
    }
)
_RETURNS = frozenset(
    {
        "ret",
        "rets",
        "return",
        "returns",
        "pct",
        "change",
        "chg",
        "logret",
        "intrabar",
        "intraday",
        "perf",
        "rtn",
        "fwd",
        "forward",
    }
)
_CHANGES = frozenset({"pct_change", "diff", "log_return"})


def is_earned(run: Run, left: Cells, right: Cells, node: ast.AST) -> bool:
    """Whether a product is that of a position and a return; noted where the bar that it earns decides the position."""
    nodes = _factors(node)
    pairs = ((left, nodes[0], right, nodes[1]), (right, nodes[1], left, nodes[0]))
    for position, said, earned, told in pairs:
        if not _speaks(position, said, _POSITIONS) or not _is_return(earned, told):
            continue
        if _is_decided_by_its_own_bar(position, earned):
            run.record.fills.append((run.span(node), run.text(node), position.rows.tables))
        return True
    return False


def is_change(op: ast.AST | None, cells: list[Cells]) -> bool:
    """Whether an operation compares a value with that of a row before: `close / close.shift(1)`."""
    if not isinstance(op, ast.Div | ast.Sub) or len(cells) != 2:
        return False
    now, before = cells[0].facts.reads, cells[1].facts.reads
    return (
        bool(now)
        and now.keys() == before.keys()
        and all(0 <= now[s] - before[s] < inf and now[s] > before[s] for s in now)
    )


def _factors(node: ast.AST) -> tuple[ast.expr | None, ast.expr | None]:
    match node:
        case ast.BinOp(left=left, right=right):
            return left, right
        case ast.Call(func=ast.Attribute(value=left), args=[right, *_]):
            return left, right
        case _:
            return None, None


def _speaks(cells: Cells, node: ast.expr | None, meant: frozenset[str]) -> bool:
    return bool(meant & {*words(cells.name or ""), *words(_name_in(node))})


def _name_in(node: ast.expr | None) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case ast.Subscript(slice=ast.Constant(value=str(name))):
            return name
        case ast.Call(func=ast.Attribute(value=inner)):
            return _name_in(inner)
        case _:
            return ""


def _is_return(cells: Cells, node: ast.expr | None) -> bool:
    if _speaks(cells, node, _RETURNS) or cells.facts.change:
        return True
    calls = (each.func for each in ast.walk(node) if isinstance(each, ast.Call)) if node is not None else ()
    return any(isinstance(function, ast.Attribute) and function.attr in _CHANGES for function in calls)


def _is_decided_by_its_own_bar(position: Cells, earned: Cells) -> bool:
    """Whether the latest that decides is of the bar at whose end the return is known, or later."""
    if position.offset or earned.offset or not position.facts.derived:
        return False
    roots = {source.partition(".")[0] for source in earned.facts.reads}
    deciding = {s: at for s, at in position.facts.reads.items() if s.partition(".")[0] in roots}
    latest = max(earned.facts.reads.values(), default=inf)
    if latest == inf:
        return False
    late = [source for source, at in deciding.items() if latest <= at < inf]
    # a bar's open is known when the bar begins
    return any("open" not in words(source.partition(".")[2]) for source in late)
