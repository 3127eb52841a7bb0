"""The monitor asked to look: in a process of its own, as it loads models and reads every batch's rows."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

from nbprod.faces.server.processes import said_last

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from pathlib import Path

    Watched = tuple[Path, str]

PATIENCE_SECONDS = 10.0


class Watches:
    """What is being looked at, one after another; a model is known by its project's folder and its name."""

    def __init__(self) -> None:
        self._tasks: dict[Watched, asyncio.Task[None]] = {}
        self._problems: dict[Watched, str] = {}
        self._processes: set[Process] = set()
        self._turn = asyncio.Lock()

    def is_looking(self, watched: Watched) -> bool:
        """Whether the monitor looks at the model, or is about to."""
        return watched in self._tasks

    def problem(self, watched: Watched) -> str:
        """Why the last look at the model came to nothing; empty where it came to its end."""
        return self._problems.get(watched, "")

    def look(self, watched: Watched, *, labels: Path | None, served: Path | None) -> None:
        """Let the monitor look at a model; who asks meanwhile gets that look."""
        if watched in self._tasks:
            return
        root, model = watched
        given = {"--labels": labels, "--served": served}
        options = [f"{name}={file}" for name, file in given.items() if file is not None]
        command = (
            *(sys.executable, "-m", "nbprod", "monitor"),
            f"--root={root}",
            *options,
            f"{model}@champion",
        )
        self._problems.pop(watched, None)
        task = asyncio.get_running_loop().create_task(self._go(watched, command))
        self._tasks[watched] = task
        task.add_done_callback(lambda _: self._tasks.pop(watched, None))

    async def stop(self) -> None:
        """End what goes on: the server goes down."""
        for task in self._tasks.values():
            task.cancel()
        for process in list(self._processes):
            process.terminate()
            try:
                await asyncio.wait_for(process.wait(), PATIENCE_SECONDS)
            except TimeoutError:
                process.kill()

    async def _go(self, watched: Watched, command: tuple[str, ...]) -> None:
        async with self._turn:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
                start_new_session=True,
            )
            self._processes.add(process)
            try:
                said = await said_last(process.stderr)
                # 1 says that something wants attention
                if await process.wait() not in (0, 1):
                    self._problems[watched] = (
                        said.removeprefix("error: ") or "The monitor ended without a word."
                    )
            finally:
                if process.returncode is not None:
                    self._processes.discard(process)
