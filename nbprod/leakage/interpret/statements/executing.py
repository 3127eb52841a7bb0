"""Statements in order, each found in the room that runs it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbprod.leakage.interpret.statements import assigning, branching, defining, showing

if TYPE_CHECKING:
    import ast
    from collections.abc import Callable

    from nbprod.leakage.interpret.context import Run


_ALL: dict[type[ast.stmt], Callable[[Run, Any], None]] = {
    **assigning.HANDLERS,
    **showing.HANDLERS,
    **branching.HANDLERS,
    **defining.HANDLERS,
}


def execute(run: Run, body: list[ast.stmt]) -> None:
    """Run statements in order; those after a `return`, `raise`, `break` or `continue` are not reached."""
    for statement in body:
        if run.fuel < 0 or run.stopped:
            return
        run.node = statement
        handler = _ALL.get(type(statement))
        if handler is not None:
            handler(run, statement)
