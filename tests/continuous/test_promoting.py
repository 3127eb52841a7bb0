"""Champion and challenger of real runs: judged on the same later rows, promoted, refused, rolled back."""

import json

import pytest
from projects import CELLS, project, ran

from nbprod import api
from nbprod.faces.cli import exit_code_of


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A run that learns from few days; a later one that learns from more; one whose model is worse."""
    notebook = project(tmp_path_factory.mktemp("project"), expect="")
    worse = CELLS["train"].replace("fit(X_train, y_train)", "fit(X_train, -y_train)")
    features = CELLS["features"].replace("weekday=", "square=past['x'] ** 2, weekday=")
    first = ran(notebook, day=20)
    project(notebook.parent, expect="", train=worse)
    bad = ran(notebook, day=30)
    project(
        notebook.parent, expect="", features=features, train=CELLS["train"].replace("()\n", "()  # same\n")
    )
    return notebook.parent, first, bad, ran(notebook, day=30)


def test_promotions_pass_the_gate_or_say_why_not(runs):
    root, first, bad, other = runs
    told = [api.promote(root, one) for one in (first, bad, other)]
    assert [one.change is not None for one in told] == [True, False, False]
    assert told[0].gate.reason == "There is no champion yet."
    assert told[1].gate.reason.startswith("It is worse by")
    # The champion has fewer features: its own plan makes them of the challenger's rows.
    assert told[2].gate.champion == pytest.approx(told[2].gate.challenger, rel=0.1)
    assert told[2].gate.window[0] > told[0].version.trained_to


def test_a_forced_promotion_is_recorded_as_such_and_can_be_rolled_back(runs, capsys):
    root, first, bad, _ = runs
    api.promote(root, first)
    codes = [
        exit_code_of(["promote", bad.id, "--root", str(root)]),
        exit_code_of(["promote", bad.id, "--force", "--root", str(root)]),
        exit_code_of(["promote", bad.id, "--force", "--why", "a drill", "--root", str(root)]),
    ]
    champions = [api.models(root)[0].aliases["champion"]]
    capsys.readouterr()
    codes.append(exit_code_of(["rollback", "--why", "over", "--root", str(root), "--json"]))
    change = json.loads(capsys.readouterr().out)
    champions.append(api.models(root)[0].aliases["champion"])
    why = api.models(root)[0].history[1].why
    assert codes == [1, 2, 0, 0]
    assert (champions[1], change["kind"], change["why"]) == (1, "rollback", "over")
    assert why.startswith("a drill Forced, though the gate refused: It is worse by")
