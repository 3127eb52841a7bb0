"""The store on an S3 server over real HTTP; skipped where s3fs and moto are not installed."""

import hashlib
from pathlib import Path

import pytest
from plans import stage, written
from s3_server import ADDRESS, HUSHED, KEY, Moods, server

from nbprod.artifacts.store import store_at
from nbprod.errors import StoreError
from nbprod.model import State
from nbprod.running import collect, run

pytest.importorskip("s3fs")
pytest.importorskip("moto.server")

# Sockets that s3fs and moto close when their threads please.
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def shop():
    """A running S3 server that has the bucket, known by the environment."""
    with server() as found:
        yield found


@pytest.fixture
def bucket(shop):  # noqa: ARG001 - the server must run
    """The file system of that server."""
    import s3fs

    yield s3fs.S3FileSystem()
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
    assert not any(secret.encode() in data for data in kept_bytes for secret in (KEY, HUSHED))


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


def test_server_that_refuses_some_requests_is_asked_again(shop):
    shop.moods = Moods(refuses=0.3)
    store = store_at(ADDRESS)
    given = {store.put(lambda path, n=n: path.write_bytes(b"%d" % n))[0]: n for n in range(25)}
    found = {digest: store.is_intact(digest) for digest in given}
    assert (len(given), all(found.values()), shop.refused > 10) == (25, True, True)


def test_server_that_refuses_all_ends_the_run_with_a_reason_and_it_resumes(shop, tmp_path):
    shop.moods = Moods(refuses=1.0)
    (load, train) = ran(tmp_path, chain(tmp_path)).stages
    assert (load.state, train.state) == (State.FAILED, State.SKIPPED)
    assert "The store refused to write" in load.reason
    shop.moods = Moods()
    assert ran(tmp_path, chain(tmp_path)).state is State.DONE


def test_slow_answers_change_nothing(shop, tmp_path):
    expected = ran(tmp_path / "quick", chain(tmp_path / "quick"))
    shop.moods = Moods(dawdles=0.5, seconds=0.5)
    slow = ran(tmp_path / "slow", chain(tmp_path / "slow"))
    assert [one.artifacts for one in slow.stages] == [one.artifacts for one in expected.stages]
