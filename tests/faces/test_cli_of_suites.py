"""Suites proposed by the command line, for batches as they are said to come."""

import numpy as np
import pandas as pd
import pytest

from nbprod.faces.cli import exit_code_of


@pytest.fixture
def file(tmp_path):
    random = np.random.default_rng(7)
    days = pd.date_range("2026-01-01", periods=40).repeat(50)
    frame = pd.DataFrame(
        {"day": days, "sold": random.poisson(9, len(days)), "note": random.choice([None, "a"], len(days))}
    )
    path = tmp_path / "sales.parquet"
    frame.to_parquet(path)
    return str(path)


def proposed(capsys, *words):
    code = exit_code_of(["expect", "infer", *words])
    return code, capsys.readouterr()


def test_batches_that_are_later_are_held_against_volume_order_and_staleness(file, capsys):
    (_, plain), (code, followed) = proposed(capsys, file), proposed(capsys, file, "--followed")
    assert code == 0
    new = [line for line in followed.out.splitlines() if line not in plain.out.splitlines()]
    assert any("ColumnValuesToBeIncreasing(column=" in line for line in new)
    assert any("date_trunc('day'" in line for line in new)


def test_a_rarer_alarm_or_a_smaller_batch_widens_the_bounds(file, capsys):
    usual, rare, small = (
        proposed(capsys, file, *options)[1].out
        for options in ([], ["--alarm-rate", "0.0001"], ["--batch-rows", "100"])
    )
    assert len({usual, rare, small}) == 3


def test_batches_by_a_column_that_isn_t_there_is_an_error(file, capsys):
    code, told = proposed(capsys, file, "--batches-by", "dya")
    assert (code, told.out) == (2, "")
    assert "No column 'dya' makes batches" in told.err
    assert "Did you mean 'day'?" in told.err
