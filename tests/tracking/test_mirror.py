"""MLflow shows what the ledger holds: in a SQLite file by itself, and on a real server started here."""

import pandas as pd
import pytest
from mlflow_servers import mlflow_server
from projects import project, ran

from nbprod import api

mlflow = pytest.importorskip("mlflow", reason="nbprod[mlflow] is not installed")

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
    with mlflow_server(tmp_path) as address:
        yield address


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
