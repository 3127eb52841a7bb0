"""Stages as they were at the study before: those that an edit leaves alone stay the same objects.

What is made of a stage, its JSON above all, need then not be made again.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nbprod.flow.effects import Effects, Step
    from nbprod.model import Snippet, Stage


class KnownStages:
    """The stages of a notebook by name, and its statements that are copied, by their effects."""

    def __init__(self) -> None:
        self._stages: dict[str, Stage] = {}
        self._before: dict[int, tuple[Effects, Snippet]] = {}
        self._snippets: dict[int, tuple[Effects, Snippet]] = {}

    def snippet(self, step: Step) -> Snippet | None:
        """The copy of a statement that was copied before."""
        key = id(step.effects)
        found = self._snippets.get(key) or self._before.get(key)
        if found is None or found[1].span is not step.span:
            return None
        self._snippets[key] = found
        return found[1]

    def keep(self, step: Step, made: Snippet) -> Snippet:
        """Of a star import is copied what the stage uses: that is another for each."""
        if not is_star_import(step.node):
            self._snippets[id(step.effects)] = step.effects, made
        return made

    def same(self, stages: Sequence[Stage]) -> tuple[Stage, ...]:
        """The stages, each as the object that is known where it is equal to that."""
        found = [one if (known := self._stages.get(one.name)) != one else known for one in stages]
        self._stages = {one.name: one for one in found}
        self._before, self._snippets = self._snippets, {}
        return tuple(found)


def is_star_import(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom) and any(one.name == "*" for one in node.names)
