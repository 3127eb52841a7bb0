"""Values moved by a number of rows, and values that run on from row to row."""

from __future__ import annotations

import ast
from datetime import timedelta
from typing import TYPE_CHECKING

from msgspec.structs import replace

from nbprod.leakage.horizon import Reach
from nbprod.leakage.interpret.clocks import length
from nbprod.leakage.interpret.facts import WHOLE_REACH, Ahead, Facts, joined
from nbprod.leakage.interpret.moving.arguments import place_of, several_steps, step_count
from nbprod.leakage.interpret.moving.sequence import neighbours, rows_text, shifted
from nbprod.leakage.interpret.values import Cells, Const, Position, Value
from nbprod.model import Step

if TYPE_CHECKING:
    from nbprod.leakage.interpret.context import Args, Run
    from nbprod.libraries.moves import Accumulates, Lags


def lagged_cells(run: Run, move: Lags, cells: Cells, args: Args, node: ast.AST) -> Value:
    if args.constant(*place_of(move.parameters, "axis"), default=0) in (1, "columns"):
        return replace(cells, facts=replace(cells.facts, derived=True))
    place, by = place_of(move.parameters, move.by)
    given = run.at(args.get(place, by))
    several = several_steps(run, given)
    if several:
        each = [replace(args, places=(), names={by: Const(step)}) for step in several]
        facts = joined(run.facts(lagged_cells(run, move, cells, one, node)) for one in each)
        return replace(cells, facts=facts, conditions=())
    steps = step_count(given if args.get(place, by) is not None else Const(move.default))
    if steps is not None and _turns_back(args.constant(None, "freq")):
        steps = -steps
    if steps is None:
        return _unknown_lag(run, cells, given, node)
    ahead = steps if move.leads else -steps
    if move.wraps and steps:
        return _rolled(run, cells, steps, node)
    says = f"`{run.text(node)}` reads {rows_text(-ahead if ahead < 0 else ahead)} {'ahead' if ahead > 0 else 'back'}"
    facts = shifted(
        run, cells, ahead, node, says=says, args_node=args.node_of(place, by), keeps=move.keeps_own
    )
    offset = cells.offset
    if move.shortens:
        offset += abs(steps) - (1 if "prepend" in args.names else 0)
    array = cells.array or move.shortens
    return replace(cells, facts=replace(facts, clock=None), conditions=(), offset=offset, array=array)


def _turns_back(freq: object) -> bool:
    """Whether stamps are moved by a negative length: `shift(freq="-1D")`."""
    span = length(freq)
    return span is not None and span < timedelta(0)


def _starts_negated(argument: ast.expr | None) -> bool:
    """`-n`, `-n + 1`, `-1 * n`: an unknown number of rows turned round."""
    if isinstance(argument, ast.BinOp):
        return _starts_negated(argument.left) and isinstance(argument.op, ast.Add | ast.Sub | ast.Mult)
    return isinstance(argument, ast.UnaryOp) and isinstance(argument.op, ast.USub)


def _unknown_lag(run: Run, cells: Cells, given: Value, node: ast.AST) -> Value:
    """A lag of unknown size is taken for one into the past, unless a minus stands before it."""
    argument = node.args[0] if isinstance(node, ast.Call) and node.args else None
    if argument is None and isinstance(node, ast.Call) and node.keywords:
        argument = node.keywords[0].value
    if _starts_negated(argument):
        says = f"`{run.text(node)}` reads rows ahead"
        facts = shifted(run, cells, 1, node, says=says, args_node=argument, keeps=False)
        return replace(cells, facts=facts, conditions=())
    if isinstance(given, Position):
        return replace(cells, facts=replace(cells.facts, proved=False, derived=True))
    facts = shifted(run, cells, -1, node, says="", keeps=False)
    return replace(cells, facts=replace(facts, proved=False), conditions=())


def _rolled(run: Run, cells: Cells, steps: int, node: ast.AST) -> Cells:
    facts = shifted(run, cells, -steps, node, says=f"`{run.text(node)}` reads {steps} rows away", keeps=False)
    if cells.facts.reads and not cells.rows.settled:
        wrapped = Ahead(
            rule="shift-into-future",
            reach=WHOLE_REACH,
            span=run.span(node),
            says=f"`{run.text(node)}` wraps: the first rows receive the last ones' values",
            steps=(Step(span=run.span(node), says="the newest rows wrap round to the front"),),
            sources=facts.sources,
            head=abs(steps) if steps > 0 else -abs(steps),
            detail="wraps",
        )
        facts = facts.with_ahead(wrapped)
    return replace(cells, facts=facts, conditions=())


def accumulated(run: Run, move: Accumulates, cells: Cells, args: Args, node: ast.AST) -> Value:
    reverse = move.reverse == "always" or bool(
        move.reverse and args.constant(*place_of(move.parameters, move.reverse), default=False)
    )
    if move.ascending and args.constant(*place_of(move.parameters, move.ascending), default=True) is False:
        reverse = True
    return replace(cells, facts=running(run, cells, node, reverse=reverse, whole=True), conditions=())


def running(run: Run, cells: Cells, node: ast.AST, *, reverse: bool, whole: bool, rows: int = 0) -> Facts:
    """The facts of a value made of all rows up to its own, or `rows` of them; `reverse` runs the other way."""
    facts = cells.facts
    if not facts.reads or cells.rows.side == "train":
        return replace(facts, derived=True)
    if reverse != cells.order.newest_first:
        reach = WHOLE_REACH if whole else Reach(rows=rows)
        ahead = Ahead(
            rule="forward-window",
            reach=reach,
            span=run.span(node),
            says=f"`{run.text(node)}` runs from the newest row back",
            steps=(Step(span=run.span(node), says="runs from the newest row back"),),
            sources=facts.sources,
        )
        return replace(facts.whole() if whole else facts.moved(rows), derived=True).with_ahead(ahead)
    problems = neighbours(run, cells, node)
    return replace(facts, derived=True, clock=None).with_ahead(*problems)


def expanding_aheads(run: Run, cells: Cells, node: ast.AST) -> tuple[Ahead, ...]:
    """What a value that runs on over all rows so far reads ahead, and the rows themselves don't."""
    facts = running(run, cells, node, reverse=False, whole=True)
    return tuple(ahead for ahead in facts.aheads if ahead not in cells.facts.aheads)
