"""What a call's arguments say of moves: which one it is, and how many rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbprod.leakage.interpret.values import (
    Const,
    Seq,
    Value,
)

if TYPE_CHECKING:
    from nbprod.leakage.interpret.context import Run


def place_of(parameters: tuple[str, ...], name: str) -> tuple[int | None, str]:
    return (parameters.index(name) if name in parameters else None), name


def several_steps(run: Run, given: Value) -> tuple[int, ...]:
    """The numbers of rows in a list of them, as `shift([1, 2])` takes."""
    match given:
        case Const(list() | tuple() | range() as steps):
            values: tuple[Value, ...] = tuple(Const(step) for step in steps)
        case Seq(items=tuple(items)):
            values = tuple(run.at(item) for item in items)
        case _:
            return ()
    found = [step_count(value) for value in values]
    return tuple(step for step in found if step is not None) if None not in found else ()


def step_count(value: Value) -> int | None:
    """The whole number of rows that a value stands for."""
    match value:
        case Const(bool()):
            return None
        case Const(int(steps)):
            return steps
        case Const(float(steps)) if steps.is_integer():
            return int(steps)
        case Const(None):
            return 1
        case _:
            pass
    return None
