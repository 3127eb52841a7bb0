"""Functions, classes and imported modules, and where a body ends."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from nbprod.leakage.interpret.values import (
    BEST_SCORE,
    NONE,
    THE_TABLE,
    Class,
    Function,
    Opaque,
    Seq,
    Symbol,
    Value,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbprod.leakage.interpret.context import Run


def _function(run: Run, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
    scope = run.env if run.depth else {}
    run.env[node.name] = Function(node=node, scope=scope, cell=run.cell)


def _class(run: Run, node: ast.ClassDef) -> None:
    methods: dict[str, Value] = {}
    outer = run.env
    run.env = dict(outer)
    for statement in node.body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            methods[statement.name] = Function(node=statement, scope={}, cell=run.cell)
        elif isinstance(statement, ast.Assign | ast.AnnAssign):
            run.execute(run, [statement])
            for target in statement.targets if isinstance(statement, ast.Assign) else [statement.target]:
                if isinstance(target, ast.Name) and target.id in run.env:
                    methods[target.id] = run.env[target.id]
    run.env = outer
    bases = tuple(
        base.attr if isinstance(base, ast.Attribute) else getattr(base, "id", "") for base in node.bases
    )
    run.env[node.name] = Class(node=node, methods=methods, bases=bases)


def _returned(run: Run, node: ast.Return) -> None:
    value = run.evaluate(run, node.value) if node.value is not None else NONE
    run.returns.append(value)
    run.stopped = True
    held = run.at(value)
    for each in held.items if isinstance(held, Seq) and held.items is not None else (held,):
        given = run.at(each)
        if isinstance(given, Opaque) and given.hint == BEST_SCORE:
            run.record.results.append((run.span(node), given.rows))


def _stopped(run: Run, node: ast.AST) -> None:
    _ = node
    run.stopped = True


def _imported(run: Run, node: ast.Import) -> None:
    for alias in node.names:
        if alias.asname:
            run.env[alias.asname] = Symbol(alias.name)
        else:
            first = alias.name.split(".")[0]
            run.env[first] = Symbol(first)


def _imported_from(run: Run, node: ast.ImportFrom) -> None:
    for alias in node.names:
        path = f"{node.module}.{alias.name}" if node.module else alias.name
        if node.module == "ibis" and alias.name == "_":
            run.env[alias.asname or "_"] = THE_TABLE
            continue
        if alias.name != "*":
            run.env[alias.asname or alias.name] = Symbol(path)


HANDLERS: dict[type[ast.stmt], Callable[[Run, Any], None]] = {
    ast.FunctionDef: _function, ast.AsyncFunctionDef: _function, ast.ClassDef: _class,
    ast.Return: _returned, ast.Raise: _stopped, ast.Continue: _stopped, ast.Break: _stopped,
    ast.Import: _imported, ast.ImportFrom: _imported_from,
}  # fmt: skip
