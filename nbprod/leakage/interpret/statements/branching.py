"""Branches that join, and loops that are unrolled or turned twice; statements within are the run's to execute."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from nbprod.leakage.interpret import learning, loops, moving
from nbprod.leakage.interpret.combining import join_values
from nbprod.leakage.interpret.statements import carried
from nbprod.leakage.interpret.statements.assigning import assign
from nbprod.leakage.interpret.trading import noted_fills
from nbprod.leakage.interpret.values import (
    Cells,
    Const,
    Estimator,
    Opaque,
    Position,
    Seq,
    Value,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbprod.leakage.interpret.context import Run


def _branched(run: Run, node: ast.If) -> None:
    test = run.at(run.evaluate(run, node.test))
    if _is_main(node.test):
        run.execute(run, node.body)
        return
    if isinstance(test, Const):
        run.execute(run, node.body if test.value else node.orelse)
        return
    learning.noted_choice(run, node)
    _either(run, node.body, node.orelse)


def _is_main(test: ast.expr) -> bool:
    return isinstance(test, ast.Compare) and isinstance(test.left, ast.Name) and test.left.id == "__name__"


def _either(run: Run, first: list[ast.stmt], second: list[ast.stmt]) -> None:
    """Run both branches from the same state, and join what they leave; one that ends early leaves nothing."""
    env, heap = dict(run.env), dict(run.heap)
    run.execute(run, first)
    first_env, first_heap, first_stopped = run.env, run.heap, run.stopped
    run.env, run.heap, run.stopped = env, dict(heap), False
    for place, value in first_heap.items():
        run.heap.setdefault(place, value)
    run.execute(run, second)
    if first_stopped and run.stopped:
        return
    if first_stopped:
        return
    if run.stopped:
        run.env, run.heap, run.stopped = first_env, {**run.heap, **first_heap}, False
        return
    _join_states(run, first_env, first_heap, heap)


def _join_states(run: Run, env: dict[str, Value], heap: dict[int, Value], before: dict[int, Value]) -> None:
    for place, value in heap.items():
        mine = run.heap.get(place)
        if mine is None or mine is value:
            run.heap[place] = value
            continue
        run.watch.place(place, before.get(place))
        if mine is before.get(place):
            run.heap[place] = _joined_state(run, value, mine)
        elif value is before.get(place):
            run.heap[place] = _joined_state(run, mine, value)
        else:
            run.heap[place] = _joined_state(run, value, mine)
    for name, value in env.items():
        mine = run.env.get(name)
        if mine is not value:
            run.watch.name(name, mine)
            run.watch.name(name, value)
        run.env[name] = value if mine is None or mine == value else join_values(run, value, mine)


def _joined_state(run: Run, left: Value, right: Value) -> Value:
    if isinstance(left, Estimator) and isinstance(right, Estimator):
        return left if left.fitted is not None else right
    return run.at(join_values(run, left, right))


def _looped(run: Run, node: ast.For | ast.AsyncFor) -> None:
    source = run.evaluate(run, node.iter)
    items = loops.items_of(run, source)
    # the batches of one data set are no several things that are tried
    turns = 0 if _are_batches(run, source) else 1
    run.loops += turns
    if items is not None and (len(items) <= 4 or _depends(node)):
        for item in items:
            assign(run, node.target, item, node.iter)
            _turn(run, node.body)
    else:
        item = loops.any_item_of(run, source)
        for turn in range(2):
            assign(run, node.target, item, node.iter)
            _turn(run, node.body)
            if turn == 0:
                carried.noted(run, node, item)
        if _is_over_rows(run, item):
            noted_fills(run, node)
    run.loops -= turns
    if not run.loops:
        run.filling.clear()
    if not run.loops and not run.depth:
        _settle_totals(run, node, run.at(source))
        if items is None:
            carried.settled(run, node, loops.any_item_of(run, source))
    run.execute(run, node.orelse)


def _is_over_rows(run: Run, item: Value) -> bool:
    held = run.at(item)
    parts = held.items if isinstance(held, Seq) and held.items else (held,)
    return any(isinstance(run.at(part), Position | Cells) for part in parts)


def _are_batches(run: Run, source: Value) -> bool:
    match run.at(source):
        case Estimator(role="data") | Opaque(hint=learning.BATCHES):
            return True
        case _:
            return False


def _settle_totals(run: Run, node: ast.For | ast.AsyncFor, held: Value) -> None:
    """After a loop over all rows, what was added up in it is one value of them all: `for x in column: total += x`."""
    if not isinstance(held, Cells) or held.shape != "column" or held.width is not None:
        return
    for each in ast.walk(node):
        if not isinstance(each, ast.AugAssign) or not isinstance(each.target, ast.Name):
            continue
        name = each.target.id
        total = run.at(run.env.get(name))
        if isinstance(total, Cells) and total.shape == "element":
            rows = replace(total, rows=held.rows, within=held.within)
            facts = moving.statistic(run, rows, each, says=f"`{name}` is added up over all rows")
            run.env[name] = replace(total, shape="scalar", facts=facts)


def _depends(node: ast.For | ast.AsyncFor) -> bool:
    """Whether the loop's body reads what the loop counts."""
    names = {each.id for each in ast.walk(node.target) if isinstance(each, ast.Name)}
    return any(
        isinstance(each, ast.Name) and each.id in names
        for statement in node.body
        for each in ast.walk(statement)
    )


def _turn(run: Run, body: list[ast.stmt]) -> None:
    stopped = run.stopped
    run.execute(run, body)
    run.stopped = stopped


def _while(run: Run, node: ast.While) -> None:
    run.evaluate(run, node.test)
    run.loops += 1
    counted = _counters(node)
    for name in counted:
        run.watch.name(name, run.env.get(name))
    counters = [name for name in counted if isinstance(run.at(run.env.get(name)), Const)]
    for _ in range(2):
        # a number that each turn moves on stands for a row, as a loop's index does
        run.env.update(dict.fromkeys(counters, Position()))
        _turn(run, node.body)
    run.loops -= 1
    run.execute(run, node.orelse)


def _counters(node: ast.While) -> set[str]:
    """The names that the loop counts up by one."""
    return {
        each.target.id
        for each in ast.walk(node)
        if isinstance(each, ast.AugAssign)
        and isinstance(each.op, ast.Add)
        and isinstance(each.target, ast.Name)
        and isinstance(each.value, ast.Constant)
        and each.value.value == 1
    }


def _tried(run: Run, node: ast.Try) -> None:
    run.execute(run, node.body)
    stopped, run.stopped = run.stopped, False
    if stopped:
        run.execute(run, node.finalbody)
        run.stopped = True
        return
    for handler in node.handlers:
        _either(run, [], handler.body)
    run.execute(run, node.orelse)
    run.execute(run, node.finalbody)


def _with(run: Run, node: ast.With | ast.AsyncWith) -> None:
    for item in node.items:
        value = run.evaluate(run, item.context_expr)
        if item.optional_vars is not None:
            assign(run, item.optional_vars, value, item.context_expr)
    run.execute(run, node.body)


def _matched(run: Run, node: ast.Match) -> None:
    subject = run.at(run.evaluate(run, node.subject))
    for case in node.cases:
        fits = _fits(subject, case)
        if fits:
            run.execute(run, case.body)
            return
        if fits is None:
            _either(run, case.body, [])


def _fits(subject: Value, case: ast.match_case) -> bool | None:
    """Whether a known subject takes this case; None where that isn't known."""
    if not isinstance(subject, Const) or case.guard is not None:
        return None
    match case.pattern:
        case ast.MatchValue(value=ast.Constant(value=value)) | ast.MatchSingleton(value=value):
            return bool(subject.value == value)
        case ast.MatchAs(pattern=None, name=None):
            return True
        case _:
            return None


HANDLERS: dict[type[ast.stmt], Callable[[Run, Any], None]] = {
    ast.If: _branched, ast.For: _looped, ast.AsyncFor: _looped, ast.While: _while, ast.Try: _tried,
    ast.With: _with, ast.AsyncWith: _with, ast.Match: _matched,
}  # fmt: skip
