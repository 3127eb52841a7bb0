"""A Jupyter server with the extension, asked over HTTP, and the description that its answers must fit."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import yaml
from msgspec import Struct

from nbprod.faces import server as server_package

if TYPE_CHECKING:
    from collections.abc import Iterator

TOKEN = "a-token-for-tests"  # noqa: S105 - of a server that lives for these tests
DESCRIBED = yaml.safe_load(
    Path(server_package.__file__).with_name("openapi.yaml").read_text(encoding="utf-8")
)


class Server(Struct, frozen=True):
    url: str
    root: Path

    def request(
        self, path: str, body: object = None, *, token: str = TOKEN, method: str | None = None, **headers: str
    ) -> urllib.request.Request:
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/nbprod/api/v1/{path}", data=data, method=method)  # noqa: S310
        if token:
            request.add_header("Authorization", f"token {token}")
        for name, value in headers.items():
            request.add_header(name.replace("_", "-"), value)
        return request

    def ask(
        self, path: str, body: object = None, *, token: str = TOKEN, method: str | None = None, **headers: str
    ) -> tuple[int, Any]:
        """The status and the answer, as JSON where it is JSON."""
        request = self.request(path, body, token=token, method=method, **headers)
        try:
            with urllib.request.urlopen(request, timeout=60) as reply:  # noqa: S310
                return reply.status, _read(reply.read())
        except urllib.error.HTTPError as error:
            with error:
                return error.code, _read(error.read())


def _read(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        return data.decode()


@contextmanager
def serving(home: Path, *options: str, python_path: str = "") -> Iterator[Server]:
    """A Jupyter server of its own on an empty folder."""
    root = home / "root"
    root.mkdir()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        *(sys.executable, "-m", "jupyter_server", "--allow-root", "--no-browser", f"--port={port}"),
        *(f"--ServerApp.root_dir={root}", f"--IdentityProvider.token={TOKEN}", "--ServerApp.ip=127.0.0.1"),
        *options,
    ]
    environment = {
        **os.environ,
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": str(home / "run"),
    }
    if python_path:
        environment["PYTHONPATH"] = os.pathsep.join([python_path, os.environ.get("PYTHONPATH", "")])
    with (home / "log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
        try:
            found = Server(url=f"http://127.0.0.1:{port}", root=root)
            _wait_for(found, process, home / "log")
            yield found
        finally:
            process.terminate()
            process.wait(20)


def _wait_for(server: Server, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(1200):
        try:
            if server.ask("version")[0] in (200, 403):
                return
        except urllib.error.URLError:
            pass
        assert process.poll() is None, log.read_text()
        time.sleep(0.05)
    raise AssertionError(log.read_text())


def assert_described(answer: Any, status: int, route: str, method: str) -> None:
    """The answer is as the description of the route says."""
    described = DESCRIBED["paths"][f"/nbprod/api/v1{route}"][method]["responses"][str(status)]
    if "$ref" in described:
        described = DESCRIBED["components"]["responses"][described["$ref"].rsplit("/", 1)[1]]
    schema = described["content"]["application/json"]["schema"]
    jsonschema.validate(answer, {**schema, "components": DESCRIBED["components"]})
