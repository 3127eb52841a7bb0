"""What is a definition: a statement that is copied to each stage that uses it instead of having its value stored."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nbprod.libraries.calls import call_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nbprod.flow.aliases import Value
    from nbprod.flow.effects import Effects


def is_definition(node: ast.stmt, *, effects: Effects, known: Mapping[str, Value]) -> bool:
    """Whether the statement is an import, a function, a class, a literal constant, or branches made of these."""
    return effects.is_copyable and not effects.history and _defines(node, known)


def _defines(node: ast.stmt, known: Mapping[str, Value]) -> bool:
    match node:
        case ast.Import() | ast.ImportFrom() | ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return True
        case ast.Assign(targets=targets, value=value):
            return all(_is_names(target) for target in targets) and _is_constant(targets[0], value, known)
        case ast.AnnAssign(target=ast.Name() as target, value=value):
            return value is not None and _is_constant(target, value, known)
        case ast.If(test=test, body=body, orelse=orelse):
            return is_literal(test, known) and all(_defines(one, known) for one in (*body, *orelse))
        case ast.Try(body=body, handlers=handlers, orelse=orelse, finalbody=finalbody):
            handled = [one for handler in handlers for one in handler.body]
            return all(_defines(one, known) for one in (*body, *handled, *orelse, *finalbody))
        case ast.Pass():
            return True
        case _:
            return type(node).__name__ == "TypeAlias"


def _is_constant(target: ast.expr, value: ast.expr, known: Mapping[str, Value]) -> bool:
    """Whether a constant is assigned; one made of other names is a value like others unless written in capitals."""
    if not is_literal(value, known):
        return False
    names = [one for one in ast.walk(value) if isinstance(one, ast.Name)]
    is_in_capitals = isinstance(target, ast.Name) and target.id.isupper()
    return is_in_capitals or isinstance(value, ast.Lambda) or all(_is_of_library(one, known) for one in names)


def _is_of_library(name: ast.Name, known: Mapping[str, Value]) -> bool:
    return (
        name.id not in known or bool(known[name.id].library) or known[name.id].type in ("function", "class")
    )


def _is_names(target: ast.expr) -> bool:
    match target:
        case ast.Name():
            return True
        case ast.Tuple(elts=parts) | ast.List(elts=parts):
            return all(isinstance(part, ast.Name) for part in parts)
        case _:
            return False


def is_literal(  # noqa: C901, PLR0912 - one case for each kind of expression
    node: ast.expr, known: Mapping[str, Value]
) -> bool:
    """Whether the expression is a constant, or made of constants, names and calls that are as good as constants."""
    match node:
        case ast.Constant() | ast.Name() | ast.Lambda():
            return True
        case ast.Tuple(elts=parts) | ast.List(elts=parts) | ast.Set(elts=parts):
            return all(is_literal(part, known) for part in parts)
        case ast.Dict(keys=keys, values=values):
            return all(key is None or is_literal(key, known) for key in keys) and all(
                is_literal(value, known) for value in values
            )
        case ast.UnaryOp(operand=operand):
            return is_literal(operand, known)
        case ast.BinOp(left=left, right=right):
            return is_literal(left, known) and is_literal(right, known)
        case ast.BoolOp(values=values):
            return all(is_literal(value, known) for value in values)
        case ast.Compare(left=left, comparators=others):
            return all(is_literal(one, known) for one in (left, *others))
        case ast.IfExp(test=test, body=body, orelse=orelse):
            return all(is_literal(one, known) for one in (test, body, orelse))
        case ast.JoinedStr(values=values):
            return all(is_literal(value, known) for value in values)
        case ast.FormattedValue(value=value):
            return is_literal(value, known)
        case ast.Starred(value=value):
            return is_literal(value, known)
        case ast.Attribute():
            return bool(_path(node, known))
        case ast.Call(func=function, args=arguments, keywords=keywords):
            call = call_of(_path(function, known) or "")
            given = (*arguments, *(keyword.value for keyword in keywords))
            return call is not None and call.literal and all(is_literal(one, known) for one in given)
        case _:
            return False


def _path(node: ast.expr, known: Mapping[str, Value]) -> str:
    match node:
        case ast.Name(id=name):
            return known[name].library if name in known else f"builtins.{name}"
        case ast.Attribute(value=value, attr=name):
            above = _path(value, known)
            return f"{above}.{name}" if above else ""
        case _:
            return ""
