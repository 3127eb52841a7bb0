"""One worker process for all replays here: starting one costs more than a replay."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nbprod.replaying.workers import Worker

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def worker() -> Iterator[Worker]:
    with Worker() as running:
        yield running
