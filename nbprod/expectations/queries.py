"""What the queries in proposed suites have in common."""

from __future__ import annotations


def quoted(name: str) -> str:
    """A column's name as SQL has it."""
    return '"' + name.replace('"', '""') + '"'
