"""Which columns a notebook uses as its label: they may look ahead, that is their task.

A column is a label if it is what a model is fitted to, scored against or split beside, or if its name says so.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nbprod.flow.ipython import tree_of
from nbprod.leakage.evidence import is_label_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nbprod.model import Notebook

# where the label stands among the positional arguments, by the last part of the call's name
_PLACES = {
    "fit": 1,
    "partial_fit": 1,
    "fit_predict": 1,
    "score": 1,
    "train_test_split": 1,
    "cross_val_score": 2,
    "cross_validate": 2,
    "cross_val_predict": 2,
    "permutation_importance": 2,
    "Dataset": 1,
    "DMatrix": 1,
    "Pool": 1,
}
_KEYWORDS = frozenset({"y", "label", "target"})
_MAKERS = frozenset({"assign", "with_columns", "mutate", "select", "agg"})


def labels_of(notebook: Notebook) -> tuple[str, ...]:
    """The names of the columns that serve as labels, in alphabetical order."""
    trees = [tree for cell in notebook.code if (tree := tree_of(cell)) is not None]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    used = [argument for node in nodes for argument in _label_arguments(node)]
    names = {node.id for argument in used for node in ast.walk(argument) if isinstance(node, ast.Name)}
    columns = {column for argument in used for column in _columns_in(argument)}
    for node in nodes:
        columns |= {
            column for name, value in _bindings(node) if name in names for column in _columns_in(value)
        }
        columns |= {column for column in _made_in(node) if is_label_name(column)}
    return tuple(sorted(columns))


def _label_arguments(node: ast.AST) -> Iterator[ast.expr]:
    """The arguments of a call that are labels."""
    if not isinstance(node, ast.Call):
        return
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    place = _PLACES.get(name)
    if place is None:
        return
    if len(node.args) > place and not isinstance(node.args[place], ast.Starred):
        yield node.args[place]
    yield from (keyword.value for keyword in node.keywords if keyword.arg in _KEYWORDS)


def _columns_in(value: ast.expr) -> Iterator[str]:
    """The one column that an expression takes of a frame: `df["label"]`, `df.label` is not told from a method."""
    match value:
        case ast.Subscript(slice=ast.Constant(value=str() as column)):
            yield column
        case ast.Subscript(slice=ast.List(elts=[ast.Constant(value=str() as column)])):
            yield column
        case ast.Subscript(slice=ast.Tuple(elts=[_, ast.Constant(value=str() as column)])):
            yield column
        case ast.Call(func=ast.Attribute(value=inner)):
            yield from _columns_in(inner)
        case ast.Attribute(value=inner):
            yield from _columns_in(inner)
        case _:
            return


def _bindings(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """Each name that an assignment binds, with its value."""
    match node:
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            yield name, value
        case ast.Assign(targets=[ast.Tuple(elts=targets)], value=ast.Tuple(elts=values)) if len(
            targets
        ) == len(values):
            for target, value in zip(targets, values, strict=True):
                if isinstance(target, ast.Name):
                    yield target.id, value
        case _:
            return


def _made_in(node: ast.AST) -> Iterator[str]:
    """The columns that a statement or a call makes by name."""
    match node:
        case ast.Subscript(slice=ast.Constant(value=str() as column), ctx=ast.Store()):
            yield column
        case ast.Call(func=ast.Attribute(attr=attr), keywords=keywords) if attr in _MAKERS:
            yield from (keyword.arg for keyword in keywords if keyword.arg is not None)
        case _:
            return
