"""What models score: on which rows, and what is chosen by it."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nbprod.leakage.interpret.context import Args
from nbprod.leakage.interpret.facts import WHOLE_REACH, Ahead, Facts, Rows
from nbprod.leakage.interpret.values import Function, Instance, Opaque, Partial, Value

if TYPE_CHECKING:
    from nbprod.leakage.interpret.context import Run

TUNED = "tuned-on-test"


def score(run: Run, rows: Rows, node: ast.AST) -> Opaque:
    """What a model scores on some rows; whatever is made of a score on test rows knows them."""
    if rows.side != "test":
        return Opaque(hint="score", rows=rows)
    says = f"`{run.text(node, most=40)}` is measured on the test rows"
    ahead = Ahead(rule=TUNED, reach=WHOLE_REACH, span=run.span(node), says=says, over=rows)
    return Opaque(hint="score", rows=rows, facts=Facts(aheads=(ahead,)))


def scored_rows(run: Run, value: Value) -> Rows | None:
    """The test rows on which the scores in a value were measured, None where it holds none.

    What is taken of all test rows is a score as well, if something that was fitted on the training rows is in it.
    """
    aheads = run.facts(value).aheads
    predicted = any(a.over is not None and a.over.side == "train" for a in aheads)
    rules = (TUNED, "fitted-on-test") if predicted else (TUNED,)
    return next((a.over for a in aheads if a.rule in rules and a.over is not None), None)


def noted_best(run: Run, value: Value, node: ast.AST) -> None:
    """The best of several candidates by their scores."""
    rows = scored_rows(run, value)
    if rows is not None:
        run.record.chosen.append((run.span(node), rows))


def noted_search(run: Run, objective: Value, node: ast.AST) -> None:
    """`study.optimize(objective)`: what the objective scores chooses among candidates."""
    held = run.at(objective)
    called = isinstance(held, Instance) and "__call__" in held.of.methods
    if not called and not isinstance(held, Function | Partial):
        return
    scored = len(run.record.scored)
    run.loops += 1
    run.call(run, objective, Args(places=(Opaque(hint="a trial"),), node=node), node)
    run.loops -= 1
    run.record.chosen += [(sink.span, None) for sink in run.record.scored[scored:]]


def noted_choice(run: Run, node: ast.If) -> None:
    """`if score > best:`: a choice made by a score, on the rows it was scored on."""
    compares = [each for each in ast.walk(node.test) if isinstance(each, ast.Compare)]
    if not run.loops or not compares:
        return
    names = {each.id for compare in compares for each in ast.walk(compare) if isinstance(each, ast.Name)}
    if any(_is_best(name.lower()) for name in names):
        run.record.chosen.append((run.span(node), None))
    kept = names & _stored_in(node.body)
    for name in names - kept if kept else ():
        noted_best(run, run.env.get(name) or Opaque(), node)


def _is_best(name: str) -> bool:
    return name.startswith(("best", "max_", "min_", "top")) or name.endswith("best")


def _stored_in(body: list[ast.stmt]) -> set[str]:
    """The names that some statements bind."""
    return {
        each.id
        for statement in body
        for each in ast.walk(statement)
        if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)
    }
