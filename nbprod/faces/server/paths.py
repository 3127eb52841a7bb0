"""Paths that a page sends, held inside the folder that the server serves."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from nbprod.errors import NbprodError


class OutsideError(NbprodError):
    """A path that leads out of the folder it must stay in."""


def inside(folder: Path, path: object) -> Path:
    """The real file that a relative path names inside `folder`.

    Raises OutsideError for absolute paths, `..`, and links that lead out.
    """
    if not isinstance(path, str) or not path or "\0" in path or "\\" in path:
        raise OutsideError(f"{path!r} is no path.", remedy="Send a path relative to the server's folder.")
    parts = PurePosixPath(path)
    if parts.is_absolute() or ".." in parts.parts:
        raise OutsideError(f"'{path}' leads out of the folder.", remedy="Send a path relative to it.")
    root = folder.resolve()
    found = (root / parts).resolve()
    if not found.is_relative_to(root):
        raise OutsideError(
            f"'{path}' is a link that leads out of the folder.", remedy="Use a file inside it."
        )
    return found
