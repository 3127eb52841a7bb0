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


def test_a_champions_predictions_propose_what_fresh_ones_must_keep(tmp_path, capsys):
    random = np.random.default_rng(8)
    champion, moved = (tmp_path / name for name in ("champion.csv", "moved.csv"))
    frame = pd.DataFrame({"id": range(3_000), "delay": random.normal(10, 3, 3_000)})
    frame.to_csv(champion, index=False)
    frame.assign(delay=frame["delay"] + 3).to_csv(moved, index=False)
    suite = str(tmp_path / "suite.json")
    assert proposed(capsys, str(champion), "--predictions", "delay", "-o", suite)[0] == 0
    judged = [exit_code_of(["expect", "check", str(file), suite]) for file in (champion, moved)]
    assert (judged, "'id'" in (tmp_path / "suite.json").read_text()) == ([0, 1], False)


REFUSED = {
    "a column that isn't there": (["--predictions", "day", "--predictions", "soldd"], "Did you mean 'sold'?"),
    "batches of predictions": (
        ["--predictions", "sold", "--batches-by", "day"],
        "leave out what is said of batches",
    ),
    "several of nothing": (["--batch-of", "3"], "what a batch has several of"),
}


@pytest.mark.parametrize(("options", "said"), REFUSED.values(), ids=REFUSED)
def test_what_can_not_be_proposed_is_refused_with_its_reason(file, capsys, options, said):
    code, shown = proposed(capsys, file, *options)
    assert (code, said in shown.err) == (2, True)


def test_served_features_are_held_against_those_trained_on(tmp_path, capsys):
    trained, near, off = (str(tmp_path / name) for name in ("trained.parquet", "near.csv", "off.csv"))
    frame = pd.DataFrame({"id": range(50), "speed": np.arange(50) / 7, "kind": ["a", "b"] * 25})
    frame.to_parquet(trained)
    frame.assign(speed=frame["speed"] * (1 + 1e-12)).to_csv(near, index=False)
    frame.assign(kind="a").to_csv(off, index=False)
    suite = str(tmp_path / "suite.json")
    codes = [
        exit_code_of(["expect", "skew", trained, served, "--entity", "id", "--relative", "1e-9", "-o", suite])
        for served in (near, off)
    ]
    assert (codes, "kind" in capsys.readouterr().out) == ([0, 1], True)
    assert exit_code_of(["expect", "check", f"{suite}.parquet", suite]) == 1
    assert exit_code_of(["expect", "skew", trained, near, "--entity", "nobody"]) == 2
