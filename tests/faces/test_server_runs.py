"""The runs that the server follows, without a server around them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from notebooks import write_notebook

from nbprod.faces.server.runs import Order, Progress, Runs
from nbprod.model import State

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_run_cancelled_before_its_python_has_started_is_cancelled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What Python loads before all else, and leaves with 1 and a traceback if interrupted there.
    begun = tmp_path / "begun"
    program = f"import time\nopen({str(begun)!r}, 'w').close()\ntime.sleep(600)"
    (tmp_path / "sitecustomize.py").write_text(program)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    notebook = write_notebook(tmp_path / "a.ipynb", "x = 1")

    async def cancelled() -> Progress:
        runs = Runs(tell=lambda _: None)
        found = runs.start("a.ipynb", notebook, Order())
        async with asyncio.timeout(60):
            # A file tells nobody that it is there; and only a run that the server holds is interrupted.
            while found.state is not State.RUNNING or not begun.exists():
                found = await runs.after(found.id, found.turn, patience_seconds=0.02) or found
            found = await runs.cancel(found.id)
            while not found.is_settled:
                found = await runs.after(found.id, found.turn, patience_seconds=60)
        return found

    ended = asyncio.run(cancelled())
    assert (ended.state, ended.error) == (State.CANCELLED, "")
