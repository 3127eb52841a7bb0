"""Every format, in the order in which a value is offered to them; pickle, in `bundle`, takes what they refuse.

A third party adds one by an entry point in the group `nbprod.artifact_formats` that names a `Format`.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from nbprod.artifacts.formats import (
    arrow,
    ibis_table,
    json_value,
    npy,
    npy_scalar,
    parquet,
    polars_table,
    skops_model,
)
from nbprod.errors import StoreError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nbprod.artifacts.format import Format

OWN: tuple[Format, ...] = (
    json_value.FORMAT,
    parquet.FORMAT,
    polars_table.FORMAT,
    arrow.FORMAT,
    ibis_table.FORMAT,
    npy.FORMAT,
    npy.READ_ONLY,
    npy_scalar.FORMAT,
    skops_model.FORMAT,
)


def formats_for(value: object) -> Iterator[Format]:
    """The formats that may hold the value, those of third parties last."""
    own = [one for one in OWN if one.takes(value)]
    yield from own
    if not own:
        yield from (one for one in _others() if one.takes(value))


def format_named(name: str) -> Format:
    """The format of that name; raises StoreError if no installed package has it."""
    for one in OWN:
        if one.name == name:
            return one
    for one in _others():
        if one.name == name:
            return one
    known = [one.name for one in (*OWN, *_others())]
    raise StoreError(
        f"No installed package reads the format '{name}'. {did_you_mean(name, known)}".rstrip(),
        remedy="Install the package that wrote it.",
    )


@functools.cache
def _others() -> tuple[Format, ...]:
    # Looking at every installed package costs tens of milliseconds: only where no format here fits.
    from importlib.metadata import entry_points

    return tuple(
        point.load() for point in sorted(entry_points(group="nbprod.artifact_formats"), key=lambda p: p.name)
    )
