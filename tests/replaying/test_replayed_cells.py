"""Replay confirms every leaky cell at its default budget and is silent on every clean one."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from replayed_cells import CLEAN, DECLARED, END_OF_TRAINING, LEAKY, frames

from nbprod.model import Proof
from nbprod.replaying import DEFAULT_CUTS, MOST_CUTS, Replay, replay, reproduced, runs_at_most

_HEAD = {
    "pandas": "import numpy as np\nimport pandas as pd\n",
    "polars": "import polars as pl\n",
    "ibis": "import ibis\n",
    "sql": "",
}


def _stage(library: str, source: str) -> str:
    if library == "sql":
        return f'import duckdb\nfound = duckdb.sql("""{source}""").df()'
    return _HEAD[library] + source


def _inputs(library: str) -> dict[str, Any]:
    given: dict[str, Any] = {"cutoff": END_OF_TRAINING}
    match library:
        case "polars":
            import polars as pl

            return given | {name: pl.from_pandas(frame) for name, frame in frames().items()}
        case "ibis":
            import ibis

            return given | {name: ibis.memtable(frame) for name, frame in frames().items()}
        case _:
            return given | frames()


def _replayed(library: str, source: str, output: str, worker: Any, *, cuts: int = DEFAULT_CUTS) -> Replay:
    asked = (output.removesuffix(".*"),)
    return replay(
        _stage(library, source), _inputs(library), DECLARED, outputs=asked, cuts=cuts, worker=worker
    )


@pytest.mark.parametrize("name", LEAKY)
def test_a_leaky_cell_is_confirmed_within_the_default_budget(name, worker):
    library, source, output, horizon = LEAKY[name]
    answer = _replayed(library, source, output, worker)
    column = answer.column(output.partition(".")[2])
    assert (column.verdict, answer.runs <= runs_at_most(DEFAULT_CUTS)) == (Proof.CONFIRMED, True)
    if horizon is not None:
        assert column.horizon == horizon


@pytest.mark.parametrize("name", CLEAN)
def test_a_clean_cell_raises_no_alarm(name, worker):
    library, source, output, _why = CLEAN[name]
    answer = _replayed(library, source, output, worker)
    assert answer.confirmed == ()
    assert answer.columns


@pytest.mark.parametrize("name", ["refunds once settled"])
def test_a_clean_cell_stays_clean_at_the_most_thorough(name, worker):
    library, source, output, _why = CLEAN[name]
    answer = _replayed(library, source, output, worker, cuts=MOST_CUTS)
    assert (answer.confirmed, answer.runs <= 45, answer.power.is_enough) == ((), True, True)


@pytest.mark.parametrize("name", ["the next row by a shift", "polars: the nearest price", "sql: lead"])
def test_a_witness_can_be_replayed_from_its_record(name, worker):
    library, source, output, _horizon = LEAKY[name]
    witness = _replayed(library, source, output, worker).confirmed[0].witness
    again = reproduced(witness, _stage(library, source), _inputs(library), DECLARED, worker=worker)
    assert again == witness


def test_the_witness_of_a_leak_is_gone_after_its_rewrite(worker):
    _library, source, output, _horizon = LEAKY["the next row by a shift"]
    witness = _replayed("pandas", source, output, worker).confirmed[0].witness
    rewrite = _stage("pandas", source.replace("shift(-1)", "shift(1)"))
    assert reproduced(witness, rewrite, _inputs("pandas"), DECLARED, worker=worker) is None


def test_the_users_frames_stay_as_they_are(worker):
    given = _inputs("pandas")
    before = given["sales"].copy()
    replay("sales['g'] = 1\nsales.drop(sales.index[:5], inplace=True)", given, DECLARED, worker=worker)
    pd.testing.assert_frame_equal(given["sales"], before)
