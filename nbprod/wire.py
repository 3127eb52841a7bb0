"""Nouns to plain JSON and back. Field names are the wire's names; an enum is its value, a tuple a list."""

from __future__ import annotations

import json
import sys
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from msgspec import Struct

from nbprod.errors import NbprodError

if TYPE_CHECKING:
    from nbprod.model import Json

Noun = TypeVar("Noun")


def plain(value: object) -> Json:
    """What JSON can hold of a noun: objects, lists, strings, numbers, booleans and null."""
    match value:
        case Enum():
            return str(value.value)
        case None | bool() | int() | float() | str():
            return value
        case list() | tuple():
            return [plain(one) for one in value]
        case Struct():
            return {name: plain(getattr(value, name)) for name in value.__struct_fields__}
        case Mapping():
            return {str(key): plain(one) for key, one in value.items()}
        case _:
            raise TypeError(f"{type(value).__name__} is no noun and no JSON: {value!r}")


def text(value: object) -> str:
    """A noun as JSON text: what `json.dumps` says of `plain`, in half the time for large ones."""
    return json.dumps(value, default=_opened)


class Told:
    """A noun's JSON text, kept with those of its parts: parts that are the same objects the next time keep theirs.

    `depth` is how far it is taken apart: what lies below is told as a whole.
    """

    __slots__ = ("_depth", "_noun", "_parts", "_text")

    def __init__(self, *, depth: int) -> None:
        self._depth = depth
        self._noun: object = None
        self._text = "null"
        self._parts: dict[object, Told] = {}

    def text(self, noun: object) -> str:
        """As `wire.text`."""
        if noun is not self._noun:
            self._text, self._noun = self._told(noun), noun
        return self._text

    def _told(self, noun: object) -> str:
        if self._depth and isinstance(noun, Struct):
            names = noun.__struct_fields__
            parts = self._texts(names, [getattr(noun, name) for name in names])
            return f"{{{', '.join(f'{json.dumps(name)}: {part}' for name, part in zip(names, parts, strict=True))}}}"
        if self._depth and isinstance(noun, tuple | list):
            return f"[{', '.join(self._texts(map(id, noun), noun))}]"
        return text(noun)

    def _texts(self, keys: Iterable[object], nouns: Iterable[object]) -> list[str]:
        before, self._parts = self._parts, {}
        texts = []
        for key, noun in zip(keys, nouns, strict=True):
            part = self._parts[key] = before.get(key) or Told(depth=self._depth - 1)
            texts.append(part.text(noun))
        return texts


def _opened(value: object) -> object:
    """One level of what JSON doesn't know by itself."""
    return _opener(type(value))(value)  # type: ignore[arg-type]


@cache
def _opener(kind: type[Any]) -> Callable[[Any], object]:
    if issubclass(kind, Enum):
        return lambda value: str(value.value)
    if issubclass(kind, Struct):
        names = kind.__struct_fields__
        return lambda value: {name: getattr(value, name) for name in names}
    if issubclass(kind, Mapping):
        return dict
    raise TypeError(f"{kind.__name__} is no noun and no JSON.")


def noun(kind: type[Noun], data: object, *, where: str) -> Noun:
    """The noun that `plain` made `data` from; `where` names the file for messages.

    Raises NbprodError that says which field is wrong.
    """
    try:
        return msgspec.convert(data, kind)
    except msgspec.ValidationError as error:
        raise NbprodError(
            f"This is no {kind.__name__}: {error}.",
            where=where,
            remedy="Was it written by another version of nbprod, or edited by hand?",
        ) from error


# TypeScript


def typescript(*kinds: type, stand_in: str = "model.py", made_by: str = "nbprod.wire") -> str:
    """The TypeScript types of what `plain` makes of these nouns, with every noun that they hold, by name.

    `made_by` is the module that writes them, `stand_in` the file of nbprod's in which the nouns are.
    """
    found: dict[str, type] = {}
    for kind in kinds:
        _collect(kind, found)
    declared = [_declaration(found[name]) for name in sorted(found)]
    any_json = "export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };"
    header = f"// Written by `python -m {made_by}`; the nouns stand in nbprod/{stand_in}."
    return "\n\n".join([header, any_json, *declared]) + "\n"


def _collect(kind: object, found: dict[str, type]) -> None:
    for inner in typing.get_args(kind):
        _collect(inner, found)
    if not isinstance(kind, type) or kind.__name__ in found:
        return
    if issubclass(kind, Enum):
        found[kind.__name__] = kind
    elif issubclass(kind, Struct):
        found[kind.__name__] = kind
        for hint in typing.get_type_hints(kind).values():
            _collect(hint, found)


def _declaration(kind: Any) -> str:
    if issubclass(kind, Enum):
        return f"export type {kind.__name__} = {' | '.join(repr(str(one.value)) for one in kind)};"
    hints = typing.get_type_hints(kind)
    members = [f"  {name}: {_type_of(hints[name])};" for name in kind.__struct_fields__]
    return "\n".join([f"export interface {kind.__name__} {{", *members, "}"])


def _type_of(hint: Any) -> str:
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any:
        return "Json"
    if origin in (typing.Union, types.UnionType):
        return " | ".join(_type_of(one) for one in inner)
    if origin is tuple and inner[-1] is Ellipsis:
        element = _type_of(inner[0])
        return f"({element})[]" if " " in element else f"{element}[]"
    if origin is tuple:
        return f"[{', '.join(_type_of(one) for one in inner)}]"
    if origin is Mapping:
        return f"{{ [key: {_type_of(inner[0])}]: {_type_of(inner[1])} }}"
    plain_types = {str: "string", int: "number", float: "number", bool: "boolean", type(None): "null"}
    return plain_types.get(hint) or hint.__name__


if __name__ == "__main__":
    from nbprod.model import Record, Study, SuggestedParameter

    sys.stdout.write(typescript(Study, Record, SuggestedParameter))
