"""The store on an S3 server over real HTTP; skipped where s3fs and moto are not installed."""

import hashlib
import socket
from pathlib import Path

import pytest
from plans import stage, written

from nbprod.artifacts.store import store_at
from nbprod.errors import StoreError
from nbprod.model import State
from nbprod.running import collect, run

pytest.importorskip("s3fs")
moto_server = pytest.importorskip("moto.server")

# Sockets that s3fs and moto close when their threads please.
pytestmark = pytest.mark.filterwarnings("ignore")
KEY, SECRET = "access-key-of-the-test", "secret-key-of-the-test"
ADDRESS = "s3://artifacts/nbprod"


def _own_address() -> str:
    """An address of this machine that is none of its loop's, if it has one."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return "127.0.0.2"
        return probe.getsockname()[0]


@pytest.fixture
def bucket(monkeypatch):
    """The address of a running S3 server that has the bucket, known by the environment."""
    server = moto_server.ThreadedMotoServer(port=0)
    server.start()
    _, port = server.get_host_and_port()
    # Not by the name of this machine's loop: what a stage says to the store must not count as the network.
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{_own_address()}:{port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    import s3fs

    s3fs.S3FileSystem.clear_instance_cache()
    files = s3fs.S3FileSystem()
    # The server's buckets outlive it within one process.
    if files.exists("artifacts"):
        files.rm("artifacts", recursive=True)
    files.mkdir("artifacts")
    yield files
    server.stop()
    s3fs.S3FileSystem.clear_instance_cache()


def ran(folder: Path, plan):
    return run(plan, plan_folder=folder / "plan", root=folder, store=ADDRESS)


def chain(folder: Path):
    return written(
        folder,
        stage("load", "import pandas as pd\nrows = pd.DataFrame({'a': [1, 2]})", gives="rows"),
        stage("train", "model = int(rows.a.sum())", needs={"rows": "load"}, gives="model"),
    )


def test_run_keeps_its_artifacts_there_and_finds_them_again(bucket, tmp_path):
    first, second = ran(tmp_path, chain(tmp_path)), ran(tmp_path, chain(tmp_path))
    kept = {path.rpartition("/")[2] for path in bucket.find("artifacts/nbprod/objects")}
    assert (first.state, second.state) == (State.DONE, State.CACHED)
    assert kept == {artifact.digest for one in first.stages for artifact in one.artifacts}
    assert not (tmp_path / ".nbprod/store").exists()


def test_credentials_stand_in_no_file_that_is_kept(bucket, tmp_path):
    ran(tmp_path, chain(tmp_path))
    kept = [path for path in (tmp_path / ".nbprod").rglob("*") if path.is_file()]
    kept_bytes = [path.read_bytes() for path in kept] + [
        bucket.cat(path) for path in bucket.find("artifacts")
    ]
    assert not any(secret.encode() in data for data in kept_bytes for secret in (KEY, SECRET))


def test_damaged_object_is_refused(bucket):
    digest, _ = store_at(ADDRESS).put(lambda path: path.write_bytes(b"whole"))
    wrong = hashlib.sha256(b"other").hexdigest()
    bucket.pipe(f"artifacts/nbprod/objects/{wrong[:2]}/{wrong}", b"damaged")
    assert store_at(ADDRESS).path(digest).read_bytes() == b"whole"
    with pytest.raises(StoreError, match="damaged"):
        store_at(ADDRESS).path(wrong)


@pytest.mark.usefixtures("bucket")
def test_missing_object_is_said():
    with pytest.raises(StoreError, match="missing"):
        store_at(ADDRESS).path("0" * 64)


@pytest.mark.usefixtures("bucket")
def test_server_that_is_gone_is_said_with_a_remedy(monkeypatch):
    import s3fs

    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    s3fs.S3FileSystem.clear_instance_cache()
    with pytest.raises(StoreError, match=r"refused to write.*Check the address"):
        store_at(ADDRESS).put(lambda path: path.write_bytes(b"x"))


def test_collecting_removes_what_nothing_refers_to(bucket, tmp_path):
    ran(tmp_path, chain(tmp_path))
    store_at(ADDRESS).put(lambda path: path.write_bytes(b"nobody's"))
    assert collect(root=tmp_path, store=ADDRESS, grace_seconds=-1e6).removed == 1
    assert len(bucket.find("artifacts/nbprod/objects")) == 2
