"""Times that a stage names as the end of a period on which something is fitted.

A statistic of a fixed past period is known from the period's end on; rows before it may depend on all of it. Such an
end is *fixed* (a date, a row number) or *floating* (a share of the rows), which moves when rows are withheld.
"""

from __future__ import annotations

import ast
import re
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from msgspec import Struct

from nbprod.replaying.stamps import NEVER, Axis
from nbprod.trees import module_tree_if_any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from collections.abc import Set as AbstractSet

    from numpy.typing import NDArray

    from nbprod.replaying.known import Timetable
    from nbprod.replaying.report import Chunk

_DATE = re.compile(r"\d{4}-\d{2}(?:-\d{2}(?:[ T]\d{2}:\d{2}(?::\d{2})?)?)?")
_CHANCE = re.compile(r"(?i)rand|rng|seed|shuffle|\.sample\(|\bsample\w*\(|choice|\bnormal\(|uniform\(")
_FEW_ROWS = 10
_COUNTS = frozenset({"len", "shape", "height", "size", "count", "n_rows"})


class Boundaries(Struct, frozen=True, kw_only=True):
    """Stamps within the data, in order; `floating` ones come from shares of the rows."""

    fixed: tuple[int, ...] = ()
    floating: tuple[int, ...] = ()


def boundaries_of(chunks: Iterable[Chunk], values: Mapping[str, Any], timetable: Timetable) -> Boundaries:
    """The boundaries that the source and the plain input values name, within the main table's times."""
    rows = timetable.tables[timetable.main].rows
    stamps = np.sort(rows[rows != NEVER])
    if not len(stamps):
        return Boundaries()
    nodes = [node for chunk in chunks for node in ast.walk(module_tree_if_any(chunk.source))]
    used = {node.id for node in nodes if isinstance(node, ast.Name)}
    given = {name: value for name, value in values.items() if name in used}
    named = [*_dates_in(nodes, timetable.axis), *_dates_among(given, timetable.axis)]
    numbers = [stamps[number - 1] for number in _row_numbers(nodes) if 0 < number <= len(stamps)]
    shares = [stamps[int(share * (len(stamps) - 1))] for share in _shares(nodes, timetable.time)]
    return Boundaries(fixed=_within(stamps, [*named, *numbers]), floating=_within(stamps, shares))


def draws_by_chance(chunks: Iterable[Chunk]) -> bool:
    """Whether the source looks as if it drew random numbers."""
    return any(_CHANCE.search(chunk.source.replace("shuffle=False", "")) for chunk in chunks)


def _within(stamps: NDArray[np.int64], named: Iterable[int]) -> tuple[int, ...]:
    return tuple(sorted({int(stamp) for stamp in named if stamps[0] < stamp < stamps[-1]}))


def _dates_in(nodes: list[ast.AST], axis: Axis) -> Iterator[int]:
    for node in nodes:
        match node:
            case ast.Constant(value=str() as text) if axis is Axis.TIME:
                yield from (stamp for found in _DATE.findall(text) if (stamp := _stamp(found)) is not None)
            case ast.Call(args=args) if axis is Axis.TIME and 3 <= len(args) <= 6:
                numbers = [arg.value for arg in args if isinstance(arg, ast.Constant)]
                if len(numbers) == len(args) and (stamp := _stamp_of_parts(numbers)) is not None:
                    yield stamp
            case ast.Compare(comparators=comparators) if axis is Axis.WHOLE:
                yield from (
                    side.value
                    for side in comparators
                    if isinstance(side, ast.Constant) and isinstance(side.value, int)
                )
            case _:
                continue


def _dates_among(values: Mapping[str, Any], axis: Axis) -> Iterator[int]:
    for value in values.values():
        if axis is Axis.TIME and isinstance(value, date | datetime | np.datetime64 | str):
            stamp = _stamp(value) if not isinstance(value, str) or _DATE.fullmatch(value) else None
            if stamp is not None:
                yield stamp
        elif axis is Axis.WHOLE and isinstance(value, int):
            yield value


def _stamp(value: Any) -> int | None:
    try:
        moment = pd.Timestamp(value)
    except (ValueError, TypeError):
        return None
    if pd.isna(moment):
        return None
    return int((moment.tz_localize("UTC") if moment.tzinfo is None else moment).as_unit("ns").value)


def _stamp_of_parts(numbers: list[Any]) -> int | None:
    if not all(isinstance(number, int) for number in numbers) or not 1900 <= numbers[0] <= 2200:
        return None
    try:
        return _stamp(datetime(*numbers))  # noqa: DTZ001 - columns without a zone are read as UTC
    except (ValueError, TypeError):
        return None


def _row_numbers(nodes: list[ast.AST]) -> Iterator[int]:
    """Fixed numbers of rows at which the source slices."""
    for node in nodes:
        match node:
            case ast.Slice(lower=lower, upper=upper):
                yield from (number for side in (lower, upper) if (number := _whole(side)) >= _FEW_ROWS)
            case ast.Call(func=ast.Attribute(attr="head" | "limit"), args=[number]):
                yield _whole(number)
            case _:
                continue


def _shares(nodes: list[ast.AST], time: str) -> Iterator[float]:
    """Shares of the rows at which the source splits: `int(len(x) * 0.8)`, `test_size=0.2`, a quantile of time."""
    for node in nodes:
        match node:
            case ast.BinOp(op=ast.Mult(), left=left, right=right) if _mentions(node, _COUNTS):
                yield from (share for side in (left, right) if (share := _share(side)))
            case ast.Call(func=ast.Attribute(attr="quantile"), args=[share, *_]) if _mentions(node, {time}):
                yield from [_share(share)] if _share(share) else []
            case ast.keyword(arg="test_size", value=share) if _share(share):
                yield 1 - _share(share)
            case ast.keyword(arg="train_size", value=share) if _share(share):
                yield _share(share)
            case _:
                continue


def _whole(node: ast.expr | None) -> int:
    """A literal whole number, or 0."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, int) else 0


def _share(node: ast.expr) -> float:
    """A literal between 0 and 1, or 0."""
    is_share = isinstance(node, ast.Constant) and isinstance(node.value, float) and 0 < node.value < 1
    return node.value if is_share else 0.0  # type: ignore[attr-defined]


def _mentions(tree: ast.AST, names: AbstractSet[str]) -> bool:
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.Constant(value=str() as name):
                if name in names:
                    return True
            case _:
                continue
    return False
