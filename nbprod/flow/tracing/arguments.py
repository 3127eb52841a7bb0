"""What a call brings with it, and what is read off it."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from msgspec import Struct, field

from nbprod.flow.aliases import NOWHERE, PLAIN
from nbprod.flow.effects import ANY_FILE

if TYPE_CHECKING:
    from nbprod.flow.aliases import Regions, Value


class Arguments(Struct):
    """The values that a call brings."""

    positional: list[Value] = field(default_factory=list)
    named: dict[str, Value] = field(default_factory=dict)
    spread: list[Value] = field(default_factory=list)
    nodes: dict[str, ast.expr] = field(default_factory=dict)

    @property
    def all(self) -> list[Value]:
        return [*self.positional, *self.named.values(), *self.spread]

    @property
    def own(self) -> Regions:
        return NOWHERE.union(*(value.own for value in self.all))


def argument_at(arguments: Arguments, position: str) -> Value | None:
    if position.isdecimal():
        return arguments.positional[int(position)] if int(position) < len(arguments.positional) else None
    return arguments.named.get(position)


def file_name(arguments: Arguments) -> str:
    words = (
        "path",
        "filepath_or_buffer",
        "path_or_buf",
        "fname",
        "file",
        "filename",
        "source",
        "name",
        "buf",
        "excel_writer",
    )
    named = next((arguments.named[word] for word in words if word in arguments.named), None)
    several = arguments.positional if named is None else [named]
    texts = [one.text for one in several if one.text is not None]
    if not texts or (several and several[0].text is None and not several[0].own and several[0] == PLAIN):
        return ANY_FILE
    return _normal(texts[0])


def _normal(name: str) -> str:
    return name.removeprefix("./")


def is_false(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is False


def is_true(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is True


def is_none(node: ast.expr | None) -> bool:
    return node is None or (isinstance(node, ast.Constant) and node.value is None)
