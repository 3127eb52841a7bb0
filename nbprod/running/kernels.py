"""Which kernel manager starts a stage's kernel."""

from __future__ import annotations


def manager_class(kernel_name: str, *, preload: tuple[str, ...]) -> str:
    """The class that starts the kernel."""
    del kernel_name, preload
    return "jupyter_client.manager.AsyncKernelManager"
