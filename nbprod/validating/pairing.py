"""What an entity's features were in training beside what they were when served, as one table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbprod.errors import SuiteError
from nbprod.expectations.skewing import SERVED
from nbprod.validating.tables import Limits, opened

if TYPE_CHECKING:
    from collections.abc import Sequence


def paired(trained: object, served: object, *, entity: Sequence[str], limits: Limits | None = None) -> Any:
    """An Arrow table of the rows that both have, by the columns of `entity`: names once, features twice.

    What was served is called `..._served`. Time belongs to the entity where features change with it: an entity that one
    side has twice is refused, with SuiteError, as nothing would say which row goes with which.
    """
    import ibis

    keys, bounds = list(entity), limits or Limits()
    with opened(trained, limits=bounds) as here, opened(served, limits=bounds) as there:
        for side, table in (("training", here.table), ("serving", there.table)):
            _refuse_unknown(side, table, keys)
            _refuse_twice(side, table, keys)
        both = [name for name in here.table.columns if name in there.table.columns and name not in keys]
        log = ibis.memtable(there.table.select(*keys, *both).to_pyarrow())
        renamed = log.rename({name + SERVED: name for name in both})
        joined = here.table.select(*keys, *both).inner_join(renamed, keys)
        names = [*keys, *(name for one in both for name in (one, one + SERVED))]
        return joined.select(*names).to_pyarrow()


def _refuse_unknown(side: str, table: Any, keys: list[str]) -> None:
    missing = [key for key in keys if key not in table.columns]
    if missing or not keys:
        raise SuiteError(
            f"The {side} table has no column '{missing[0]}'."
            if missing
            else "No column tells entities apart.",
            remedy="Name the columns that both tables have and that together tell their rows apart.",
        )


def _refuse_twice(side: str, table: Any, keys: list[str]) -> None:
    counts = table.group_by(keys).aggregate(nbprod_count=table.count())
    found = counts.filter(counts.nbprod_count > 1).order_by(keys).limit(1).to_pyarrow().to_pylist()
    if found:
        said = ", ".join(f"{key} {found[0][key]}" for key in keys)
        raise SuiteError(
            f"The {side} table has {found[0]['nbprod_count']} rows of {said}.",
            remedy="Name the time as well, so that each row has one counterpart.",
        )
