"""A store wherever fsspec reaches (S3, GCS, Azure, memory), read through verified local copies."""

from __future__ import annotations

import tempfile
import time
import uuid
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from msgspec import Struct

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

    def __enter__(self) -> None:
        self.depth += 1

    def __exit__(self, *_: object) -> None:
        self.depth -= 1


own_traffic = OwnTraffic()


@once
def _copies() -> tempfile.TemporaryDirectory[str]:
    """Local copies of what this process has read; gone when it ends."""
    return tempfile.TemporaryDirectory(prefix="nbprod-store-")


# How long to wait before an action that failed is tried again [s]; every action here may be done twice.
_PAUSES = (0.1, 0.5, 2.0)
_Answer = TypeVar("_Answer")


class RemoteStore(Struct, frozen=True, kw_only=True):
    """A store at an fsspec URL. Object stores put whole objects or none, so there is no renaming."""

    address: str

    def put(self, write: Callable[[Path], None]) -> tuple[str, int]:
        scratch = Path(_copies().name) / uuid.uuid4().hex
        try:
            write(scratch)
            digest, size = digest_of(scratch), scratch.stat().st_size

            def upload(files: Any, place: str) -> None:
                files.makedirs(place.rpartition("/")[0], exist_ok=True)
                files.put_file(str(scratch), place)

            self._ask("write", digest, upload)
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
        return bool(self._ask("find", digest, lambda files, place: files.exists(place)))

    def digests(self) -> Iterator[str]:
        found = self._ask("list", "", lambda files, place: files.find(place.removesuffix("//")))
        return (place.rpartition("/")[2] for place in found)

    def sweep(self, *, older_than_seconds: float, dry_run: bool = False) -> int:  # noqa: ARG002 - nothing is ever half written there
        return 0

    def age_seconds(self, digest: str) -> float:
        made = self._ask("find", digest, lambda files, place: files.modified(place))
        return float((datetime.now(made.tzinfo) - made).total_seconds())

    def bytes_of(self, digest: str) -> int:
        return int(self._ask("find", digest, lambda files, place: files.size(place)))

    def remove(self, digest: str) -> int:
        size = self.bytes_of(digest)
        self._ask("remove", digest, lambda files, place: files.rm_file(place))
        return size

    def _fetch(self, digest: str, copy: Path) -> None:
        scratch = copy.with_name(f".{uuid.uuid4().hex}")
        try:
            self._ask("read", digest, lambda files, place: files.get_file(place, str(scratch)))
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

    def _ask(self, verb: str, digest: str, action: Callable[[Any, str], _Answer]) -> _Answer:
        """What the action gives on the file system and the object's place; a failing store is asked again and again.

        Raises StoreError that says what was asked for.
        """
        for pause in (*_PAUSES, None):
            try:
                with own_traffic:
                    files, root = _opened(self.address)
                    return action(files, f"{root}/objects/{digest[:2]}/{digest}")
            except FileNotFoundError as error:
                raise StoreError(
                    f"Object {digest[:12]} is missing.", where=self.address, remedy=_AGAIN
                ) from error
            except Exception as error:
                # Each of fsspec's file systems raises what its own client raises: they share no base.
                if pause is None or isinstance(error, PermissionError | ImportError | ValueError):
                    raise StoreError(
                        f"The store refused to {verb} object {digest[:12]}: {error}.",
                        where=self.address,
                        remedy="Check the address, the network and the credentials.",
                    ) from error
                time.sleep(pause)
        raise AssertionError


def _opened(address: str) -> tuple[Any, str]:
    import fsspec

    files, root = fsspec.core.url_to_fs(address)
    return files, root.rstrip("/")
