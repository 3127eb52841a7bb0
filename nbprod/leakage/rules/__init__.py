"""The rules: one file each, whose docstring is its manual page and its test cases."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING

from nbprod.leakage.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator


def _rules() -> Iterator[Rule]:
    """The rule of each file beside this one, in the order of their names: a new file is a new rule."""
    for module in iter_modules(__path__):
        if module.name != "rule":
            yield import_module(f"{__name__}.{module.name}").RULE


RULES: dict[str, Rule] = {rule.name: rule for rule in _rules()}

__all__ = ["RULES", "Rule"]
