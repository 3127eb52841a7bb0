"""Where MLflow shows a run that was mirrored: for who wants to go there from the history."""

from __future__ import annotations

import hashlib
import json

from nbprod import api


def test_a_mirrored_run_has_its_page_on_the_server_and_models_and_passwords_have_no_place_there(
    tmp_path, monkeypatch
):
    address = "https://me:secret@mlflow.example:5000/base/"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    (tmp_path / "pyproject.toml").touch()
    state = tmp_path / api.STATE_FOLDER
    state.mkdir()
    ids = {"20260101-run": "abc", "model@1": "7"}
    name = f"mlflow-{hashlib.sha256(address.encode()).hexdigest()[:12]}.json"
    (state / name).write_text(json.dumps(ids), encoding="utf-8")
    assert api.mirrored_at(tmp_path) == {"20260101-run": "https://mlflow.example:5000/base/#/runs/abc"}


def test_a_file_of_mlflows_has_no_pages(tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    (tmp_path / "pyproject.toml").touch()
    assert api.mirrored_at(tmp_path) == {}
