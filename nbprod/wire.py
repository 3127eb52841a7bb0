"""Nouns to plain JSON and back. Field names are the wire's names; an enum is its value, a tuple a list."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from enum import Enum
from typing import TYPE_CHECKING, TypeVar

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
        case Mapping():
            return {str(key): plain(one) for key, one in value.items()}
        case list() | tuple():
            return [plain(one) for one in value]
        case _ if dataclasses.is_dataclass(value):
            return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
        case _:
            raise TypeError(f"{type(value).__name__} is no noun and no JSON: {value!r}")


def noun(kind: type[Noun], data: object, *, where: str) -> Noun:
    """The noun that `plain` made `data` from; `where` names the file for messages.

    Raises NbprodError that says which field is wrong.
    """
    from cattrs import Converter, transform_error
    from cattrs.errors import BaseValidationError

    try:
        return Converter().structure(data, kind)
    except BaseValidationError as error:
        raise NbprodError(
            f"This is no {kind.__name__}: {'; '.join(transform_error(error))}.",
            where=where,
            remedy="Was it written by another version of nbprod, or edited by hand?",
        ) from error
