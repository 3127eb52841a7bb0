"""JSON: None, booleans, numbers, strings, lists and dictionaries by string, where the round trip is exact."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from nbprod.artifacts.format import Format, NotExact
from nbprod.artifacts.plain import is_plain

if TYPE_CHECKING:
    from pathlib import Path

_KINDS = (str, bool, int, float, list, dict, type(None))


def _takes(value: object) -> bool:
    return type(value) in _KINDS


def _write(value: object, path: Path) -> None:
    if not is_plain(value):
        raise NotExact("JSON would change a type or part what is shared")
    try:
        path.write_text(json.dumps(value, indent=1), encoding="utf-8")
    except (ValueError, RecursionError) as error:
        # An integer past Python's digit limit, or nesting past its stack.
        raise NotExact(str(error)) from error


def _read(path: Path) -> object:
    return json.loads(path.read_text(encoding="utf-8"))


FORMAT = Format(name="json", takes=_takes, write=_write, read=_read)
