"""What the monitor says of real batches: drift against what was learned, the live metric against the promised one, skew."""

import json

import pandas as pd
import pytest
from projects import CELLS, project, ran, rows

import nbprod
from nbprod import api
from nbprod.errors import NbprodError
from nbprod.faces.cli import exit_code_of
from nbprod.tracking.metrics import metrics_of

NUMBERED = {
    "load": CELLS["load"] + "\nraw = raw.assign(number=range(len(raw)))",
    "features": CELLS["features"].replace("past[['time', 'x']]", "past[['number', 'time', 'x']]"),
    "split": CELLS["split"].replace("drop(columns='time')", "drop(columns=['number', 'time'])"),
}


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    """A project with two scored batches, the second drifted in `x`; its champion's run, and the labels of the second."""
    folder = tmp_path_factory.mktemp("watched")
    record = ran(project(folder, **NUMBERED))
    api.promote(folder, record)
    usual, drifted = rows(days=60, seed=5), rows(days=60, seed=6)
    drifted = drifted.assign(x=drifted["x"] + 3)
    for name, frame in (("usual", usual), ("drifted", drifted)):
        frame.to_parquet(folder / f"{name}.parquet")
        api.score(folder, folder / f"{name}.parquet", parameters={"day": 50}, since="2026-02-01")
    labels = drifted[drifted["time"] >= "2026-02-15"][["time", "x", "y"]]
    labels.to_parquet(folder / "labels.parquet")
    return folder, record, labels


def test_the_batch_that_drifted_is_told_and_the_other_is_not(watched):
    folder, _, _ = watched
    found = api.monitor(folder)
    # By the last day `weekday` has come round evenly; `last` is the `x` before.
    assert [sorted(one.column for one in each.alarms) for each in found.monitor.batches] == [
        [],
        ["last", "x"],
    ]
    assert sorted(one.partition(" (")[0] for one in found.news) == ["last drifted", "x drifted"]
    assert found.page.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_what_was_seen_stays_in_the_project_wherever_the_page_goes(watched, tmp_path, monkeypatch):
    folder, _, _ = watched
    monkeypatch.chdir(folder)
    page = api.monitor(folder, labels="labels.parquet", page=tmp_path / "elsewhere.html").page
    seen = api.glance(folder, "pipeline").seen
    assert [sorted(one.drifted) for one in seen.batches] == [[], ["last", "x"]]
    assert seen.labels == str((folder / "labels.parquet").resolve())
    assert seen.batches[-1].worst_psi > seen.large_psi
    assert api.monitor_page_at(folder, "pipeline").read_text() == page.read_text()


def test_the_live_metric_is_that_of_the_rows_whose_labels_arrived(watched):
    folder, record, labels = watched
    usual, drifted = api.monitor(folder, labels=folder / "labels.parquet").monitor.batches
    frames = [pd.read_parquet(one) for one in (folder / ".nbprod" / "scores").rglob("*.parquet")]
    scored = next(one for one in frames if one["x"].mean() > 2)
    both = scored[["time", "prediction"]].merge(labels, on="time")
    assert drifted.live == pytest.approx((both["prediction"] - both["y"]).abs().mean())
    assert (drifted.labelled, drifted.metric) == (len(labels), "mae")
    assert (usual.live, usual.labelled) == (None, 0)
    assert usual.promised == pytest.approx(metrics_of(record)["mae"])


def test_labels_that_tell_no_rows_apart_are_refused(watched, tmp_path):
    folder, _, labels = watched
    labels.assign(x=0.0, time=labels["time"].iloc[0]).to_parquet(tmp_path / "same.parquet")
    with pytest.raises(NbprodError, match="columns of the scores that together tell rows apart"):
        api.monitor(folder, labels=tmp_path / "same.parquet")


@pytest.mark.parametrize("what", ["labels", "served"])
@pytest.mark.parametrize("text", [None, "no parquet"], ids=["not there", "something else"])
def test_a_file_that_is_no_table_is_refused(watched, tmp_path, what, text):
    folder, _, _ = watched
    if text:
        (tmp_path / "file").write_text(text)
    with pytest.raises(NbprodError, match=r"can't be read: .* Give a parquet file\.$"):
        api.monitor(folder, **{what: tmp_path / "file"})


@pytest.mark.parametrize("by", [0.0, 1e-9], ids=["the same", "moved by less than anyone would see"])
def test_features_that_were_served_are_held_against_the_trainings(watched, tmp_path, capsys, by):
    folder, record, _ = watched
    held = nbprod.load("champion", root=folder)
    served = held.features(api.value(record, "raw", stage="load").sample(50, random_state=2))
    served.assign(last=served["last"] + by).to_parquet(tmp_path / "served.parquet")
    arguments = ["monitor", "--root", str(folder), "--served", str(tmp_path / "served.parquet"), "--json"]
    code = exit_code_of(arguments)
    skew = json.loads(capsys.readouterr().out)["skew"]
    assert ([one["column"] for one in skew["skewed"]], skew["rows"]) == (["last"] if by else [], 50)
    # The latest batch has drifted: that alone is worth a 1.
    assert code == 1


def test_skew_alone_is_worth_attention(watched, tmp_path):
    folder, record, _ = watched
    held = nbprod.load("champion", root=folder)
    served = held.features(api.value(record, "raw", stage="load").head(20))
    served.drop(columns="weekday").to_parquet(tmp_path / "served.parquet")
    news = api.monitor(folder, served=tmp_path / "served.parquet").news
    assert "What is served is not what was trained on: weekday." in news
