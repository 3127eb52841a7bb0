"""What the conditions speak of, seen from a run of everything before training: new data, drift, the metric, the age."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from nbprod import wire
from nbprod.artifacts.store import write_atomically
from nbprod.continuous.conditions import LARGE_PSI, Observed
from nbprod.continuous.contest import window_of
from nbprod.errors import NbprodError
from nbprod.expectations.drift import drift
from nbprod.expectations.profile import Profile
from nbprod.tracking.entering import data_identity
from nbprod.tracking.scores import SCORES, predictions
from nbprod.tracking.windows import held_out_window, training_window
from nbprod.validating import profile_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nbprod.continuous.contest import Arena
    from nbprod.expectations.drift import ColumnDrift
    from nbprod.model import Plan, Record
    from nbprod.running.place import Place
    from nbprod.settings import Production
    from nbprod.tracking.entering import Candidate
    from nbprod.tracking.roles import Roles
    from nbprod.tracking.windows import Window

ALARM_RATE = 0.01


class Look(Struct, frozen=True, kw_only=True):
    """What a run of everything before training shows; `window` holds the rows that the champion hasn't seen."""

    record: Record
    plan: Plan
    roles: Roles
    champion: Candidate
    window: Window | None


def looked(record: Record, plan: Plan, roles: Roles, champion: Candidate, arena: Arena) -> Look:
    """The rows after what the champion learned from, with the champion's own features."""
    from nbprod.tracking.windows import later_than

    held = held_out_window(record, roles)
    own = window_of(record, plan, roles, champion, arena)
    window = own.after(later_than(held, champion.version))
    return Look(
        record=record,
        plan=plan,
        roles=roles,
        champion=champion,
        window=window if len(window.times) else None,
    )


def observed(
    look: Look, names: Iterable[str], *, arena: Arena, place: Place, now: datetime
) -> dict[str, Observed]:
    """What each of these names is now."""
    return {name: _observed(name, look, arena=arena, place=place, now=now) for name in dict.fromkeys(names)}


def drift_of(
    batch: Profile, champion: Candidate, *, place: Place, said: Production
) -> tuple[ColumnDrift, ...]:
    """How a batch's features differ from what a version learned from, the largest change first, less the season's."""
    seasonal = {name.strip() for name in said.seasonal.split(",")}
    reference = reference_of(champion, place)
    kept = tuple(one for one in reference.columns if one.name not in seasonal)
    return drift(replace(reference, columns=kept), batch, alarm_rate=ALARM_RATE)


def reference_of(champion: Candidate, place: Place) -> Profile:
    """The profile of what a version learned from, measured once."""
    file = place.state / "references" / f"{champion.version.run}.json"
    if file.is_file():
        return wire.noun(Profile, json.loads(file.read_text(encoding="utf-8")), where=str(file))
    profile = profile_of(training_window(champion.record, champion.roles).x)
    write_atomically(file, json.dumps(wire.plain(profile)) + "\n", durable=False)
    return profile


def _observed(name: str, look: Look, *, arena: Arena, place: Place, now: datetime) -> Observed:
    match name:
        case "new-data":
            return _new_data(look)
        case "drift":
            return _drift(look, place, arena.settings.production)
        case "age":
            return _age(look, now)
        case "rows":
            count = 0 if look.window is None else len(look.window.times)
            return Observed(
                figure=float(count),
                says=f"{count:,} rows it hasn't seen",
                key=window_key(look.record, look.roles),
            )
        case _:
            return _metric(name, look, arena)


def _new_data(look: Look) -> Observed:
    now = data_identity(look.record, look.plan)
    then = look.champion.version.facts.get("data")
    changed = [name for name, digest in now.items() if not isinstance(then, dict) or then.get(name) != digest]
    says = f"{', '.join(changed)} changed" if changed else "the data it learned from"
    return Observed(figure=float(bool(changed)), says=says, key=data_key(look.record, look.plan))


def data_key(record: Record, plan: Plan) -> str:
    """What stands for the data that a run's first stages brought in."""
    text = json.dumps(data_identity(record, plan), sort_keys=True)
    return f"data {hashlib.sha256(text.encode()).hexdigest()[:16]}"


def _drift(look: Look, place: Place, said: Production) -> Observed:
    key = window_key(look.record, look.roles)
    if look.window is None:
        return Observed(figure=None, says="no rows it hasn't seen", key=key)
    batch = profile_of(look.window.x)
    found = [one for one in drift_of(batch, look.champion, place=place, said=said) if one.has_drifted]
    worst = max((one.psi for one in found), default=0.0)
    large = [f"{one.column} {one.psi:.2f}" for one in found if one.psi > LARGE_PSI]
    says = f"PSI {', '.join(large)}" if large else f"PSI {worst:.2f} at most"
    return Observed(figure=worst, says=says, key=key)


def _age(look: Look, now: datetime) -> Observed:
    made = datetime.fromisoformat(look.champion.version.made)
    seconds = (now - made).total_seconds()
    days = seconds / 86400
    return Observed(
        figure=seconds,
        says=f"{days:.1f} days old",
        key=f"version {look.champion.version.version}, {now:%Y-%m-%d}",
    )


def _metric(name: str, look: Look, arena: Arena) -> Observed:
    import numpy as np

    model = look.champion.model
    score = arena.score(model) if name == "metric" else next(one for one in SCORES if one.name == name)
    key = window_key(look.record, look.roles)
    if look.window is None or look.window.y is None:
        return Observed(figure=None, says="no labels yet", key=key)
    try:
        figure = score.of(np.asarray(look.window.y), predictions(model, look.window.x, score))
    except (AttributeError, IndexError, TypeError, ValueError) as error:
        raise NbprodError(
            f"'{score.name}' can't be computed for this model: {error}.", remedy="Choose another metric."
        ) from error
    rows = len(look.window.times)
    return Observed(figure=figure, says=f"{score.name} {figure:.4g} on {rows:,} rows", key=key)


def window_key(record: Record, roles: Roles) -> str:
    """What stands for the held-out rows of a run."""
    x = roles.test_x
    digests = (
        one.digest
        for stage in record.stages
        if x and stage.stage == x.stage
        for one in stage.artifacts
        if one.name == x.name
    )
    return f"rows {next(digests, '')[:12]}"
