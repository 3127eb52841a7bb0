"""The ladder that a team climbs without migrating: what each rung asks for, and whether the project has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from nbprod.errors import NbprodError
from nbprod.settings import Level

if TYPE_CHECKING:
    from pathlib import Path

    from nbprod.model import Plan, Record
    from nbprod.settings import Settings


class Step(Struct, frozen=True, kw_only=True):
    """One thing that a rung asks for."""

    level: Level
    says: str
    holds: bool
    remedy: str = ""


def rungs(root: Path, settings: Settings) -> tuple[Step, ...]:
    """Every step of every rung, the lowest first; before the first run nothing can be missing from it."""
    from nbprod.api.runs import records

    runs = records(root)
    return (*_prototype(runs), *_small(root, runs), *_scale(root, settings))


def _prototype(runs: tuple[Record, ...]) -> tuple[Step, ...]:
    plan = _plan_of(runs[0]) if runs else None
    return (
        Step(level=Level.PROTOTYPE, says=f"tracking: {len(runs)} runs recorded", holds=True),
        Step(
            level=Level.PROTOTYPE,
            says="reproducibility: "
            + ("the latest run can be done again" if plan else "no run yet" if not runs else "nothing kept"),
            holds=plan is not None or not runs,
            remedy="Run again: the latest run was made by an older nbprod.",
        ),
    )


def _small(root: Path, runs: tuple[Record, ...]) -> tuple[Step, ...]:
    plan = _plan_of(runs[0]) if runs else None
    bare = _without_suite(plan) if plan else ()
    return (
        Step(
            level=Level.SMALL,
            says="validation: "
            + (f"nothing is expected of {', '.join(bare)}" if bare else "a suite on every table that passes"),
            holds=not bare,
            remedy="Propose suites with `nbprod expect --infer`.",
        ),
        Step(
            level=Level.SMALL,
            says=f"drift reports: {'there' if (root / '.nbprod' / 'monitor').is_dir() else 'none yet'}",
            holds=(root / ".nbprod" / "monitor").is_dir(),
            remedy="Score with `nbprod score`, then `nbprod monitor`.",
        ),
        _champion(root),
    )


def _champion(root: Path) -> Step:
    from nbprod.api.models import models

    named = [f"{one.model}@{one.aliases['champion']}" for one in models(root) if "champion" in one.aliases]
    return Step(
        level=Level.SMALL,
        says=f"a champion: {', '.join(named) or 'none yet'}",
        holds=bool(named),
        remedy="`nbprod promote RUN`.",
    )


def _scale(root: Path, settings: Settings) -> tuple[Step, ...]:
    from nbprod.api.continuous import decisions
    from nbprod.api.models import models

    count = sum(len(decisions(root, one.model)) for one in models(root))
    said = settings.production
    return (
        Step(
            level=Level.SCALE,
            says=f"triggers and gates: {count} decisions recorded",
            holds=count > 0,
            remedy="Call `nbprod retrain NOTEBOOK --if ... --once` from cron or a scheduler.",
        ),
        Step(
            level=Level.SCALE,
            says=f"alerts: {said.alert or said.webhook or 'no one is told'}",
            holds=bool(said.alert or said.webhook),
            remedy="Name a command: [tool.nbprod.production] alert = ..., or a webhook.",
        ),
        Step(
            level=Level.SCALE,
            says=f"a store that others reach: {settings.store}",
            holds="://" in settings.store,
            remedy="[tool.nbprod] store = 's3://BUCKET/PREFIX', or a shared folder as file://.",
        ),
    )


def _plan_of(record: Record) -> Plan | None:
    from pathlib import Path

    from nbprod.running.keeping import plan_kept

    try:
        return plan_kept(Path(record.folder))
    except NbprodError:
        # Kept by an nbprod of another format: as good as not kept.
        return None


def _without_suite(plan: Plan) -> tuple[str, ...]:
    """What passes from a stage that loads, cleans or makes features to another, and no suite speaks of."""
    judged = {suite.value for suite in plan.suites}
    about_data = {one.name for one in plan.stages if str(one.kind) in ("load", "clean", "features")}
    passing = [
        need.name
        for stage in plan.stages
        for need in stage.needs
        if need.giver in about_data and "." not in need.name
    ]
    return tuple(name for name in dict.fromkeys(passing) if name not in judged)
