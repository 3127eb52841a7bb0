"""What replay is told and what it answers, frozen; nothing here loads a data library."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from msgspec import Struct, field

from nbprod.model import Proof, Witness

DEFAULT_CUTS = 4
MOST_CUTS = 43
_RUNS_BESIDE_CUTS = 2
# told before each run: its number, and how many there will be at most
OnRun: TypeAlias = Callable[[int, int], None]


def runs_at_most(cuts: int) -> int:
    """How many runs of the stage that many cuts cost at most: one run each, and two of the whole.

    The default of 4 cuts costs 6 runs, the most thorough 45.
    """
    return cuts + _RUNS_BESIDE_CUTS


class Chunk(Struct, frozen=True, kw_only=True):
    """Plain Python of a stage: one cell (its position) or a snippet copied from one.

    `first_line` is the line that the chunk's first line has in its cell.
    """

    source: str
    cell: int | None = None
    first_line: int = 1


class Declarations(Struct, frozen=True, kw_only=True):
    """What a stage says about time.

    `known` pairs a column with the column from whose time on it is known, or with that column and a delay:
    `("label", "ts + 1 day")`. `tables` names, for a side table without the stage's time column, the column that
    holds the time from which each of its rows is known. `static` are tables known in advance whatever their
    columns; `labels` are columns that may look ahead.
    """

    time: str | None = None
    entity: str | None = None
    known: tuple[tuple[str, str], ...] = ()
    tables: Mapping[str, str] = field(default_factory=dict)
    static: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()


class ColumnReplay(Struct, frozen=True, kw_only=True):
    """What replay has to say about one column of one output.

    `verdict` is `confirmed` (there is a witness), `not reproduced` (`power` says how hard it was tried) or
    `unproved` (`reason` says why it could not be assessed). `horizon` is as measured: `24 hours`, `3 rows`,
    `the whole sample`; `is_exact` says whether bisection closed in on it, else it is the least that was seen.
    `rows_changed` counts the rows that changed in the most telling run. `plot` is SVG text.
    """

    output: str
    column: str
    verdict: Proof
    witness: Witness | None = None
    horizon: str | None = None
    is_exact: bool = False
    rows_changed: int = 0
    reason: str = ""
    plot: str = ""


class Power(Struct, frozen=True, kw_only=True):
    """How hard a replay tried: cuts that withheld the future, that altered it, and rows compared at most."""

    truncated: int = 0
    altered: int = 0
    rows: int = 0

    @property
    def is_enough(self) -> bool:
        """Whether silence counts as evidence: three cuts of which one altered the future."""
        return self.truncated + self.altered >= 3 and self.altered >= 1

    def __str__(self) -> str:
        return (
            f"{self.truncated} cuts with the future withheld, {self.altered} with it altered, "
            f"{self.rows} rows compared"
        )


class Replay(Struct, frozen=True, kw_only=True):
    """The answer of one replay. `runs` counts runs of the stage; `cuts` lists the times cut at, in order."""

    stage: str
    columns: tuple[ColumnReplay, ...] = ()
    runs: int = 0
    cuts: tuple[str, ...] = ()
    power: Power = Power()
    notes: tuple[str, ...] = ()

    def column(self, name: str, *, output: str | None = None) -> ColumnReplay:
        """The column of that name (in that output); raises KeyError if there is none."""
        for column in self.columns:
            if column.column == name and output in (None, column.output):
                return column
        raise KeyError(name)

    @property
    def confirmed(self) -> tuple[ColumnReplay, ...]:
        """The columns that have a witness."""
        return tuple(column for column in self.columns if column.verdict is Proof.CONFIRMED)
