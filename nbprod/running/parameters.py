"""Parameters as given, checked against those of the plan and brought to their types."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, cast

from nbprod.errors import ParameterError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from nbprod.model import Json, Parameter

MASK = "***"
_TRUTHS = {
    "true": True,
    "yes": True,
    "on": True,
    "1": True,
    "false": False,
    "no": False,
    "off": False,
    "0": False,
}


def typed(given: Mapping[str, object], known: Iterable[Parameter]) -> dict[str, Json]:
    """Every parameter's value: as given, as text from a command line or typed already, else its default.

    Raises ParameterError for a name that the plan doesn't have or a value of another type.
    """
    by_name = {one.name: one for one in known}
    for name in given:
        if name not in by_name:
            raise ParameterError(
                f"There is no parameter '{name}'.",
                remedy=did_you_mean(name, by_name) if by_name else "This pipeline has no parameters.",
            )
    return {
        name: _typed(given[name], parameter) if name in given else parameter.default
        for name, parameter in by_name.items()
    }


def masked(values: Mapping[str, Json], known: Iterable[Parameter]) -> dict[str, Json]:
    """The values with secrets hidden, as they may be written down."""
    secrets = {one.name for one in known if one.secret}
    return {name: MASK if name in secrets else value for name, value in values.items()}


def _typed(value: object, parameter: Parameter) -> Json:
    if value is None and parameter.default is None:
        return None
    match parameter.type, value:
        case "int", bool():
            raise _wrong(value, parameter)
        case (
            ("int", int())
            | ("bool", bool())
            | ("str", str())
            | ("list", list())
            | ("dict", dict())
            | ("any", _)
        ):
            return _plain(value, parameter)
        case "float", int() | float() if not isinstance(value, bool):
            return float(value)
        case (("int" | "float" | "bool" | "list" | "dict"), str()):
            return _parsed(value, parameter)
        case _:
            raise _wrong(value, parameter)


def _parsed(text: str, parameter: Parameter) -> Json:
    try:
        match parameter.type:
            case "int":
                return int(text)
            case "float":
                return float(text)
            case "bool":
                return _TRUTHS[text.strip().lower()]
            case _:
                value: Json = json.loads(text)
    except (ValueError, KeyError) as error:
        raise _wrong(text, parameter) from error
    if type(value).__name__ != parameter.type:
        raise _wrong(text, parameter)
    return value


def _plain(value: object, parameter: Parameter) -> Json:
    try:
        json.dumps(value)
    except (TypeError, ValueError) as error:
        raise ParameterError(
            f"Parameter '{parameter.name}' holds what JSON cannot: {error}.",
            remedy="Give text, numbers, truth values, lists or dictionaries of these.",
        ) from error
    return cast("Json", value)


_EXAMPLES = {"int": "3", "float": "0.5", "bool": "true", "list": "[1, 2]", "dict": '{"a": 1}'}


def _wrong(value: object, parameter: Parameter) -> ParameterError:
    shown = MASK if parameter.secret else repr(value)
    example = _EXAMPLES.get(parameter.type)
    return ParameterError(
        f"Parameter '{parameter.name}' takes {parameter.type}, not {shown}.",
        remedy=f"For example {parameter.name}={example}." if example else "",
    )
