"""The ladder says what the project's rung lacks and what the next one would ask for, and stops saying it once it's there."""

import json

import pytest
from projects import project, ran

from nbprod import api
from nbprod.api.ladder import rungs
from nbprod.faces.cli import exit_code_of

SUITES = "%%expect raw\nColumnValuesToNotBeNull(column='x')"
PRODUCTION = '[tool.nbprod]\nlevel = "{}"\nstore = "{}"\n[tool.nbprod.production]\nalert = "{}"\n'


def settle(folder, level, *, store=".nbprod/store", alert=""):
    (folder / "pyproject.toml").write_text(PRODUCTION.format(level, store, alert))


def lacking(folder) -> list[str]:
    """What is missing of any rung, in the words before the colon."""
    return [one.says.partition(":")[0] for one in rungs(folder, api.settings_for(folder)) if not one.holds]


def laddered(folder) -> list[tuple[str, bool, str, bool]]:
    """Each step as doctor tells it: its rung, whether it is good, what, and whether a remedy is said."""
    return [
        (one.name, one.is_good, one.says.removeprefix("next: ").partition(":")[0], bool(one.remedy))
        for one in api.doctor(folder)
        if one.name.startswith("level ")
    ]


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """A project that ran once and expects nothing of its data."""
    folder = tmp_path_factory.mktemp("bare")
    notebook = project(folder, expect="")
    ran(notebook, day=20)
    return folder


def test_a_project_that_ran_nothing_lacks_what_only_runs_can_give(tmp_path):
    settle(tmp_path, "prototype")
    assert lacking(tmp_path) == [
        "drift reports",
        "a champion",
        "triggers and gates",
        "alerts",
        "a store that others reach",
    ]


def test_data_that_nothing_is_expected_of_is_named(bare):
    (said,) = [one.says for one in rungs(bare, api.settings_for(bare)) if one.says.startswith("validation")]
    assert said == "validation: nothing is expected of raw, features, past"


@pytest.mark.parametrize(
    ("level", "told"),
    [
        (
            "prototype",
            [
                ("level prototype", True, "tracking", False),
                ("level prototype", True, "reproducibility", False),
                ("level small", True, "validation", True),
                ("level small", True, "drift reports", True),
                ("level small", True, "a champion", True),
            ],
        ),
        (
            "small",
            [
                ("level prototype", True, "tracking", False),
                ("level prototype", True, "reproducibility", False),
                ("level small", False, "validation", True),
                ("level small", False, "drift reports", True),
                ("level small", False, "a champion", True),
                ("level scale", True, "triggers and gates", True),
                ("level scale", True, "alerts", True),
                ("level scale", True, "a store that others reach", True),
            ],
        ),
    ],
    ids=["the first rung, and what the next one asks for", "the second rung, of which all is missing"],
)
def test_doctor_faults_what_the_rung_lacks_and_foretells_the_next(bare, level, told):
    settle(bare, level)
    assert laddered(bare) == told


def test_each_step_that_is_taken_is_asked_for_no_more(bare, capsys, monkeypatch):
    settle(bare, "scale", store=(bare / "shared").as_uri(), alert="true")
    seen = [lacking(bare)]
    notebook = project(bare, expect=SUITES)
    api.retrain(notebook, "never", parameters={"day": 20})
    seen.append(lacking(bare))
    api.monitor(bare)
    seen.append(lacking(bare))
    monkeypatch.chdir(bare)
    exit_code_of(["doctor", "--json"])
    ladder = [one for one in json.loads(capsys.readouterr().out) if one["name"].startswith("level ")]
    assert seen == [
        ["validation", "drift reports", "a champion", "triggers and gates"],
        ["validation", "drift reports"],
        ["validation"],
    ]
    assert [one["says"] for one in ladder if not one["is_good"]] == [
        "validation: nothing is expected of features, past"
    ]
