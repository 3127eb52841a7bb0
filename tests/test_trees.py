"""Trees are read as Python's own library reads them."""

import ast
from pathlib import Path

import pytest

import nbprod
from nbprod.trees import module_tree, module_tree_if_any, nodes_of

FILES = sorted(Path(nbprod.__file__).parent.glob("flow/**/*.py"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_nodes_come_in_the_order_of_the_standard_walk(file: Path) -> None:
    tree = module_tree(file.read_text(encoding="utf-8"))
    assert nodes_of(tree) == list(ast.walk(tree))


def test_text_that_is_no_python_has_an_empty_tree() -> None:
    assert module_tree_if_any("SELECT 1 FROM").body == []
