"""A run that was mirrored leads from the sidebar's history to its page on a real MLflow server."""

from __future__ import annotations

import json
import urllib.request

import pytest
from labs import look
from mlflow_servers import mlflow_server
from notebooks import write_notebook

pytest.importorskip("mlflow", reason="nbprod[mlflow] is not installed")


def asked(address: str) -> tuple[int, bytes]:
    with urllib.request.urlopen(address, timeout=60) as reply:  # noqa: S310 - our own server
        return reply.status, reply.read()


def test_run_that_ends_here_leads_to_its_page_on_mlflows_server(page, lab, tmp_path):
    with mlflow_server(tmp_path) as address:
        folder = lab.root / "mirrored"
        folder.mkdir()
        (folder / "pyproject.toml").write_text(f'[tool.nbprod]\nmlflow = "{address}"\n')
        path = write_notebook(folder / "mirrored.ipynb", "%%stage count\ncounted = len('three')\ncounted")
        here = look(page, lab, path)
        runs = here.only("Runs")
        runs.locator("[data-test=run]:enabled").click()
        # The run is done before MLflow has heard of it; the link comes by itself
        link = runs.locator("[data-test=mlflow]")
        link.wait_for(timeout=180_000)
        here.shot("mlflow")
        page_of_run = link.get_attribute("href")
        assert page_of_run.startswith(f"{address}/#/runs/")
        assert asked(page_of_run)[0] == 200
        # Which run a page shows stands behind the #, which is never sent: the server knows it by that id
        shown = page_of_run.rpartition("/")[2]
        _, told = asked(f"{address}/api/2.0/mlflow/runs/get?run_id={shown}")
        (record,) = (folder / ".nbprod" / "runs").iterdir()
        tags = {one["key"]: one["value"] for one in json.loads(told)["run"]["data"]["tags"]}
        assert tags["nbprod.run"] == record.name
