"""What is kept of runs, put to use: two of them compared."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nbprod.model import Record
    from nbprod.tracking.comparing import RunComparison


def diff_runs(before: Record, after: Record) -> RunComparison:
    """How a run differs from an earlier one: parameters, code by cell, data, environment, metrics, verdicts."""
    from nbprod.tracking.comparing import compare_runs

    return compare_runs(before, after)
