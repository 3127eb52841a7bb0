"""A store wherever fsspec reaches (S3, GCS, Azure, memory), read through verified local copies."""

from __future__ import annotations

import tempfile
import uuid
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbprod.artifacts.once import once
from nbprod.artifacts.store import digest_of
from nbprod.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_AGAIN = "Run the stage that gives it again."


class OwnTraffic:
    """Whether this process speaks to the network for the store's sake just now, and not for a notebook's."""

    def __init__(self) -> None:
        self.depth = 0


own_traffic = OwnTraffic()


@once
def _copies() -> tempfile.TemporaryDirectory[str]:
    """Local copies of what this process has read; gone when it ends."""
    return tempfile.TemporaryDirectory(prefix="nbprod-store-")


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteStore:
    """A store at an fsspec URL. Object stores put whole objects or none, so there is no renaming."""

    address: str

    def put(self, write: Callable[[Path], None]) -> tuple[str, int]:
        scratch = Path(_copies().name) / uuid.uuid4().hex
        try:
            write(scratch)
            digest, size = digest_of(scratch), scratch.stat().st_size
            files, root = self._files()
            place = f"{root}/objects/{digest[:2]}/{digest}"
            with self._asking("write", digest):
                files.makedirs(place.rpartition("/")[0], exist_ok=True)
                files.put_file(str(scratch), place)
            scratch.replace(Path(_copies().name) / digest)
        finally:
            scratch.unlink(missing_ok=True)
        return digest, size

    def path(self, digest: str) -> Path:
        copy = Path(_copies().name) / digest
        if not copy.exists():
            self._fetch(digest, copy)
        return copy

    def is_intact(self, digest: str) -> bool:
        files, root = self._files()
        with self._asking("find", digest):
            return bool(files.exists(f"{root}/objects/{digest[:2]}/{digest}"))

    def digests(self) -> Iterator[str]:
        files, root = self._files()
        with self._asking("list", ""):
            found = files.find(f"{root}/objects")
        return (place.rpartition("/")[2] for place in found)

    def sweep(self, *, older_than_seconds: float, dry_run: bool = False) -> int:  # noqa: ARG002 - nothing is ever half written there
        return 0

    def age_seconds(self, digest: str) -> float:
        files, root = self._files()
        with self._asking("find", digest):
            made = files.modified(f"{root}/objects/{digest[:2]}/{digest}")
        return float((datetime.now(made.tzinfo) - made).total_seconds())

    def bytes_of(self, digest: str) -> int:
        files, root = self._files()
        with self._asking("find", digest):
            return int(files.size(f"{root}/objects/{digest[:2]}/{digest}"))

    def remove(self, digest: str) -> int:
        files, root = self._files()
        place = f"{root}/objects/{digest[:2]}/{digest}"
        with self._asking("remove", digest):
            size = int(files.size(place))
            files.rm_file(place)
        return size

    def _fetch(self, digest: str, copy: Path) -> None:
        files, root = self._files()
        scratch = copy.with_name(f".{uuid.uuid4().hex}")
        try:
            with self._asking("read", digest):
                files.get_file(f"{root}/objects/{digest[:2]}/{digest}", str(scratch))
            found = digest_of(scratch)
            if found != digest:
                raise StoreError(
                    f"Object {digest[:12]} is damaged: its bytes have the digest {found[:12]}.",
                    where=self.address,
                    remedy=_AGAIN,
                )
            scratch.replace(copy)
        finally:
            scratch.unlink(missing_ok=True)

    def _asking(self, verb: str, digest: str) -> _Asking:
        return _Asking(address=self.address, verb=verb, digest=digest)

    def _files(self) -> tuple[Any, str]:
        import fsspec

        with self._asking("open", ""):
            files, root = fsspec.core.url_to_fs(self.address)
        return files, root.rstrip("/")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asking:
    """Says what was asked of a remote store when it refuses."""

    address: str
    verb: str
    digest: str

    def __enter__(self) -> None:
        own_traffic.depth += 1

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        own_traffic.depth -= 1
        match error:
            case FileNotFoundError():
                raise StoreError(
                    f"Object {self.digest[:12]} is missing.", where=self.address, remedy=_AGAIN
                ) from error
            case Exception():
                # Each of fsspec's file systems raises what its own client raises: they share no base.
                raise StoreError(
                    f"The store refused to {self.verb} object {self.digest[:12]}: {error}.",
                    where=self.address,
                    remedy="Check the address, the network and the credentials.",
                ) from error
            case _:
                return
