"""Champion against challenger on the challenger's held-out window, each with the features of its own plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from nbprod.continuous.gates import Contest, Gate, first_gate, gate
from nbprod.errors import NbprodError
from nbprod.running.place import Place
from nbprod.running.records import RUNS, read_record
from nbprod.tracking.entering import candidate_of, run_kept
from nbprod.tracking.scores import score_named, usual_score
from nbprod.tracking.windows import held_out_window, later_than

if TYPE_CHECKING:
    from pathlib import Path

    from nbprod.model import Plan, Record
    from nbprod.settings import Settings
    from nbprod.tracking.entering import Candidate
    from nbprod.tracking.registry import Version
    from nbprod.tracking.roles import Roles
    from nbprod.tracking.scores import Score
    from nbprod.tracking.windows import Window


class Arena(Struct, frozen=True, kw_only=True):
    """Where contests are held: the project and its settings."""

    root: Path
    settings: Settings

    def champion(self, version: Version) -> Candidate:
        """The run behind a version; raises StoreError where it is gone."""
        record = read_record(Place(root=self.root).state / RUNS / version.run)
        return candidate_of(record, settings=self.settings, name=version.model)

    def score(self, model: object) -> Score:
        """What models are judged by here."""
        name = self.settings.production.metric
        return score_named(name) if name else usual_score(model)


def judged_against(challenger: Candidate, champion: Version | None, arena: Arena) -> Gate:
    """What the gate says of a challenger; of a champion none, it must only be whole.

    Both are judged on the rows of the challenger's window that are strictly later than what either learned from.
    """
    model, window = challenger.model, challenger.held_out
    said = arena.settings.production
    score = arena.score(model)
    _demand_later(challenger, window)
    if champion is None:
        return first_gate(challenger.record, model, window, score=score)
    holder = arena.champion(champion)
    theirs = window_of(challenger.record, challenger.plan, challenger.roles, holder, arena)
    _demand_same_rows(window, theirs)
    later = later_than(window, challenger.version, champion)
    ours = window.after(later)
    if not len(ours.times):
        reason = f"No row of its window is later than {champion.trained_to}, the last that the champion learned from."
        return Gate(passes=False, reason=reason, metric=score.name, window=window.span)
    contest = Contest(
        challenger=model,
        champion=holder.model,
        challenger_window=ours,
        champion_window=theirs.after(later),
    )
    return gate(challenger.record, contest, score=score, margin=said.margin, block=said.block)


def _demand_later(challenger: Candidate, window: Window) -> None:
    import pandas as pd

    last = challenger.version.trained_to
    if last is None or pd.Timestamp(last) >= window.times.min():
        raise NbprodError(
            f"The held-out window starts at {window.span[0]}, but the model learned from rows up to {last}.",
            where=f"run {challenger.record.id}",
            remedy="Split by time, so that every held-out row is later than every training row.",
        )


def window_of(record: Record, plan: Plan, roles: Roles, holder: Candidate, arena: Arena) -> Window:
    """A run's held-out rows with the features of another version: its plan run on the run's parameters and data."""
    if _code_before_training(plan, roles) == _code_before_training(holder.plan, holder.roles):
        return held_out_window(record, roles)
    known = {one.name for one in holder.plan.parameters}
    values = {name: one for name, one in record.parameters.items() if name in known}
    rows = holder.roles.test_x
    theirs = run_kept(
        holder.record,
        root=arena.root,
        parameters=values,
        until=rows.stage if rows else None,
        store=arena.settings.store,
    )
    if not theirs.state.is_good:
        raise NbprodError(
            f"The champion's features can't be made of the new data: run {theirs.id} is {theirs.state}.",
            where=theirs.folder,
            remedy="See `nbprod runs` for the stage that failed.",
        )
    return held_out_window(theirs, holder.roles)


def _code_before_training(plan: Plan, roles: Roles) -> list[str]:
    names = [stage.name for stage in plan.stages]
    return [stage.digest for stage in plan.stages[: names.index(roles.model.stage)]]


def _demand_same_rows(ours: Window, theirs: Window) -> None:
    if len(ours.times) != len(theirs.times) or not (ours.times == theirs.times).all():
        raise NbprodError(
            f"The challenger's window has {len(ours.times):,} rows and the champion's {len(theirs.times):,}, "
            "or they are of other times: they can't be compared row by row.",
            remedy="Promote with --force and a reason, if the new plan keeps other rows on purpose.",
        )
