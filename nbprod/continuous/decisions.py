"""What the loop decided and why, in the ledger: begun before anything is done, ended in one transaction with its deed."""

from __future__ import annotations

import json
from collections.abc import Mapping  # noqa: TC003  # `wire` reads the annotations at run time
from enum import StrEnum
from typing import TYPE_CHECKING

from msgspec import Struct, field

from nbprod.model import Json  # noqa: TC001  # as above
from nbprod.tracking.registry import CHALLENGER, CHAMPION, Version, entered, moved

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from nbprod.running.ledger import Ledger

# Among what fired stands what was told: a key that no observation has.
_TOLD = "told "
_MOST_UNTOLD = 20


class Action(StrEnum):
    """What the loop did. `kept` is a champion that a challenger could not beat; `stopped` is data that was refused."""

    UNDER_WAY = "under way"
    NOTHING = "nothing"
    STOPPED = "stopped"
    FAILED = "failed"
    KEPT = "kept"
    PROMOTED = "promoted"
    ABANDONED = "abandoned"


class Decision(Struct, frozen=True, kw_only=True):
    """One turn of the loop; `champion` and `challenger` are versions as they were when it was decided."""

    id: int
    model: str
    started: str
    condition: str
    action: Action = Action.UNDER_WAY
    reason: str = ""
    ended: str | None = None
    run: str | None = None
    challenger: int | None = None
    champion: int | None = None
    facts: Mapping[str, Json] = field(default_factory=dict)

    @property
    def triggers(self) -> tuple[str, ...]:
        """What led to a training, each with what was seen; empty where nothing did."""
        judged = self.facts.get("judged")
        return tuple(
            f"{one['text']}: {one['says']}"
            for one in (judged if isinstance(judged, list) else ())
            if isinstance(one, dict) and one["holds"] and not one["was_acted_on"]
        )


class Book(Struct, frozen=True, kw_only=True):
    """The decisions about a model."""

    ledger: Ledger
    model: str

    def begin(self, *, condition: str, facts: Mapping[str, Json], now: str) -> Decision:
        """A decision under way: the one that a killed process left behind if it was the same, else a new one.

        One left behind of another kind is closed as abandoned, so that it isn't lost either.
        """
        with self.ledger.writing() as db:
            for left in _rows(db, "where model = ? and ended is null order by id", self.model):
                if left.condition == condition and left.facts.get("asked") == facts.get("asked"):
                    return left
                _end(
                    db,
                    left,
                    action=Action.ABANDONED,
                    reason="It was stopped and asked otherwise since.",
                    now=now,
                )
            row = db.execute(
                "insert into decisions (model, started, action, reason, condition, facts) values (?,?,?,'',?,?) "
                "returning *",
                (self.model, now, Action.UNDER_WAY.value, condition, json.dumps(dict(facts))),
            ).fetchone()
            return _decision(row)

    def end(
        self,
        decision: Decision,
        *,
        action: Action,
        reason: str,
        now: str,
        run: str | None = None,
        facts: Mapping[str, Json] | None = None,
        acted_on: Iterable[str] = (),
        challenger: Version | None = None,
        champion: Version | None = None,
        who: str = "",
    ) -> Decision:
        """End a decision and do what it says, all at once or not at all.

        The challenger is entered and named; with PROMOTED it takes the place of `champion`, which must still stand.
        `acted_on` are facts that must not fire again. Raises MovedError where the champion is another by now.
        """
        with self.ledger.writing() as db:
            new = entered(db, challenger) if challenger else None
            if new is not None:
                stands = db.execute(
                    "select version from aliases where model = ? and alias = ?", (self.model, CHALLENGER)
                ).fetchone()
                expected = stands["version"] if stands else None
                moved(
                    db,
                    CHALLENGER,
                    new,
                    expected=expected,
                    who=who,
                    why=reason,
                    made=now,
                    decision=decision.id,
                )
            if new is not None and action is Action.PROMOTED:
                held = champion.version if champion else None
                moved(db, CHAMPION, new, expected=held, who=who, why=reason, made=now, decision=decision.id)
            db.executemany(
                "insert or ignore into fired values (?,?,?)",
                [(self.model, key, decision.id) for key in acted_on],
            )
            return _end(
                db,
                decision,
                action=action,
                reason=reason,
                now=now,
                run=run,
                facts={**decision.facts, **(facts or {})},
                challenger=new.version if new else None,
                champion=champion.version if champion else None,
            )

    def acted_on(self) -> frozenset[str]:
        """The facts that have led to a training."""
        with self.ledger.reading() as db:
            rows = db.execute(
                "select trigger from fired where model = ? and trigger not like ?", (self.model, f"{_TOLD}%")
            ).fetchall()
        return frozenset(key for (key,) in rows)

    def untold(self, channel: str) -> tuple[Decision, ...]:
        """The latest decisions of note that nobody was told of this way, the earliest first."""
        quiet = [one.value for one in (Action.NOTHING, Action.ABANDONED)]
        with self.ledger.reading() as db:
            rows = db.execute(
                "select * from decisions where model = ? and ended is not null and action not in (?, ?) "
                "and not exists (select 1 from fired where fired.model = decisions.model "
                "and fired.trigger = ? || decisions.id) order by id desc limit ?",
                (self.model, *quiet, f"{_TOLD}{channel} ", _MOST_UNTOLD),
            ).fetchall()
        return tuple(_decision(row) for row in reversed(rows))

    def told(self, decision: Decision, channel: str) -> None:
        """Note that a decision was told this way."""
        with self.ledger.writing() as db:
            key = f"{_TOLD}{channel} {decision.id}"
            db.execute("insert or ignore into fired values (?,?,?)", (self.model, key, decision.id))

    def all(self) -> tuple[Decision, ...]:
        """Every decision, the earliest first."""
        with self.ledger.reading() as db:
            return tuple(_rows(db, "where model = ? order by id", self.model))


def _end(
    db: sqlite3.Connection,
    decision: Decision,
    *,
    action: Action,
    reason: str,
    now: str,
    run: str | None = None,
    facts: Mapping[str, Json] | None = None,
    challenger: int | None = None,
    champion: int | None = None,
) -> Decision:
    row = db.execute(
        "update decisions set ended = ?, action = ?, reason = ?, run = ?, facts = ?, challenger = ?, champion = ? "
        "where id = ? and ended is null returning *",
        (
            now,
            action.value,
            reason,
            run,
            json.dumps(dict(decision.facts if facts is None else facts)),
            challenger,
            champion,
            decision.id,
        ),
    ).fetchone()
    return _decision(row)


def _rows(db: sqlite3.Connection, clause: str, model: str) -> list[Decision]:
    rows = db.execute(f"select * from decisions {clause}", (model,)).fetchall()  # noqa: S608 - our own clauses
    return [_decision(row) for row in rows]


def _decision(row: sqlite3.Row) -> Decision:
    names = ("id", "model", "started", "condition", "reason", "ended", "run", "challenger", "champion")
    return Decision(
        **{name: row[name] for name in names}, action=Action(row["action"]), facts=json.loads(row["facts"])
    )
