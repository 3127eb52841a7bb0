"""Notebooks written for a test."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path


def raw_notebook(*sources: str, metadata: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    """A notebook of code cells as JSON."""
    cells = [
        {
            "cell_type": "code",
            "id": f"c{number}",
            "metadata": {},
            "execution_count": None,
            "outputs": [],
            "source": source.splitlines(keepends=True),
        }
        for number, source in enumerate(sources, start=1)
    ]
    kernel = {"kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"}}
    return {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": kernel if metadata is None else metadata,
        "cells": cells,
        **fields,
    }


def write_notebook(path: Path, *sources: str) -> Path:
    """The notebook in a file, as Jupyter writes it."""
    path.write_text(json.dumps(raw_notebook(*sources), indent=1) + "\n", encoding="utf-8")
    return path


CLEAN = (
    "%load_ext nbprod",
    "%%parameters\nrows: int = 10  # how many",
    "%%stage load\nimport pandas as pd\nframe = pd.DataFrame({'day': pd.date_range('2020-01-01', periods=rows), 'd': range(rows)})",
    "%%expect frame\nColumnValuesToNotBeNull(column='d')\nTableRowCountToBeBetween(min_value=5)",
    "%%stage features --time day\nframe['before'] = frame['d'].shift(1)",
    "%%stage train\nmean = frame['before'].mean()\nmean",
)
LEAKY = (
    *CLEAN[:4],
    "%%stage features --time day\nfeatures = frame.copy()\nfeatures['next'] = features['d'].shift(-1)",
    "%%stage train\nfrom sklearn.linear_model import LinearRegression\nX = features[['next']].fillna(0)\nmodel = LinearRegression().fit(X, list(range(len(X))))",
)
UNTAGGED = (
    "import pandas as pd",
    "frame = pd.DataFrame({'a': [1, 2, 3]})",
    "frame['b'] = frame['a'] * 2",
    "total = frame['b'].sum()\nprint(total)",
)
