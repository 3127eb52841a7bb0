"""What a process said on its way."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asyncio import StreamReader
    from collections.abc import AsyncIterator


async def lines_of(stream: StreamReader | None) -> AsyncIterator[bytes]:
    """Line by line what comes through, if anything does."""
    if stream is not None:
        async for line in stream:
            yield line


async def said_last(stream: StreamReader | None) -> str:
    """The last line that says anything: why the process ended, where it ended badly."""
    last = b""
    async for line in lines_of(stream):
        last = line.strip() or last
    return last.decode(errors="replace")
