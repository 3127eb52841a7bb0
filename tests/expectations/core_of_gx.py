"""Prints `nbprod/expectations/core.py` as the installed Great Expectations has it.

Run it after an upgrade: `python tests/expectations/core_of_gx.py > nbprod/expectations/core.py`.
"""

from __future__ import annotations

import datetime as dt
import inspect
import types
import typing

from nbprod.validating.gx import great_expectations

# What every expectation takes and what isn't written in a cell; `%%expect` handles the first four itself.
NOT_ARGUMENTS = {
    "batch_id",
    "catch_exceptions",
    "description",
    "id",
    "library_metadata",
    "meta",
    "notes",
    "rendered_content",
    "result_format",
    "severity",
    "windows",
}


def core() -> dict[str, tuple[str, tuple[str, ...]]]:
    """Each core class: its type and its arguments as `name!: kind or parameter` (`!` where it is required)."""
    gxe = great_expectations().expectations
    from great_expectations.expectations.expectation import Expectation

    return {
        name: (kind.expectation_type, tuple(_arguments(kind)))
        for name, kind in inspect.getmembers(gxe, inspect.isclass)
        # ExpectMulticolumnValuesToBeUnique has no type: no suite can hold it.
        if issubclass(kind, Expectation) and kind is not Expectation and kind.expectation_type
    }


def _arguments(kind):
    for name, field in kind.__fields__.items():
        if name in NOT_ARGUMENTS:
            continue
        members = _members(field.outer_type_)
        _, refusal = field.validate({"$PARAMETER": "month"}, {}, loc=name)
        parameter = "" if refusal or name == "row_condition" else " or parameter"
        yield f"{name}{'!' if field.required else ''}: {_kind_of(name, members)}{parameter}"


def _members(annotation):
    origin = typing.get_origin(annotation)
    if origin in (typing.Union, types.UnionType):
        return {member for one in typing.get_args(annotation) for member in _members(one)}
    if origin is typing.Literal:
        return {str}
    return {origin or annotation}


def _kind_of(name, members):
    bases = {base for one in members if inspect.isclass(one) for base in one.__mro__}
    if name == "row_condition":
        return "condition"
    if name == "mostly":
        return "share"
    if bases & {dt.date, dt.datetime} and members & {float}:
        return "bound"
    for base, word in (
        (bool, "flag"),
        (str, "text"),
        (list, "list"),
        (set, "list"),
        (float, "number"),
        (int, "number"),
    ):
        if base in bases:
            return word
    return "any"


def text() -> str:
    lines = [
        '"""Great Expectations\' core expectations as data. Written by tests/expectations/core_of_gx.py: not by hand."""',
        "",
        f'GX_VERSION = "{great_expectations().__version__}"',
        "",
        "# class: (type, arguments); `!` marks a required argument, the words after the colon what it takes",
        "CORE: dict[str, tuple[str, tuple[str, ...]]] = {",
    ]
    for name, (kind, arguments) in core().items():
        lines += [f'    "{name}": (', f'        "{kind}",', "        ("]
        lines += [f'            "{argument}",' for argument in arguments]
        lines += ["        ),", "    ),"]
    return "\n".join([*lines, "}", ""])


if __name__ == "__main__":
    print(text(), end="")  # noqa: T201
