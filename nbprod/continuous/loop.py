"""One turn of the loop: look, judge the condition, train, hold challenger against champion, decide, all recorded.

A turn that is killed is taken up by the next one where it stood: what has run is cached, and the decision is entered in
one transaction with what it does. What it could not tell anyone, the next turn tells.
"""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING

from msgspec import Struct

from nbprod import wire
from nbprod.continuous.alerts import CHANNELS, delivery_failure
from nbprod.continuous.conditions import Held, Judgement, facts_of, judged, parse
from nbprod.continuous.contest import judged_against
from nbprod.continuous.decisions import Action, Book, Decision
from nbprod.continuous.gates import broken_expectations
from nbprod.continuous.observing import Look, data_key, looked, observed, window_key
from nbprod.errors import NbprodError
from nbprod.model import Json, State
from nbprod.tracking.entering import candidate_of, kept_plan_of
from nbprod.tracking.registry import CHAMPION, MovedError
from nbprod.tracking.roles import roles_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime
    from pathlib import Path

    from nbprod.continuous.conditions import Condition, Observed
    from nbprod.continuous.contest import Arena
    from nbprod.continuous.gates import Gate
    from nbprod.model import Plan, Record
    from nbprod.running.place import Place
    from nbprod.tracking.registry import Registry, Version

LOCK = "retrain.lock"


class Busy(NbprodError):  # noqa: N818 - no fault: another turn is under way
    """Another process is at a turn of the same loop."""


class Loop(Struct, frozen=True, kw_only=True):
    """A pipeline that is kept up to date: `run` runs it with parameters, up to a stage if one is named.

    `asked` is what tells one turn's wish from another's: source and parameters, as JSON.
    """

    model: str
    plan: Plan
    run: Callable[[str | None], Record]
    asked: Json
    arena: Arena
    place: Place
    registry: Registry
    who: str
    now: Callable[[], datetime]
    tell: Callable[[str], None] = lambda _: None

    @property
    def book(self) -> Book:
        """Where decisions stand."""
        return Book(ledger=self.registry.ledger, model=self.model)


def turn(loop: Loop, condition: str) -> Decision:
    """Look, decide and do; raises Busy where another turn is under way, NbprodError for a wrong condition."""
    wanted = parse(condition)
    with single_flight(loop.place.state / LOCK):
        begun = loop.book.begin(condition=condition, facts={"asked": loop.asked}, now=_now(loop))
        decision = _decided(loop, begun, wanted)
        _alert(loop)
    return decision


def _alert(loop: Loop) -> None:
    """Tell of every decision of note, at least once: also of those that a killed turn or a deaf address left untold.

    Where the settings name no one, a decision counts as told: who is named later is not told the past.
    """
    said = loop.arena.settings.production
    for channel in CHANNELS:
        for decision in loop.book.untold(channel):
            failure = delivery_failure(channel, wire.plain(decision), said=said)
            if failure:
                loop.tell(f"{failure} The next turn tells it again.")
                break
            loop.book.told(decision, channel)


@contextlib.contextmanager
def single_flight(path: Path) -> Iterator[None]:
    """Holds a lock that goes with the process, however it ends; raises Busy where another holds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    db = sqlite3.connect(path, timeout=0, isolation_level=None)
    try:
        try:
            db.execute("begin exclusive")
        except sqlite3.OperationalError as error:
            raise Busy(
                "Another retrain is under way.", where=str(path), remedy="Let it end; this one did nothing."
            ) from error
        yield
    finally:
        db.close()


def _decided(loop: Loop, begun: Decision, wanted: Condition) -> Decision:
    champion = loop.registry.at(loop.model, CHAMPION)
    try:
        look = loop.run(_before_training(loop.plan, loop))
        stop = _stopped(loop, begun, look, champion)
        if stop is not None:
            return stop
        judgement = _judgement(loop, wanted, look, champion)
        if not judgement.holds:
            reason = _why_nothing(judgement)
            return _end(
                loop, begun, Action.NOTHING, reason, record=look, champion=champion, judgement=judgement
            )
        loop.tell(f"Training: {_why(judgement)}")
        return _trained(loop, begun, judgement, champion=champion, seen=_keys_of(look, loop))
    except MovedError as error:
        return loop.book.end(
            begun,
            action=Action.KEPT,
            reason=f"Someone else was first. {error}",
            now=_now(loop),
            champion=champion,
        )
    except NbprodError as error:
        # Such as a champion whose run is gone: a turn that can't be finished is a decision, too.
        return loop.book.end(
            begun, action=Action.FAILED, reason=str(error), now=_now(loop), champion=champion
        )


def _stopped(loop: Loop, begun: Decision, look: Record, champion: Version | None) -> Decision | None:
    """What came of a look that did not come to a good end: no row of such data reaches training."""
    if look.state.is_good:
        return None
    broken = broken_expectations(look)
    if look.state is State.CANCELLED:
        raise KeyboardInterrupt
    if broken:
        more = f" and {len(broken) - 1} more" if len(broken) > 1 else ""
        return _end(
            loop, begun, Action.STOPPED, f"The data breaks {broken[0]}{more}.", record=look, champion=champion
        )
    bad = next(one for one in look.stages if not one.state.is_good)
    reason = f"Stage '{bad.stage}' {bad.state}: {bad.reason}"
    return _end(loop, begun, Action.FAILED, reason, record=look, champion=champion)


def _judgement(loop: Loop, wanted: Condition, look: Record, champion: Version | None) -> Judgement:
    if champion is None:
        first = Held(text="no champion", holds=True, says="there is none yet", key="first")
        return Judgement(holds=True, facts=(first,))
    roles = roles_of(kept_plan_of(look), said=loop.arena.settings.production)
    seen = looked(look, kept_plan_of(look), roles, loop.arena.champion(champion), loop.arena)
    return judged(wanted, _seen(loop, seen, wanted), acted_on=loop.book.acted_on())


def _seen(loop: Loop, look: Look, wanted: Condition) -> Mapping[str, Observed]:
    names = [fact.name for fact in facts_of(wanted) if fact.name not in ("always", "never")]
    return observed(look, names, arena=loop.arena, place=loop.place, now=loop.now())


def _keys_of(look: Record, loop: Loop) -> tuple[str, ...]:
    """What stands for the data and the rows of this turn: once trained on, they are no reason to train again."""
    plan = kept_plan_of(look)
    roles = roles_of(plan, said=loop.arena.settings.production)
    return data_key(look, plan), window_key(look, roles)


def _trained(
    loop: Loop, begun: Decision, judgement: Judgement, *, champion: Version | None, seen: tuple[str, ...]
) -> Decision:
    record = loop.run(None)
    if record.state is State.CANCELLED:
        raise KeyboardInterrupt
    acted_on = {*seen, *(one.key for one in judgement.reasons if one.key)}
    if not record.state.is_good and not broken_expectations(record):
        bad = next(one for one in record.stages if not one.state.is_good)
        reason = f"Stage '{bad.stage}' {bad.state}: {bad.reason}"
        return _end(loop, begun, Action.FAILED, reason, record=record, champion=champion, judgement=judgement)
    challenger = candidate_of(record, settings=loop.arena.settings, name=loop.model)
    try:
        gate = _gate(challenger.version, champion) or judged_against(challenger, champion, loop.arena)
    except NbprodError as error:
        return _end(
            loop, begun, Action.FAILED, f"{error}", record=record, champion=champion, judgement=judgement
        )
    return loop.book.end(
        begun,
        action=Action.PROMOTED if gate.passes else Action.KEPT,
        reason=gate.reason,
        now=_now(loop),
        run=record.id,
        facts={"gate": wire.plain(gate), "judged": wire.plain(judgement.facts)},
        acted_on=acted_on,
        challenger=challenger.version,
        champion=champion,
        who=loop.who,
    )


def _gate(challenger: Version, champion: Version | None) -> Gate | None:
    from nbprod.continuous.gates import Gate

    if champion is None or challenger.digest != champion.digest:
        return None
    return Gate(passes=False, reason="It is the champion itself, byte for byte.", metric="")


def _end(
    loop: Loop,
    begun: Decision,
    action: Action,
    reason: str,
    *,
    record: Record,
    champion: Version | None,
    judgement: Judgement | None = None,
) -> Decision:
    return loop.book.end(
        begun,
        action=action,
        reason=reason,
        now=_now(loop),
        run=record.id,
        champion=champion,
        facts={"judged": wire.plain(judgement.facts)} if judgement else {},
    )


def _before_training(plan: Plan, loop: Loop) -> str:
    """The last stage before the one that trains: everything up to it looks at data only."""
    names = [stage.name for stage in plan.stages]
    trained = roles_of(plan, said=loop.arena.settings.production).model.stage
    place = names.index(trained)
    if place == 0:
        raise NbprodError(
            f"Stage '{trained}' loads the data and trains on it.",
            where=plan.name,
            remedy="Give loading a stage of its own, so that bad data is stopped before training.",
        )
    return names[place - 1]


def _why(judgement: Judgement) -> str:
    return "; ".join(f"{one.text} ({one.says})" for one in judgement.reasons)


def _why_nothing(judgement: Judgement) -> str:
    said = [
        f"{one.text}: {one.says}{', acted on before' if one.was_acted_on else ''}" for one in judgement.facts
    ]
    return f"No reason to train. {'; '.join(said)}."


def _now(loop: Loop) -> str:
    return loop.now().isoformat()
