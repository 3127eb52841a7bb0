"""Models, their versions and aliases, in the ledger: every change of an alias is one transaction with its reason."""

from __future__ import annotations

import json
from collections.abc import Mapping  # noqa: TC003  # `wire` reads the annotations at run time
from enum import StrEnum
from typing import TYPE_CHECKING

from msgspec import Struct, field

from nbprod.errors import NbprodError, did_you_mean
from nbprod.model import Json  # noqa: TC001  # as above

if TYPE_CHECKING:
    import sqlite3

    from nbprod.running.ledger import Ledger

CHAMPION = "champion"
CHALLENGER = "challenger"


class MovedError(NbprodError):
    """An alias that no longer stands where its mover believed: someone else was first."""


class Moved(StrEnum):
    """How an alias came to its version."""

    PROMOTION = "promotion"
    ROLLBACK = "rollback"


class Version(Struct, frozen=True, kw_only=True):
    """One version of a model: the value that a stage of a run gave, by digest.

    `trained_from` and `trained_to` are the times of the first and last row it was fitted on. Of one that is not
    entered yet the number is 0.
    """

    model: str
    run: str
    stage: str
    value: str
    digest: str
    made: str
    version: int = 0
    trained_from: str | None = None
    trained_to: str | None = None
    facts: Mapping[str, Json] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.model}@{self.version}"


class AliasChange(Struct, frozen=True, kw_only=True):
    """An alias that came to stand on another version: when, by whom and why. `was` is the version before."""

    model: str
    alias: str
    was: int | None
    version: int
    made: str
    who: str
    why: str
    kind: Moved = Moved.PROMOTION


class Registry(Struct, frozen=True, kw_only=True):
    """The models of a project."""

    ledger: Ledger

    def models(self) -> tuple[str, ...]:
        """The names of all models."""
        with self.ledger.reading() as db:
            rows = db.execute("select distinct model from versions order by model").fetchall()
        return tuple(name for (name,) in rows)

    def versions(self, model: str) -> tuple[Version, ...]:
        """All versions of a model, the latest first."""
        with self.ledger.reading() as db:
            rows = db.execute(
                "select * from versions where model = ? order by version desc", (model,)
            ).fetchall()
        return tuple(_version(row) for row in rows)

    def enter(self, new: Version) -> Version:
        """The version with its number; what was entered before keeps the number that it has."""
        with self.ledger.writing() as db:
            return entered(db, new)

    def aliases(self, model: str) -> dict[str, int]:
        """Where each alias of a model stands."""
        with self.ledger.reading() as db:
            rows = db.execute("select alias, version from aliases where model = ?", (model,)).fetchall()
        return {row["alias"]: row["version"] for row in rows}

    def at(self, model: str, alias: str) -> Version | None:
        """The version that an alias stands on, if it stands anywhere."""
        with self.ledger.reading() as db:
            row = db.execute(
                "select v.* from versions v join aliases a on a.model = v.model and a.version = v.version "
                "where a.model = ? and a.alias = ?",
                (model, alias),
            ).fetchone()
        return None if row is None else _version(row)

    def named(self, reference: str) -> Version:
        """The version that people call `champion`, `3`, `NAME@champion` or `NAME@3`; raises NbprodError.

        NAME may be left out where there is one model only.
        """
        name, at, rest = reference.rpartition("@")
        model = self._model(name if at else None, where=reference)
        if rest.isdecimal():
            found = next((one for one in self.versions(model) if one.version == int(rest)), None)
        else:
            found = self.at(model, rest)
        if found is None:
            known = [*self.aliases(model), *(str(one.version) for one in self.versions(model))]
            raise NbprodError(
                f"Model '{model}' has no '{rest}'.", where=reference, remedy=did_you_mean(rest, known)
            )
        return found

    def move(
        self, alias: str, to: Version, *, expected: int | None, who: str, why: str, made: str
    ) -> AliasChange:
        """Let the alias stand on a version, if it still stands on the expected one; raises MovedError else."""
        with self.ledger.writing() as db:
            return moved(db, alias, to, expected=expected, who=who, why=why, made=made)

    def rollback(self, model: str, *, who: str, why: str, made: str, alias: str = CHAMPION) -> AliasChange:
        """Let the alias stand again where it stood before its last promotion; raises NbprodError if nowhere."""
        with self.ledger.writing() as db:
            stack = _stack(db, model, alias)
            if len(stack) < 2:
                raise NbprodError(
                    f"Model '{model}' has no {alias} before this one.",
                    remedy="Promote a version by its number.",
                )
            target = AliasChange(
                model=model,
                alias=alias,
                was=stack[-1],
                version=stack[-2],
                made=made,
                who=who,
                why=why,
                kind=Moved.ROLLBACK,
            )
            return _written(db, target)

    def history(self, model: str) -> tuple[AliasChange, ...]:
        """Every change of every alias, the latest first."""
        with self.ledger.reading() as db:
            rows = db.execute(
                "select * from alias_changes where model = ? order by id desc", (model,)
            ).fetchall()
        return tuple(
            AliasChange(
                **{name: row[name] for name in ("model", "alias", "was", "version", "made", "who", "why")},
                kind=Moved(row["kind"]),
            )
            for row in rows
        )

    def _model(self, name: str | None, *, where: str) -> str:
        known = self.models()
        if name in known:
            return name
        if name is not None or not known:
            what = f"There is no model '{name}'." if name else "There is no model yet."
            raise NbprodError(
                what,
                where=where,
                remedy=did_you_mean(name or "", known) or "`nbprod promote RUN` makes the first.",
            )
        if len(known) > 1:
            raise NbprodError(
                f"There are several models: {', '.join(known)}.",
                where=where,
                remedy=f"Say which, as in {known[0]}@{where}.",
            )
        return known[0]


# Within a transaction of the caller's


def entered(db: sqlite3.Connection, new: Version) -> Version:
    """See `Registry.enter`."""
    row = db.execute(
        "select * from versions where model = ? and run = ? and stage = ? and value = ?",
        (new.model, new.run, new.stage, new.value),
    ).fetchone()
    if row is not None:
        return _version(row)
    (number,) = db.execute(
        "select coalesce(max(version), 0) + 1 from versions where model = ?", (new.model,)
    ).fetchone()
    row = db.execute(
        "insert into versions values (?,?,?,?,?,?,?,?,?,?) returning *",
        (
            new.model,
            number,
            new.run,
            new.stage,
            new.value,
            new.digest,
            new.made,
            new.trained_from,
            new.trained_to,
            json.dumps(dict(new.facts)),
        ),
    ).fetchone()
    return _version(row)


def moved(
    db: sqlite3.Connection,
    alias: str,
    to: Version,
    *,
    expected: int | None,
    who: str,
    why: str,
    made: str,
    decision: int | None = None,
) -> AliasChange:
    """See `Registry.move`."""
    row = db.execute(
        "select version from aliases where model = ? and alias = ?", (to.model, alias)
    ).fetchone()
    stands = None if row is None else row["version"]
    if stands != expected:
        raise MovedError(
            f"The {alias} is {_said(stands)}, not {_said(expected)} as it was when this was decided.",
            where=to.model,
            remedy="Look at it again and decide anew.",
        )
    change = AliasChange(
        model=to.model, alias=alias, was=stands, version=to.version, made=made, who=who, why=why
    )
    return _written(db, change, decision=decision)


def _written(db: sqlite3.Connection, change: AliasChange, *, decision: int | None = None) -> AliasChange:
    db.execute(
        "insert into aliases values (?,?,?,1) on conflict (model, alias) "
        "do update set version = excluded.version, generation = generation + 1",
        (change.model, change.alias, change.version),
    )
    db.execute(
        "insert into alias_changes (model, alias, was, version, made, who, why, kind, decision) "
        "values (?,?,?,?,?,?,?,?,?)",
        (
            change.model,
            change.alias,
            change.was,
            change.version,
            change.made,
            change.who,
            change.why,
            change.kind.value,
            decision,
        ),
    )
    return change


def _stack(db: sqlite3.Connection, model: str, alias: str) -> list[int]:
    """Where the alias stood, the present place last, less what was rolled back."""
    rows = db.execute(
        "select version, kind from alias_changes where model = ? and alias = ? order by id", (model, alias)
    ).fetchall()
    stack: list[int] = []
    for row in rows:
        if Moved(row["kind"]) is Moved.ROLLBACK:
            stack.pop()
        else:
            stack.append(row["version"])
    return stack


def _version(row: sqlite3.Row) -> Version:
    names = ("model", "version", "run", "stage", "value", "digest", "made", "trained_from", "trained_to")
    return Version(**{name: row[name] for name in names}, facts=json.loads(row["facts"]))


def _said(version: int | None) -> str:
    return "none" if version is None else f"version {version}"
