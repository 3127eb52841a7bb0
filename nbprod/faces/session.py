"""The cells that a running session has executed, as a notebook; and the file that the session was started from."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from nbprod.model import Notebook

SESSION_NAME = "session.ipynb"


class Session:
    """What has been run so far: each cell once, in the order of first execution, as it was last run.

    A front end that names its cells (JupyterLab, VS Code) lets an edited cell take its old place; elsewhere only
    a cell that is run again unchanged is known as the same.
    """

    def __init__(self, earlier: Iterable[str] = ()) -> None:
        self._sources: dict[str, str] = {}
        for source in earlier:
            self.saw(source)

    def saw(self, source: str, cell_id: str | None = None) -> int:
        """Remember an execution; gives the cell's position."""
        key = cell_id if cell_id in self._sources else self._nameless(source)
        if key is None:
            key = cell_id or f"in-{len(self._sources)}"
        elif cell_id is not None and key != cell_id:
            self._sources = {cell_id if old == key else old: text for old, text in self._sources.items()}
            key = cell_id
        self._sources[key] = source
        return list(self._sources).index(key)

    def failed(self, source: str, cell_id: str | None = None) -> None:
        """Forget a cell that raised, unless it has a name and so will be seen again once it is mended."""
        if cell_id is None and (key := self._nameless(source)):
            del self._sources[key]

    def notebook(self, *, name: str = SESSION_NAME) -> Notebook:
        """The cells so far as a notebook of that name."""
        from nbprod.notebook import parse

        cells: list[object] = [
            {
                "cell_type": "code",
                "id": f"cell-{position}",
                "metadata": {},
                "execution_count": None,
                "outputs": [],
                "source": source.splitlines(keepends=True),
            }
            for position, source in enumerate(self._sources.values())
        ]
        raw = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}
        return parse(json.dumps(raw, indent=1), name=name)

    def __len__(self) -> int:
        return len(self._sources)

    def _nameless(self, source: str) -> str | None:
        """The key of a cell without a name that holds the same source."""
        return next(
            (key for key, old in self._sources.items() if old == source and key.startswith("in-")), None
        )


def notebook_file(
    user_names: Mapping[str, object], environment: Mapping[str, str] = os.environ
) -> Path | None:
    """The notebook file of this session, where the front end tells it: VS Code by a name, Jupyter by a variable."""
    told = (user_names.get("__vsc_ipynb_file__"), environment.get("JPY_SESSION_NAME"))
    for path in told:
        if isinstance(path, str) and path.endswith(".ipynb") and Path(path).is_file():
            return Path(path)
    return None
