"""Small notebooks for tests, from the sources of their code cells."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def notebook_text(*sources: str, tags: dict[int, list[str]] | None = None) -> str:
    """The text of an nbformat 4.5 notebook; `tags` are by position."""
    cells = [
        {
            "cell_type": "code",
            "execution_count": None,
            "id": f"c{position}",
            "metadata": {"tags": tags[position]} if tags and position in tags else {},
            "outputs": [],
            "source": source.splitlines(keepends=True),
        }
        for position, source in enumerate(sources)
    ]
    metadata = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    return json.dumps({"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}, indent=1)


def write_notebook(path: Path, *sources: str, tags: dict[int, list[str]] | None = None) -> Path:
    """The path, with such a notebook written to it."""
    path.write_text(notebook_text(*sources, tags=tags), encoding="utf-8")
    return path
