"""What can be expected: GX's core expectations by any of their names, and what each takes."""

from __future__ import annotations

from enum import StrEnum
from functools import cache

from msgspec import Struct

from nbprod.errors import SuiteError, did_you_mean
from nbprod.expectations.core import CORE

# What every expectation takes beside its own arguments.
COMMON = ("severity", "notes", "meta", "description")


class Takes(StrEnum):
    """What an argument may hold; a bound is a number, a date or a time."""

    TEXT = "text"
    FLAG = "flag"
    NUMBER = "number"
    SHARE = "share"
    BOUND = "bound"
    LIST = "list"
    CONDITION = "condition"
    ANY = "any"


class Argument(Struct, frozen=True, kw_only=True):
    """One argument of an expectation; `takes_parameter` where a pipeline parameter may stand for it."""

    name: str
    takes: Takes
    required: bool
    takes_parameter: bool


class Signature(Struct, frozen=True, kw_only=True):
    """A core expectation: GX's class and type, and its arguments in GX's order."""

    class_name: str
    type: str
    arguments: tuple[Argument, ...]

    @property
    def short_name(self) -> str:
        """The class as a `%%expect` cell writes it."""
        return self.class_name.removeprefix("Expect")

    def argument(self, name: str) -> Argument | None:
        """The argument of that name, if the expectation has one."""
        return next((one for one in self.arguments if one.name == name), None)


def signature(name: str, *, where: str = "") -> Signature:
    """The core expectation of that name: with or without `Expect`, in camel case or in snake case.

    Raises SuiteError naming the nearest ones.
    """
    found = _by_folded_name().get(_folded(name))
    if found is not None:
        return found
    raise SuiteError(f"There is no expectation '{name}'.", where=where, remedy=_nearest(name))


def all_signatures() -> tuple[Signature, ...]:
    """Every core expectation, ordered by class name."""
    return tuple(_by_folded_name().values())


def _nearest(name: str) -> str:
    # Short names differ by more of their letters than long ones that all start with 'expect_column_values_to'.
    wants_snake = "_" in name or name.islower()
    names = {
        _folded(one.class_name): one.type.removeprefix("expect_") if wants_snake else one.short_name
        for one in all_signatures()
    }
    near = did_you_mean(_folded(name), names)
    for folded, shown in names.items():
        near = near.replace(f"'{folded}'", f"'{shown}'")
    return near or "`nbprod expect list` lists them all."


@cache
def _by_folded_name() -> dict[str, Signature]:
    return {
        _folded(class_name): Signature(
            class_name=class_name, type=kind, arguments=tuple(_argument(text) for text in arguments)
        )
        for class_name, (kind, arguments) in CORE.items()
    }


def _folded(name: str) -> str:
    return name.replace("_", "").lower().removeprefix("expect")


def _argument(text: str) -> Argument:
    name, _, rest = text.partition(": ")
    takes, _, alternative = rest.partition(" or ")
    return Argument(
        name=name.removesuffix("!"),
        takes=Takes(takes),
        required=name.endswith("!"),
        takes_parameter=alternative == "parameter",
    )
