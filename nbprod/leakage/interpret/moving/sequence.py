"""Rows before and after a row, and when those aren't the ones before and after in time."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from msgspec.structs import replace

from nbprod.leakage.horizon import Reach
from nbprod.leakage.interpret import edits
from nbprod.leakage.interpret.facts import WHOLE_REACH, Ahead, Facts
from nbprod.model import Step

if TYPE_CHECKING:
    import ast

    from nbprod.leakage.interpret.context import Run
    from nbprod.leakage.interpret.values import Cells


def disorder(run: Run, cells: Cells, node: ast.AST) -> Ahead | None:
    """Why the row before is not the one just before in time, if it isn't."""
    order = cells.order
    names = tuple(key.name for key in cells.within)
    if order.other and not (set(order.other) <= set(names)):
        return Ahead(
            rule="unsorted-shift",
            reach=WHOLE_REACH,
            span=run.span(node),
            says=f"the rows are ordered by {', '.join(order.other)}, not by time",
            steps=(Step(span=run.span(node), says=f"rows ordered by {', '.join(order.other)}"),),
            sources=cells.facts.sources,
            detail=order.by,
        )
    if order.shuffled is not None:
        return Ahead(
            rule="unsorted-shift",
            reach=WHOLE_REACH,
            span=run.span(node),
            says="the rows were shuffled before",
            steps=(Step(span=order.shuffled, says="rows shuffled"),),
            sources=cells.facts.sources,
        )
    return None


def crossing(run: Run, cells: Cells, node: ast.AST) -> Ahead | None:
    """What a neighbour in rows sorted by entity, then time, may be: another entity's."""
    if not cells.order.entity_first or cells.within:
        return None
    entity = ", ".join(cells.order.entity_first)
    return Ahead(
        rule="cross-entity-shift",
        reach=WHOLE_REACH,
        span=run.span(node),
        says=f"rows are sorted by {entity} first, and the neighbours are not grouped by it",
        steps=(Step(span=run.span(node), says=f"the row before may be another {entity}'s last one"),),
        sources=cells.facts.sources,
        remedy=f"groupby({entity!r})",
        detail=entity,
    )


def neighbours(run: Run, cells: Cells, node: ast.AST) -> tuple[Ahead, ...]:
    """What is wrong with reading the rows around, whatever the direction."""
    if not cells.facts.reads or cells.rows.side == "train":
        return ()
    found = (disorder(run, cells, node), crossing(run, cells, node))
    return tuple(ahead for ahead in found if ahead is not None)


def shifted(
    run: Run,
    cells: Cells,
    rows: int,
    node: ast.AST,
    *,
    says: str,
    args_node: ast.expr | None = None,
    keeps: bool,
) -> Facts:
    """The facts of the value that stands `rows` after its own, as `shift(-rows)` gives it."""
    in_sequence(run, cells)
    if cells.order.newest_first:
        rows = -rows
    along = frozenset(key.name for key in cells.within)
    problems = neighbours(run, cells, node)
    facts = cells.facts.moved(rows, along=along)
    if rows < 0:
        facts = facts.without(lambda ahead: ahead.period)
    was_ahead = cells.facts.ahead_rows
    furthest = max(cells.facts.reads.values(), default=-inf)
    if cells.facts.reads and not cells.array and cells.facts.derived:
        # a row ahead is read even where it holds what was known before: it may not be there yet
        furthest = max(furthest, 0)
    now = furthest + rows
    if rows > 0 and now > 0 and furthest < inf and was_ahead < inf:
        ahead = Ahead(
            rule="shift-into-future",
            reach=Reach(rows=int(now), along=along),
            span=run.span(node),
            says=says,
            sources=facts.sources,
            edits=edits.negated(run, args_node, node),
        )
        facts = facts.without(lambda a: a.rule == "shift-into-future" and a.span == ahead.span).with_ahead(
            ahead
        )
    facts = facts.with_ahead(*problems) if problems else facts
    return replace(facts | cells.facts, change=True) if keeps else replace(facts, derived=True)


def placed(run: Run, cells: Cells, at: int, node: ast.AST) -> Facts:
    """The facts of an array whose first value is put at the row `at`: by place, whatever row it is of."""
    rows = cells.offset - at
    if rows == 0 or not cells.array or cells.shape == "scalar" or not cells.facts.reads:
        return cells.facts
    says = (
        f"each value stands {rows_text(abs(rows))} {'before' if rows > 0 else 'after'} the row that it is of"
    )
    return shifted(run, cells, rows, node, says=says, keeps=False)


def in_sequence(run: Run, cells: Cells) -> None:
    """Note that the rows of these cells are treated as a sequence."""
    run.record.sequences |= {source.partition(".")[0] for source in cells.facts.reads}


def rows_text(rows: int) -> str:
    return f"{rows} row" + ("" if rows == 1 else "s")
