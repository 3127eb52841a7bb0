"""The proof on real habits: every case gives equal values, as suggested and cut cell by cell, or is refused."""

from __future__ import annotations

import platform
import shutil
from pathlib import Path

import pytest
from notebooks import write_notebook

from nbprod import api
from nbprod.verifying import Cut

CASES = sorted((Path(__file__).parents[1] / "cases").iterdir())
# A class whose own attributes are changed is made anew in each process: no plan can pass it on.
REFUSED = {("classes.py", Cut.EVERY_CELL): {"cannot-cross"}}


@pytest.mark.parametrize("cut", [Cut.SUGGESTED, Cut.EVERY_CELL], ids=str)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_plan_gives_what_the_notebook_gives(case, cut, tmp_path):
    notebook = shutil.copy(case, tmp_path)
    found = api.verify(notebook, cut=cut)
    refused = {finding.rule for finding in found.refused}
    assert (found.failure, found.different, refused) == ("", (), REFUSED.get((case.name, cut), set()))
    assert refused or found.values


def test_value_that_differs_from_run_to_run_is_not_held_against_the_plan(tmp_path):
    notebook = write_notebook(
        tmp_path / "n.ipynb",
        "%%stage a\nimport uuid\nkey = uuid.uuid4().hex\nfixed = list('abc')",
        "%%stage b\nfixed.append(key)",
    )
    found = {(one.stage, one.name): (one.outcome, one.says[:36]) for one in api.verify(notebook).values}
    differs = ("not compared", "it differs from run to run of the no")
    assert found == {("a", "key"): differs, ("a", "fixed"): ("equal", ""), ("b", "fixed"): differs}


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries leave memory as it was")
def test_memory_that_nobody_wrote_differs_from_run_to_run(tmp_path):
    notebook = write_notebook(
        tmp_path / "n.ipynb",
        "%%stage a\nimport ctypes, uuid\nlibc = ctypes.CDLL(None)\nlibc.malloc.restype = ctypes.c_void_p\n"
        "found = (ctypes.string_at(libc.malloc(100_000), 8), uuid.uuid4().hex)",
    )
    found = next(one for one in api.verify(notebook).values if one.name == "found")
    assert r"found[0]: b'\xfd\xfd\xfd\xfd\xfd\xfd\xfd\xfd' is not " in found.says


@pytest.mark.parametrize("broken", ["y = 1 / 0", "%%stage c\ny = 1 / 0"], ids=["untagged", "tagged"])
def test_notebook_that_does_not_run_is_said_so(broken, tmp_path):
    notebook = write_notebook(tmp_path / "n.ipynb", "%%stage a\nx = 1", broken, "%%stage b\nz = x")
    found = api.verify(notebook)
    assert (
        found.failure == "The notebook does not run from top to bottom: ZeroDivisionError: division by zero"
    )


def test_order_that_hash_seeds_decide_is_the_same_in_both_runs(tmp_path):
    words = [f"word{number}" for number in range(20)]
    notebook = write_notebook(
        tmp_path / "n.ipynb", f"%%stage a\nwords = list(set({words}))", "%%stage b\nout = words[::-1]"
    )
    found = api.verify(notebook)
    assert [one.outcome for one in found.values] == ["equal", "equal"]


def test_outcome_that_cannot_be_stored_is_left_out_where_no_stage_needs_it(tmp_path):
    made = (
        "class Held:\n    def __init__(self):\n        import threading\n        self.lock = threading.Lock()"
    )
    notebook = write_notebook(
        tmp_path / "n.ipynb", f"%%stage a\n{made}\nx = [1]", "%%stage b\nheld = Held()\nx.append(2)"
    )
    found = api.verify(notebook)
    told = {(one.stage, one.name): one.outcome for one in found.values}
    assert (found.failure, told) == (
        "",
        {("a", "x"): "equal", ("b", "x"): "equal", ("b", "held"): "not compared"},
    )
