"""The errors nbprod raises for bad input: what is wrong, where, and what to do about it.

A leak, a failed cell and a broken expectation are results, not exceptions: they are nouns in `model`.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class NbprodError(Exception):
    """Something nbprod cannot proceed with; prints as `where: what remedy`.

    Subclasses exist only where a caller acts differently on them.
    """

    def __init__(self, what: str, *, where: str = "", remedy: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.remedy = remedy

    def __str__(self) -> str:
        head = f"{self.where}: {self.what}" if self.where else self.what
        return f"{head} {self.remedy}".rstrip()

    def __reduce__(self) -> tuple[object, ...]:
        # Exceptions cross process borders; the default pickles positional arguments only.
        return _rebuilt, (type(self), self.what, self.where, self.remedy)


class NotebookError(NbprodError):
    """A notebook that cannot be read or understood as one."""


class FlowError(NbprodError):
    """Stages that cannot be ordered or whose values have no giver."""


class ParameterError(NbprodError):
    """A parameter that the pipeline does not have, or a value of the wrong type."""


class SuiteError(NbprodError):
    """A suite that names no value, or an expectation that does not exist."""


class PlanError(NbprodError):
    """A plan folder that is missing, damaged, edited by hand, or of another version."""


class StoreError(NbprodError):
    """An artifact that is missing from the store or does not match its digest."""


class BoundaryError(NbprodError):
    """A value that cannot leave the stage that made it."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A sentence naming the closest known names, or the known ones if none is close, or nothing."""
    names = list(known)
    near = get_close_matches(name, names, n=3, cutoff=0.6)
    if near:
        return f"Did you mean {_listed(near)}?"
    if names and len(names) <= 12:
        return f"Known: {', '.join(sorted(names))}."
    return ""


def _listed(names: list[str]) -> str:
    quoted = [f"'{name}'" for name in names]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} or {quoted[-1]}"


def _rebuilt(kind: type[NbprodError], what: str, where: str, remedy: str) -> NbprodError:
    return kind(what, where=where, remedy=remedy)
