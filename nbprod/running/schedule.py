"""Which stages run, and in which order they may."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbprod.errors import PlanError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nbprod.model import Plan


def dependencies(plan: Plan) -> dict[str, tuple[str, ...]]:
    """For each stage those that must come before it, directly, in the plan's order."""
    return {stage.name: plan.before(stage.name) for stage in plan.stages}


def upstream(plan: Plan, names: Iterable[str]) -> tuple[str, ...]:
    """The stages that these need, directly or not, themselves left out, in the plan's order."""
    before, start = dependencies(plan), set(names)
    found, waiting = set(start), list(start)
    while waiting:
        new = set(before[waiting.pop()]) - found
        found |= new
        waiting.extend(new)
    return tuple(name for name in before if name in found - start)


def selected(
    plan: Plan, *, only: Iterable[str] = (), from_: str | None = None, until: str | None = None
) -> tuple[str, ...]:
    """The stages asked for: only these, or those from one on, or those that lead up to one.

    Raises PlanError for a name that the plan doesn't have.
    """
    order = [stage.name for stage in plan.stages]
    only = tuple(only)
    for name in (*only, *filter(None, (from_, until))):
        if name not in order:
            raise PlanError(f"There is no stage '{name}'.", where=plan.name, remedy=did_you_mean(name, order))
    chosen = set(only) or set(order)
    if from_ is not None:
        chosen &= set(order[order.index(from_) :])
    if until is not None:
        chosen &= {until, *upstream(plan, [until])}
    return tuple(name for name in order if name in chosen)
