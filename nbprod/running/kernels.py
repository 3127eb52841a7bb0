"""Which kernel manager starts a stage's kernel: one that forks, over sockets in the file system."""

from __future__ import annotations

import os
import tempfile
import time
import uuid
from importlib.metadata import EntryPoint
from pathlib import Path
from queue import Empty
from typing import Any

from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning.factory import KernelProvisionerFactory
from jupyter_core.paths import jupyter_path

from nbprod.artifacts.once import once
from nbprod.running.provisioner import NAME as PROVISIONER
from nbprod.running.warm import can_fork

# The same as in this package's metadata, for a checkout that was installed before it had one.
_ENTRY = EntryPoint(
    name=PROVISIONER,
    value="nbprod.running.provisioner:ForkProvisioner",
    group=KernelProvisionerFactory.GROUP_NAME,
)


_ANSWER_SECONDS = 1.0
_QUIET_SECONDS = 0.2


class Specs(KernelSpecManager):
    """Jupyter's own keeper of kernelspecs, which loads the whole of IPython to learn where a folder of its lies."""

    def _kernel_dirs_default(self) -> list[str]:
        if Path(os.environ.get("XDG_CONFIG_HOME") or "~/.config", "ipython").expanduser().exists():
            # Where IPython was at home until 2014: only IPython itself knows which one counts.
            return super()._kernel_dirs_default()
        own = os.environ.get("IPYTHONDIR", "~/.ipython")
        return [*jupyter_path("kernels"), os.path.join(os.path.normpath(Path(own).expanduser()), "kernels")]  # noqa: PTH118


class PromptClient(AsyncKernelClient):
    """Jupyter's client, but a kernel is ready when it says so: the usual one listens for a fifth of a second more."""

    async def _async_wait_for_ready(self, timeout: float | None = None) -> None:  # noqa: ASYNC109 - as it overrides
        """Return once the kernel has answered and its outputs are heard.

        Raises RuntimeError where it dies or `timeout` seconds go by.
        """
        latest = time.monotonic() + (float("inf") if timeout is None else timeout)
        while not await self._answered(str(self.kernel_info())):
            if not await self._async_is_alive():
                raise RuntimeError("Kernel died before replying to kernel_info")
            if time.monotonic() > latest:
                raise RuntimeError(f"Kernel didn't respond in {timeout:g} seconds")

    wait_for_ready = _async_wait_for_ready

    async def _answered(self, request: str) -> bool:
        """Whether the kernel has answered this request in time, and what it publishes arrives."""
        try:
            reply = await self.get_shell_msg(timeout=_ANSWER_SECONDS)
        except Empty:
            return False
        if reply["msg_type"] != "kernel_info_reply" or not await self._hears(request):
            return False
        self._handle_kernel_info_reply(reply)
        return True

    async def _hears(self, request: str) -> bool:
        """Whether anything is heard; returns with the word that ends the request, or when all is quiet."""
        is_heard = False
        while True:
            try:
                message = await self.get_iopub_msg(timeout=_QUIET_SECONDS)
            except Empty:
                return is_heard
            is_heard = True
            is_of_request = message["parent_header"].get("msg_id") == request
            if is_of_request and message["content"].get("execution_state") == "idle":
                return True


class ColdManager(AsyncKernelManager):
    """Starts ordinary kernels over `ipc` sockets: over TCP, one start in a hundred lost a race for its port."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.client_factory = PromptClient
        self.kernel_spec_manager = Specs(data_dir=self.data_dir)
        if _has_ipc():
            self.transport = "ipc"
            self.ip = f"{_sockets().name}/{uuid.uuid4().hex[:12]}"


class LeanManager(ColdManager):
    """The same, but forks kernels where it can."""

    @property
    def kernel_spec(self) -> KernelSpec | None:
        """The kernelspec as installed, but by the forking provisioner where it is of this very interpreter."""
        if self._kernel_spec is None:
            spec = super().kernel_spec
            if spec is not None and can_fork(spec.argv) and not spec.metadata.get("kernel_provisioner"):
                KernelProvisionerFactory.provisioners.setdefault(PROVISIONER, _ENTRY)
                metadata = {**spec.metadata, "kernel_provisioner": {"provisioner_name": PROVISIONER}}
                spec = KernelSpec(
                    **{**spec.to_dict(), "metadata": metadata, "resource_dir": spec.resource_dir}
                )
            self._kernel_spec = spec
        return self._kernel_spec


@once
def _sockets() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="nbk-")


def _has_ipc() -> bool:
    import zmq

    return bool(zmq.has("ipc"))
