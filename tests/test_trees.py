"""Trees are built right whichever threads build them at once, and are walked as Python's own library walks them."""

from __future__ import annotations

import ast
import gc
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from nbprod import trees

SOURCE = Path(trees.__file__).read_text(encoding="utf-8")
FILES = sorted((Path(trees.__file__).parent / "flow").rglob("*.py"))


@pytest.fixture
def threads_that_part_inside_the_parser():
    """Collecting garbage runs Python, and so other threads, in the middle of building a tree, as Dask's does."""
    callback, thresholds, interval = (lambda *_: time.sleep(0)), gc.get_threshold(), sys.getswitchinterval()
    gc.callbacks.append(callback)
    gc.set_threshold(50)
    sys.setswitchinterval(1e-5)
    yield
    gc.callbacks.remove(callback)
    gc.set_threshold(*thresholds)
    sys.setswitchinterval(interval)


@pytest.mark.usefixtures("threads_that_part_inside_the_parser")
def test_threads_build_trees_side_by_side():
    with ThreadPoolExecutor(4) as pool:
        built = list(pool.map(trees.module_tree, [SOURCE] * 400))
    assert {ast.dump(tree) for tree in built} == {ast.dump(ast.parse(SOURCE))}


def test_expression_is_one_expression():
    assert isinstance(trees.expression_tree("a + b").body, ast.BinOp)
    with pytest.raises(SyntaxError):
        trees.expression_tree("a = b")


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_nodes_come_in_the_order_of_the_standard_walk(file: Path) -> None:
    tree = trees.module_tree(file.read_text(encoding="utf-8"))
    assert trees.nodes_of(tree) == list(ast.walk(tree))


def test_text_that_is_no_python_has_an_empty_tree() -> None:
    assert trees.module_tree_if_any("SELECT 1 FROM").body == []
