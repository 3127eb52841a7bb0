"""What an exporter is given, what it gives back, and names as schedulers allow them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec import Struct, field

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from nbprod.model import Json, Parameter, Plan


class Wanted(Struct, frozen=True, kw_only=True):
    """A plan and how it shall run elsewhere.

    `plan_path` is the plan's folder as the scheduler's machine names it, `command` the words that start nbprod
    there. `parameters` holds the values that differ from the plan's defaults, never a secret's. `schedule` is a
    cron line of five fields, `start` the first day that there is something to run for.
    """

    plan: Plan
    plan_path: str
    command: tuple[str, ...] = ("nbprod",)
    parameters: Mapping[str, Json] = field(default_factory=dict)
    schedule: str | None = None
    start: date | None = None
    image: str = "python:3.11"
    requirements: str | None = None

    @property
    def secrets(self) -> tuple[Parameter, ...]:
        """The parameters whose values stand in the scheduler's own keeper of secrets."""
        return tuple(one for one in self.plan.parameters if one.secret)

    @property
    def open_parameters(self) -> tuple[Parameter, ...]:
        """The parameters that may be seen."""
        return tuple(one for one in self.plan.parameters if not one.secret)

    def default(self, parameter: Parameter) -> Json:
        """The value that a run has unless it is given another."""
        return self.parameters.get(parameter.name, parameter.default)


class Exported(Struct, frozen=True, kw_only=True):
    """A file for a scheduler: where it usually stands, its text, and what must be there for it to work."""

    file: str
    text: str
    notes: tuple[str, ...] = ()


def variable_of(parameter: Parameter) -> str:
    """The environment variable in which `nbprod run` looks for a secret."""
    return f"NBPROD_SECRET_{parameter.name.upper()}"


def plain_name(text: str, *, separator: str = "-") -> str:
    """The text as letters of ASCII, digits and separators, starting with a letter."""
    kept = re.sub(r"[^A-Za-z0-9]+", separator, text).strip(separator)
    return kept if kept[:1].isalpha() else f"p{separator}{kept}".rstrip(separator)


def plain_names(texts: Iterable[str], *, separator: str = "-") -> dict[str, str]:
    """A plain name for each text, no two the same."""
    found: dict[str, str] = {}
    for text in texts:
        name = base = plain_name(text, separator=separator)
        number = 1
        while name in found.values():
            number += 1
            name = f"{base}{separator}{number}"
        found[text] = name
    return found
