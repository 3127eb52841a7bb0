"""MLflow shows what the ledger holds: in a SQLite file by itself, and on a real server started here."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pandas as pd
import pytest
from projects import project, ran

from nbprod import api

mlflow = pytest.importorskip("mlflow", reason="nbprod[mlflow] is not installed")
# The server is the full package's; it may live in an environment of its own.
SERVER = os.environ.get("NBPROD_MLFLOW_SERVER") or shutil.which(
    "mlflow", path=str(Path(sys.executable).parent)
)

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def champion(tmp_path_factory):
    notebook = project(tmp_path_factory.mktemp("project"), expect="")
    record = ran(notebook)
    api.promote(notebook.parent, record)
    return notebook.parent, record


@pytest.fixture
def server(tmp_path):
    """The address of an MLflow server that runs here."""
    if SERVER is None:
        pytest.skip("the full mlflow package, which has the server, is not installed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [SERVER, "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{tmp_path}/server.sqlite"]
    command += ["--artifacts-destination", str(tmp_path / "kept")]
    # Its own workers for jobs of language models are nothing to us, and take it half a minute.
    quiet = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    log = tmp_path / "server.log"
    with log.open("w") as told:
        process = subprocess.Popen(command, cwd=tmp_path, env=quiet, stdout=told, stderr=told)
    address = f"http://127.0.0.1:{port}"
    try:
        _await(f"{address}/health", process=process, log=log)
        yield address
    finally:
        process.terminate()
        process.wait(30)


def _await(address, *, process, log):
    for _ in range(600):
        if process.poll() is not None:
            last = log.read_text().strip().splitlines()[-1]
            if last.startswith("ModuleNotFoundError"):
                pytest.skip(f"mlflow is here, but what its server needs is not: {last}")
            raise RuntimeError(last)
        try:
            with urllib.request.urlopen(address, timeout=1):  # noqa: S310 - our own server
                return
        except OSError:
            time.sleep(0.5)
    raise TimeoutError(address)


def shown(address, record):
    """What MLflow tells of the run and of the champion."""
    client = mlflow.MlflowClient(tracking_uri=address, registry_uri=address)
    experiment = client.get_experiment_by_name("pipeline")
    (run,) = client.search_runs([experiment.experiment_id], f"tags.`nbprod.run` = '{record.id}'")
    version = client.get_model_version_by_alias("pipeline", "champion")
    mlflow.set_tracking_uri(address)
    mlflow.set_registry_uri(address)
    loaded = mlflow.pyfunc.load_model("models:/pipeline@champion")
    return run, version, loaded, {one.path for one in client.list_artifacts(run.info.run_id)}


def assert_shows_the_champion(address, record):
    run, version, loaded, files = shown(address, record)
    rows = pd.DataFrame(api.value(record, "X_test", stage="split"))
    model = api.value(record, "model", stage="train")
    assert run.data.params == {"source": "rows.parquet", "day": "40", "seed": "1"}
    assert set(run.data.metrics) == {"mae", "rows"}
    assert {"record.json", "notebooks"} <= files
    assert version.tags["nbprod.version"] == "1"
    assert (loaded.predict(rows) == model.predict(rows)).all()


def test_a_file_shows_runs_models_and_aliases_once(champion, monkeypatch):
    root, record = champion
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    first, again = api.mirror(root), api.mirror(root)
    assert (first.runs, first.versions, again.runs, again.versions) == ((record.id,), ("pipeline@1",), (), ())
    assert_shows_the_champion(first.address, record)


def test_a_server_shows_the_same_and_hears_of_a_rollback(champion, server, monkeypatch):
    root, record = champion
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    assert api.mirror(root).runs == (record.id,)
    assert_shows_the_champion(server, record)
