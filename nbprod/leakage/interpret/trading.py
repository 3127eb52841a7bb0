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
_PRICES = frozenset(
    {"open", "high", "low", "close", "price", "px", "last", "bid", "ask", "mid", "settle", "vwap"}
)
_TRADED = frozenset(
    ["entry", "entered", "bought", "buy", "sold", "sell", "cash", "capital", "balance", "shares", "holding", "holdings",
     "held", "position", "positions", "pnl", "profit", "profits", "trade", "trades", "equity", "wealth", "portfolio",
     "fill", "filled", "stake", "inside", "invested", "exit"]
)  # fmt: skip


def is_earned(run: Run, left: Cells, right: Cells, node: ast.AST) -> bool:
    """Whether a product is that of a position and a return; noted where the bar that it earns decides the position."""
    nodes = _factors(node)
    pairs = ((left, nodes[0], right, nodes[1]), (right, nodes[1], left, nodes[0]))
    for position, said, earned, told in pairs:
        if not _speaks(position, said, _POSITIONS) or not _is_return(earned, told):
            continue
        if _is_decided_by_its_own_bar(position, earned):
            says = f"`{run.text(node)}` earns the return of the bar that decided the position"
            run.record.fills.append((run.span(node), says, position.rows.tables))
        return True
    return False


def noted_fills(run: Run, node: ast.For | ast.AsyncFor) -> None:
    """After a loop over bars: a branch that its own bar decides, and that trades at a price of that bar or before."""
    changed_at = _last_changes(node)
    if not {word for name in changed_at for word in words(name)} & _TRADED:
        return
    for each in ast.walk(node):
        if not isinstance(each, ast.If):
            continue
        decided = _decided_at(run, each, changed_at)
        if decided is None:
            continue
        for value in _traded_in(each.body):
            price = run.evaluate(run, value)
            filled = max(
                (at for source, at in run.facts(price).reads.items() if _is_price(source)), default=inf
            )
            if filled <= decided:
                says = f"`{run.text(value)}` trades at a price of the bar that decided it"
                run.record.fills.append((run.span(value), says, run.rows(price).tables))


def _last_changes(node: ast.AST) -> dict[str, int]:
    """The names that a loop changes, with the last line on which it does."""
    found: dict[str, int] = {}
    for each in ast.walk(node):
        if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store):
            found[each.id] = max(each.lineno, found.get(each.id, 0))
    return found


def _decided_at(run: Run, branch: ast.If, changed_at: dict[str, int]) -> float | None:
    """The latest row whose prices decide a branch, None where no price of this turn does.

    What is changed further down still holds what an earlier turn left, and says what the position is.
    """
    parts = branch.test.values if isinstance(branch.test, ast.BoolOp) else [branch.test]
    latest: float | None = None
    for part in parts:
        names = {each.id for each in ast.walk(part) if isinstance(each, ast.Name)}
        if any(changed_at.get(name, 0) >= branch.lineno or set(words(name)) & _TRADED for name in names):
            continue
        for source, at in run.facts(run.evaluate(run, part)).reads.items():
            # a bar's open is known when the bar begins
            if _is_price(source) and "open" not in words(source.partition(".")[2]) and at < inf:
                latest = at if latest is None else max(latest, at)
    return latest


def _traded_in(body: list[ast.stmt]) -> list[ast.expr]:
    """What a branch stores under the names of positions and money."""
    found: list[ast.expr] = []
    for each in body:
        match each:
            case ast.Assign(targets=[ast.Tuple(elts=names)], value=ast.Tuple(elts=values)) if len(
                names
            ) == len(values):
                found += [value for name, value in zip(names, values, strict=True) if _is_traded(name)]
            case ast.Assign(targets=[target], value=value) | ast.AugAssign(target=target, value=value):
                found += [value] if _is_traded(target) else []
            case _:
                continue
    return found


def _is_traded(target: ast.expr) -> bool:
    return isinstance(target, ast.Name) and bool(set(words(target.id)) & _TRADED)


def _is_price(source: str) -> bool:
    return bool(set(words(source.partition(".")[2])) & _PRICES)


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
