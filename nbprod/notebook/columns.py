"""Columns within a line: Python's syntax trees count bytes, nbprod counts code points."""

from __future__ import annotations


def code_points(line: str, utf8_bytes: int) -> int:
    """The column in code points of a place that lies so many UTF-8 bytes into the line."""
    return utf8_bytes if line.isascii() else len(line.encode()[:utf8_bytes].decode(errors="ignore"))
