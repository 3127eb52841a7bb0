"""The store: bytes by their sha256, in a folder or wherever fsspec reaches. Every write is whole or absent."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from nbprod.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_AGAIN = "Run the stage that gives it again."


class Store(Protocol):
    """Where artifacts lie, by digest."""

    def put(self, write: Callable[[Path], None]) -> tuple[str, int]:
        """Store what `write` puts into the path it is given; the digest and the size in bytes."""

    def path(self, digest: str) -> Path:
        """A local file with these bytes, checked against the digest just now; raises StoreError."""

    def is_intact(self, digest: str) -> bool:
        """Whether what lies under that digest can be relied on; read through where that costs no network."""

    def digests(self) -> Iterator[str]:
        """Everything stored."""

    def sweep(self, *, older_than_seconds: float, dry_run: bool = False) -> int:
        """Remove what writers that were killed left behind; how many bytes it is, or would be."""

    def age_seconds(self, digest: str) -> float:
        """How long ago these bytes were put there last."""

    def bytes_of(self, digest: str) -> int:
        """How many bytes they are."""

    def remove(self, digest: str) -> int:
        """Forget these bytes; how many they were."""


def store_at(address: str) -> Store:
    """The store at a folder's path or an fsspec URL (`s3://bucket/prefix`)."""
    if "://" in address and not address.startswith("file://"):
        from nbprod.artifacts.remote import RemoteStore

        return RemoteStore(address=address)
    return FolderStore(folder=Path(address.removeprefix("file://")))


class FolderStore(Struct, frozen=True, kw_only=True):
    """A store in a folder: `objects/ab/abcd...`, written beside and renamed."""

    folder: Path

    def put(self, write: Callable[[Path], None]) -> tuple[str, int]:
        objects = self.folder / "objects"
        scratch = objects / f".{os.getpid()}-{uuid.uuid4().hex}"
        with writing(self.folder):
            objects.mkdir(parents=True, exist_ok=True)
            try:
                write(scratch)
                sync(scratch)
                digest, size = digest_of(scratch), scratch.stat().st_size
                place = self._place(digest)
                place.parent.mkdir(exist_ok=True)
                # An object already there is replaced: should it be damaged, it is whole again.
                scratch.replace(place)
                sync(place.parent)
            finally:
                scratch.unlink(missing_ok=True)
        return digest, size

    def path(self, digest: str) -> Path:
        place = self._place(digest)
        try:
            found = digest_of(place)
        except FileNotFoundError:
            raise StoreError(f"Object {digest[:12]} is missing.", where=str(place), remedy=_AGAIN) from None
        if found != digest:
            raise StoreError(
                f"Object {digest[:12]} is damaged: its bytes have the digest {found[:12]}.",
                where=str(place),
                remedy=_AGAIN,
            )
        return place

    def is_intact(self, digest: str) -> bool:
        try:
            return digest_of(self._place(digest)) == digest
        except OSError:
            return False

    def digests(self) -> Iterator[str]:
        return (file.name for file in (self.folder / "objects").glob("??/*"))

    def sweep(self, *, older_than_seconds: float, dry_run: bool = False) -> int:
        size = 0
        for scrap in (self.folder / "objects").glob(".*"):
            with contextlib.suppress(FileNotFoundError):
                state = scrap.stat()
                if time.time() - state.st_mtime > older_than_seconds:
                    if not dry_run:
                        scrap.unlink()
                    size += state.st_size
        return size

    def age_seconds(self, digest: str) -> float:
        return time.time() - self._place(digest).stat().st_mtime

    def bytes_of(self, digest: str) -> int:
        return self._place(digest).stat().st_size

    def remove(self, digest: str) -> int:
        place = self._place(digest)
        size = place.stat().st_size
        place.unlink()
        return size

    def _place(self, digest: str) -> Path:
        return self.folder / "objects" / digest[:2] / digest


def digest_of(path: Path) -> str:
    """sha256 of the file in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_atomically(path: Path, text: str, *, durable: bool = True) -> None:
    """Write the text beside the path and rename it there, so that a reader sees the old or the new, never half.

    What is not `durable` may be the old again after a loss of power, still never half. Whoever could read the old can
    read the new; a file that is new has the modes that files have here.
    """
    with writing(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch = path.with_name(f".{path.name}-{uuid.uuid4().hex[:12]}")
        try:
            with scratch.open("x", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            if path.exists():
                shutil.copymode(path, scratch)
            scratch.replace(path)
            if durable:
                sync(path.parent)
        finally:
            scratch.unlink(missing_ok=True)


@contextlib.contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Turns the machine's refusals (a full disk, no permission) into a StoreError."""
    try:
        yield
    except OSError as error:
        if error.errno is None:
            raise
        raise StoreError(
            f"Nothing can be written here: {os.strerror(error.errno)}.",
            where=str(folder),
            remedy="Make room or choose another place (`nbprod store gc` removes what no record refers to).",
        ) from error


def sync(path: Path) -> None:
    """Have the file's bytes, or the folder's entries, reach the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
