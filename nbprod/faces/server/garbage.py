"""Python's garbage collector kept out of answers: all that studies remember is much to go through, a fifth of a second."""

from __future__ import annotations

import gc
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

QUIET_SECONDS = 2.0
# Who writes without a pause makes garbage too.
MOST_LEFT = 60


class Garbage:
    """What answers leave behind is collected once nobody has asked for a while."""

    def __init__(self, *, quiet: float = QUIET_SECONDS) -> None:
        self._quiet = quiet
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None
        self._left = 0

    @contextmanager
    def left(self) -> Iterator[None]:
        """Leave garbage lying until nobody asks; what is there afterwards isn't looked through before that."""
        gc.disable()
        try:
            yield
        finally:
            gc.freeze()
            gc.enable()
            self._collect_later()

    def collect(self) -> None:
        """Collect all that has been left."""
        with self._lock:
            self._forget_timer()
            self._left = 0
        gc.unfreeze()
        gc.collect()
        gc.freeze()

    def _collect_later(self) -> None:
        with self._lock:
            self._left += 1
            if self._timer is not None and self._left > MOST_LEFT:
                return
            self._forget_timer()
            self._timer = threading.Timer(self._quiet, self.collect)
            self._timer.daemon = True
            self._timer.start()

    def _forget_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None
