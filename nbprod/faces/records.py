"""Records by the names people give them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbprod.errors import NbprodError, did_you_mean

if TYPE_CHECKING:
    import os

    from nbprod.model import Record

LAST = "last"


def record_named(run_id: str, *, root: str | os.PathLike[str]) -> Record:
    """The record of a run by its id, by the start of its id if only one starts so, or the `last` one."""
    from nbprod import api

    records = api.records(root)
    if not records:
        raise NbprodError("No run is recorded here yet.", where=str(root), remedy="Run with `nbprod run`.")
    if run_id == LAST:
        return records[0]
    found = [one for one in records if one.id.startswith(run_id)]
    exact = [one for one in found if one.id == run_id]
    if len(found) == 1 or exact:
        return (exact or found)[0]
    what = f"Several runs start with '{run_id}'." if found else f"There is no run '{run_id}'."
    near = did_you_mean(run_id, [one.id for one in found or records])
    raise NbprodError(what, where=str(root), remedy=near or "`nbprod runs` lists them.")
