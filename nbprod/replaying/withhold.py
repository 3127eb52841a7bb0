"""Taking the future away from a table, or putting another one in its place.

A probe leaves every cell that is known at its cut as it is. *Withheld*: rows known only later are removed, cells
known only later are emptied. *Altered*: they stay but hold values beyond both extremes and levels never seen,
one run being enough for maxima, minima and vocabularies alike. *Permuted*: they change places among themselves.
Times, the entity and columns that never change within an entity stay: they are no news. So do identifiers and the
keys of joins: a row that takes another's identifier is no other future but a broken table.
"""

from __future__ import annotations

import contextlib
import re
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from msgspec import Struct

from nbprod.replaying.stamps import is_moment
from nbprod.replaying.tables import column_of, columns_of, kept, with_column

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from nbprod.replaying.known import Knowledge

_PROBE = re.compile(r"^(?P<kind>\w+)(?: by (?P<strength>[\d.]+))?(?: with seed (?P<seed>\d+))?$")
_FEW_LEVELS = 2
_LEVELS_OF_AN_ATTRIBUTE = 5
_PARSED = re.compile(r"^[\d\s.,:/+-]*\d[\d\s.,:/+TZ-]*$")


class ProbeKind(StrEnum):
    """What a run does to the future."""

    WHOLE = "whole"
    WITHHELD = "withheld"
    ALTERED = "altered"
    PERMUTED = "permuted"


class Probe(Struct, frozen=True, kw_only=True):
    """One run of the stage: what happens to all that is known only after `cut` (a stamp)."""

    kind: ProbeKind = ProbeKind.WHOLE
    cut: int = 0
    strength: float = 1.0
    seed: int = 0

    def __str__(self) -> str:
        match self.kind:
            case ProbeKind.WHOLE | ProbeKind.WITHHELD:
                return self.kind.value
            case ProbeKind.PERMUTED:
                return f"{self.kind} with seed {self.seed}"
            case ProbeKind.ALTERED:
                return f"{self.kind} by {self.strength:g} with seed {self.seed}"


def probe_of(text: str, *, cut: int) -> Probe:
    """The probe that `str` wrote, at its cut. Raises ValueError for any other text."""
    found = _PROBE.match(text)
    if found is None:
        raise ValueError(text)
    return Probe(
        kind=ProbeKind(found["kind"]),
        cut=cut,
        strength=float(found["strength"] or 1),
        seed=int(found["seed"] or 0),
    )


def probed(
    payload: Any,
    knowledge: Knowledge,
    probe: Probe,
    *,
    entity: str | None,
    keys: frozenset[str] = frozenset(),
) -> Any:
    """The table as the probe lets the stage see it; `keys` are columns that tables are joined on."""
    match probe.kind:
        case ProbeKind.WHOLE:
            return payload
        case ProbeKind.WITHHELD:
            return _withheld(payload, knowledge, probe.cut)
        case ProbeKind.ALTERED:
            return _changed(payload, knowledge, probe, entity=entity, keys=keys, change=_altered)
        case ProbeKind.PERMUTED:
            return _changed(payload, knowledge, probe, entity=entity, keys=keys, change=_permuted)


def rows_left(knowledge: Knowledge, probe: Probe) -> NDArray[np.intp]:
    """The numbers of the rows that a probe leaves in place, in order."""
    if probe.kind is not ProbeKind.WITHHELD:
        return np.arange(len(knowledge.rows))
    return np.flatnonzero(knowledge.rows <= probe.cut)


def _withheld(payload: Any, knowledge: Knowledge, cut: int) -> Any:
    for column, stamps in knowledge.cells.items():
        unknown = stamps > cut
        if unknown.any():
            payload = with_column(payload, column, _emptied(column_of(payload, column), unknown))
    return kept(payload, knowledge.rows <= cut)


def _emptied(values: Any, unknown: NDArray[np.bool_]) -> Any:
    if pd.api.types.is_bool_dtype(values.dtype):
        values = values.astype(object)
    return values.mask(pd.Series(unknown))


def _changed(
    payload: Any,
    knowledge: Knowledge,
    probe: Probe,
    *,
    entity: str | None,
    keys: frozenset[str],
    change: Callable[[Any, NDArray[np.bool_], Probe, np.random.Generator], Any],
) -> Any:
    later = knowledge.rows > probe.cut
    fixed = knowledge.sources | keys | ({entity} if entity else set())
    attributes = _attributes(payload, fixed=fixed, entity=entity)
    for number, column in enumerate(columns_of(payload)):
        unknown = later | (knowledge.cells[column] > probe.cut) if column in knowledge.cells else later
        values = column_of(payload, column)
        if column in fixed or column in attributes or is_moment(values) or not unknown.any():
            continue
        # one permutation for all columns: what was measured together stays together
        draws = np.random.default_rng([probe.seed, number if probe.kind is ProbeKind.ALTERED else 0])
        # a column of a type that can't hold what is put in its place stays as it is
        with contextlib.suppress(TypeError, ValueError, NotImplementedError):
            payload = with_column(payload, column, change(values, unknown, probe, draws))
    return payload


def _attributes(payload: Any, *, fixed: frozenset[str] | set[str], entity: str | None) -> set[str]:
    """Columns that are constant, that identify the row, or that are constant within each entity."""
    columns = {name: column_of(payload, name) for name in columns_of(payload) if name not in fixed}
    constant = {name for name, values in columns.items() if _is_constant(values) or _identifies(values)}
    key = column_of(payload, entity) if entity else None
    if key is None:
        return constant
    codes = pd.factorize(key)[0]
    if np.bincount(codes[codes >= 0]).max(initial=0) < _LEVELS_OF_AN_ATTRIBUTE:
        return constant
    return constant | {name for name, values in columns.items() if _is_settled_by(values, codes)}


def _is_settled_by(values: Any, codes: NDArray[np.intp]) -> bool:
    levels = pd.factorize(values.astype(str) if pd.api.types.is_object_dtype(values.dtype) else values)[0]
    pairs = pd.DataFrame({"key": codes, "level": levels})
    pairs = pairs[(pairs["level"] >= 0) & (pairs["key"] >= 0)].drop_duplicates()
    return bool(pairs["key"].is_unique)


def _is_constant(values: Any) -> bool:
    present = values[values.notna()]
    if pd.api.types.is_object_dtype(present.dtype):
        present = present.astype(str)
    return len(present) == 0 or bool((present == present.iloc[0]).all())


def _identifies(values: Any) -> bool:
    """Whether a column holds whole numbers or words, each once."""
    if len(values) < _LEVELS_OF_AN_ATTRIBUTE or values.isna().any():
        return False
    if pd.api.types.is_integer_dtype(values.dtype):
        return bool(values.is_unique)
    is_text = isinstance(values.dtype, pd.StringDtype) or pd.api.types.is_object_dtype(values.dtype)
    return (
        is_text
        and not any(" " in str(value) for value in values.head(50))
        and bool(values.astype(str).is_unique)
    )


def _altered(values: Any, unknown: NDArray[np.bool_], probe: Probe, draws: np.random.Generator) -> Any:
    changed = values.copy()
    where = unknown & values.notna().to_numpy()
    if not where.any():
        return changed
    present = values[values.notna()]
    if pd.api.types.is_bool_dtype(values.dtype):
        changed[where] = ~values[where].astype(bool)
    elif pd.api.types.is_timedelta64_dtype(values.dtype):
        changed[where] = values[where] * 3
    elif pd.api.types.is_numeric_dtype(values.dtype):
        return _with_numbers(changed, where, present, probe, draws)
    elif isinstance(values.dtype, pd.CategoricalDtype):
        changed[where] = _next_levels(values, where)
    else:
        changed = changed.astype(object)
        changed[where] = [_novel(value) for value in values[where]]
    return changed


def _with_numbers(
    changed: Any, where: NDArray[np.bool_], present: Any, probe: Probe, draws: np.random.Generator
) -> Any:
    levels = np.sort(present.unique())
    old = changed[where].to_numpy()
    if len(levels) <= _FEW_LEVELS:
        changed[where] = levels[len(levels) - 1 - np.searchsorted(levels, old)]
        return changed
    low, high = float(present.min()), float(present.max())
    span = (high - low) * probe.strength
    up = high + span * draws.uniform(0.5, 4, len(old))
    down = (
        low * draws.uniform(0.05, 0.6, len(old)) if low >= 0 else low - span * draws.uniform(0.5, 4, len(old))
    )
    drawn = np.where(draws.random(len(old)) < 0.5, up, down)
    if pd.api.types.is_integer_dtype(changed.dtype):
        drawn = np.clip(np.round(drawn), *_limits(changed.dtype))
    elif np.array_equal(present, np.round(present.to_numpy(dtype="float64"))):
        drawn = np.round(drawn)
    changed[where] = drawn.astype(old.dtype) if old.dtype.kind in "iuf" else drawn
    return changed


def _limits(dtype: Any) -> tuple[int, int]:
    info = np.iinfo(getattr(dtype, "numpy_dtype", dtype))
    return int(info.min), int(info.max)


def _next_levels(values: Any, where: NDArray[np.bool_]) -> Any:
    """Each category replaced by the next of those in use: a new one would not be of the column's type."""
    levels = list(values[values.notna()].unique())
    after = dict(zip(levels, levels[1:] + levels[:1], strict=True))
    return [after[value] for value in values[where]]


def _novel(value: Any) -> Any:
    """A level never seen, that sorts right behind the old one; text that is parsed as a number or date stays."""
    if isinstance(value, Decimal):
        return value * 3 + 1
    if not isinstance(value, str) or _PARSED.match(value):
        return value
    return " ".join(f"{word}~" for word in value.split(" "))


def _permuted(values: Any, unknown: NDArray[np.bool_], _probe: Probe, draws: np.random.Generator) -> Any:
    changed = values.copy()
    places = np.flatnonzero(unknown)
    changed.iloc[places] = values.iloc[draws.permutation(places)].to_numpy()
    return changed
