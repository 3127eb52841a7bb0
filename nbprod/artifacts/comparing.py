"""Comparing live values with what a stage gave, inside the kernel that holds them (a class may live only there)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from nbprod.artifacts.boundary import take
from nbprod.artifacts.equality import NotComparableError, difference
from nbprod.errors import BoundaryError, StoreError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Compared(Struct, frozen=True, kw_only=True):
    """One name of one stage: `difference` is None where the values are equal, `why_not` says why none was judged."""

    stage: str
    name: str
    difference: str | None = None
    why_not: str = ""


def compare(
    names: Iterable[str], namespace: Mapping[str, object], *, stage: str, folder: str, report: str
) -> None:
    """Append to the file `report`, a JSON line a name, how the live values differ from those that the stage gave."""
    lines = [
        msgspec.json.encode(_compared(name, namespace, stage=stage, folder=folder)).decode() for name in names
    ]
    with Path(report).open("a", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in lines)


def read_report(path: Path) -> tuple[Compared, ...]:
    """What `compare` wrote; nothing where the file is missing."""
    if not path.exists():
        return ()
    return tuple(
        msgspec.json.decode(line, type=Compared) for line in path.read_text(encoding="utf-8").splitlines()
    )


def _compared(name: str, namespace: Mapping[str, object], *, stage: str, folder: str) -> Compared:
    try:
        given = take({name: stage}, folder=folder)
    except (BoundaryError, StoreError) as error:
        return Compared(stage=stage, name=name, why_not=str(error))
    if name not in namespace or name not in given:
        both = name not in namespace and name not in given
        return Compared(
            stage=stage, name=name, difference=None if both else f"{name}: bound in one of them only"
        )
    try:
        return Compared(
            stage=stage, name=name, difference=difference(namespace[name], given[name], name=name)
        )
    except NotComparableError as error:
        return Compared(stage=stage, name=name, why_not=str(error))
