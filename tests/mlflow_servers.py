"""A real MLflow server, started for a test."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

# The server's pages are the full package's, which may live in an environment of its own.
SERVER = os.environ.get("NBPROD_MLFLOW_SERVER") or shutil.which(
    "mlflow", path=str(Path(sys.executable).parent)
)


@contextmanager
def mlflow_server(home: Path) -> Iterator[str]:
    """The address of an MLflow server that keeps what it is told in a folder; skips where there is none."""
    if SERVER is None:
        pytest.skip("mlflow, which has the server, is not installed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [SERVER, "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{home}/server.sqlite"]
    command += ["--artifacts-destination", str(home / "kept")]
    # Its own workers for jobs of language models are nothing to us, and take it half a minute.
    quiet = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    log = home / "server.log"
    with log.open("w") as told:
        process = subprocess.Popen(command, cwd=home, env=quiet, stdout=told, stderr=told)
    address = f"http://127.0.0.1:{port}"
    try:
        _await(f"{address}/health", process=process, log=log)
        yield address
    finally:
        process.terminate()
        process.wait(30)


def _await(address: str, *, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(600):
        if process.poll() is not None:
            last = log.read_text().strip().splitlines()[-1]
            if last.startswith("ModuleNotFoundError"):
                pytest.skip(f"mlflow is here, but what its server needs is not: {last}")
            raise RuntimeError(last)
        try:
            with urllib.request.urlopen(address, timeout=1):  # noqa: S310 - our own server
                return
        except OSError:
            time.sleep(0.5)
    raise TimeoutError(address)
