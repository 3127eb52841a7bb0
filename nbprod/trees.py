"""Python's text as syntax trees, whichever thread asks.

CPython 3.11 and 3.12 count how deep a tree nests for all threads together: of two that build trees at once, one fails
now and then with a SystemError (https://github.com/python/cpython/issues/106905). Ours take turns.
"""

from __future__ import annotations

import ast
import threading

_ONE_AT_A_TIME = threading.Lock()


def module_tree(text: str) -> ast.Module:
    """The tree of some statements; raises SyntaxError, and ValueError where there are null characters."""
    with _ONE_AT_A_TIME:
        return ast.parse(text)


def module_tree_if_any(text: str) -> ast.Module:
    """The tree of some statements; an empty one where they are no Python."""
    try:
        return module_tree(text)
    except SyntaxError:
        return ast.Module(body=[], type_ignores=[])


def nodes_of(tree: ast.AST) -> list[ast.AST]:
    """All nodes of a tree in the order of `ast.walk`, in half its time."""
    nodes = [tree]
    for node in nodes:  # which grows
        for name in node._fields:
            part = getattr(node, name, None)
            if isinstance(part, ast.AST):
                nodes.append(part)
            elif isinstance(part, list):
                nodes.extend(one for one in part if isinstance(one, ast.AST))
    return nodes


def expression_tree(text: str) -> ast.Expression:
    """The tree of one expression; raises as `module_tree` does."""
    with _ONE_AT_A_TIME:
        return ast.parse(text, mode="eval")
