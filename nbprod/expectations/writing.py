"""Suites written as the text of a `%%expect` cell, so that reading it back gives the same suite."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from nbprod.expectations.catalogue import signature
from nbprod.model import Importance, OnBroken

if TYPE_CHECKING:
    from nbprod.model import Expectation, Json, Suite

_LINE_LENGTH = 110


def text_of(suite: Suite) -> str:
    """The `%%expect` cell that says what the suite says."""
    stage = f" --stage {suite.stage}" if suite.stage else ""
    broken = f" --on-broken {suite.on_broken}" if suite.on_broken is not OnBroken.STOP else ""
    return "\n".join(
        [f"%%expect {suite.value}{stage}{broken}", *(expectation_text(one) for one in suite.expectations)]
    )


def expectation_text(expectation: Expectation) -> str:
    """The expectation as a cell says it, on one line where it fits."""
    arguments = [f"{name}={_argument(name, value)}" for name, value in expectation.arguments.items()]
    if expectation.importance is not Importance.CRITICAL:
        arguments.append(f"severity={value_text(str(expectation.importance))}")
    if expectation.notes:
        arguments.append(f"notes={value_text(expectation.notes)}")
    if expectation.description:
        arguments.append(f"description={value_text(expectation.description)}")
    if expectation.meta:
        arguments.append(f"meta={value_text(dict(expectation.meta))}")
    name = signature(expectation.type).short_name
    line = f"{name}({', '.join(arguments)})"
    if len(line) <= _LINE_LENGTH:
        return line
    return "\n".join([f"{name}(", *(f"    {argument}," for argument in arguments), ")"])


def row_name(expectation: Expectation) -> str:
    """What rows that were set aside say they broke: `type(column)`."""
    arguments = expectation.arguments
    columns = [str(arguments[name]) for name in ("column", "column_A", "column_B") if arguments.get(name)]
    listed = arguments.get("column_list")
    more = [str(one) for one in listed] if isinstance(listed, list) else []
    return f"{expectation.type}({', '.join([*columns, *more])})"


def value_text(value: Json) -> str:
    """A JSON value as a Python literal with double quotes."""
    match value:
        case str():
            return json.dumps(value, ensure_ascii=False)
        case list():
            return f"[{', '.join(map(value_text, value))}]"
        case dict():
            pairs = ", ".join(f"{value_text(key)}: {value_text(one)}" for key, one in value.items())
            return f"{{{pairs}}}"
        case _:
            return repr(value)


def _argument(name: str, value: Json) -> str:
    match value:
        case {"$PARAMETER": str(expression)}:
            return expression.replace("^", "**")
        case dict() if name == "row_condition":
            return condition_text(value)
        case _:
            return value_text(value)


def condition_text(condition: dict[str, Json]) -> str:
    """A row condition of GX's as an expression on `Column`s; pandas' own texts stay texts."""
    match condition:
        case {"type": "and" | "or" as word, "conditions": list(parts)}:
            joint = " & " if word == "and" else " | "
            return joint.join(f"({condition_text(part)})" for part in parts if isinstance(part, dict))
        case {"type": "nullity", "column": {"name": str(column)}, "is_null": is_null}:
            return f"Column({value_text(column)}).{'is_null' if is_null else 'is_not_null'}()"
        case {
            "type": "comparison",
            "column": {"name": str(column)},
            "operator": str(operator),
            "parameter": value,
        }:
            methods = {"IN": "is_in", "NOT_IN": "is_not_in"}
            if operator in methods:
                return f"Column({value_text(column)}).{methods[operator]}({value_text(value)})"
            return f"Column({value_text(column)}) {operator} {value_text(value)}"
        case _:
            return value_text(condition.get("pass_through_filter"))
