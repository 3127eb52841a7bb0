"""One row alone gets the features and the prediction of the training, quickly where that is sure, and is checked first."""

import duckdb
import ibis
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ibis import _
from msgspec.structs import replace
from projects import CELLS, project, ran
from sklearn.compose import make_column_transformer
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier
from threadpoolctl import threadpool_limits

import nbprod
from nbprod import api
from nbprod.errors import NbprodError
from nbprod.tracking.serving.compiled import Query, slots_of_text
from nbprod.tracking.serving.models import direct
from nbprod.tracking.serving.steps import steps_of
from nbprod.tracking.serving.trace import NotCompiled, traced

FEATURES = """%%stage features --time time
placed = ibis.memtable(raw)
so_far = ibis.memtable(visits).mutate(
    seen=_.pages.sum().over(ibis.range_window(following=0, group_by="shop", order_by="time")),
)
joined = placed.asof_join(so_far, on=placed.time >= so_far.time, predicates=["shop"])
towns = ibis.memtable(places).rename(town_size="size")
nearby = ibis.trailing_range_window(ibis.interval(hours=6), group_by="shop", order_by="time")
features = (
    joined.left_join(towns, joined.shop == towns.town)
    .mutate(
        hour=_.time.hour(),
        ratio=_.seen / _["count"].nullif(0),
        busy=_.number.count().over(nearby),
        bought=_["count"].sum().over(nearby),
        largest=_["count"].max().over(nearby),
        log=_.x.exp().ln(),
    )
    .filter(_["count"] != 3)
    .select("number", "time", "x", "hour", "ratio", "busy", "bought", "largest", "log", "town_size")
    .order_by("number")
    .to_pandas()
)"""
IBIS = {
    "imports": CELLS["imports"] + "\nimport ibis\nimport numpy as np\nfrom ibis import _",
    "load": """%%stage load
raw = pd.read_parquet(source)
raw = raw[raw["time"].dt.day_of_year <= day + 10]
number = np.arange(len(raw))
raw = raw.assign(number=number, shop=pd.Series(list("abcd")).iloc[number % 4].to_numpy(), count=number % 7)
raw["shop"] = raw["shop"].mask(raw["number"] % 50 == 9)
visits = pd.DataFrame({"shop": list("abc") * 200, "pages": np.arange(600) % 11})
visits["time"] = pd.Timestamp("2026-01-03") + pd.to_timedelta(np.arange(600) * 97, unit="min")
places = pd.DataFrame({"town": ["a", "b", "e"], "size": [1.5, float("nan"), 3.0]})""",
    "expect": "%%expect raw\nColumnValuesToNotBeNull(column='x')\n"
    "ColumnValuesToBeBetween(column='count', min_value=0, max_value=6)",
    "features": FEATURES,
    "split": """%%stage split
labelled = features.merge(raw[["number", "y"]], on="number").fillna({"ratio": 0.0, "town_size": 0.0})
is_past = labelled["time"].dt.day_of_year <= day
X_train, y_train = labelled[is_past].drop(columns=["number", "time", "y"]), labelled.loc[is_past, "y"]
X_test, y_test = labelled[~is_past].drop(columns=["number", "time", "y"]), labelled.loc[~is_past, "y"]
X_train, X_test = X_train.fillna(0.0), X_test.fillna(0.0)""",
    "train": """%%stage train
from sklearn.ensemble import HistGradientBoostingRegressor
model = HistGradientBoostingRegressor(max_iter=15, random_state=seed)
model.fit(X_train, y_train)""",
}
PRODUCTION = '[tool.nbprod.production]\nmodel = "model"\ntime = "time"\n'


@pytest.fixture(scope="module")
def held(tmp_path_factory):
    """A champion whose features are one Ibis expression."""
    folder = tmp_path_factory.mktemp("shop")
    notebook = project(folder, **IBIS)
    (folder / "pyproject.toml").write_text(PRODUCTION)
    record = ran(notebook)
    api.promote(folder, record, force=True, why="the first")
    return nbprod.load("champion", root=folder, rows_as="raw")


@pytest.fixture(scope="module")
def served(held):
    return held.single_rows()


def features_of(held):
    return api.value(held.candidate.record, "features", stage="features").set_index("number", drop=False)


def test_every_row_alone_has_the_features_of_the_training_bit_for_bit(held, served):
    trained = features_of(held)
    assert served.slow == ()
    raw = held.context["raw"]
    rows = raw[raw["count"] != 3].to_dict("records")
    alone = pd.DataFrame([served.features(row) for row in rows]).astype(trained.dtypes)
    expected = trained.loc[list(alone["number"])].reset_index(drop=True)
    pd.testing.assert_frame_equal(alone, expected, check_exact=True)


def test_a_new_row_has_the_features_that_the_cells_give_it(held, served):
    first = held.context["raw"].iloc[700]
    new = {**first.to_dict(), "number": 10_000, "count": 6, "time": first["time"] + pd.Timedelta(minutes=11)}
    by_cells = held.features(pd.DataFrame([new])).iloc[0]
    alone = pd.Series(served.features(new))
    pd.testing.assert_series_equal(alone, by_cells, check_exact=True, check_names=False, check_dtype=False)


def test_a_changed_row_takes_the_place_of_the_one_with_its_number(held, served):
    new = {**held.context["raw"].iloc[701].to_dict(), "count": 5, "shop": "b"}
    by_cells = held.features(pd.DataFrame([new])).iloc[0]
    alone = pd.Series(served.features(new))
    pd.testing.assert_series_equal(alone, by_cells, check_exact=True, check_names=False, check_dtype=False)


def test_a_prediction_alone_is_that_of_the_batch(held, served):
    raw = held.context["raw"]
    rows = raw[raw["count"] != 3].iloc[-40:]
    together = held.predict(rows, judged=False)
    assert [served.predict(row) for row in rows.to_dict("records")] == list(together)


PASSED = {
    "int8": st.integers(-128, 127),
    "int64": st.integers(-(2**63), 2**63 - 1),
    "uint64": st.integers(0, 2**64 - 1),
    "float64": st.floats(),
    "string": st.text(
        st.characters(exclude_characters="\0", exclude_categories=["Cs"]) | st.sampled_from("\x1e\x1f'01=")
    ),
    "boolean": st.booleans(),
    "date": st.dates(),
    "decimal(12, 3)": st.decimals(-(10**8), 10**8, places=3),
}


@given(st.fixed_dictionaries({kind: st.none() | values for kind, values in PASSED.items()}))
def test_values_go_into_a_query_and_come_back_to_the_bit(row):
    asked = Query(name="asked", takes=tuple(row), gives=tuple(row))
    with duckdb.connect() as connection:
        connection.execute(f"prepare asked as {slots_of_text({kind: ibis.dtype(kind) for kind in row})}")
        back = connection.execute(asked.asked(row)).fetchone()
    assert repr(dict(zip(row, back, strict=True))) == repr(row)


REFUSED = {
    "a column is missing": (lambda row: {name: row[name] for name in row if name != "x"}, "lacks 'x'"),
    "text where a number was": (lambda row: {**row, "x": "many"}, "'x' of the row is 'many', a str"),
    "more than fits": (lambda row: {**row, "number": 2**63}, "'number' of the row is 9223372036854775808"),
    "half a piece": (lambda row: {**row, "count": 2.5}, "'count' of the row is 2.5, a float"),
    "a date as text": (lambda row: {**row, "time": "2026-02-01"}, "'time' of the row is '2026-02-01'"),
    "null where none may be": (lambda row: {**row, "x": None}, "breaks expect_column_values_to_not_be_null"),
    "out of bounds": (lambda row: {**row, "count": 70}, "breaks expect_column_values_to_be_between"),
    "a row that the stage leaves out": (lambda row: {**row, "count": 3}, "leaves out the row with number"),
}


@pytest.mark.parametrize(("change", "says"), REFUSED.values(), ids=REFUSED)
def test_a_row_that_is_not_as_it_must_be_is_refused(held, served, change, says):
    row = held.context["raw"].iloc[400].to_dict()
    served.predict(row)
    with pytest.raises(NbprodError, match=says):
        served.predict(change(row))


REFUSED_FRAMES = {
    "no frame": (list, "Rows are a list"),
    "a column is missing": (lambda rows: rows.drop(columns="x"), "The rows lack 'x'"),
    "a column is misspelt": (lambda rows: rows.rename(columns={"count": "counts"}), "Did you mean 'counts'"),
    "text where a number was": (
        lambda rows: rows.assign(x="many"),
        "Column 'x' is str .'many'.: the feature",
    ),
    "times as text": (lambda rows: rows.assign(time=rows["time"].astype(str)), "Column 'time' is"),
    "a number twice": (lambda rows: rows.assign(number=7), "Several rows have the number 7"),
    "a broken suite": (
        lambda rows: rows.assign(x=rows["x"].mask(rows["number"] % 2 == 0)),
        "'raw' column 'x' breaks expect_column_values_to_not_be_null",
    ),
}


@pytest.mark.parametrize(("change", "says"), REFUSED_FRAMES.values(), ids=REFUSED_FRAMES)
def test_rows_that_are_not_as_they_must_be_are_refused(held, change, says):
    with pytest.raises(NbprodError, match=says):
        held.predict(change(held.context["raw"].iloc[300:310]))


def test_rows_of_another_width_and_unknown_labels_are_taken(held):
    rows = held.context["raw"].iloc[[300, 301]]
    narrow = rows.assign(
        x=rows["x"].astype("float32").astype("float64"), y=None, count=rows["count"].astype("int32")
    )
    assert len(held.predict(narrow, judged=False)) == 2


# What isn't compiled, and why


RAW = pd.DataFrame(
    {"number": [1, 2], "time": pd.to_datetime(["2026-01-01"] * 2), "x": [0.5, 1.5], "n": [1, 2]}
)
ROWS = ibis.memtable(RAW)
LAST = ibis.trailing_range_window(ibis.interval(hours=1), order_by="time")
UNKNOWABLE = {
    "rounded numbers added up over rows": (ROWS.mutate(a=_.x.sum().over(LAST)), "the last bit depends"),
    "a window that counts rows": (ROWS.mutate(a=_.n.lag(1).over(order_by="time")), "'Lag' over a window"),
    "rows before, by number": (
        ROWS.mutate(a=_.n.sum().over(ibis.window(preceding=1, following=0, order_by="time"))),
        "counts rows",
    ),
    "months, which differ in length": (
        ROWS.mutate(a=_.n.sum().over(ibis.trailing_range_window(ibis.interval(months=1), order_by="time"))),
        "months or years",
    ),
    "an average of all": (ROWS.mutate(a=_.x - _.x.mean()), "depends on the order"),
    "groups of rows": (ROWS.group_by("n").agg(a=_.x.sum()), "'Aggregate' makes of all rows"),
    "the first rows": (ROWS.order_by("x").limit(1), "'Limit' makes of all rows"),
    "the rows beside themselves": (ROWS.left_join(ROWS.view(), "n"), "joined with themselves"),
    "chance": (ROWS.mutate(a=ibis.random()), "'RandomScalar' can't be settled"),
    "a key that is gone": (ROWS.drop("number").mutate(a=_.n.sum().over(LAST)), "'number', which tells rows"),
}


@pytest.mark.parametrize(("expression", "says"), UNKNOWABLE.values(), ids=UNKNOWABLE)
def test_what_one_row_can_not_know_is_not_compiled(expression, says):
    with pytest.raises(NotCompiled, match=says):
        steps_of(expression, ROWS.op(), key="number")


ONE_ROW = "features = ibis.memtable(raw).mutate(a=_.x + {}).to_pandas()"
UNTRACEABLE = {
    "pandas alone": ("features = raw.assign(a=1)", "don't come straight from one Ibis expression"),
    "pandas after": (ONE_ROW.format(1) + ".assign(b=1)", "don't come straight from one Ibis expression"),
    "pandas before": (ONE_ROW.format(1).replace("(raw)", "(raw.assign(b=1))"), "'raw' doesn't go into"),
    "a constant made of the rows": (ONE_ROW.format("raw['x'].mean()"), "A constant or another table is made"),
}


@pytest.mark.parametrize(("cell", "says"), UNTRACEABLE.values(), ids=UNTRACEABLE)
def test_cells_that_hide_the_expression_are_not_compiled(held, cell, says):
    imports = "import ibis\nfrom ibis import _"
    other = replace(held, cells=tuple(compile(one, "<cell>", "exec") for one in (imports, cell)))
    with pytest.raises(NotCompiled, match=says):
        traced(other)


BESIDE = """from threading import Thread
found = []
beside = Thread(target=lambda: found.append(len(ibis.memtable(raw).to_pandas())))
beside.start()
beside.join()
assert found == [len(raw)], found"""


def test_what_other_threads_execute_is_left_alone(held):
    imports = "import ibis\nfrom ibis import _"
    cells = (imports, BESIDE, ONE_ROW.format(1))
    other = replace(held, cells=tuple(compile(one, "<cell>", "exec") for one in cells))
    assert "a" in traced(other).expression.columns


def test_what_is_not_compiled_goes_by_the_cells_and_says_why(tmp_path):
    notebook = project(
        tmp_path,
        load=CELLS["load"] + "\nraw = raw.assign(number=range(len(raw)))",
        features=CELLS["features"].replace("past[['time', 'x']]", "past[['number', 'time', 'x']]"),
        split=CELLS["split"].replace("drop(columns='time')", "drop(columns=['number', 'time'])"),
        expect="",
    )
    api.promote(tmp_path, ran(notebook), force=True, why="the first")
    held = nbprod.load("champion", root=tmp_path)
    served = held.single_rows()
    row = held.context["raw"].iloc[500]
    assert served.slow == (
        "Features by the cells: The features don't come straight from one Ibis expression.",
    )
    assert (
        served.predict(row.to_dict()) == held.predict(row.to_frame().T.astype(held.context["raw"].dtypes))[0]
    )


# Models


def frame(count: int = 600) -> pd.DataFrame:
    random = np.random.default_rng(3)
    rows = pd.DataFrame(random.normal(size=(count, 3)), columns=list("uvw"))
    rows["w"] = rows["w"].mask(random.random(count) < 0.1)
    return rows.assign(kind=random.choice(["red", "green", "blue"], count))


LABELS = frame()["u"] * 2 + frame()["v"] ** 2 + (frame()["kind"] == "red")
ENCODED = make_column_transformer(
    (OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan), ["kind"]),
    remainder="passthrough",
)
WHOLE = make_column_transformer(
    (OneHotEncoder(handle_unknown="ignore"), ["kind"]),
    (make_pipeline(SimpleImputer(), StandardScaler()), ["u", "v", "w"]),
)
MODELS = {
    "boosting": make_pipeline(ENCODED, HistGradientBoostingRegressor(max_iter=20, categorical_features=[0])),
    "boosted counts": make_pipeline(ENCODED, HistGradientBoostingRegressor(max_iter=9, loss="poisson")),
    "boosted classes": make_pipeline(ENCODED, HistGradientBoostingClassifier(max_iter=9)),
    "a line": make_pipeline(WHOLE, LinearRegression()),
    "a logistic line": make_pipeline(WHOLE, LogisticRegression()),
    "a forest": make_pipeline(WHOLE, RandomForestRegressor(n_estimators=7, random_state=0)),
    "a tree": make_pipeline(WHOLE, DecisionTreeClassifier(max_depth=4)),
}


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_a_model_asked_directly_says_what_it_says_by_predict(model):
    is_class = hasattr(model[-1], "predict_proba")
    labels = pd.cut(LABELS, 3, labels=["low", "mid", "high"]).astype(str) if is_class else LABELS.abs()
    rows = frame()
    with threadpool_limits(limits=1):
        model.fit(rows, labels)
    answer = direct(model, rows)
    strange = rows.assign(kind="mauve", u=rows["u"] * 100).iloc[:15]
    for asked in (rows.iloc[:15], strange):
        with threadpool_limits(limits=1):
            expected = [model.predict(asked.iloc[[place]])[0] for place in range(len(asked))]
        assert [answer(values) for values in asked.itertuples(index=False)] == expected


UNASKED = {
    "a class that isn't known": make_pipeline(WHOLE, KNeighborsRegressor()),
    "a function of the notebook": make_pipeline(WHOLE, FunctionTransformer(np.tanh), LinearRegression()),
}


@pytest.mark.parametrize("model", UNASKED.values(), ids=UNASKED)
def test_a_model_that_is_not_known_is_left_to_scikit_learn(model):
    model.fit(frame(), LABELS)
    with pytest.raises(NotCompiled, match="There is no quick way for"):
        direct(model, frame())
