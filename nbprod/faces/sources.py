"""Notebooks as the command line names them: paths, globs, folders, and `-` for standard input."""

from __future__ import annotations

import glob
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from nbprod.errors import NotebookError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from nbprod.model import Notebook

Command = TypeVar("Command", bound="Callable[..., object] | click.Command")

STDIN = "-"
STDIN_NAME = "stdin.ipynb"
# Folders that hold copies, results or other people's files.
PASSED_OVER = frozenset({"node_modules", "site-packages", "__pycache__", "venv", "env", "build", "dist"})


def notebook_argument(name: str = "notebook", *, required: bool = True) -> Callable[[Command], Command]:
    """The argument NOTEBOOK, with file names completed by the shell."""
    return click.argument(name, type=click.Path(path_type=str, allow_dash=True), required=required)


def notebook_from(source: str) -> Notebook:
    """The notebook at a path, or on standard input where the path is `-`."""
    from nbprod import api
    from nbprod.notebook import parse

    if source != STDIN:
        return api.read(source)
    return parse(sys.stdin.read(), name=STDIN_NAME)


def notebooks_at(targets: Sequence[str]) -> list[str]:
    """The notebooks that the targets name, each once, in order; raises NotebookError where a target names none."""
    found: dict[str, None] = {}
    for target in targets:
        paths = list(_at(target))
        if not paths:
            raise NotebookError(
                "There is no notebook here.", where=target, remedy="Give a .ipynb file, a folder, or a glob."
            )
        found.update(dict.fromkeys(paths))
    return list(found)


def _at(target: str) -> Iterator[str]:
    if target == STDIN or Path(target).is_file():
        yield target
    elif Path(target).is_dir():
        yield from _below(target)
    elif glob.has_magic(target):
        yield from sorted(path for path in glob.glob(target, recursive=True) if _is_notebook(path))  # noqa: PTH207
    else:
        raise NotebookError("There is no such file.", where=target, remedy="Check the path.")


def _is_notebook(path: str) -> bool:
    return Path(path).is_file() and path.endswith((".ipynb", ".py"))


def _below(folder: str) -> Iterator[str]:
    """The notebooks in a folder and those below it, less checkpoints, plans and what starts with a dot."""
    for path, folders, files in os.walk(folder):
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".")
            and name not in PASSED_OVER
            and not (Path(path) / name / "pipeline.yaml").exists()
        )
        yield from (os.path.join(path, name) for name in sorted(files) if name.endswith(".ipynb"))  # noqa: PTH118
