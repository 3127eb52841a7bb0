"""An S3 server over real HTTP whose mood can be bad: moto behind a proxy that refuses requests, or dawdles."""

import os
import random
import socket
import threading
import time
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from msgspec import Struct, field

KEY, HUSHED = "access-key-of-the-test", "secret-key-of-the-test"
ADDRESS = "s3://artifacts/nbprod"
_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length"}


class Moods(Struct, frozen=True, kw_only=True):
    """How large a share of requests is refused (503), and of how large a share the answer comes late."""

    refuses: float = 0.0
    dawdles: float = 0.0
    seconds: float = 0.0


CALM = Moods()


class Server(Struct):
    """A running server: its address as a store, its moods, and how many requests it has heard and refused."""

    address: str = ADDRESS
    moods: Moods = CALM
    asked: int = 0
    refused: int = 0
    chance: random.Random = field(default_factory=lambda: random.Random(1))  # noqa: S311 - moods, not secrets
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answer_is(self) -> str:
        """What becomes of the next request: `refused`, `late` or `good`."""
        with self.lock:
            self.asked += 1
            lot = self.chance.random()
            if lot < self.moods.refuses:
                self.refused += 1
                return "refused"
            return "late" if lot < self.moods.refuses + self.moods.dawdles else "good"


@contextmanager
def server(moods: Moods = CALM):
    """A running server that has the bucket; the environment says where it is and with which key it opens."""
    from moto.server import ThreadedMotoServer

    moto = ThreadedMotoServer(port=0)
    moto.start()
    found = Server()
    # Not by the name of this machine's loop: what a stage says to the store must not count as the network.
    proxy = ThreadingHTTPServer((_own_address(), 0), _proxy(found, moto.get_host_and_port()[1]))
    proxy.daemon_threads = True
    threading.Thread(target=proxy.serve_forever, daemon=True).start()
    variables = {
        "AWS_ENDPOINT_URL": f"http://{proxy.server_address[0]}:{proxy.server_address[1]}",
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": HUSHED,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_MAX_ATTEMPTS": "1",
    }
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        _with_bucket()
        found.moods = moods
        yield found
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
        proxy.shutdown()
        proxy.server_close()
        moto.stop()


def _with_bucket():
    import s3fs

    s3fs.S3FileSystem.clear_instance_cache()
    files = s3fs.S3FileSystem()
    # The server's buckets outlive it within one process.
    if files.exists("artifacts"):
        files.rm("artifacts", recursive=True)
    files.mkdir("artifacts")


def _own_address() -> str:
    """An address of this machine that is none of its loop's, if it has one."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return "127.0.0.2"
        return probe.getsockname()[0]


def _proxy(found: Server, port: int) -> type[BaseHTTPRequestHandler]:
    class Proxy(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            match found.answer_is():
                case "refused":
                    self.send_error(503, "Service Unavailable")
                    return
                case "late":
                    time.sleep(found.moods.seconds)
                case _:
                    pass
            upstream = HTTPConnection("127.0.0.1", port, timeout=60)
            upstream.request(self.command, self.path, body=body, headers=dict(self.headers))
            reply = upstream.getresponse()
            data = reply.read()
            upstream.close()
            self.send_response(reply.status, reply.reason)
            for name, value in reply.getheaders():
                if name.lower() not in _HOP_BY_HOP:
                    self.send_header(name, value)
            length = reply.getheader("Content-Length") if self.command == "HEAD" else None
            self.send_header("Content-Length", length or str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            return

    for verb in ("GET", "PUT", "POST", "HEAD", "DELETE"):
        setattr(Proxy, f"do_{verb}", Proxy.handle_any)
    return Proxy
