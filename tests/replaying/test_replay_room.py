"""What a replayed stage may do, what becomes of stages that can't be assessed, and how their rows are matched."""

from __future__ import annotations

import sqlite3
import xml.etree.ElementTree as ET
from contextlib import closing
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import psutil
import pytest

from nbprod.model import Proof
from nbprod.replaying import Chunk, Declarations, Replay, replay

if TYPE_CHECKING:
    from pathlib import Path

_HEAD = "import numpy as np\nimport pandas as pd\n"
_HOURLY = Declarations(time="when")


def _readings(**more: Any) -> pd.DataFrame:
    draws = np.random.default_rng(8)
    when = pd.date_range("2026-01-01", periods=120, freq="h", tz=more.pop("tz", None))
    frame = pd.DataFrame(
        {"when": when, "heat": draws.normal(20, 3, 120), "count": draws.integers(1, 50, 120)}
    )
    frame.loc[draws.random(120) < 0.3, "heat"] = np.nan
    return frame.assign(**more)


def _replayed(source: str, worker: Any, *, frame: pd.DataFrame | None = None, **options: Any) -> Replay:
    options = {"declarations": _HOURLY, "outputs": ("d",)} | options
    declarations = options.pop("declarations")
    given = {"d": _readings() if frame is None else frame}
    return replay(_HEAD + source, given, declarations, worker=worker, **options)


# What it may do


def test_a_table_read_in_the_cell_is_cut_like_an_input(worker, tmp_path):
    _readings().to_parquet(tmp_path / "all.parquet")
    leaky = "d['f'] = d['count'] / pd.read_parquet('all.parquet')['count'].sum()"
    clean = "d['f'] = d['count'] / pd.read_parquet('all.parquet')['count'].cummax()"
    answers = [_replayed(source, worker, folder=tmp_path).column("f").verdict for source in (leaky, clean)]
    assert answers == [Proof.CONFIRMED, Proof.NOT_REPRODUCED]


@pytest.mark.parametrize(
    "read", ["open('all.csv').readlines()", "__import__('pathlib').Path('all.csv').read_text().split()"]
)
def test_a_file_that_cannot_be_cut_leaves_a_column_unproved(read, worker, tmp_path):
    _readings().to_csv(tmp_path / "all.csv", index=False)
    answer = _replayed(f"d['f'] = d['count'] / len({read})", worker, folder=tmp_path)
    assert (answer.column("f").verdict, "all.csv" in answer.column("f").reason) == (Proof.UNPROVED, True)


def test_files_are_found_by_pattern_and_tables_by_query_and_both_are_cut(worker, tmp_path):
    _readings().to_parquet(tmp_path / "part-1.parquet")
    with closing(sqlite3.connect(tmp_path / "all.db")) as store:
        _readings().to_sql("d", store, index=False)
    database = str(tmp_path / "all.db")
    reads = (
        "from glob import glob\nwhole = pd.concat(pd.read_parquet(file) for file in glob('part-*.parquet'))\n",
        f"import sqlite3\nwhole = pd.read_sql('table d', sqlite3.connect({database!r}))\n".replace(
            "table d", "select * from d"
        ),
    )
    source = "d['f'] = d['count'] - whole['count'].mean()"
    verdicts = [_replayed(read + source, worker, folder=tmp_path).column("f").verdict for read in reads]
    assert verdicts == [Proof.CONFIRMED] * 2


def test_what_a_stage_writes_stays_out_of_the_users_folder(worker, tmp_path: Path):
    source = (
        f"d.to_csv({str(tmp_path / 'a.csv')!r})\nd.to_parquet('b.parquet')\nopen('c.txt', 'w').write('x')\n"
        "d['f'] = pd.read_parquet('b.parquet')['count'].shift(1)"
    )
    answer = _replayed(source, worker, folder=tmp_path)
    assert (answer.column("f").verdict, list(tmp_path.iterdir())) == (Proof.NOT_REPRODUCED, [])


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("while True: pass", "took longer than 1 second"),
        ("import os; os._exit(1)", "ended its process"),
        ("import os; os.remove('/nowhere/else')", "may not remove a file"),
        ("import subprocess; subprocess.run(['true'])", "may not start another program"),
        ("d['f'] = d['no such column']", "cell 5, line 9: KeyError"),
        ("d['f' = 1", "SyntaxError"),
    ],
)
def test_a_stage_that_does_not_run_says_why(source, reason, worker):
    chunk = Chunk(source=source, cell=4, first_line=9)
    answer = replay(
        [_HEAD, chunk], {"d": _readings()}, _HOURLY, outputs=("d",), timeout_seconds=1, worker=worker
    )
    assert [(column.verdict, reason in column.reason) for column in answer.columns] == [
        (Proof.UNPROVED, True)
    ]


def test_the_worker_serves_on_after_a_stage_that_killed_its_process(worker):
    _replayed("import os; os._exit(1)", worker)
    assert _replayed("d['f'] = d['count'].shift(-1)", worker).column("f").verdict is Proof.CONFIRMED


def test_a_worker_that_was_killed_while_it_waited_is_replaced(worker):
    _replayed("d['f'] = d['count']", worker)
    waiting = [one for one in psutil.Process().children() if "nbprod.replaying" in one.cmdline()]
    for one in waiting:
        one.kill()
    psutil.wait_procs(waiting)
    more_than_a_pipe_holds = _readings(note="x" * 10_000)
    answer = _replayed("d['f'] = d['count'].shift(-1)", worker, frame=more_than_a_pipe_holds)
    assert (len(waiting), answer.column("f").verdict) == (1, Proof.CONFIRMED)


def test_inputs_without_a_time_are_not_assessed(worker):
    answer = replay("x = a + 1", {"a": 3}, Declarations(), worker=worker)
    assert (answer.runs, [column.verdict for column in answer.columns]) == (0, [Proof.UNPROVED])


def test_functions_of_the_notebook_cross_to_the_worker(worker):
    given = {"d": _readings(), "ahead": lambda column: column.shift(-1)}
    answer = replay("d['f'] = ahead(d['count'])", given, _HOURLY, outputs=("d",), worker=worker)
    assert answer.column("f").verdict is Proof.CONFIRMED


def test_tables_in_a_dict_are_cut_too(worker):
    given = {"tables": {"d": _readings(), "rate": 2}}
    source = "f = tables['d'].assign(f=tables['d']['count'].{})[['when', 'f']]"
    verdicts = [
        replay(source.format(call), given, _HOURLY, outputs=("f",), worker=worker).column("f").verdict
        for call in ("shift(-1)", "shift(tables['rate'])")
    ]
    assert verdicts == [Proof.CONFIRMED, Proof.NOT_REPRODUCED]


# Noise and chance


def test_a_column_that_differs_between_equal_runs_is_not_assessed(worker):
    answer = _replayed("import time\nd['f'] = time.perf_counter_ns() % 1_000_003", worker)
    assert (answer.column("f").verdict, answer.column("f").reason) == (
        Proof.UNPROVED,
        "it differs between two equal runs",
    )


def test_a_prefix_that_raises_is_altered_instead(worker):
    source = "last = d.loc[d['when'] == pd.Timestamp('2026-01-05 20:00')].iloc[0]\nd['f'] = d['count'].sum()"
    answer = _replayed(source, worker)
    assert (answer.column("f").verdict, answer.power.truncated) == (Proof.CONFIRMED, 0)


@pytest.mark.parametrize(
    "source",
    [
        "n = int(len(d) * 0.8)\nd['f'] = d['count'] - d['count'].iloc[:n].mean()",
        "until = d['when'].quantile(0.7)\nd['f'] = d['count'] - d.loc[d['when'] <= until, 'count'].mean()",
        "d['f'] = d['count'] - d['count'].iloc[:90].mean()",
        "d['f'] = d['count'] - d.loc[d['when'] < '2026-01-04', 'count'].mean()",
    ],
    ids=["a share of the rows", "a quantile of time", "fixed rows", "a date"],
)
def test_what_is_fitted_on_the_earlier_part_is_no_leak(source, worker):
    answer = _replayed(source, worker)
    assert [answer.column(name).verdict for name in ("f", "count")] == [Proof.NOT_REPRODUCED] * 2


def test_a_leak_beside_a_fit_on_the_earlier_part_is_seen(worker):
    source = (
        "n = int(len(d) * 0.8)\nd['f'] = d['count'] - d['count'].iloc[:n].mean()\nd['g'] = d['heat'].bfill()"
    )
    assert [column.column for column in _replayed(source, worker).confirmed] == ["g"]


# Rows


@pytest.mark.parametrize(
    ("source", "verdict"),
    [
        (
            "d = d.drop(columns='when').assign(f=d['count'].shift(-1)).sample(frac=1, random_state=1)",
            Proof.CONFIRMED,
        ),
        ("d = d.assign(f=d['count'].shift(1))[['f', 'heat']].dropna()", Proof.NOT_REPRODUCED),
        ("d = d[['count']].sort_values('count').reset_index(drop=True)", Proof.NOT_REPRODUCED),
        ("d = (d[['count']] - d[['count']].mean()).to_numpy()", Proof.CONFIRMED),
        ("d = d.set_index('when')[['count']].shift(-1).rename(columns={'count': 'f'})", Proof.CONFIRMED),
        ("d = d['count'].shift(-1)", Proof.CONFIRMED),
        ("d = d.dropna().groupby('count').size()", Proof.UNPROVED),
        ("d = d.groupby(d['count'] > 25).max(numeric_only=True)", Proof.UNPROVED),
        ("d = d.describe()", Proof.UNPROVED),
    ],
    ids=[
        "shuffled",
        "by index",
        "sorted by value",
        "an array",
        "time as index",
        "a series",
        "no time at all",
        "a summary",
        "a description",
    ],
)
def test_rows_are_matched_without_their_time_column(source, verdict, worker):
    assert verdict in {column.verdict for column in _replayed(source, worker).columns}
    if verdict is not Proof.CONFIRMED:
        assert not _replayed(source, worker).confirmed


@pytest.mark.parametrize(("source", "count"), [("shift(-1)", 1), ("shift(1)", 0)])
def test_a_local_clock_without_a_zone_is_read_in_the_inputs_zone(source, count, worker):
    whole = f"d['when'] = d['when'].dt.tz_localize(None)\nd['f'] = d['count'].{source}\nd = d[['when', 'f']]"
    answer = _replayed(whole, worker, frame=_readings(tz="Europe/Berlin"))
    assert len(answer.confirmed) == count


def test_a_row_number_in_time_counts_in_steps(worker):
    frame = pd.DataFrame({"year": np.arange(1980, 2026), "size": np.random.default_rng(1).normal(size=46)})
    answer = _replayed(
        "d['f'] = d['size'].shift(-2)", worker, frame=frame, declarations=Declarations(time="year")
    )
    assert answer.column("f").horizon == "2 steps"


def test_labels_may_look_ahead_and_are_left_out(worker):
    source = "d['target'] = d['count'].shift(-1)\nd['f'] = d['count']"
    answer = _replayed(source, worker, declarations=Declarations(time="when", labels=("target",)))
    assert [column.column for column in answer.columns] == ["heat", "count", "f"]


def test_a_column_known_later_that_only_passes_through_is_left_to_judgement(worker):
    frame = _readings(late=1.0, seen=_readings()["when"] + pd.Timedelta("5h"))
    known = Declarations(time="when", known=(("late", "seen"),))
    column = _replayed("d['f'] = 1", worker, frame=frame, declarations=known).column("late")
    assert (column.verdict, "label" in column.reason) == (Proof.UNPROVED, True)


def test_means_of_what_has_not_been_seen_yet_are_confirmed(worker):
    frame = _readings(
        late=np.random.default_rng(2).normal(size=120), seen=_readings()["when"] + pd.Timedelta("5h")
    )
    known = Declarations(time="when", known=(("late", "seen"),))
    leaky = _replayed(
        "d['f'] = d['late'].shift(1).expanding().mean()", worker, frame=frame, declarations=known
    )
    clean = _replayed(
        "d['f'] = d['late'].shift(5).expanding().mean()", worker, frame=frame, declarations=known
    )
    assert [leaky.column("f").verdict, clean.column("f").verdict] == [Proof.CONFIRMED, Proof.NOT_REPRODUCED]


def test_the_picture_is_svg_that_names_the_column_and_the_cut(worker):
    column = _replayed("d['f'] = d['count'].shift(-1)", worker).column("f")
    picture = ET.fromstring(column.plot)  # noqa: S314 - our own text
    title = picture.findtext("{http://www.w3.org/2000/svg}title") or ""
    assert (title.startswith("f:"), str(column.witness.cut) in title) == (True, True)
