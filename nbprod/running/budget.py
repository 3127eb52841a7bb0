"""How much memory stages may have at once: those that would not fit beside the ones that run wait."""

from __future__ import annotations

import re
import threading

from msgspec import Struct, field

from nbprod.errors import NbprodError

_UNITS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_UNITS |= {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kKMGT]i?|)B?\Z")


def bytes_from(text: str) -> int:
    """The bytes that `4GB`, `512 MB`, `1.5GiB` or `800000` spell; raises NbprodError for anything else."""
    found = _SIZE.match(text.strip())
    unit = found[2].replace("K", "k").replace("ki", "Ki") if found else ""
    size = int(float(found[1]) * _UNITS[unit]) if found else 0
    if size < 1:
        raise NbprodError(f"'{text}' is no amount of memory.", remedy="Write it as 4GB, 512MB or 1.5GiB.")
    return size


class Budget(Struct, kw_only=True):
    """The memory that all stages under way may have together, of one run or of many.

    A stage whose need isn't known yet is taken to need all of it, and one that runs alone may need more.
    """

    bytes: int | None = None
    _taken: dict[str, int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, stage: str, expected: int | None) -> bool:
        """Set aside what the stage is expected to need, if it fits; `stage` is a name that no other has now."""
        if self.bytes is None:
            return True
        wanted = self.bytes if expected is None else expected
        with self._lock:
            if self._taken and sum(self._taken.values()) + wanted > self.bytes:
                return False
            self._taken[stage] = wanted
            return True

    def give_back(self, stage: str) -> None:
        """Let others have what was set aside."""
        with self._lock:
            self._taken.pop(stage, None)
