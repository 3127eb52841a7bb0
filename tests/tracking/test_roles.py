"""Which values are the model and its rows: read from the code, or asked for, never guessed."""

import pytest
from projects import CELLS, project

from nbprod import api
from nbprod.errors import NbprodError
from nbprod.settings import Production
from nbprod.tracking.roles import Roles, Value, roles_of

AS_USUAL = Roles(
    model=Value(name="model", stage="train"),
    train_x=Value(name="X_train", stage="split"),
    train_y=Value(name="y_train", stage="split"),
    test_x=Value(name="X_test", stage="split"),
    test_y=Value(name="y_test", stage="split"),
    features=Value(name="features", stage="features"),
    time="time",
)
SCALED = (
    "%%stage train\nfrom sklearn.preprocessing import StandardScaler\nscaler = StandardScaler()\n"
    "scaler.fit(X_train)\nmodel = LinearRegression().fit(scaler.transform(X_train), y_train)"
)


@pytest.mark.parametrize(
    "cells",
    [
        {},
        {"train": "%%stage train\nmodel = LinearRegression().fit(X_train, y_train)"},
        {"train": "%%stage train\nmodel = LinearRegression()\nmodel.fit(y=y_train, X=X_train)"},
        {"evaluate": "%%stage evaluate\nr2 = model.score(X_test, y_test)"},
        {"evaluate": "%%stage evaluate\nwrong = float((model.predict(X_test) - y_test).abs().mean())"},
    ],
    ids=[
        "fit on a line of its own",
        "fit in a chain",
        "by keyword",
        "judged by score",
        "judged by difference",
    ],
)
def test_the_code_says_what_is_what(tmp_path, cells):
    assert roles_of(api.plan(project(tmp_path, **cells))) == AS_USUAL


def test_what_is_fitted_on_the_way_is_not_the_model(tmp_path):
    judged = (
        "%%stage evaluate\npredicted = model.predict(scaler.transform(X_test))\nmae = abs(predicted - y_test)"
    )
    found = roles_of(
        api.plan(project(tmp_path, train=SCALED, evaluate=judged)), said=Production(model="model")
    )
    assert (found.model, found.train_x) == (Value(name="model", stage="train"), None)


def test_two_models_are_asked_about(tmp_path):
    cells = {
        "train": CELLS["train"] + "\nother = LinearRegression()\nother.fit(X_train, y_train)",
        "evaluate": CELLS["evaluate"] + "\nothers = other.predict(X_test)",
    }
    plan = api.plan(project(tmp_path, **cells))
    with pytest.raises(NbprodError, match="Several values are fitted: model, other"):
        roles_of(plan)
    assert roles_of(plan, said=Production(model="other")).model == Value(name="other", stage="train")


def test_predictions_changed_before_they_are_judged_have_no_labels_to_compare(tmp_path):
    judged = "%%stage evaluate\npredicted = model.predict(X_test) * 2\nmae = abs(predicted - y_test)"
    found = roles_of(api.plan(project(tmp_path, evaluate=judged)))
    assert (found.test_x, found.test_y) == (Value(name="X_test", stage="split"), None)
