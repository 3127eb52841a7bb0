"""The names that a scope binds, as Python's own rules have it."""

from __future__ import annotations

import ast
from functools import lru_cache
from typing import TypeAlias

from msgspec import Struct

_NO_ARGUMENTS = ast.arguments(posonlyargs=[], args=[], kwonlyargs=[], kw_defaults=[], defaults=[])
Scope: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


class Bindings(Struct, frozen=True, kw_only=True):
    """What a scope binds for itself, and what it declares to belong further out."""

    local: frozenset[str]
    shared: frozenset[str]
    outer: frozenset[str]
    yields: bool


@lru_cache(maxsize=4096)
def bindings_of(scope: Scope) -> Bindings:
    """The names that the scope's body binds; `shared` are its `global` names, `outer` its `nonlocal` ones."""
    bound: set[str] = set()
    shared: set[str] = set()
    outer: set[str] = set()
    yields = False
    body: list[ast.AST] = [scope.body] if isinstance(scope, ast.Lambda) else list(scope.body)
    if not isinstance(scope, ast.ClassDef):
        bound.update(argument.arg for argument in arguments_of(scope.args))
    pending = body
    while pending:
        node = pending.pop()
        bound.update(names_bound_by(node))
        match node:
            case ast.Global(names=names):
                shared.update(names)
            case ast.Nonlocal(names=names):
                outer.update(names)
            case ast.Yield() | ast.YieldFrom():
                yields = True
            case _:
                pass
        pending.extend(_within_scope(node))
    return Bindings(
        local=frozenset(bound - shared - outer),
        shared=frozenset(shared),
        outer=frozenset(outer),
        yields=yields,
    )


def around(body: list[ast.stmt]) -> ast.FunctionDef:
    """Statements as the body of a function without arguments, to be asked as a scope."""
    return ast.FunctionDef(name="", args=_NO_ARGUMENTS, body=body, decorator_list=[])


def names_bound_by(node: ast.AST) -> tuple[str, ...]:
    """The names that this node itself binds or deletes in its scope, not those of nodes within."""
    match node:
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
            return (name,)
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return (name,)
        case ast.Import(names=aliases):
            return tuple(alias.asname or alias.name.partition(".")[0] for alias in aliases)
        case ast.ImportFrom(names=aliases):
            return tuple(alias.asname or alias.name for alias in aliases if alias.name != "*")
        case ast.ExceptHandler(name=str(name)):
            return (name,)
        case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)) | ast.MatchMapping(rest=str(name)):
            return (name,)
        case _:
            return ()


def arguments_of(arguments: ast.arguments) -> tuple[ast.arg, ...]:
    """All parameters in their order, the starred ones last."""
    plain = (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
    return plain + tuple(one for one in (arguments.vararg, arguments.kwarg) if one is not None)


def free_names(scope: Scope) -> frozenset[str]:
    """The names that the scope or one nested in it reads and does not bind: resolved when it runs."""
    return _free_names(scope)


@lru_cache(maxsize=4096)
def _free_names(scope: Scope) -> frozenset[str]:
    bindings = bindings_of(scope)
    read: set[str] = set(bindings.shared)
    pending: list[ast.AST] = [scope.body] if isinstance(scope, ast.Lambda) else list(scope.body)
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            read.add(node.id)
        if isinstance(node, _SCOPES):
            read |= _free_names(node)
        pending.extend(_within_scope(node))
    return frozenset(read - bindings.local)


def _within_scope(node: ast.AST) -> list[ast.AST]:
    """The nodes within that belong to the same scope: a nested scope gives only what is evaluated outside it."""
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            return [*node.decorator_list, *_defaults(node.args)]
        case ast.Lambda():
            return _defaults(node.args)
        case ast.ClassDef():
            return [*node.decorator_list, *node.bases, *node.keywords]
        case _ if isinstance(node, _COMPREHENSIONS):
            return list(ast.iter_child_nodes(node))
        case ast.comprehension():
            # Its targets live in the comprehension alone; a walrus within binds outside.
            return [node.iter, *node.ifs]
        case _:
            return list(ast.iter_child_nodes(node))


def _defaults(arguments: ast.arguments) -> list[ast.AST]:
    return [*arguments.defaults, *(one for one in arguments.kw_defaults if one is not None)]
