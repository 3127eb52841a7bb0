"""What is loaded for a run, and what is left until somebody uses it."""

import importlib
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from jupyter_client.kernelspec import KernelSpecManager

from nbprod.running import loading
from nbprod.running.kernels import Specs
from nbprod.running.sources import used_modules

IN_A_FRESH_PROCESS = """
import gc, sys
from nbprod.running.loading import loaded_papermill
papermill = loaded_papermill()
assert "boto3" not in sys.modules
assert loaded_papermill() is papermill and gc.isenabled()
import papermill.s3
from papermill import iorw
assert type(iorw.S3()) is papermill.s3.S3 and iorw.S3 is papermill.s3.S3
assert type(iorw.FileSelector(".")) is sys.modules["pyarrow.fs"].FileSelector
"""
LOADED_LATER = """
import sys
from nbprod.running.loading import loaded_papermill
loaded_papermill()
assert not {"requests", "click", "pyarrow", "numpy"} & set(sys.modules), sorted(sys.modules)
from papermill import inspection, iorw
assert iorw.requests.get is sys.modules["requests"].get
import click, requests, requests.adapters
assert type(requests) is type(sys) and inspection.click.echo is click.echo
"""
LOADED_BEFORE = """
import requests
from nbprod.running.loading import loaded_papermill
loaded_papermill()
from papermill import iorw
assert iorw.requests is requests
"""


@pytest.mark.filterwarnings("ignore:.*ipython")
@pytest.mark.parametrize("folder", [None, "~/of-mine", "{tmp}/x/../y"])
def test_kernelspecs_are_looked_for_where_jupyter_looks(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("IPYTHONDIR", raising=False)
    if folder:
        monkeypatch.setenv("IPYTHONDIR", folder.format(tmp=tmp_path))
    assert Specs().kernel_dirs == KernelSpecManager().kernel_dirs
    (tmp_path / ".config" / "ipython").mkdir(parents=True)
    assert Specs().kernel_dirs == KernelSpecManager().kernel_dirs


def test_papermill_without_its_clients_still_reaches_them():
    pytest.importorskip("boto3")
    subprocess.run([sys.executable, "-c", IN_A_FRESH_PROCESS], check=True)


@pytest.mark.parametrize(
    "program",
    [
        pytest.param(LOADED_LATER, id="used for the first time after papermill was loaded"),
        pytest.param(LOADED_BEFORE, id="loaded before papermill"),
    ],
)
def test_what_papermill_seldom_uses_is_the_module_itself_once_it_is_used(program):
    subprocess.run([sys.executable, "-c", program], check=True)


def test_module_that_is_deferred_for_one_thread_is_whole_for_all(tmp_path, monkeypatch):
    (tmp_path / "weighty").mkdir()
    (tmp_path / "weighty" / "__init__.py").write_text("from weighty.part import answer")
    (tmp_path / "weighty" / "part.py").write_text("answer = 42")
    monkeypatch.syspath_prepend(tmp_path)
    with loading._deferred(("weighty",)):
        weighty = importlib.import_module("weighty")
        assert "weighty.part" not in sys.modules
        with ThreadPoolExecutor() as pool:
            part = pool.submit(importlib.import_module, "weighty.part").result()
        assert part.answer == weighty.answer == 42
    assert sys.modules["weighty"].answer is weighty.answer


def test_what_one_thread_does_without_another_may_load(tmp_path, monkeypatch):
    (tmp_path / "wanted_elsewhere.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    with loading._without(("wanted_elsewhere",)):
        with pytest.raises(ModuleNotFoundError):
            importlib.import_module("wanted_elsewhere")
        with ThreadPoolExecutor() as pool:
            found = pool.submit(importlib.import_module, "wanted_elsewhere").result()
    assert found is importlib.import_module("wanted_elsewhere")


@pytest.mark.parametrize(
    ("source", "used"),
    [
        pytest.param("import ibis", set(), id="imported and never mentioned"),
        pytest.param("import ibis\nt = ibis.memtable({})", {"ibis"}, id="mentioned"),
        pytest.param("import pandas as pd, numpy as np\nnp.ones(2)", {"numpy"}, id="one of two, by alias"),
        pytest.param("import sklearn.svm\nsklearn.svm.SVC()", {"sklearn.svm"}, id="a module in a package"),
        pytest.param("from ibis import _\nf = lambda: _.x", {"ibis"}, id="a name from it, in a function"),
        pytest.param("from ibis import *", {"ibis"}, id="all its names, so any may be meant"),
    ],
)
def test_a_module_is_used_where_its_name_is_mentioned(source, used):
    cells = [{"cell_type": "code", "metadata": {}, "source": source}]
    assert used_modules(json.dumps({"cells": cells})) == used
