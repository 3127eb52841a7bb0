"""One call in a `%%expect` cell turned into an expectation, each argument checked against GX's own signature."""

from __future__ import annotations

import ast
import datetime as dt
from typing import TYPE_CHECKING

from nbprod.errors import SuiteError, did_you_mean
from nbprod.expectations.catalogue import COMMON, Argument, Signature, Takes, signature
from nbprod.expectations.conditions import NotACondition, condition_of, condition_of_text
from nbprod.expectations.literals import PARAMETER, NotALiteral, literal, literal_or_parameter
from nbprod.model import Expectation, Importance, Span

if TYPE_CHECKING:
    from nbprod.model import Json


def expectation_of(node: ast.expr, *, span: Span) -> Expectation:
    """The expectation that a call states; raises SuiteError saying which name or argument is wrong."""
    where = str(span)
    match node:
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=positional, keywords=keywords):
            known = signature(name, where=where)
        case ast.Name(id=name) | ast.Attribute(attr=name):
            raise _without_arguments(signature(name, where=where), where)
        case _:
            raise SuiteError(
                f"`{_short(node)}` is no expectation.",
                where=where,
                remedy='Write one as in `ColumnValuesToNotBeNull(column="carrier")`.',
            )
    if positional:
        raise _unnamed(known, positional[0], where)
    given = {keyword.arg: keyword.value for keyword in keywords if keyword.arg}
    if len(given) < len(keywords):
        raise SuiteError(
            f"{known.short_name} takes its arguments by name, not by `**`.",
            where=where,
            remedy="Write them out.",
        )
    return _expectation(known, given, span)


def _expectation(known: Signature, given: dict[str, ast.expr], span: Span) -> Expectation:
    where = str(span)
    for name in given:
        if known.argument(name) is None and name not in COMMON:
            raise _unknown(known, name, where)
    values = {
        name: _value(known, argument, node, where)
        for name, node in given.items()
        if (argument := known.argument(name)) is not None
    }
    # The parser's name is GX's old way to say how a condition's text is read; here it is read either way.
    values.pop("condition_parser", None)
    missing = [one.name for one in known.arguments if one.required and one.name not in values]
    if missing:
        raise SuiteError(
            f"{known.short_name} lacks {_named(missing)}.", where=where, remedy=f"As in `{_example(known)}`."
        )
    meta = _common(known, given, "meta", where)
    return Expectation(
        type=known.type,
        arguments=values,
        importance=_importance(known, given, where),
        notes=str(_common(known, given, "notes", where) or ""),
        description=str(_common(known, given, "description", where) or ""),
        meta=meta if isinstance(meta, dict) else {},
        span=span,
    )


def _value(known: Signature, argument: Argument, node: ast.expr, where: str) -> Json:
    try:
        if argument.takes is Takes.CONDITION:
            return _condition(node)
        value = literal_or_parameter(node) if argument.takes_parameter else literal(node)
    except (NotALiteral, NotACondition) as error:
        raise SuiteError(
            f"`{argument.name}` of {known.short_name} is `{error}`, which can't be known without running it.",
            where=where,
            remedy="Expectations take literals, dates and the names of pipeline parameters."
            if argument.takes_parameter
            else "This argument takes a literal.",
        ) from error
    if not fits(value, argument):
        raise SuiteError(
            f"`{argument.name}` of {known.short_name} is {_short(node)}, which is {_wanted(argument)}.",
            where=where,
            remedy=f"As in `{_example(known)}`.",
        )
    return value


def fits(value: Json, argument: Argument) -> bool:
    """Whether GX takes the value for that argument; None stands for GX's default where there is one."""
    if isinstance(value, dict) and PARAMETER in value:
        return argument.takes_parameter
    if value is None:
        return not argument.required or argument.takes is Takes.ANY
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    match argument.takes:
        case Takes.TEXT:
            return isinstance(value, str)
        case Takes.FLAG:
            return isinstance(value, bool)
        case Takes.NUMBER:
            return is_number
        case Takes.BOUND:
            return is_number or (isinstance(value, str) and _is_time(value))
        case Takes.SHARE:
            return isinstance(value, (int, float)) and is_number and 0 <= value <= 1
        case Takes.LIST:
            return isinstance(value, list)
        case Takes.CONDITION | Takes.ANY:
            return True


def _is_time(text: str) -> bool:
    try:
        dt.datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


_WANTED = {
    Takes.TEXT: "no text",
    Takes.FLAG: "neither True nor False",
    Takes.NUMBER: "no number",
    Takes.BOUND: "neither a number nor a date",
    Takes.SHARE: "no share between 0 and 1",
    Takes.LIST: "no list",
}


def _wanted(argument: Argument) -> str:
    return _WANTED.get(argument.takes, "nothing it takes")


def _condition(node: ast.expr) -> Json:
    match node:
        case ast.Constant(value=None):
            return None
        case ast.Constant(value=str(text)):
            return condition_of_text(text)
        case _:
            return condition_of(node)


def _common(known: Signature, given: dict[str, ast.expr], name: str, where: str) -> Json:
    node = given.get(name)
    if node is None:
        return None
    try:
        value = literal(node)
    except NotALiteral as error:
        raise SuiteError(
            f"`{name}` of {known.short_name} is no literal.", where=where, remedy="Write its value."
        ) from error
    wanted: type = dict if name == "meta" else str
    if value is not None and not isinstance(value, wanted):
        raise SuiteError(
            f"`{name}` of {known.short_name} is {_short(node)}.",
            where=where,
            remedy="`meta` is a dict." if name == "meta" else f"`{name}` is a text.",
        )
    return value


def _importance(known: Signature, given: dict[str, ast.expr], where: str) -> Importance:
    value = _common(known, given, "severity", where)
    if value is None:
        return Importance.CRITICAL
    try:
        return Importance(str(value))
    except ValueError as error:
        raise SuiteError(
            f"`severity` of {known.short_name} is '{value}'.",
            where=where,
            remedy=did_you_mean(str(value), list(Importance)),
        ) from error


def _without_arguments(known: Signature, where: str) -> SuiteError:
    return SuiteError(
        f"{known.short_name} stands without its arguments.", where=where, remedy=f"As in `{_example(known)}`."
    )


def _unnamed(known: Signature, node: ast.expr, where: str) -> SuiteError:
    first = next((one.name for one in known.arguments if one.required), known.arguments[0].name)
    return SuiteError(
        f"{known.short_name} takes its arguments by name.",
        where=where,
        remedy=f"Write `{first}={_short(node)}`.",
    )


def _unknown(known: Signature, name: str, where: str) -> SuiteError:
    names = [one.name for one in known.arguments if one.name != "condition_parser"]
    near = did_you_mean(name, [*names, *COMMON])
    return SuiteError(
        f"{known.short_name} has no argument '{name}'.",
        where=where,
        remedy=near or f"It takes {', '.join(names)}.",
    )


_EXAMPLES = {
    Takes.TEXT: '"..."',
    Takes.FLAG: "True",
    Takes.NUMBER: "1",
    Takes.BOUND: "0",
    Takes.SHARE: "0.99",
    Takes.LIST: "[...]",
}


def _example(known: Signature) -> str:
    shown = [one for one in known.arguments if one.required] or list(known.arguments[:1])
    arguments = ", ".join(f"{one.name}={_EXAMPLES.get(one.takes, '...')}" for one in shown)
    return f"{known.short_name}({arguments})"


def _named(names: list[str]) -> str:
    quoted = [f"`{name}`" for name in names]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} and {quoted[-1]}"


def _short(node: ast.expr) -> str:
    text = ast.unparse(node)
    return text if len(text) <= 60 else f"{text[:57]}..."
