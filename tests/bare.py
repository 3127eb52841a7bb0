"""Papermill alone, as anyone has it who has no command line of ours: one process runs notebooks one after another."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PROGRAM = """
import json, sys
from papermill import execute_notebook

for notebook, parameters in json.load(sys.stdin):
    execute_notebook(notebook, f"ran-{notebook}", parameters=parameters, progress_bar=False)
"""


def run_papermill(folder: Path, notebooks: Mapping[str, Mapping[str, object]]) -> None:
    """Run notebooks of the folder, each with its parameters, into copies called `ran-...`."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROGRAM],
        input=json.dumps(list(notebooks.items())),
        cwd=folder,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
