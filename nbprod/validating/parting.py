"""A value parted in two: the rows that keep a suite, as the kind of value it is, and those that broke it, as a table.

The value's own library takes the rows, so that index, types and categories stay what they were.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from nbprod.errors import SuiteError
from nbprod.model import Quarantine
from nbprod.validating.asking import measured
from nbprod.validating.gx import great_expectations, quiet
from nbprod.validating.judging import Wish, cases_of
from nbprod.validating.quarantine import BROKE, ROW, broke_names, row_tests
from nbprod.validating.sources import source_of
from nbprod.validating.tables import Limits, opened

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nbprod.model import Json, Suite
    from nbprod.validating.sources import Source


class Parted(Struct, frozen=True, kw_only=True):
    """What stays of a value and, as Arrow's table with a list column `nbprod_broke` more, the rows set aside.

    `named` are the expectations whose rows could be told, as `type(column)`; a broken one that isn't among them is
    about no row, or only Great Expectations' own engine knows its rows.
    """

    kept: object
    taken: Any
    quarantine: Quarantine
    named: frozenset[str]


def parted(
    value: object,
    suite: Suite,
    *,
    parameters: Mapping[str, Json] | None = None,
    limits: Limits | None = None,
) -> Parted:
    """The value without the rows that break the suite's row-level expectations, and those rows.

    Give a suite of the expectations that broke: what one that holds tolerates by `mostly` isn't set aside.
    Raises SuiteError for a value whose rows can't be told apart by place: a table of a database, a number.
    """
    great_expectations()
    wish = Wish(parameters=parameters or {}, limits=limits or Limits())
    with quiet(), opened(value, limits=wish.limits) as open_table:
        source = _numbered(source_of(open_table.table, columns=open_table.columns, samples=0))
        tests = measured(source.judged, row_tests(cases_of(suite, source, wish), source))
        placed = _placed(source, dict(tests.values))
    rows, broke = placed.column(ROW).to_numpy(), placed.column(BROKE)
    kept, taken = _taken(value, rows)
    counts: dict[str, int] = {}
    for names in broke.to_pylist():
        for name in names:
            counts[name] = counts.get(name, 0) + 1
    quarantine = Quarantine(rows_kept=_length(kept), rows_taken=len(rows), broke=dict(sorted(counts.items())))
    return Parted(
        kept=kept,
        taken=taken.append_column(BROKE, broke),
        quarantine=quarantine,
        named=frozenset(map(str, tests.values)),
    )


def _numbered(source: Source) -> Source:
    import ibis

    # Numbered before anything else: what is repeated is found by windows, which shuffle rows.
    return replace(source, judged=source.judged.mutate(**{ROW: ibis.row_number()}))


def _placed(source: Source, tests: Mapping[Any, Any]) -> Any:
    """The places of the rows that break something, ascending, with the names of what they break."""
    import ibis

    flags = {
        f"nbprod_test_{place}": test.fill_null(ibis.literal(value=False))
        for place, test in enumerate(tests.values())
    }
    flagged = source.judged.mutate(**flags) if flags else source.judged
    marked = flagged.mutate(**{BROKE: broke_names(flagged, dict(zip(flags, tests, strict=True)))})
    broken = marked.filter(marked[BROKE].length() > 0)
    return broken.select(ROW, BROKE).order_by(ROW).to_pyarrow()


def _taken(value: Any, rows: Any) -> tuple[Any, Any]:
    import numpy as np
    import pyarrow as pa

    length = _length(value)
    mask = np.ones(length, dtype=bool)
    mask[rows] = False
    match type(value).__module__.partition(".")[0]:
        case "pandas":
            frame = value.to_frame(name=value.name or "value") if value.ndim == 1 else value
            return value[mask], pa.Table.from_pandas(frame[~mask])
        case "polars" if not hasattr(value, "collect"):
            out = value.filter(~mask)
            table = out.to_frame() if not hasattr(out, "to_arrow") or not hasattr(out, "columns") else out
            return value.filter(mask), table.to_arrow()
        case "pyarrow":
            return value.filter(pa.array(mask)), value.filter(pa.array(~mask))
        case _:
            raise SuiteError(
                f"Rows of a {type(value).__name__} can't be set aside.",
                remedy="Only rows of frames of pandas, Polars and Arrow have places. Say `--on-broken stop`.",
            )


def has_rows(value: object) -> bool:
    """Whether the value is a frame of which rows can be set aside."""
    library = type(value).__module__.partition(".")[0]
    return library in ("pandas", "polars", "pyarrow") and not hasattr(value, "collect")


def _length(value: Any) -> int:
    return len(value) if hasattr(value, "__len__") else 0
