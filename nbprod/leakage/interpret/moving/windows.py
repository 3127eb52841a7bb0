"""Windows that move along the rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from nbprod.leakage.horizon import Reach
from nbprod.leakage.interpret import edits
from nbprod.leakage.interpret.facts import Ahead
from nbprod.leakage.interpret.moving.arguments import place_of, step_count
from nbprod.leakage.interpret.moving.sequence import in_sequence, neighbours
from nbprod.leakage.interpret.values import Cells, Opaque, Value, Windowed

if TYPE_CHECKING:
    import ast

    from nbprod.leakage.interpret.context import Args, Run
    from nbprod.libraries.moves import (
        Rolls,
    )


def windowed(run: Run, move: Rolls, base: Cells, args: Args, node: ast.AST) -> Windowed:
    """A column under a moving window, with what the window will look ahead."""
    size = run.at(args.get(*place_of(move.parameters, move.window)))
    centre = bool(args.constant(*place_of(move.parameters, move.centre), default=False))
    rows = step_count(size) if args.get(*place_of(move.parameters, move.window)) is not None else None
    return Windowed(
        base=base, kind="rolling", aheads=window_aheads(run, base, size, rows, centre=centre, node=node)
    )


def window_aheads(
    run: Run, cells: Cells, size: Value, rows: int | None, *, centre: bool, node: ast.AST
) -> tuple[Ahead, ...]:
    """The ways in which a window over these cells looks ahead."""
    in_sequence(run, cells)
    if not cells.facts.reads:
        return ()
    problems = neighbours(run, cells, node)
    span = run.span(node)
    if isinstance(size, Opaque) and size.hint.startswith("forward-window"):
        reach = Reach(rows=max(int(size.hint.partition(":")[2] or 2) - 1, 1))
        says = f"the window starts at the row and runs {reach}"
        ahead = Ahead(
            rule="forward-window", reach=reach, span=span, says=says,
            sources=cells.facts.sources,
        )  # fmt: skip
        return (*problems, ahead)
    if centre:
        reach = Reach(rows=max((rows or 3) // 2, 1))
        says = (
            "the window lies around the row, half of it after" if rows is None else f"the window ends {reach}"
        )
        ahead = Ahead(
            rule="centred-window",
            reach=reach,
            span=span,
            says=says,
            sources=cells.facts.sources,
            edits=edits.without_keyword(run, node, "center"),
        )
        return (*problems, ahead)
    if cells.order.newest_first:
        reach = Reach(rows=max((rows or 2) - 1, 1))
        says = f"the rows run from the newest back, so the window ends {reach}"
        ahead = Ahead(
            rule="forward-window", reach=reach, span=span, says=says,
            sources=cells.facts.sources,
        )  # fmt: skip
        return (*problems, ahead)
    return problems


def finished(run: Run, window: Windowed) -> Cells:
    """The column that a function over each window gives."""
    base = run.at(window.base)
    assert isinstance(base, Cells)  # noqa: S101 - asked just before
    facts = replace(base.facts, clock=None, derived=True, change=False)
    ahead_rows = max(
        (a.reach.rows for a in window.aheads if not a.reach.whole and not a.reach.time), default=0
    )
    if ahead_rows:
        facts = facts.moved(ahead_rows, along=frozenset(key.name for key in base.within))
    return replace(base, facts=facts.with_ahead(*window.aheads), conditions=(), shape=_column_shape(base))


def _column_shape(cells: Cells) -> str:
    return cells.shape if cells.shape in ("column", "matrix") else "column"
