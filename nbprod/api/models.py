"""Models: which version is the champion, since when and why; promoting another, and going back."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from nbprod.api.project import settings_for
from nbprod.api.runs import mirror_if_wanted
from nbprod.api.runs import record as record_of

if TYPE_CHECKING:
    import os

    from nbprod.continuous.gates import Gate
    from nbprod.model import Record
    from nbprod.tracking.registry import AliasChange, Registry, Version


class Promotion(Struct, frozen=True, kw_only=True):
    """What came of a wish to promote: the version, what the gate said, and the change if there was one."""

    version: Version
    gate: Gate
    change: AliasChange | None = None


class ModelState(Struct, frozen=True, kw_only=True):
    """A model: its versions, the latest first, where its aliases stand, and every change of them."""

    model: str
    versions: tuple[Version, ...]
    aliases: dict[str, int]
    history: tuple[AliasChange, ...]


def models(root: str | os.PathLike[str]) -> tuple[ModelState, ...]:
    """The models of a project."""
    registry = registry_of(root)
    return tuple(
        ModelState(
            model=name,
            versions=registry.versions(name),
            aliases=registry.aliases(name),
            history=registry.history(name),
        )
        for name in registry.models()
    )


def promote(
    root: str | os.PathLike[str],
    wanted: str | Record,
    *,
    why: str = "",
    force: bool = False,
    who: str | None = None,
) -> Promotion:
    """Make the model of a run, or a version (`3`, `challenger`, `NAME@3`), the champion, if the gate lets it pass.

    `force` promotes whatever the gate says, which then stands in the reason. Who was promoted meanwhile wins:
    raises MovedError.
    """
    from nbprod.continuous.contest import Arena, judged_against
    from nbprod.tracking.entering import candidate_of
    from nbprod.tracking.registry import CHALLENGER, CHAMPION

    home = Path(root)
    settings = settings_for(home)
    registry = registry_of(home)
    version = registry.named(wanted) if isinstance(wanted, str) else None
    run = record_of(home, version.run) if version else wanted
    assert not isinstance(run, str)  # noqa: S101 - a reference that names no version has raised
    challenger = candidate_of(run, settings=settings, name=version.model if version else None)
    new = registry.enter(challenger.version)
    now = datetime.now(UTC).isoformat()
    author = who or user()
    aliases = registry.aliases(new.model)
    registry.move(
        CHALLENGER, new, expected=aliases.get(CHALLENGER), who=author, why="It is to be promoted.", made=now
    )
    champion = registry.at(new.model, CHAMPION)
    verdict = judged_against(challenger, champion, Arena(root=home, settings=settings))
    if not verdict.passes and not force:
        return Promotion(version=new, gate=verdict)
    said = verdict.reason if verdict.passes else f"Forced, though the gate refused: {verdict.reason}"
    change = registry.move(
        CHAMPION,
        new,
        expected=champion.version if champion else None,
        who=author,
        why=f"{why} {said}".strip(),
        made=now,
    )
    mirror_if_wanted(home)
    return Promotion(version=new, gate=verdict, change=change)


def rollback(
    root: str | os.PathLike[str], model: str | None = None, *, why: str = "", who: str | None = None
) -> AliasChange:
    """Make the champion before this one the champion again, at once; raises NbprodError where there is none."""
    registry = registry_of(root)
    name = registry.named(f"{model}@champion" if model else "champion").model
    change = registry.rollback(
        name, who=who or user(), why=why or "No reason was given.", made=datetime.now(UTC).isoformat()
    )
    mirror_if_wanted(Path(root))
    return change


def registry_of(root: str | os.PathLike[str]) -> Registry:
    """The registry of a project."""
    from nbprod.running.place import Place
    from nbprod.tracking.registry import Registry

    return Registry(ledger=Place(root=Path(root)).ledger)


def user() -> str:
    """Who does this, as the machine knows them."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"
