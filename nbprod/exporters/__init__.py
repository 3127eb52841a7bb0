"""Plans for other schedulers: one file an exporter, each a function from `Wanted` to the text of one file."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

from nbprod.errors import NbprodError, did_you_mean
from nbprod.exporters.schedule import schedule_from
from nbprod.exporters.wanted import Exported, Wanted

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Exported", "Wanted", "exported", "schedule_from", "targets"]

ENTRY_POINTS = "nbprod.exporters"
_OWN = {"airflow": "airflow", "argo": "argo", "github-actions": "github_actions"}


def targets() -> tuple[str, ...]:
    """The names of all exporters: nbprod's own, then those that other packages bring."""
    others = sorted({one.name for one in entry_points(group=ENTRY_POINTS)} - set(_OWN))
    return (*_OWN, *others)


def exported(target: str, wanted: Wanted) -> Exported:
    """The plan as the target wants it; raises NbprodError for a target that nothing exports to."""
    return _exporter(target)(wanted)


def _exporter(target: str) -> Callable[[Wanted], Exported]:
    if target in _OWN:
        found: Callable[[Wanted], Exported] = import_module(f"nbprod.exporters.{_OWN[target]}").export
        return found
    for one in entry_points(group=ENTRY_POINTS):
        if one.name == target:
            loaded: Callable[[Wanted], Exported] = one.load()
            return loaded
    raise NbprodError(f"Nothing exports to '{target}'.", remedy=did_you_mean(target, targets()))
