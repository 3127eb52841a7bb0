"""What a rule says: its sentence, why it matters, the remedy, and its manual with code that is tested."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from nbprod.model import Severity


class Rule(Struct, frozen=True, kw_only=True):
    """`what` and `remedy` take `{column}`, `{says}` and `{detail}` of a leak; `manual` is the docstring."""

    name: str
    severity: Severity
    manual: str
    what: str
    why: str
    remedy: str

    @property
    def title(self) -> str:
        """The manual's first line."""
        return self.manual.strip().splitlines()[0]

    @property
    def advice(self) -> str:
        """The remedy where no leak fills in its words."""
        return self.remedy.format(column="the column", reach="ahead", says="", detail="N")

    @property
    def prose(self) -> str:
        """The manual without title and code."""
        return self.manual.partition("\n\n")[2].partition("\nLeaky:")[0].strip()

    @property
    def leaky(self) -> str:
        """Code that breaks the rule."""
        return _code(self.manual.partition("\nLeaky:")[2].partition("\nClean:")[0])

    @property
    def clean(self) -> str:
        """The same task done without the leak."""
        return _code(self.manual.partition("\nClean:")[2])


def _code(block: str) -> str:
    lines = [line.removeprefix("    ") for line in block.strip("\n").splitlines()]
    return "\n".join(lines).strip("\n")
