"""What a stage's code refers to besides the values it takes: modules of the project, files, addresses."""

from __future__ import annotations

import ast
import functools
import json
import sys
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from nbprod.trees import module_tree

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from nbprod.model import Json

_WRITTEN_BY_EXTRACTION = frozenset({"nbprod:inputs", "nbprod:outputs", "parameters", "injected-parameters"})


class Code(Struct, frozen=True, kw_only=True):
    """A stage's own code cells: `normal` is the same for code that differs in formatting and comments only."""

    normal: tuple[str, ...]
    modules: tuple[str, ...]
    texts: tuple[str, ...]


@functools.lru_cache(maxsize=256)
def _own_sources(notebook: str) -> tuple[ast.Module | str, ...]:
    return tuple(
        _tree("".join(cell["source"])) for cell in json.loads(notebook)["cells"] if _is_own_code(cell)
    )


def code_of(notebook: str, *, parameters: Mapping[str, Json]) -> Code:
    """What a stage notebook's text holds; texts that name parameters are filled in with their values."""
    trees = _own_sources(notebook)
    return Code(
        normal=tuple(ast.dump(tree) if isinstance(tree, ast.AST) else tree for tree in trees),
        modules=tuple(sorted({name for tree in _parsed(trees) for name in _modules(tree)})),
        texts=tuple(sorted({text for tree in _parsed(trees) for text in _texts(tree, parameters)})),
    )


def imports_ibis(code: Code) -> bool:
    """Whether the code imports Ibis, or a part of it."""
    return any(name.partition(".")[0] == "ibis" for name in code.modules)


def used_modules(notebook: str) -> frozenset[str]:
    """The modules that a stage notebook's text imports by names which it mentions again."""
    nodes = [node for tree in _parsed(_own_sources(notebook)) for node in ast.walk(tree)]
    mentioned = {node.id for node in nodes if isinstance(node, ast.Name)}
    used: set[str] = set()
    for node in nodes:
        match node:
            case ast.Import(names=names):
                used |= {one.name for one in names if (one.asname or one.name.partition(".")[0]) in mentioned}
            case ast.ImportFrom(module=str(module), level=0, names=names):
                used |= {module for one in names if one.name == "*" or (one.asname or one.name) in mentioned}
            case _:
                pass
    return frozenset(used)


def code_cells(notebook: str) -> int:
    """How many code cells a notebook's text holds."""
    return sum(cell["cell_type"] == "code" for cell in json.loads(notebook)["cells"])


def project_files(modules: Iterable[str], *, folder: Path) -> tuple[Path, ...]:
    """The Python files in the folder that these modules mean, and those that they import there in turn, sorted."""
    found: set[Path] = set()
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        new = set(_module_files(name, folder)) - found
        found |= new
        for path in new:
            tree = _tree(path.read_text(encoding="utf-8", errors="replace"))
            waiting.extend(name for one in _parsed([tree]) for name in _modules(one))
    return tuple(sorted(found))


def _is_own_code(cell: dict[str, Any]) -> bool:
    tags = cell.get("metadata", {}).get("tags", ())
    return cell["cell_type"] == "code" and not _WRITTEN_BY_EXTRACTION & set(tags)


def _tree(source: str) -> ast.Module | str:
    try:
        return module_tree(source)
    except (SyntaxError, ValueError):
        return _tree_of_magics(source)


def _tree_of_magics(source: str) -> ast.Module | str:
    # Most stages hold no magic, and this room costs more to load than a cached stage to look up.
    from nbprod.flow.ipython import python_text

    try:
        return module_tree(python_text(source))
    except (SyntaxError, ValueError):
        return source


def _parsed(trees: Iterable[ast.Module | str]) -> Iterator[ast.Module]:
    return (tree for tree in trees if isinstance(tree, ast.Module))


def _modules(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=str(module), level=0, names=names):
                yield module
                yield from (f"{module}.{alias.name}" for alias in names)
            case _:
                pass


def _module_files(name: str, folder: Path) -> Iterator[Path]:
    top = name.partition(".")[0]
    if top in sys.stdlib_module_names:
        return
    path = folder.joinpath(*name.split("."))
    if path.with_suffix(".py").is_file():
        yield path.with_suffix(".py")
    for depth in range(1, name.count(".") + 2):
        package = folder.joinpath(*name.split(".")[:depth]) / "__init__.py"
        if package.is_file():
            yield package


def _texts(tree: ast.Module, parameters: Mapping[str, Json]) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Constant(value=str(text)):
                yield text
            case ast.JoinedStr(values=pieces):
                yield "".join(_piece(piece, parameters) for piece in pieces)
            case _:
                pass


def _piece(piece: ast.expr, parameters: Mapping[str, Json]) -> str:
    match piece:
        case ast.Constant(value=value):
            return str(value)
        case ast.FormattedValue(value=ast.Name(id=name), format_spec=None) if name in parameters:
            return str(parameters[name])
        case ast.FormattedValue(
            value=ast.Name(id=name), format_spec=ast.JoinedStr(values=[ast.Constant(value=str(spec))])
        ) if name in parameters:
            try:
                return format(parameters[name], spec)
            except (ValueError, TypeError):
                return "?"
        case _:
            return "?"
