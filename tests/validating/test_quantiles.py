"""Quantiles bracketed in passes are those of a sort, whatever the values' spread."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from nbprod.validating.asking import measured
from nbprod.validating.quantiles import middle, nearest_ranks
from nbprod.validating.tables import Limits, opened

RANDOM = np.random.default_rng(5)
COLUMNS = {
    "normal": RANDOM.normal(size=20_000),
    "one far value": np.append(RANDOM.normal(size=20_000), 1e300),
    "mostly equal": np.where(RANDOM.random(20_000) < 0.95, 7.0, RANDOM.normal(size=20_000)),
    "all equal": np.full(1_000, 3.5),
    "whole numbers": RANDOM.integers(-5, 5, 20_000),
    "huge whole numbers": RANDOM.integers(-(2**62), 2**62, 20_000),
    "with infinities": np.append(RANDOM.normal(size=5_000), [np.inf, -np.inf]),
    "tiny differences": 1.0 + np.arange(5_000) * np.finfo(float).eps,
}
QUANTILES = [0.0, 0.01, 0.25, 0.5, 0.77, 0.99, 1.0]


@pytest.mark.parametrize("few", [500, 10**6], ids=["in passes", "at once"])
@pytest.mark.parametrize("values", COLUMNS.values(), ids=COLUMNS)
def test_quantiles_are_the_nearest_ranks_of_a_sort(values, few):
    with opened(pa.table({"x": values}), limits=Limits()) as table:
        asked = {"q": nearest_ranks(table.table, "x", QUANTILES, few=few)}
        found = measured(table.table, asked)
    assert (found.values.get("q"), found.failed) == (
        np.quantile(values, QUANTILES, method="nearest").tolist(),
        {},
    )


@pytest.mark.parametrize("few", [500, 10**6], ids=["in passes", "at once"])
@pytest.mark.parametrize("values", COLUMNS.values(), ids=COLUMNS)
def test_the_median_is_pandas_own(values, few):
    with opened(pa.table({"x": values}), limits=Limits()) as table:
        found = measured(table.table, {"m": middle(table.table, "x", few=few)})
    assert found.values == {"m": pytest.approx(float(np.median(values)), rel=1e-15)}


def test_an_empty_column_has_no_quantiles():
    with opened(pa.table({"x": pa.array([], "float64")}), limits=Limits()) as table:
        found = measured(table.table, {"q": nearest_ranks(table.table, "x", [0.5])})
    assert found.values == {"q": [None]}
