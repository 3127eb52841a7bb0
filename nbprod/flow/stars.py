"""What `from module import *` binds, told from the module's source: nothing of it is run.

A module that says `__all__` is taken at its word as far as that can be computed from constants and from the
`__all__` of other modules; one that doesn't exports the public names that its top level binds.
"""

from __future__ import annotations

import ast
import sys
from functools import cache
from importlib import import_module
from importlib.machinery import PathFinder, SourceFileLoader
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct, field

from nbprod.flow.names import around, bindings_of
from nbprod.trees import module_tree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

_DEEPEST = 8
_LOUD = {"this", "antigravity"}
_COLLECTIONS = {"list", "set", "tuple", "sorted", "frozenset"}


class UnreadableModuleError(Exception):
    """A module whose exported names can't be told from its source; the text says why."""


class Exports(Struct, frozen=True, kw_only=True):
    """The names that a star import binds, sorted; where they are not complete, it may bind more than these."""

    names: tuple[str, ...]
    is_complete: bool = True


def exports_of(module: str, *, folder: str = "") -> Exports:
    """What a star import of the module binds; `folder` is looked in first, as Python does.

    Raises UnreadableModuleError where nothing can be told.
    """
    top = module.partition(".")[0]
    if folder and ((Path(folder) / f"{top}.py").exists() or (Path(folder) / top).is_dir()):
        return _read(module, folder)  # may be edited at any time
    return _read_installed(module)


@cache
def is_loaded_apart(path: str) -> bool:
    """Whether this is a module within a package that does not load it itself: some other import must have."""
    package, _, name = path.rpartition(".")
    reader = _Reader("")
    try:
        reader.file_of(path)
        return name not in _bound_in_package(package)
    except (UnreadableModuleError, OSError, SyntaxError, ValueError):
        return False


@cache
def _bound_in_package(package: str) -> frozenset[str]:
    """The names that the package's own source binds; raises UnreadableModuleError where that can't be told."""
    source, is_package = _Reader("").source_of(package)
    if not is_package or "def __getattr__" in source:
        raise UnreadableModuleError("it finds its names as they are asked for")
    return bindings_of(around(module_tree(source).body)).local


@cache
def _read_installed(module: str) -> Exports:
    is_standard = module.partition(".")[0] in sys.stdlib_module_names and module not in _LOUD
    try:
        read = _read(module, "")
    except UnreadableModuleError:
        if not is_standard:
            raise
    else:
        if read.is_complete or not is_standard:
            return read
    # Parts of the standard library are written in C or put together by platform; loading them changes nothing.
    loaded = import_module(module)
    names = getattr(loaded, "__all__", None) or [name for name in vars(loaded) if not name.startswith("_")]
    return Exports(names=tuple(sorted(names)))


def _read(module: str, folder: str) -> Exports:
    reader = _Reader(folder)
    try:
        names = reader.names_of(module)
    except (OSError, SyntaxError, ValueError) as error:
        raise UnreadableModuleError(f"its source can't be read ({error})") from error
    return Exports(names=tuple(sorted(names)), is_complete=reader.is_complete)


class _Reader:
    """Reads modules as far as one star import leads."""

    def __init__(self, folder: str) -> None:
        self._path = [folder, *sys.path] if folder else sys.path
        self._reading: list[str] = []
        self.is_complete = True

    def names_of(self, module: str) -> frozenset[str]:
        if module in self._reading or len(self._reading) > _DEEPEST:
            return frozenset()
        if module in sys.builtin_module_names:
            # Built into the interpreter and loaded already: looking at it runs nothing.
            return frozenset(name for name in vars(import_module(module)) if not name.startswith("_"))
        self._reading.append(module)
        try:
            return self._names_in(module)
        except UnreadableModuleError:
            if len(self._reading) == 1:
                raise
            self.is_complete = False
            return frozenset()
        finally:
            self._reading.pop()

    def _names_in(self, module: str) -> frozenset[str]:
        source, is_package = self.source_of(module)
        body = list(_top_level(module_tree(source).body))
        package = module if is_package else module.rpartition(".")[0]
        if any(_says_all(node) for node in body):
            return self._all_of(body, package=package, is_package=is_package)
        return self._public_in(body, package=package, is_package=is_package)

    def _public_in(self, body: list[ast.stmt], *, package: str, is_package: bool) -> frozenset[str]:
        whole = around(body)
        names = set(bindings_of(whole).local | bindings_of(whole).shared)
        for node in body:
            if not isinstance(node, ast.ImportFrom):
                continue
            if any(one.name == "*" for one in node.names):
                names |= self.names_of(_absolute(node, package))
            if is_package and node.level == 1 and node.module:
                names.add(node.module.partition(".")[0])  # loading a submodule binds it in its package
        return frozenset(name for name in names if not name.startswith("_"))

    def source_of(self, module: str) -> tuple[str, bool]:
        file, is_package = self.file_of(module)
        return file.read_text(encoding="utf-8"), is_package

    def file_of(self, module: str) -> tuple[Path, bool]:
        """Where the module's source lies, and whether it is a package."""
        path: list[str] | None = list(self._path)
        spec = None
        for depth, _ in enumerate(parts := module.split("."), start=1):
            spec = PathFinder.find_spec(".".join(parts[:depth]), path)
            if spec is None:
                raise UnreadableModuleError("it isn't installed here")
            path = list(spec.submodule_search_locations or ())
        if spec is None or not isinstance(spec.loader, SourceFileLoader) or spec.origin is None:
            raise UnreadableModuleError("it isn't written in Python")
        return Path(spec.origin), spec.submodule_search_locations is not None

    def _all_of(self, body: list[ast.stmt], *, package: str, is_package: bool) -> frozenset[str]:
        def public() -> frozenset[str]:
            return self._public_in(body, package=package, is_package=is_package)

        scope = _Scope(modules=dict(_modules(body, package)), public=public)
        for node in body:
            self._follow(node, scope)
        return scope.names

    def _follow(self, node: ast.stmt, scope: _Scope) -> None:  # noqa: C901 - one case for each way to say it
        match node:
            case ast.Assign(targets=[ast.Name(id="__all__")], value=value):
                scope.names = self._computed(value, scope)
            case ast.AnnAssign(target=ast.Name(id="__all__"), value=ast.expr() as value):
                scope.names = self._computed(value, scope)
            case ast.AugAssign(target=ast.Name(id="__all__"), op=ast.Sub(), value=value):
                scope.names -= self._computed(value, scope)
            case ast.AugAssign(target=ast.Name(id="__all__"), value=value):
                scope.names |= self._computed(value, scope)
            case ast.Expr(
                value=ast.Call(func=ast.Attribute(value=ast.Name(id="__all__"), attr="remove"), args=[value])
            ):
                scope.names -= self._computed(value, scope)
            case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id="__all__")), args=[value])):
                scope.names |= self._computed(value, scope)
            case ast.FunctionDef(name=name) if "__all__" in ast.unparse(node):
                scope.extenders.add(name)
            case ast.Expr(value=ast.Call(func=ast.Name(id=name), args=[ast.Name(id=given)])) if (
                name in scope.extenders and given in scope.modules
            ):
                scope.names |= self.names_of(scope.modules[given])
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                scope.known[name] = value
            case ast.For() | ast.While() if "__all__" in ast.unparse(node):
                self.is_complete = False
            case _:
                pass

    def _computed(self, node: ast.expr, scope: _Scope) -> frozenset[str]:  # noqa: C901, PLR0912 - one case a form
        match node:
            case ast.Constant(value=str(name)):
                return frozenset([name])
            case ast.List(elts=parts) | ast.Tuple(elts=parts) | ast.Set(elts=parts):
                return frozenset().union(*(self._computed(part, scope) for part in parts))
            case ast.Starred(value=inner):
                return self._computed(inner, scope)
            case ast.BinOp(left=left, right=right, op=ast.Add() | ast.BitOr()):
                return self._computed(left, scope) | self._computed(right, scope)
            case ast.BinOp(left=left, right=right, op=ast.Sub()):
                return self._computed(left, scope) - self._computed(right, scope)
            case ast.Call(func=ast.Name(id=name), args=[inner]) if name in _COLLECTIONS:
                return self._computed(inner, scope)
            case ast.Call(func=ast.Attribute(value=inner, attr="copy"), args=[]):
                return self._computed(inner, scope)
            case ast.Attribute(value=inner, attr="__all__") if path := _path(inner, scope.modules):
                return self.names_of(path)
            case ast.ListComp() if "dir()" in (text := ast.unparse(node)) or "globals()" in text:
                return scope.public()
            case ast.Name(id="__all__"):
                return scope.names
            case ast.Name(id=name) if name in scope.known:
                return self._computed(scope.known[name], scope)
            case ast.Name(id=name) if name in scope.modules:
                module, _, attribute = scope.modules[name].rpartition(".")
                return self._constant_of(module, attribute)
            case _:
                self.is_complete = False
                return frozenset()

    def _constant_of(self, module: str, name: str) -> frozenset[str]:
        """A collection of names that another module assigns, `__all__` under another name among them."""
        if name == "__all__":
            return self.names_of(module)
        source, is_package = self.source_of(module)
        body = list(_top_level(module_tree(source).body))
        scope = _Scope(
            modules=dict(_modules(body, module if is_package else module.rpartition(".")[0])),
            public=frozenset,
        )
        for node in body:
            self._follow(node, scope)
        return self._computed(scope.known[name], scope) if name in scope.known else frozenset()


class _Scope(Struct, kw_only=True):
    """What is known of a module's names on the way down its top level; `names` is its `__all__` so far.

    `extenders` are functions that add to `__all__` what the modules that they are given export.
    """

    modules: Mapping[str, str]
    public: Callable[[], frozenset[str]]
    known: dict[str, ast.expr] = field(default_factory=dict)
    extenders: set[str] = field(default_factory=set)
    names: frozenset[str] = frozenset()


def _top_level(statements: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements that run when the module is loaded, branches taken apart; what only types need is left out."""
    for node in statements:
        match node:
            case ast.If(body=body, orelse=orelse):
                yield from _top_level(orelse if _is_for_types(node) else (*body, *orelse))
            case ast.Try(body=body, handlers=handlers, orelse=orelse, finalbody=finalbody):
                handled = [one for handler in handlers for one in handler.body]
                yield from _top_level((*body, *handled, *orelse, *finalbody))
            case _:
                yield node


def _is_for_types(node: ast.If) -> bool:
    return "TYPE_CHECKING" in ast.unparse(node.test)


def _says_all(node: ast.stmt) -> bool:
    match node:
        case ast.Assign(targets=targets):
            return any(isinstance(one, ast.Name) and one.id == "__all__" for one in targets)
        case ast.AnnAssign(target=ast.Name(id="__all__")) | ast.AugAssign(target=ast.Name(id="__all__")):
            return True
        case _:
            return False


def _modules(body: list[ast.stmt], package: str) -> Iterator[tuple[str, str]]:
    """The dotted paths for which names stand that imports bind."""
    for node in body:
        match node:
            case ast.Import(names=aliases):
                for one in aliases:
                    yield (
                        one.asname or one.name.partition(".")[0],
                        (one.name if one.asname else one.name.partition(".")[0]),
                    )
            case ast.ImportFrom(names=aliases):
                for one in aliases:
                    yield one.asname or one.name, f"{_absolute(node, package)}.{one.name}"
            case _:
                pass


def _absolute(node: ast.ImportFrom, package: str) -> str:
    if not node.level:
        return node.module or ""
    above = package.split(".")[: len(package.split(".")) - node.level + 1]
    return ".".join([*above, *([node.module] if node.module else [])])


def _path(node: ast.expr, modules: Mapping[str, str]) -> str | None:
    match node:
        case ast.Name(id=name):
            return modules.get(name)
        case ast.Attribute(value=value, attr=attribute):
            above = _path(value, modules)
            return f"{above}.{attribute}" if above else None
        case _:
            return None
