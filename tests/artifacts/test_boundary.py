"""What passes a boundary besides values: identity, hidden state, definitions; and what is refused."""

import json
import os
import random
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import ibis
import numpy as np
import pandas as pd
import pytest

from nbprod.artifacts import hidden_state
from nbprod.artifacts.boundary import give, take
from nbprod.artifacts.manifest import read_manifest
from nbprod.errors import BoundaryError, StoreError


def passed(folder: Path, **values):
    """The values as the next stage gets them."""
    give(values, stage="giver", folder=str(folder))
    return take(dict.fromkeys(values, "giver"), folder=str(folder))


def ran(code: str, folder: Path) -> str:
    """What a fresh interpreter prints; `folder` is bound there."""
    script = f"folder = {str(folder)!r}\n{textwrap.dedent(code)}"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert not done.stderr, done.stderr
    return done.stdout.strip()


# Aliases


def test_one_object_under_two_names_comes_back_as_one(tmp_path):
    rows = [1]
    back = passed(tmp_path, a=rows, b=rows)
    assert back["a"] is back["b"]


def test_equal_but_separate_objects_stay_separate(tmp_path):
    back = passed(tmp_path, a=np.zeros(2), b=np.zeros(2), c=[1], d=[1])
    assert back["a"] is not back["b"]
    assert back["c"] is not back["d"]


def test_frame_in_a_dictionary_is_the_frame_given_by_name(tmp_path):
    frame = pd.DataFrame({"a": [1]})
    back = passed(tmp_path, frame=frame, settings={"data": frame})
    assert back["settings"]["data"] is back["frame"]
    assert [one.artifact.format for one in read_manifest(tmp_path, "giver").given] == ["parquet", "pickle"]


def test_list_deep_inside_two_values_is_one_list(tmp_path):
    rows = [1]
    back = passed(tmp_path, a={"x": (rows,)}, b=[[rows]])
    assert back["a"]["x"][0] is back["b"][0][0]


def test_taking_one_name_of_a_bundle_brings_only_that_name(tmp_path):
    rows = [1]
    give({"a": rows, "b": {"rows": rows}}, stage="giver", folder=str(tmp_path))
    assert take({"b": "giver"}, folder=str(tmp_path)) == {"b": {"rows": [1]}}


VIEWS = {
    "a slice": lambda base: base[2:5],
    "a step backwards": lambda base: base[::-2],
    "another shape": lambda base: base.reshape(2, 5),
    "another type": lambda base: base.view("uint8"),
    "all of it": lambda base: base,
}


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_view_of_an_array_is_still_a_view(view, tmp_path):
    base = np.arange(10)
    back = passed(tmp_path, base=base, part=view(base))
    assert np.array_equal(back["part"], view(base))
    back["base"][:] = 99
    assert np.array_equal(back["part"], view(np.full(10, 99)))


def test_two_views_share_memory_though_their_base_has_no_name(tmp_path):
    base = np.arange(6).reshape(2, 3)
    back = passed(tmp_path, row=base[0], column=base.T[0])
    back["row"][0] = 7
    assert back["column"].tolist() == [7, 3]


def test_bound_method_stays_bound_to_the_object_given_with_it(tmp_path):
    rows = [3]
    back = passed(tmp_path, rows=rows, add=rows.append)
    back["add"](4)
    assert back["rows"] == [3, 4]


def test_closures_share_their_cell(tmp_path):
    def counter():
        count = [0]
        return lambda: count.append(1), lambda: len(count)

    add, size = counter()
    back = passed(tmp_path, add=add, size=size)
    back["add"]()
    assert back["size"]() == 2


def test_object_that_a_later_stage_changed_comes_back_in_its_latest_state(tmp_path):
    rows = [1]
    give({"a": rows, "b": rows}, stage="first", folder=str(tmp_path))
    taken = take({"b": "first"}, folder=str(tmp_path))
    taken["b"].append(2)
    give({"b": taken["b"]}, stage="second", folder=str(tmp_path))
    back = take({"a": "first", "b": "second"}, folder=str(tmp_path))
    assert back["a"] is back["b"]
    assert back["a"] == [1, 2]


def test_frame_inside_an_earlier_bundle_is_the_one_that_a_later_stage_gave(tmp_path):
    frame = pd.DataFrame({"a": [1]})
    give({"frame": frame, "box": {"frame": frame}}, stage="first", folder=str(tmp_path))
    taken = take({"frame": "first"}, folder=str(tmp_path))["frame"]
    taken["b"] = 2
    give({"frame": taken}, stage="second", folder=str(tmp_path))
    back = take({"box": "first", "frame": "second"}, folder=str(tmp_path))
    assert back["box"]["frame"] is back["frame"]


# What the notebook defines


def test_instance_of_a_class_that_the_stage_defines_has_that_class(tmp_path):
    definition = "class Box:\n    def __init__(self, n):\n        self.n = n\n"
    Path(tmp_path / "giver.py").write_text(definition)
    give_it = f"exec(open({str(tmp_path / 'giver.py')!r}).read(), globals())\n"
    ran(
        f"{give_it}from nbprod.artifacts.boundary import give\ngive(dict(box=Box(3)), stage='giver', folder=folder)",
        tmp_path,
    )
    takes = "from nbprod.artifacts.boundary import take\nbox = take({'box': 'giver'}, folder=folder)['box']\n"
    assert ran(f"{give_it}{takes}print(isinstance(box, Box), box.n)", tmp_path) == "True 3"
    assert ran(f"{takes}print(type(box).__name__, box.n, isinstance(box, Box))", tmp_path) == "Box 3 True"


def test_class_by_value_has_one_digest_in_every_process(tmp_path):
    code = """
        from nbprod.artifacts.boundary import give
        class Box:
            limit = 3
            def over(self, n): return n > self.limit
        give(dict(box=Box(), f=lambda x: Box), stage='giver', folder=folder)
        print(open(folder + '/giver.json').read())
    """
    assert ran(code, tmp_path) == ran(code, tmp_path)


def test_lambda_passes_by_value(tmp_path):
    assert passed(tmp_path, f=lambda x: x + 1)["f"](2) == 3


# Hidden state


def test_random_generators_run_on_where_the_giver_left_them(tmp_path):
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002 - the global generator is the subject
    names = [hidden_state.RANDOM, hidden_state.NUMPY_RANDOM]
    give(names, {}, stage="giver", folder=str(tmp_path))
    expected = random.random(), np.random.rand()  # noqa: NPY002, S311
    random.seed(2)
    np.random.seed(2)  # noqa: NPY002
    assert take(dict.fromkeys(names, "giver"), folder=str(tmp_path)) == {}
    assert (random.random(), np.random.rand()) == expected  # noqa: NPY002, S311


def test_environment_carries_only_what_the_stage_changed(tmp_path, monkeypatch):
    monkeypatch.setenv("NBPROD_TEST_REGION", "eu")
    give([hidden_state.ENVIRONMENT], {}, stage="giver", folder=str(tmp_path))
    monkeypatch.delenv("NBPROD_TEST_REGION")
    take({hidden_state.ENVIRONMENT: "giver"}, folder=str(tmp_path))
    assert os.environ["NBPROD_TEST_REGION"] == "eu"
    stored = "".join(path.read_text() for path in tmp_path.rglob("objects/??/*"))
    assert "NBPROD_TEST_REGION" in stored
    assert os.environ["PATH"] not in stored


# What is refused


def test_names_are_looked_up_in_the_namespace_given(tmp_path):
    give(["a"], {"a": 1, "b": 2}, stage="giver", folder=str(tmp_path))
    assert take({"a": "giver"}, folder=str(tmp_path)) == {"a": 1}


REFUSED = {
    "a generator": (lambda: (n for n in range(3)), "generator"),
    "a lock": (threading.Lock, "lock"),
    "an open file": (lambda: open(os.devnull), "TextIOWrapper"),  # noqa: SIM115, PTH123
    "a connection to a database in memory": (ibis.duckdb.connect, "in memory"),
    "a column of a connection's table": (
        lambda: ibis.duckdb.connect().create_table("t", {"a": [1]}).a,
        "Ibis",
    ),
    "a lock inside a dictionary": (lambda: {"lock": threading.Lock()}, "lock"),
}


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize(("make", "says"), REFUSED.values(), ids=REFUSED)
def test_value_that_cannot_leave_is_refused_by_name(make, says, tmp_path):
    with pytest.raises(BoundaryError) as refusal:
        give({"fine": 1, "thing": make()}, stage="giver", folder=str(tmp_path))
    assert "'thing'" in str(refusal.value)
    assert says in str(refusal.value)
    assert not (tmp_path / "giver.json").exists()


def test_name_bound_in_one_branch_only_stays_unbound_where_it_is_taken(tmp_path):
    give(["flights", "delayed"], {"flights": 3}, stage="load", folder=str(tmp_path))
    taken = take({"flights": "load", "delayed": "load"}, folder=str(tmp_path))
    assert taken == {"flights": 3}


def test_name_that_the_giver_did_not_give_is_an_error(tmp_path):
    give({"flights": 1}, stage="giver", folder=str(tmp_path))
    with pytest.raises(BoundaryError, match=r"gave no 'fligths'\. Did you mean 'flights'"):
        take({"fligths": "giver"}, folder=str(tmp_path))


def test_stage_that_has_not_run_is_named(tmp_path):
    with pytest.raises(StoreError, match="Stage 'giver' has given nothing yet"):
        take({"a": "giver"}, folder=str(tmp_path))


def only_object(folder: Path) -> Path:
    return next(folder.glob("objects/??/*"))


def test_damaged_object_is_found_before_it_is_unpickled(tmp_path):
    give({"a": (1, 2)}, stage="giver", folder=str(tmp_path))
    only_object(tmp_path).write_bytes(b"cos\nsystem\n(S'false'\ntR.")
    with pytest.raises(StoreError, match="damaged"):
        take({"a": "giver"}, folder=str(tmp_path))


def test_giving_again_heals_a_damaged_object(tmp_path):
    give({"a": (1, 2)}, stage="giver", folder=str(tmp_path))
    only_object(tmp_path).write_bytes(b"")
    give({"a": (1, 2)}, stage="giver", folder=str(tmp_path))
    assert take({"a": "giver"}, folder=str(tmp_path)) == {"a": (1, 2)}


def test_missing_object_is_an_error(tmp_path):
    give({"a": (1, 2)}, stage="giver", folder=str(tmp_path))
    only_object(tmp_path).unlink()
    with pytest.raises(StoreError, match="missing"):
        take({"a": "giver"}, folder=str(tmp_path))


@pytest.mark.parametrize("text", ["", "{", "[]", '{"version": 99}', '{"version": 1, "stage": "x"}'])
def test_damaged_manifest_is_an_error(text, tmp_path):
    (tmp_path / "giver.json").write_text(text)
    with pytest.raises(StoreError):
        take({"a": "giver"}, folder=str(tmp_path))


# Where things lie


def test_file_named_store_points_to_another_folder(tmp_path):
    folder, shared = tmp_path / "run", tmp_path / "shared"
    folder.mkdir()
    (folder / "store").write_text(f"{shared}\n")
    assert passed(folder, a=1) == {"a": 1}
    assert [path.name for path in folder.iterdir() if path.name != "store"] == ["giver.json"]
    assert list(shared.glob("objects/??/*"))


def test_store_may_be_an_address_that_fsspec_knows(tmp_path):
    (tmp_path / "store").write_text("memory://nbprod-test")
    assert passed(tmp_path, a=(1, 2), b=np.arange(3))["a"] == (1, 2)


def test_nothing_but_objects_and_the_manifest_is_left(tmp_path):
    give({"a": (1, 2), "b": pd.DataFrame({"o": [[1]]})}, stage="giver", folder=str(tmp_path))
    left = [path for path in tmp_path.rglob("*") if path.is_file()]
    named = set(read_manifest(tmp_path, "giver").digests())
    assert {path.name for path in left} == {"giver.json", *named}


def test_equal_values_have_equal_manifests(tmp_path):
    values = {"a": {"x": [1, 2.5]}, "b": pd.DataFrame({"a": [1]}), "c": np.arange(3)}
    texts = []
    for name in ("one", "two"):
        give(values, stage="giver", folder=str(tmp_path / name))
        texts.append((tmp_path / name / "giver.json").read_text())
    assert texts[0] == texts[1]


def test_boundary_loads_nothing_heavy():
    heavy = [
        "pandas",
        "numpy",
        "pyarrow",
        "sklearn",
        "ibis",
        "polars",
        "cloudpickle",
        "fsspec",
        "papermill",
        "IPython",
    ]
    code = f"import sys, json, nbprod.artifacts.boundary; print(json.dumps([m for m in {heavy} if m in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []
