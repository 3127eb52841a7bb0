"""Things that a process has one of, made when first asked for, whichever thread asks."""

from __future__ import annotations

import functools
import threading
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Thing = TypeVar("Thing")


def once(make: Callable[[], Thing]) -> Callable[[], Thing]:
    """The function, made to run a single time.

    `functools.cache` alone runs it in every thread that asks while none has finished, and a folder made by one of
    them would be swept away under its user.
    """
    made, lock = functools.cache(make), threading.Lock()

    @functools.wraps(make)
    def ask() -> Thing:
        with lock:
            return made()

    return ask
