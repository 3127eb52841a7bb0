"""The kernel provisioner `nbprod-fork`: kernels forked from a warm process, ordinary ones where that cannot be.

A kernelspec that names it in `metadata.kernel_provisioner.provisioner_name` uses it with any Jupyter client. Which
modules are warm it says in the environment variable NBPROD_PRELOAD, separated by commas; with NBPROD_WATCH a forked
kernel notes from the beginning which files it reads.
"""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any

from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from nbprod.running.warm import ForkedProcess, WarmError, can_fork, preloadable, servers

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME = "nbprod-fork"
PRELOAD = "NBPROD_PRELOAD"
WATCH = "NBPROD_WATCH"
_FIRST_PAUSES = (0.002,) * 20


class ForkProvisioner(LocalProvisioner):
    """Jupyter's own local provisioner with another way to start the process and a quicker way to see it end."""

    # Whether the kernel notes already what it reads.
    is_watched = False

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
        if not can_fork(cmd):
            return await super().launch_kernel(cmd, **kwargs)
        environment = dict(kwargs.get("env") or os.environ)
        preload = preloadable(filter(None, environment.get(PRELOAD, "").split(",")))
        arguments = cmd[cmd.index("ipykernel_launcher") + 1 :]
        watches = bool(environment.pop(WATCH, ""))
        cwd = kwargs.get("cwd") or os.getcwd()  # noqa: PTH109 - text is what the request carries
        try:
            server = servers().server(preload=preload, environment=environment)
            process = ForkedProcess(
                server, arguments=arguments, environment=environment, cwd=str(cwd), watches=watches
            )
        except WarmError:
            return await super().launch_kernel(cmd, **kwargs)
        self.process = process  # type: ignore[assignment] # it has the manners of Popen
        self.pid = self.pgid = process.pid
        self.is_watched = watches
        return self.connection_info

    async def kill(self, restart: bool = False) -> None:  # noqa: FBT001, FBT002 - jupyter_client's signature
        await super().kill(restart=restart)
        if isinstance(self.process, ForkedProcess):
            # A killed kernel is gone in milliseconds; jupyter_client would look again after a tenth of a second.
            for pause in _FIRST_PAUSES:
                if self.process.poll() is not None:
                    return
                await asyncio.sleep(pause)

    async def wait(self) -> int | None:
        if not isinstance(self.process, ForkedProcess):
            return await super().wait()
        for pause in _pauses():
            if self.process.poll() is not None:
                break
            await asyncio.sleep(pause)
        code = self.process.wait()
        self.process = None
        return code


def _pauses() -> Iterator[float]:
    """One that is asked to end may take its time."""
    yield from _FIRST_PAUSES
    while True:
        yield 0.05
