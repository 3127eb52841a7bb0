"""Which kernel manager starts a stage's kernel: one that forks, over sockets in the file system."""

from __future__ import annotations

import tempfile
import uuid
from importlib.metadata import EntryPoint
from typing import Any

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning.factory import KernelProvisionerFactory

from nbprod.artifacts.once import once
from nbprod.running.provisioner import NAME as PROVISIONER
from nbprod.running.warm import can_fork

# The same as in this package's metadata, for a checkout that was installed before it had one.
_ENTRY = EntryPoint(
    name=PROVISIONER,
    value="nbprod.running.provisioner:ForkProvisioner",
    group=KernelProvisionerFactory.GROUP_NAME,
)


class ColdManager(AsyncKernelManager):
    """Starts ordinary kernels over `ipc` sockets: over TCP, one start in a hundred lost a race for its port."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
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
